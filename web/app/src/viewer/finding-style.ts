// How a finding looks on the slide: dashed while it is a machine's proposal, solid once a person stands for it.
import { Circle, Fill, Stroke, Style } from "ol/style";
import type { Finding, Outline } from "../api/types";

export interface Shown {
  finding: Finding;
  color: string;
  selected: boolean;
}

/** Where a finding is: its outline, or the places of a slide's faults. */
export function outlineOf(finding: Finding): Outline {
  if (finding.outline) return finding.outline;
  const places = finding.quality?.reasons.flatMap(({ region }) => (region ? [region] : [])) ?? [];
  return places.map(({ x, y, width, height }) => [
    [
      [x, y],
      [x + width, y],
      [x + width, y + height],
      [x, y + height],
    ],
  ]);
}

/** Nothing is painted over the stain, whose colours are what is judged; it only lets a click inside pick a region. */
const unseen = new Fill({ color: "rgba(0,0,0,0)" });

/** Screen pixels: a point is as large at every zoom, and what it marks is seen inside the ring. */
export const POINT_RADIUS = 9;

/** A chosen one has a double line. */
export function styleOf({ finding, color, selected }: Shown): Style[] {
  const settled =
    finding.state === "accepted" || finding.state === "corrected" || finding.state === "released";
  const refused = finding.state === "refused";
  const dash = settled || finding.by_person ? undefined : refused ? [2, 7] : [9, 6];
  const zIndex = selected ? 2 : 1;
  const line = (color: string, width: number, lineDash?: number[]) => {
    const stroke = new Stroke({ color, width, lineDash, lineCap: "butt" });
    if (!finding.point) return new Style({ stroke, zIndex });
    return new Style({ image: new Circle({ radius: POINT_RADIUS, stroke, fill: unseen }), zIndex });
  };
  const halo = line(selected ? "#ffffff" : "rgba(255,255,255,0.75)", selected ? 10 : 5);
  // A fault's place is often the whole slide: inside it other regions are to be picked.
  if (!finding.quality) halo.setFill(unseen);
  const drawn = [halo, line(refused ? `${color}99` : color, selected ? 7 : 2.5, dash)];
  return selected ? [...drawn, line("#ffffff", 2)] : drawn;
}
