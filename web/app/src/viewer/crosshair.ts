// A cross on the slide that arrow keys move. It does what a hand at a mouse does, by the same events, so that every
// tool works by keys alone.
import type OlMap from "ol/Map";

/** Screen pixels of a step. */
const STEP = { fine: 1, plain: 8, fast: 48 };
/** Nearer than this to the border and the slide moves instead. */
const MARGIN = 24;

export type Pace = keyof typeof STEP;

export class Crosshair {
  private readonly mark = document.createElement("div");
  private at: [number, number] = [0, 0];
  /** Pressed down: the brush paints, a corner is held. */
  held = false;
  private erasing = false;

  constructor(
    private readonly map: OlMap,
    private readonly said: (what: "shown" | "down" | "up") => void,
  ) {
    this.mark.className = "crosshair";
    this.mark.hidden = true;
    const box = map.getTargetElement();
    box?.append(this.mark);
    // A hand took the mouse again.
    box?.addEventListener("pointermove", (event) => {
      if (event.isTrusted && (event.movementX !== 0 || event.movementY !== 0)) this.hide();
    });
  }

  get shown(): boolean {
    return !this.mark.hidden;
  }

  /** Where it stands, in the map's coordinates. */
  get place(): number[] {
    return this.map.getCoordinateFromPixel(this.at);
  }

  show(): void {
    if (this.shown) return;
    const [width = 0, height = 0] = this.map.getSize() ?? [];
    this.mark.hidden = false;
    this.said("shown");
    this.put(width / 2, height / 2);
  }

  hide(): void {
    if (!this.shown) return;
    if (this.held) this.lift();
    this.mark.hidden = true;
  }

  move(right: number, down: number, pace: Pace): void {
    if (!this.shown) {
      this.show();
      return;
    }
    const [width = 0, height = 0] = this.map.getSize() ?? [];
    const x = this.at[0] + right * STEP[pace];
    const y = this.at[1] + down * STEP[pace];
    const inX = Math.min(Math.max(x, MARGIN), width - MARGIN);
    const inY = Math.min(Math.max(y, MARGIN), height - MARGIN);
    this.shift(x - inX, y - inY);
    this.put(inX, inY);
  }

  /** To a place of the slide, which comes into view if it is out of it. */
  to(coordinate: number[]): void {
    this.show();
    const view = this.map.getView();
    const [width = 0, height = 0] = this.map.getSize() ?? [];
    const far = this.map.getPixelFromCoordinate(coordinate);
    const [x = 0, y = 0] = far;
    if (x < MARGIN || y < MARGIN || x > width - MARGIN || y > height - MARGIN) {
      view.setCenter(coordinate);
      this.map.renderSync();
    }
    const [newX = 0, newY = 0] = this.map.getPixelFromCoordinate(coordinate);
    this.put(newX, newY);
  }

  private shift(x: number, y: number): void {
    if (x === 0 && y === 0) return;
    const view = this.map.getView();
    const resolution = view.getResolution() ?? 1;
    const [cx = 0, cy = 0] = view.getCenter() ?? [];
    view.setCenter([cx + x * resolution, cy - y * resolution]);
    this.map.renderSync();
  }

  private put(x: number, y: number): void {
    this.at = [x, y];
    this.mark.style.transform = `translate(${x}px, ${y}px)`;
    this.send("pointermove");
  }

  /** A click where it stands. */
  click(alt = false): void {
    this.send("pointerdown", alt);
    this.send("pointerup", alt);
    // A hand is never quite still: it is the next move that tells a drawing of its new corner.
    this.send("pointermove");
  }

  /** Down, or up again. */
  hold(erase: boolean): void {
    if (this.held) {
      this.lift();
      return;
    }
    this.erasing = erase;
    this.held = true;
    this.mark.dataset.held = "";
    this.said("down");
    this.send("pointerdown");
  }

  lift(): void {
    if (!this.held) return;
    this.send("pointerup");
    this.held = false;
    this.said("up");
    delete this.mark.dataset.held;
    this.erasing = false;
  }

  private send(type: string, alt = false): void {
    const box = this.map.getTargetElement()?.getBoundingClientRect();
    if (!box) return;
    this.map.getViewport()?.dispatchEvent(
      new PointerEvent(type, {
        bubbles: true,
        cancelable: true,
        clientX: box.left + this.at[0],
        clientY: box.top + this.at[1],
        pointerId: 1,
        pointerType: "mouse",
        isPrimary: true,
        button: type === "pointermove" ? -1 : 0,
        buttons: this.held || type === "pointerdown" ? 1 : 0,
        shiftKey: this.erasing,
        altKey: alt,
      }),
    );
  }
}
