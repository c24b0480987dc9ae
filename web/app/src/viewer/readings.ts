// Two readers' outlines of one finding over each other, told apart by line and number, not by colour alone.
import Feature from "ol/Feature";
import MultiPolygon from "ol/geom/MultiPolygon";
import Point from "ol/geom/Point";
import VectorLayer from "ol/layer/Vector";
import VectorSource from "ol/source/Vector";
import { Circle, Fill, Stroke, Style, Text } from "ol/style";
import type { Shape } from "../api/types";
import { POINT_RADIUS } from "./finding-style";
import { pointToMap, toMap } from "./geometry";

/** Which of the two readers. */
export type Place = 0 | 1;

/** What a reader drew: an outline, or a point. */
export type ReaderOutline = { place: Place } & Shape;

interface Line {
  color: string;
  width: number;
  dash: number[] | undefined;
}

/** The dashed line lies upon the solid one: where both run the same way, both are seen. */
export const lines: Record<Place, Line> = {
  0: { color: "#00497f", width: 4, dash: undefined },
  1: { color: "#c44e00", width: 3, dash: [10, 9] },
};

const halo = new Style({ stroke: new Stroke({ color: "rgba(255,255,255,0.85)", width: 7 }), zIndex: 0 });

function lineOf(place: Place): Style[] {
  const { color, width, dash } = lines[place];
  return [
    halo,
    new Style({ stroke: new Stroke({ color, width, lineDash: dash, lineCap: "butt" }), zIndex: 1 + place }),
  ];
}

/** The same as rings, of one size at every zoom. */
function ringOf(place: Place): Style[] {
  return lineOf(place).map((style) => {
    const image = new Circle({ radius: POINT_RADIUS, stroke: style.getStroke() ?? undefined });
    return new Style({ image, zIndex: style.getZIndex() });
  });
}

/** A point's number stands beside its ring: both readers' may be at one place. */
const BESIDE_RING = 24;

function numberOf(place: Place, beside: boolean): Style {
  const up = beside ? (place === 0 ? BESIDE_RING : -BESIDE_RING) : 0;
  return new Style({
    image: new Circle({
      radius: 10,
      fill: new Fill({ color: lines[place].color }),
      stroke: new Stroke({ color: "#ffffff", width: 2 }),
      displacement: [0, up],
    }),
    text: new Text({
      text: String(place + 1),
      font: "600 12px sans-serif",
      fill: new Fill({ color: "#ffffff" }),
      offsetY: 1 - up,
    }),
    zIndex: 3 + place,
  });
}

/** Where its number stands: the first reader's at the highest corner, the second's at the lowest. */
export function numberAt({ place, outline, point }: ReaderOutline): [number, number] | null {
  if (point) return point;
  const corners = outline.flatMap((part) => part[0] ?? []);
  const higher = (a: [number, number], b: [number, number]) => (a[1] < b[1] === (place === 0) ? a : b);
  return corners.length > 0 ? corners.reduce(higher) : null;
}

export class ReadingsLayer {
  private readonly source = new VectorSource<Feature<MultiPolygon | Point>>();
  readonly layer = new VectorLayer({
    source: this.source,
    zIndex: 6,
    updateWhileAnimating: true,
    updateWhileInteracting: true,
  });

  show(all: ReaderOutline[]): void {
    this.source.clear(true);
    for (const one of all) {
      const line = new Feature<MultiPolygon | Point>(
        one.outline ? new MultiPolygon(toMap(one.outline)) : new Point(pointToMap(one.point)),
      );
      line.setStyle(one.outline ? lineOf(one.place) : ringOf(one.place));
      this.source.addFeature(line);
      const at = numberAt(one);
      if (!at) continue;
      const number = new Feature<MultiPolygon | Point>(new Point([at[0], -at[1]]));
      number.setStyle(numberOf(one.place, one.point !== undefined));
      this.source.addFeature(number);
    }
  }
}
