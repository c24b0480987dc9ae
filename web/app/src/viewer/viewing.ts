// What was looked at, at which magnification, for how long: written down as the reader moves.
import type { Region, SeenView, View } from "../api/types";

/** A view held for less than this is passing by, not looking. */
const GLANCE = 400;
const SEND_EVERY = 5000;
const MOST_IN_BATCH = 500;
const MOST_IN_DECISION = 1000;

export interface Looking extends Region {
  magnification: number;
}

export class Viewing {
  private current: Looking | null = null;
  private since = 0;
  private unsent: SeenView[] = [];
  private sinceDecision: View[] = [];
  private readonly timer: ReturnType<typeof setInterval>;

  constructor(
    private readonly slide: string,
    private readonly post: (views: SeenView[]) => Promise<void>,
    private readonly seen: (view: Looking) => void,
    private readonly now: () => number = () => performance.now(),
  ) {
    this.timer = setInterval(() => void this.send(), SEND_EVERY);
  }

  /** The view came to rest here (or left the slide: null). */
  rest(view: Looking | null): void {
    this.close();
    this.current = view;
    this.since = this.now();
  }

  private close(): void {
    if (!this.current) return;
    const milliseconds = Math.round(this.now() - this.since);
    this.since = this.now();
    if (milliseconds < GLANCE) return;
    this.unsent.push({ ...this.current, milliseconds });
    this.sinceDecision.push({ slide: this.slide, ...this.current });
    this.seen(this.current);
  }

  /** What was viewed since the last decision, for the next one's record. */
  takeViewed(): View[] {
    this.close();
    return this.sinceDecision.splice(0).slice(-MOST_IN_DECISION);
  }

  async send(): Promise<void> {
    if (document.visibilityState === "hidden") this.current = null;
    this.close();
    const batch = this.unsent.splice(0, MOST_IN_BATCH);
    if (batch.length === 0) return;
    try {
      await this.post(batch);
    } catch {
      // Kept for the next try; only the newest if the line stays away for long.
      this.unsent = [...batch, ...this.unsent].slice(-10 * MOST_IN_BATCH);
    }
  }

  stop(): void {
    clearInterval(this.timer);
    void this.send();
  }
}

/** Cells over the slide: which hold tissue, which were seen near enough. */
export class Coverage {
  readonly columns: number;
  readonly rows: number;
  readonly edge: number;
  readonly seen: Uint8Array;
  tissue: Uint8Array | null = null;

  constructor(
    readonly width: number,
    readonly height: number,
    private readonly least: number,
    most = 160,
  ) {
    this.edge = Math.max(width, height) / most;
    this.columns = Math.max(1, Math.ceil(width / this.edge));
    this.rows = Math.max(1, Math.ceil(height / this.edge));
    this.seen = new Uint8Array(this.columns * this.rows);
  }

  /** A cell counts once its middle was in a view near enough. */
  add(view: Looking): void {
    // A hair below the limit is the limit: zooming stops at fractions.
    if (view.magnification < this.least * 0.98) return;
    const from = (start: number, count: number) =>
      Math.min(Math.max(Math.ceil(start / this.edge - 0.5), 0), count);
    for (let row = from(view.y, this.rows); row < from(view.y + view.height, this.rows); row++)
      this.seen.fill(
        1,
        row * this.columns + from(view.x, this.columns),
        row * this.columns + from(view.x + view.width, this.columns),
      );
  }

  share(): number | null {
    if (!this.tissue) return null;
    let [tissue, seen] = [0, 0];
    this.tissue.forEach((here, i) => {
      tissue += here;
      seen += here & (this.seen[i] as number);
    });
    return tissue === 0 ? null : seen / tissue;
  }
}

/** Which cells hold tissue, from a small picture of the slide: coloured, and darker than glass. */
export function tissueOf(picture: ImageData, columns: number, rows: number): Uint8Array {
  const tissue = new Uint8Array(columns * rows);
  for (let row = 0; row < rows; row++)
    for (let column = 0; column < columns; column++) {
      const x = Math.min(picture.width - 1, Math.floor(((column + 0.5) * picture.width) / columns));
      const y = Math.min(picture.height - 1, Math.floor(((row + 0.5) * picture.height) / rows));
      const [r = 0, g = 0, b = 0] = picture.data.slice(
        (y * picture.width + x) * 4,
        (y * picture.width + x) * 4 + 3,
      );
      const high = Math.max(r, g, b);
      const low = Math.min(r, g, b);
      tissue[row * columns + column] = high > 20 && (high - low) / high > 0.07 ? 1 : 0;
    }
  return tissue;
}
