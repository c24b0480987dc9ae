// Sorting and drawing a million objects takes longer than a frame, so it is done beside the page.
import { build, readPoints } from "./points-index";
import { type Drawn, draw, type Picture, type Square } from "./points-raster";

export type Order =
  | { kind: "take"; set: string; buffer: ArrayBuffer; width: number; height: number; colors: Uint8Array }
  /** Which classes of which sets are shown from here on; a set that is not named is hidden. */
  | { kind: "show"; shown: [string, Uint8Array][]; version: number }
  /** The squares that are wanted now; those asked for earlier and not drawn yet are not wanted any more. */
  | { kind: "want"; squares: Square[]; diameter: number };

export type Answer =
  | { kind: "taken"; set: string; counts: Uint32Array; crowd: number }
  | { kind: "fault"; set: string; fault: string }
  | { kind: "drawn"; square: Square; version: number; picture: Picture };

const NONE = new Uint8Array(256);
const sets = new Map<string, Drawn>();
let wanted: Square[] = [];
let diameter = 1;
let version = 0;
let drawing = false;

const answer = (said: Answer, give: Transferable[] = []) => self.postMessage(said, { transfer: give });

/** One square a turn, so that what is said meanwhile is heard. */
const turn = new MessageChannel();
turn.port1.onmessage = () => {
  const square = wanted.shift();
  if (!square) {
    drawing = false;
    return;
  }
  const picture = draw([...sets.values()], square, diameter);
  answer({ kind: "drawn", square, version, picture }, [picture.rgba.buffer]);
  turn.port2.postMessage(null);
};

function take({ set, buffer, width, height, colors }: Extract<Order, { kind: "take" }>): void {
  try {
    const index = build(readPoints(buffer), width, height);
    sets.set(set, { index, colors, shown: NONE });
    answer({ kind: "taken", set, counts: index.counts, crowd: index.crowd });
  } catch (error) {
    answer({ kind: "fault", set, fault: error instanceof Error ? error.message : String(error) });
  }
}

self.onmessage = ({ data }: MessageEvent<Order>) => {
  if (data.kind === "take") return take(data);
  if (data.kind === "show") {
    version = data.version;
    const shown = new Map(data.shown);
    for (const [set, one] of sets) one.shown = shown.get(set) ?? NONE;
    wanted = [];
    return;
  }
  wanted = data.squares;
  diameter = data.diameter;
  if (drawing) return;
  drawing = true;
  turn.port2.postMessage(null);
};
