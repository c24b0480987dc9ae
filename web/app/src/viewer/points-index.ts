// A million objects, sorted so that a view draws only its own, and counted so that a far view shows all.
//
// Near, each object in view is drawn. Far, where there are more than a screen can hold apart, cells of
// counts are drawn: how much of a cell its objects would cover, in the mean of their colours. Nothing
// is left out by sampling at any zoom, and a lone object stays visible.

export interface Points {
  count: number;
  xy: Float32Array;
  classes: Uint8Array;
}

const MAGIC = 0x31414e42;
const HEADER = 8;

/** Reads the server's binary form: magic, count, pairs of f32, one class byte each, little endian. */
export function readPoints(buffer: ArrayBuffer): Points {
  const view = new DataView(buffer);
  if (buffer.byteLength < HEADER || view.getUint32(0, true) !== MAGIC) throw new Error("no annotation file");
  const count = view.getUint32(4, true);
  if (buffer.byteLength !== HEADER + count * 9) throw new Error("annotation file is cut short");
  return {
    count,
    xy: new Float32Array(buffer, HEADER, count * 2),
    classes: new Uint8Array(buffer, HEADER + count * 8, count),
  };
}

export interface Cells {
  columns: number;
  rows: number;
  /** Level-0 pixels of a cell's edge. */
  edge: number;
  /** RGBA of each cell, ready for a canvas. */
  rgba: Uint8ClampedArray<ArrayBuffer>;
}

export interface Index {
  count: number;
  /** Sorted by block, rows of blocks one after another. */
  xy: Float32Array<ArrayBuffer>;
  classes: Uint8Array<ArrayBuffer>;
  blocks: number;
  blockWidth: number;
  blockHeight: number;
  /** Where each block begins; one more than there are blocks. */
  starts: Uint32Array<ArrayBuffer>;
  /** Finest first, each half of the one before. */
  cells: Cells[];
}

const BLOCKS = 64;
const FINEST = 2048;
const COARSEST = 256;
/** No cell with an object in it is fainter than this. */
const FAINTEST = 0.3;

export function build(
  points: Points,
  width: number,
  height: number,
  colors: [number, number, number][],
  diameter: number,
): Index {
  const blockWidth = width / BLOCKS;
  const blockHeight = height / BLOCKS;
  const clamp = (value: number) => Math.min(Math.max(Math.floor(value), 0), BLOCKS - 1);
  const of = new Uint16Array(points.count);
  const starts = new Uint32Array(BLOCKS * BLOCKS + 1);
  for (let i = 0; i < points.count; i++) {
    const block =
      clamp((points.xy[2 * i + 1] as number) / blockHeight) * BLOCKS +
      clamp((points.xy[2 * i] as number) / blockWidth);
    of[i] = block;
    starts[block + 1] = (starts[block + 1] as number) + 1;
  }
  for (let b = 0; b < BLOCKS * BLOCKS; b++) starts[b + 1] = (starts[b + 1] as number) + (starts[b] as number);
  const next = starts.slice();
  const xy = new Float32Array(points.count * 2);
  const classes = new Uint8Array(points.count);
  for (let i = 0; i < points.count; i++) {
    const block = of[i] as number;
    const at = next[block] as number;
    next[block] = at + 1;
    xy[2 * at] = points.xy[2 * i] as number;
    xy[2 * at + 1] = points.xy[2 * i + 1] as number;
    classes[at] = points.classes[i] as number;
  }
  const cells = count(xy, classes, width, height, colors, diameter);
  return { count: points.count, xy, classes, blocks: BLOCKS, blockWidth, blockHeight, starts, cells };
}

function count(
  xy: Float32Array,
  classes: Uint8Array,
  width: number,
  height: number,
  colors: [number, number, number][],
  diameter: number,
): Cells[] {
  let edge = Math.max(width, height) / FINEST;
  let columns = Math.ceil(width / edge);
  let rows = Math.ceil(height / edge);
  // Sums per cell: how many, and their red, green and blue.
  let sums = new Float32Array(columns * rows * 4);
  for (let i = 0; i < classes.length; i++) {
    const column = Math.min(Math.max(Math.floor((xy[2 * i] as number) / edge), 0), columns - 1);
    const row = Math.min(Math.max(Math.floor((xy[2 * i + 1] as number) / edge), 0), rows - 1);
    const at = (row * columns + column) * 4;
    const color = colors[(classes[i] as number) % colors.length] as [number, number, number];
    sums[at] = (sums[at] as number) + 1;
    sums[at + 1] = (sums[at + 1] as number) + color[0];
    sums[at + 2] = (sums[at + 2] as number) + color[1];
    sums[at + 3] = (sums[at + 3] as number) + color[2];
  }
  const levels: Cells[] = [];
  for (;;) {
    levels.push({
      columns,
      rows,
      edge,
      rgba: paint(sums, (Math.PI * diameter * diameter) / (4 * edge * edge)),
    });
    if (Math.max(columns, rows) <= COARSEST) return levels;
    const halfColumns = Math.ceil(columns / 2);
    const halfRows = Math.ceil(rows / 2);
    const half = new Float32Array(halfColumns * halfRows * 4);
    for (let row = 0; row < rows; row++)
      for (let column = 0; column < columns; column++) {
        const from = (row * columns + column) * 4;
        if (sums[from] === 0) continue;
        const to = ((row >> 1) * halfColumns + (column >> 1)) * 4;
        for (let k = 0; k < 4; k++) half[to + k] = (half[to + k] as number) + (sums[from + k] as number);
      }
    sums = half;
    columns = halfColumns;
    rows = halfRows;
    edge *= 2;
  }
}

function paint(sums: Float32Array, covered: number): Uint8ClampedArray<ArrayBuffer> {
  const rgba = new Uint8ClampedArray(sums.length);
  for (let at = 0; at < sums.length; at += 4) {
    const n = sums[at] as number;
    if (n === 0) continue;
    rgba[at] = (sums[at + 1] as number) / n;
    rgba[at + 1] = (sums[at + 2] as number) / n;
    rgba[at + 2] = (sums[at + 3] as number) / n;
    rgba[at + 3] = 255 * Math.max(FAINTEST, 1 - Math.exp(-n * covered));
  }
  return rgba;
}

export interface Run {
  from: number;
  count: number;
}

/** The runs of sorted objects whose blocks touch a rectangle; a row of blocks is one run. */
export function inView(index: Index, left: number, top: number, right: number, bottom: number): Run[] {
  const clamp = (value: number) => Math.min(Math.max(Math.floor(value), 0), index.blocks - 1);
  if (
    right < 0 ||
    bottom < 0 ||
    left > index.blockWidth * index.blocks ||
    top > index.blockHeight * index.blocks
  )
    return [];
  const first = clamp(left / index.blockWidth);
  const last = clamp(right / index.blockWidth);
  const runs: Run[] = [];
  for (let row = clamp(top / index.blockHeight); row <= clamp(bottom / index.blockHeight); row++) {
    const from = index.starts[row * index.blocks + first] as number;
    const to = index.starts[row * index.blocks + last + 1] as number;
    if (to > from) runs.push({ from, count: to - from });
  }
  return runs;
}
