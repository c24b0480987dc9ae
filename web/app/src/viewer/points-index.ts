// Objects by the million, sorted by place, so that a part of the slide reads only its own.

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

export interface Index {
  count: number;
  /** Sorted by block, rows of blocks one after another. */
  xy: Float32Array;
  classes: Uint8Array;
  blockWidth: number;
  blockHeight: number;
  /** Where each block begins; one more than there are blocks. */
  starts: Uint32Array;
  /** How many of each class. */
  counts: Uint32Array;
  /** Objects in a square level-0 pixel: three quarters of them have no closer company than this. */
  crowd: number;
}

const BLOCKS = 128;
const blockAt = (place: number, edge: number) => Math.min(Math.max(Math.floor(place / edge), 0), BLOCKS - 1);

export function build({ count, xy: from, classes: kinds }: Points, width: number, height: number): Index {
  const blockWidth = width / BLOCKS;
  const blockHeight = height / BLOCKS;
  const of = new Uint16Array(count);
  const starts = new Uint32Array(BLOCKS * BLOCKS + 1);
  const counts = new Uint32Array(256);
  for (let i = 0; i < count; i++) {
    const row = blockAt(from[2 * i + 1] as number, blockHeight);
    const block = row * BLOCKS + blockAt(from[2 * i] as number, blockWidth);
    of[i] = block;
    starts[block + 1] = (starts[block + 1] as number) + 1;
    counts[kinds[i] as number] = (counts[kinds[i] as number] as number) + 1;
  }
  const crowd = crowding(starts.subarray(1), count) / (blockWidth * blockHeight);
  for (let b = 0; b < BLOCKS * BLOCKS; b++) starts[b + 1] = (starts[b + 1] as number) + (starts[b] as number);
  const next = starts.slice();
  const xy = new Float32Array(count * 2);
  const classes = new Uint8Array(count);
  for (let i = 0; i < count; i++) {
    const block = of[i] as number;
    const at = next[block] as number;
    next[block] = at + 1;
    xy[2 * at] = from[2 * i] as number;
    xy[2 * at + 1] = from[2 * i + 1] as number;
    classes[at] = kinds[i] as number;
  }
  return { count, xy, classes, blockWidth, blockHeight, starts, counts, crowd };
}

/** How many share a block with the object that is more crowded than three quarters of all. */
function crowding(blocks: Uint32Array, count: number): number {
  let below = 0;
  for (const here of blocks.filter((one) => one > 0).sort()) {
    below += here;
    if (below >= count * 0.75) return here;
  }
  return 0;
}

/**
 * Calls with each run of objects whose blocks touch a rectangle; a row of blocks is one run. What lies beside the
 * slide is in the blocks at its edge.
 */
export function runs(
  index: Index,
  [left, top, right, bottom]: readonly [number, number, number, number],
  act: (from: number, to: number) => void,
): void {
  const first = blockAt(left, index.blockWidth);
  const last = blockAt(right, index.blockWidth);
  const end = blockAt(bottom, index.blockHeight);
  for (let row = blockAt(top, index.blockHeight); row <= end; row++) {
    const from = index.starts[row * BLOCKS + first] as number;
    const to = index.starts[row * BLOCKS + last + 1] as number;
    if (to > from) act(from, to);
  }
}
