// Two slides that move together.
import type View from "ol/View";
import type { SlideViewer } from "./slide-viewer";

/** Until the returned function is called: offset and scale between the two at this moment are kept. */
export function link(a: SlideViewer, b: SlideViewer): () => void {
  const [va, vb] = [a.map.getView(), b.map.getView()];
  const micrometre = (viewer: SlideViewer) => viewer.image.mpp?.x ?? 1;
  const scale = micrometre(a) / micrometre(b);
  const [ax = 0, ay = 0] = va.getCenter() ?? [];
  const [bx = 0, by = 0] = vb.getCenter() ?? [];
  const offset = [bx - ax * scale, by - ay * scale] as const;
  let leading = false;
  const follow = (from: View, to: View, factor: number, shift: readonly [number, number]) => () => {
    if (leading) return;
    leading = true;
    const [x = 0, y = 0] = from.getCenter() ?? [];
    to.setCenter([x * factor + shift[0], y * factor + shift[1]]);
    to.setResolution((from.getResolution() ?? 1) * factor);
    leading = false;
  };
  const forth = follow(va, vb, scale, offset);
  const back = follow(vb, va, 1 / scale, [-offset[0] / scale, -offset[1] / scale]);
  va.on("change", forth);
  vb.on("change", back);
  forth();
  return () => {
    va.un("change", forth);
    vb.un("change", back);
  };
}
