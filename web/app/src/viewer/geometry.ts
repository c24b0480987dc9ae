// Outlines on the wire (y down, rings open) and in the viewer (y up, rings closed).
import type { Outline, Position, Region, Ring, Shape } from "../api/types";

export type Coordinates = number[][][];

export function toMap(outline: Outline): Coordinates[] {
  return outline.map((part) =>
    part.map((ring) => {
      const closed = ring.map(([x, y]) => [x, -y]);
      if (closed[0]) closed.push([...closed[0]]);
      return closed;
    }),
  );
}

const round = (value: number) => Math.round(value * 100) / 100;

export function fromMap(parts: Coordinates[]): Outline {
  return parts.map((part) =>
    part.map((ring) => {
      const open = ring.map(([x = 0, y = 0]): [number, number] => [round(x), round(-y)]);
      const first = open[0];
      const last = open.at(-1);
      if (open.length > 1 && first && last && first[0] === last[0] && first[1] === last[1]) open.pop();
      return open;
    }),
  );
}

export function ringArea(ring: Ring): number {
  let twice = 0;
  for (let i = 0; i < ring.length; i++) {
    const [x1, y1] = ring[i] as [number, number];
    const [x2, y2] = ring[(i + 1) % ring.length] as [number, number];
    twice += x1 * y2 - x2 * y1;
  }
  return twice / 2;
}

/** Area in square pixels: outer rings less their holes. */
export function area(outline: Outline): number {
  let sum = 0;
  for (const part of outline)
    part.forEach((ring, at) => {
      sum += (at === 0 ? 1 : -1) * Math.abs(ringArea(ring));
    });
  return sum;
}

export function bounds(outline: Outline): Region | null {
  let [left, top, right, bottom] = [Infinity, Infinity, -Infinity, -Infinity];
  for (const part of outline)
    for (const [x, y] of part[0] ?? []) {
      left = Math.min(left, x);
      right = Math.max(right, x);
      top = Math.min(top, y);
      bottom = Math.max(bottom, y);
    }
  return left < right ? { x: left, y: top, width: right - left, height: bottom - top } : null;
}

/** A point on the wire and in the viewer. */
export const pointToMap = ([x, y]: Position): number[] => [x, -y];
export const pointFromMap = ([x = 0, y = 0]: number[]): Position => [round(x), round(-y)];

/** The one of the two that there is. */
export function shapeOf(one: { outline?: Outline | null; point?: Position | null }): Shape | null {
  if (one.outline) return { outline: one.outline };
  return one.point ? { point: one.point } : null;
}

/** Level-0 pixels to each side of a point that are shown with it. */
const BESIDE = 32;

/** What of the slide is to be seen to see the shapes. */
export function boundsOf(shapes: Shape[]): Region | null {
  const around = ([x, y]: Position): Outline => [
    [
      [
        [x - BESIDE, y - BESIDE],
        [x + BESIDE, y + BESIDE],
      ],
    ],
  ];
  return bounds(shapes.flatMap(({ outline, point }) => outline ?? around(point)));
}

/** Fewer corners, none of them further than `tolerance` from where the line was (Douglas and Peucker). */
export function simplify(ring: Ring, tolerance: number): Ring {
  if (ring.length < 5) return ring;
  let far = 0;
  const [x0, y0] = ring[0] as [number, number];
  ring.forEach(([x, y], i) => {
    const [fx, fy] = ring[far] as [number, number];
    if ((x - x0) ** 2 + (y - y0) ** 2 > (fx - x0) ** 2 + (fy - y0) ** 2) far = i;
  });
  const keep = new Set([0, far]);
  const closed: Ring = [...ring, [x0, y0]];
  const stack: [number, number][] = [
    [0, far],
    [far, ring.length],
  ];
  for (let span = stack.pop(); span; span = stack.pop()) {
    const [from, to] = span;
    const [ax, ay] = closed[from] as [number, number];
    const [bx, by] = closed[to] as [number, number];
    const length = Math.hypot(bx - ax, by - ay) || 1;
    let worst = tolerance;
    let at = -1;
    for (let i = from + 1; i < to; i++) {
      const [x, y] = closed[i] as [number, number];
      const off = Math.abs((bx - ax) * (ay - y) - (ax - x) * (by - ay)) / length;
      if (off > worst) {
        worst = off;
        at = i;
      }
    }
    if (at > 0) {
      keep.add(at);
      stack.push([from, at], [at, to]);
    }
  }
  return ring.filter((_, i) => keep.has(i));
}
