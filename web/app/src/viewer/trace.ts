// From a painted mask to outlines: every border between painted and bare becomes a ring.
import type { Outline, Ring } from "../api/types";
import { ringArea } from "./geometry";

/** Rings along pixel borders, in mask pixels; outer rings hold their holes. Islands under `least` go. */
export function trace(mask: Uint8Array, width: number, height: number, least = 4): Outline {
  const on = (x: number, y: number) =>
    x >= 0 && y >= 0 && x < width && y < height && mask[y * width + x] !== 0;
  // Directed border edges with paint on their right, by starting corner.
  const edges = new Map<number, number[]>();
  const stride = width + 1;
  const add = (x1: number, y1: number, x2: number, y2: number) => {
    const from = y1 * stride + x1;
    const to = y2 * stride + x2;
    const list = edges.get(from);
    if (list) list.push(to);
    else edges.set(from, [to]);
  };
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      if (!on(x, y)) continue;
      if (!on(x, y - 1)) add(x, y, x + 1, y);
      if (!on(x + 1, y)) add(x + 1, y, x + 1, y + 1);
      if (!on(x, y + 1)) add(x + 1, y + 1, x, y + 1);
      if (!on(x - 1, y)) add(x, y + 1, x, y);
    }
  const rings: Ring[] = [];
  for (const [start, list] of edges)
    while (list.length > 0) {
      const ring: Ring = [];
      let before = -1;
      let at = start;
      do {
        const next = edges.get(at);
        if (!next || next.length === 0) break;
        // Where two borders touch in a corner, turn towards the paint so that rings do not cross.
        const pick = next.length > 1 && before >= 0 ? turn(before, at, next, stride) : 0;
        const to = next.splice(pick, 1)[0] as number;
        ring.push([at % stride, Math.floor(at / stride)]);
        before = at;
        at = to;
      } while (at !== start);
      rings.push(straight(ring));
    }
  const outers = rings.filter((ring) => ringArea(ring) > 0 && ringArea(ring) >= least);
  const holes = rings.filter((ring) => ringArea(ring) < 0 && -ringArea(ring) >= least);
  const parts: Outline = outers.map((ring) => [ring]);
  for (const hole of holes) {
    const [x, y] = hole[0] as [number, number];
    const owner = parts
      .filter((part) => contains(part[0] as Ring, x, y, hole))
      .sort((a, b) => ringArea(a[0] as Ring) - ringArea(b[0] as Ring))[0];
    owner?.push(hole);
  }
  return parts;
}

function turn(before: number, at: number, next: number[], stride: number): number {
  const dx = (at % stride) - (before % stride);
  const dy = Math.floor(at / stride) - Math.floor(before / stride);
  const right = next.findIndex((to) => {
    const ex = (to % stride) - (at % stride);
    const ey = Math.floor(to / stride) - Math.floor(at / stride);
    return dx * ey - dy * ex > 0;
  });
  return Math.max(0, right);
}

function straight(ring: Ring): Ring {
  return ring.filter(([x, y], i) => {
    const [px, py] = ring[(i + ring.length - 1) % ring.length] as [number, number];
    const [nx, ny] = ring[(i + 1) % ring.length] as [number, number];
    return (x - px) * (ny - y) !== (y - py) * (nx - x);
  });
}

/** Whether the hole lies inside: judged by a point just off its first corner, inside the hole. */
function contains(ring: Ring, x: number, y: number, hole: Ring): boolean {
  const [nx, ny] = hole[1] as [number, number];
  const [px, py] = hole.at(-1) as [number, number];
  const px0 = x + (Math.sign(nx - x) + Math.sign(px - x)) * 0.25;
  const py0 = y + (Math.sign(ny - y) + Math.sign(py - y)) * 0.25;
  let inside = false;
  for (let i = 0, j = ring.length - 1; i < ring.length; j = i++) {
    const [xi, yi] = ring[i] as [number, number];
    const [xj, yj] = ring[j] as [number, number];
    if (yi > py0 !== yj > py0 && px0 < ((xj - xi) * (py0 - yi)) / (yj - yi) + xi) inside = !inside;
  }
  return inside;
}
