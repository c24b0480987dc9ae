// How a finding looks on the slide: dashed while it is a machine's proposal, solid once a person stands for it.
import { Fill, Stroke, Style } from "ol/style";
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

export function styleOf({ finding, color, selected }: Shown): Style[] {
  const settled =
    finding.state === "accepted" || finding.state === "corrected" || finding.state === "released";
  const refused = finding.state === "refused";
  const line = new Stroke({
    color: refused ? `${color}99` : color,
    width: selected ? 3.5 : 2.5,
    lineDash: settled || finding.by_person ? undefined : refused ? [2, 7] : [9, 6],
  });
  return [
    new Style({
      stroke: new Stroke({ color: selected ? "#ffffff" : "rgba(255,255,255,0.75)", width: selected ? 8 : 5 }),
      fill: new Fill({ color: refused ? "rgba(0,0,0,0)" : `${color}${selected ? "22" : "12"}` }),
      zIndex: selected ? 2 : 1,
    }),
    new Style({ stroke: line, zIndex: selected ? 2 : 1 }),
  ];
}
