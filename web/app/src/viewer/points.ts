// The layer of many objects: squares that a worker draws, laid where the slide is.

import Layer from "ol/layer/Layer";
import type { FrameState } from "ol/Map";
import Source from "ol/source/Source";
import type { Answer, Order } from "./points.worker";
import { counted, EDGE, type Square } from "./points-raster";

/** What the legend says of how objects are drawn at this zoom. */
export type Look = "each" | "counts";

/** What is known of a set once it is sorted. */
export interface Taken {
  /** How many of each class. */
  counts: Uint32Array;
  crowd: number;
}

/** The squares of one zoom and one choice of what is shown. */
interface Level {
  perPixel: number;
  cell: number;
  version: number;
  squares: Map<string, HTMLCanvasElement>;
}

/** Screen pixels of a cell of counts. */
const CELL = 4;
const nameOf = ({ column, row }: { column: number; row: number }) => `${column} ${row}`;

/** Squares kept of one zoom: some screens full. */
const MOST_KEPT = 400;

export class PointsLayer extends Layer<Source> {
  private readonly canvas = document.createElement("canvas");
  /** Started at once, so that it is up when the objects are here. */
  private readonly worker = new Worker(new URL("./points.worker.ts", import.meta.url), { type: "module" });
  private readonly taken = new Map<string, Taken>();
  private readonly taking = new Map<string, { done: (taken: Taken) => void; fail: (why: Error) => void }>();
  private shown: ReadonlyMap<string, Uint8Array> = new Map();
  private version = 0;
  /** Being filled; laid on the screen once nothing of the view is missing. */
  private coming: Level | null = null;
  private laid: Level | null = null;
  /** What the worker was last asked for: of which level, and which squares. */
  private asked: { level: Level | null; names: Set<string> } = { level: null, names: new Set() };
  private look: Look | null = null;

  constructor(
    private readonly slide: { width: number; height: number },
    /** How wide an object is drawn, in level-0 pixels. */
    private readonly diameter: number,
    private readonly ears: { looks: (look: Look) => void; laid: (sets: string[]) => void },
  ) {
    super({ source: new Source({}), zIndex: 3 });
    this.canvas.className = "points-layer";
    this.worker.onmessage = ({ data }: MessageEvent<Answer>) => this.hear(data);
    this.worker.onerror = () => {
      for (const one of this.taking.values()) one.fail(new Error("objects could not be sorted"));
      this.taking.clear();
    };
  }

  /** Gives a set to the worker; its objects come to the screen by themselves where they are to be shown. */
  take(set: string, buffer: ArrayBuffer, colors: Uint8Array): Promise<Taken> {
    return new Promise((done, fail) => {
      this.taking.set(set, { done, fail });
      this.order({ kind: "take", set, buffer, ...this.slide, colors }, [buffer]);
    });
  }

  /** From here on these classes of these sets are shown, and nothing else. */
  choose(shown: ReadonlyMap<string, Uint8Array>): void {
    const same = ([set, classes]: [string, Uint8Array]) =>
      this.shown.get(set)?.every((on, at) => on === classes[at]) ?? false;
    if (shown.size === this.shown.size && [...shown].every(same)) return;
    this.shown = shown;
    this.anew();
  }

  /** What was drawn holds no longer. */
  private anew(): void {
    this.version += 1;
    this.order({ kind: "show", shown: [...this.shown], version: this.version });
    this.changed();
  }

  private order(order: Order, give: Transferable[] = []): void {
    this.worker.postMessage(order, give);
  }

  private hear(said: Answer): void {
    if (said.kind === "drawn") {
      this.put(said);
      return;
    }
    const waits = this.taking.get(said.set);
    this.taking.delete(said.set);
    if (said.kind === "fault") waits?.fail(new Error(said.fault));
    else {
      this.taken.set(said.set, said);
      if (this.shown.has(said.set)) this.anew();
      waits?.done(said);
    }
  }

  private put({ square, version, picture }: Extract<Answer, { kind: "drawn" }>): void {
    const level = [this.coming, this.laid].find(
      (one) => one?.version === version && one.perPixel === square.perPixel && one.cell === square.cell,
    );
    if (!level) return;
    const canvas = document.createElement("canvas");
    canvas.width = canvas.height = picture.edge;
    canvas.getContext("2d")?.putImageData(new ImageData(picture.rgba, picture.edge, picture.edge), 0, 0);
    level.squares.set(nameOf(square), canvas);
    this.changed();
  }

  override getSourceState(): "ready" {
    return "ready";
  }

