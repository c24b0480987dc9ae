// Keys of the comparison: the slide moves as on the case, J and K go from dispute to dispute.
import { useEffect, useRef } from "preact/hooks";
import type { SlideViewer } from "../../viewer/slide-viewer";
import { panning, typing, zooming } from "../case/keys";

export function useDisputeKeys(
  viewer: SlideViewer | null,
  asking: boolean,
  step: (by: 1 | -1) => void,
): void {
  const keyed = (event: KeyboardEvent) => {
    const target = event.target as HTMLElement;
    if (asking || event.ctrlKey || event.metaKey || event.altKey || typing(target)) return;
    const keys: Record<string, () => void> = {
      j: () => step(1),
      k: () => step(-1),
      ...zooming(viewer),
      ...(target.classList.contains("slide-map") ? panning(viewer) : {}),
    };
    const act = keys[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    if (!act) return;
    event.preventDefault();
    act();
  };
  const latest = useRef(keyed);
  latest.current = keyed;
  useEffect(() => {
    const act = (event: KeyboardEvent) => latest.current(event);
    addEventListener("keydown", act);
    return () => removeEventListener("keydown", act);
  }, []);
}
