// Squares of the picture of many objects.
//
// Near, each object is drawn. Far, where a screen cannot hold them apart, cells of counts are drawn: how much of
// a cell its objects would cover, in the mean of their colours. At no zoom is one left out or counted twice, and
// a lone object stays visible.
import { type Index, runs } from "./points-index";

export interface Drawn {
  index: Index;
  /** Red, green, blue of each class. */
  colors: Uint8Array;
  /** 1 for each class that is shown. */
  shown: Uint8Array;
}

/** A square of the picture, counted in squares from the slide's corner. */
export interface Square {
  column: number;
  row: number;
  /** Level-0 pixels of a pixel of the picture. */
  perPixel: number;
  /** Pixels of a cell of counts; 0 where each object is drawn. */
  cell: number;
}

export interface Picture {
  /** Pixels, or cells, of an edge. */
  edge: number;
  rgba: Uint8ClampedArray<ArrayBuffer>;
  /** How many objects it shows. */
  counted: number;
}

/** Pixels of a square's edge. */
export const EDGE = 256;
/** Fewer screen pixels than this for an object where they crowd, and a screen cannot hold them apart. */
const ROOM = 16;
/** Objects narrower than this on the screen are counted, not drawn. */
const NARROWEST = 2;
/** No cell with an object in it is fainter than this. */
const FAINTEST = 0.3;
const STRONGEST = 0.92;

/** Whether objects are counted at this zoom: the same all over the slide, so that nothing flips while it moves. */
export function counted(crowd: number, diameter: number, perScreenPixel: number): boolean {
  return crowd * perScreenPixel * perScreenPixel * ROOM > 1 || diameter / perScreenPixel < NARROWEST;
}

export function draw(sets: Drawn[], square: Square, diameter: number): Picture {
  return square.cell > 0 ? cells(sets, square, diameter) : discs(sets, square, diameter);
}

function cells(sets: Drawn[], { column, row, perPixel, cell }: Square, diameter: number): Picture {
  const edge = EDGE / cell;
  const span = cell * perPixel;
  const [left, top] = [column * edge, row * edge];
  const around = [left * span, top * span, (left + edge) * span, (top + edge) * span] as const;
  // How many in each cell, and their red, green and blue.
  const sums = new Float32Array(edge * edge * 4);
  let all = 0;
  for (const { index, colors, shown } of sets)
    runs(index, around, (from, to) => {
      for (let i = from; i < to; i++) {
        const kind = index.classes[i] as number;
        const x = Math.floor((index.xy[2 * i] as number) / span) - left;
        const y = Math.floor((index.xy[2 * i + 1] as number) / span) - top;
        if (x < 0 || y < 0 || x >= edge || y >= edge || !shown[kind]) continue;
        const at = (y * edge + x) * 4;
        sums[at] = (sums[at] as number) + 1;
        for (let k = 0; k < 3; k++)
          sums[at + k + 1] = (sums[at + k + 1] as number) + (colors[3 * kind + k] as number);
        all++;
      }
    });
  const rgba = new Uint8ClampedArray(sums.length);
  const covered = (Math.PI * diameter * diameter) / (4 * span * span);
  for (let at = 0; at < sums.length; at += 4) {
    const n = sums[at] as number;
    if (n === 0) continue;
    for (let k = 0; k < 3; k++) rgba[at + k] = (sums[at + k + 1] as number) / n;
    rgba[at + 3] = 255 * STRONGEST * Math.max(FAINTEST, 1 - Math.exp(-n * covered));
  }
  return { edge, rgba, counted: all };
}

function discs(sets: Drawn[], { column, row, perPixel }: Square, diameter: number): Picture {
  const radius = Math.min(Math.max(diameter / perPixel, 3), 56) / 2;
  const stamp = stampOf(radius);
  const reach = (stamp.edge >> 1) * perPixel;
  const [left, top] = [column * EDGE, row * EDGE];
  const around = [
    left * perPixel - reach,
    top * perPixel - reach,
    (left + EDGE) * perPixel + reach,
    (top + EDGE) * perPixel + reach,
  ] as const;
  const rgba = new Uint8ClampedArray(EDGE * EDGE * 4);
  let all = 0;
  for (const { index, colors, shown } of sets)
    runs(index, around, (from, to) => {
      for (let i = from; i < to; i++) {
        const kind = index.classes[i] as number;
        if (!shown[kind]) continue;
        const x = Math.floor((index.xy[2 * i] as number) / perPixel) - left;
        const y = Math.floor((index.xy[2 * i + 1] as number) / perPixel) - top;
        if (x >= 0 && y >= 0 && x < EDGE && y < EDGE) all++;
        print(rgba, stamp, x, y, colors, 3 * kind);
      }
    });
  return { edge: EDGE, rgba, counted: all };
}

interface Stamp {
  edge: number;
  alpha: Float32Array;
}

/** A disc; a ring around a dot where a disc would hide what it marks. */
function stampOf(radius: number): Stamp {
  const half = Math.ceil(radius);
  const edge = 2 * half + 1;
  const alpha = new Float32Array(edge * edge);
  const line = Math.min(1.1, radius / 4);
  for (let y = -half; y <= half; y++)
    for (let x = -half; x <= half; x++) {
      const far = Math.hypot(x, y);
      const inside = Math.min(Math.max(radius + 0.5 - far, 0), 1);
      const ring = Math.min(Math.max(line + 0.5 - Math.abs(radius - line - far), 0), 1);
      const dot = Math.min(Math.max(2 - far, 0), 1);
      alpha[(y + half) * edge + x + half] =
        radius < 5 ? 0.82 * inside : Math.max(0.92 * ring, 0.92 * dot, 0.1 * inside);
    }
  return { edge, alpha };
}

/** Lays a stamp's colour over what is there. */
function print(
  rgba: Uint8ClampedArray,
  { edge, alpha }: Stamp,
  x: number,
  y: number,
  colors: Uint8Array,
  color: number,
): void {
  const half = edge >> 1;
  const [red, green, blue] = [colors[color] ?? 0, colors[color + 1] ?? 0, colors[color + 2] ?? 0];
  const firstRow = Math.max(0, half - y);
  const endRow = Math.min(edge, EDGE + half - y);
  const first = Math.max(0, half - x);
  const end = Math.min(edge, EDGE + half - x);
  for (let sy = firstRow; sy < endRow; sy++)
    for (let sx = first; sx < end; sx++) {
      const over = alpha[sy * edge + sx] as number;
      if (over === 0) continue;
      const at = ((y + sy - half) * EDGE + x + sx - half) * 4;
      const under = ((rgba[at + 3] as number) / 255) * (1 - over);
      const sum = over + under;
      rgba[at] = (red * over + (rgba[at] as number) * under) / sum;
      rgba[at + 1] = (green * over + (rgba[at + 1] as number) * under) / sum;
      rgba[at + 2] = (blue * over + (rgba[at + 2] as number) * under) / sum;
      rgba[at + 3] = 255 * sum;
    }
}