  override render(frame: FrameState): HTMLElement {
    const [width, height] = frame.size.map((edge) => Math.round(edge * frame.pixelRatio)) as [number, number];
    if (this.canvas.width !== width || this.canvas.height !== height)
      Object.assign(this.canvas, { width, height });
    const { center, resolution } = frame.viewState;
    const perPixel = resolution / frame.pixelRatio;
    const left = (center[0] as number) - (width * perPixel) / 2;
    const top = -(center[1] as number) - (height * perPixel) / 2;
    this.want([left, top, width, height], perPixel, resolution, frame.viewHints[0] !== 0);
    this.lay(left, top, width, height, perPixel);
    return this.canvas;
  }

  /** Asks for what is missing, and lets a level that misses nothing take over. */
  private want(
    [left, top, width, height]: [number, number, number, number],
    perPixel: number,
    resolution: number,
    animating: boolean,
  ): void {
    let crowd = 0;
    for (const set of this.shown.keys()) crowd += this.taken.get(set)?.crowd ?? 0;
    const counts = counted(crowd, this.diameter, resolution);
    // A device may have several pixels for one of the screen; a cell is as wide to the eye on each.
    const cell = counts ? Math.min(32, CELL * 2 ** Math.round(Math.log2(resolution / perPixel))) : 0;
    const same = (one: Level | null) =>
      one?.perPixel === perPixel && one.cell === cell && one.version === this.version;
    let level = [this.coming, this.laid].find(same);
    if (!level) {
      level = { perPixel, cell, version: this.version, squares: new Map() };
      this.coming = level;
    }
    // What a zoom only passes through is not worth drawing.
    if (animating && level === this.coming) return;
    const span = EDGE * perPixel;
    const inView: Square[] = [];
    const around: Square[] = [];
    const [first, last] = [Math.floor(left / span), Math.floor((left + width * perPixel) / span)];
    const [upper, lower] = [Math.floor(top / span), Math.floor((top + height * perPixel) / span)];
    for (let row = upper - 1; row <= lower + 1; row++)
      for (let column = first - 1; column <= last + 1; column++) {
        if (level.squares.has(nameOf({ column, row }))) continue;
        const inside = column >= first && column <= last && row >= upper && row <= lower;
        (inside ? inView : around).push({ column, row, perPixel, cell });
      }
    if (inView.length === 0 && level !== this.laid) this.takeOver(level, counts);
    if (level.squares.size > MOST_KEPT)
      for (const name of level.squares.keys()) {
        const [column = 0, row = 0] = name.split(" ").map(Number);
        if (column < first - 1 || column > last + 1 || row < upper - 1 || row > lower + 1)
          if (level.squares.delete(name)) this.asked.names.delete(name);
      }
    const squares = [...inView, ...around];
    // Asked for and under way: to ask again would have it painted twice.
    const known = this.asked.level === level && squares.every((one) => this.asked.names.has(nameOf(one)));
    if (known) return;
    this.asked = { level, names: new Set(squares.map(nameOf)) };
    this.order({ kind: "want", squares, diameter: this.diameter });
  }

  private takeOver(level: Level, counts: boolean): void {
    this.laid = level;
    this.coming = null;
    const look = counts ? "counts" : "each";
    if (look !== this.look) this.ears.looks(look);
    this.look = look;
    this.ears.laid([...this.shown.keys()].filter((set) => this.taken.has(set)));
  }

  private lay(left: number, top: number, width: number, height: number, perPixel: number): void {
    const context = this.canvas.getContext("2d");
    if (!context) return;
    context.clearRect(0, 0, width, height);
    if (!this.laid) return;
    // While nearer or farther squares are on their way, those that are here are stretched.
    const scale = this.laid.perPixel / perPixel;
    const edge = EDGE * scale;
    context.imageSmoothingEnabled = this.laid.cell === 0 && scale !== 1;
    for (const [name, square] of this.laid.squares) {
      const [column = 0, row = 0] = name.split(" ").map(Number);
      // Whole pixels, so that neither seams nor blur appear between squares.
      const x = Math.round(column * edge - left / perPixel);
      const y = Math.round(row * edge - top / perPixel);
      const right = Math.round((column + 1) * edge - left / perPixel);
      const bottom = Math.round((row + 1) * edge - top / perPixel);
      if (right < 0 || bottom < 0 || x > width || y > height) continue;
      context.drawImage(square, x, y, right - x, bottom - y);
    }
  }

  protected override disposeInternal(): void {
    this.worker.terminate();
    super.disposeInternal();
  }
}
