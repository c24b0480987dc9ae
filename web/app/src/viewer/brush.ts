// The brush: paint on a mask in the place looked at, then its borders are the outline.

import PointerInteraction from "ol/interaction/Pointer";
import ImageLayer from "ol/layer/Image";
import type OlMap from "ol/Map";
import type MapBrowserEvent from "ol/MapBrowserEvent";
import ImageCanvasSource from "ol/source/ImageCanvas";
import type { Outline } from "../api/types";
import { bounds, simplify } from "./geometry";
import { trace } from "./trace";

const MOST_CELLS = 2048;
const STROKES_KEPT = 20;

export class Brush {
  private readonly mask = document.createElement("canvas");
  private readonly context: CanvasRenderingContext2D;
  private readonly left: number;
  private readonly top: number;
  /** Level-0 pixels of a mask pixel. */
  private readonly cell: number;
  private readonly layer: ImageLayer<ImageCanvasSource>;
  private readonly interaction: PointerInteraction;
  private readonly cursor = document.createElement("div");
  private strokes: ImageData[] = [];
  private radius = 24;
  private last: [number, number] | null = null;
  /** Whether anything was painted or erased. */
  touched = false;

  constructor(
    private readonly map: OlMap,
    slide: { width: number; height: number },
    from: Outline | null,
    stroked: () => void,
  ) {
    const view = map.getView();
    const extent = view.calculateExtent(map.getSize());
    const around = from ? bounds(from) : null;
    this.left = Math.max(0, Math.min(extent[0] ?? 0, around?.x ?? Infinity));
    this.top = Math.max(0, Math.min(-(extent[3] ?? 0), around?.y ?? Infinity));
    const right = Math.min(slide.width, Math.max(extent[2] ?? 0, around ? around.x + around.width : 0));
    const bottom = Math.min(slide.height, Math.max(-(extent[1] ?? 0), around ? around.y + around.height : 0));
    const resolution = view.getResolution() ?? 1;
    this.cell = Math.max(resolution, (right - this.left) / MOST_CELLS, (bottom - this.top) / MOST_CELLS);
    this.mask.width = Math.max(1, Math.ceil((right - this.left) / this.cell));
    this.mask.height = Math.max(1, Math.ceil((bottom - this.top) / this.cell));
    this.context = this.mask.getContext("2d", { willReadFrequently: true }) as CanvasRenderingContext2D;
    this.context.fillStyle = this.context.strokeStyle = "#0b7fb3";
    if (from) this.fill(from);

    this.layer = new ImageLayer({
      zIndex: 9,
      opacity: 0.4,
      source: new ImageCanvasSource({
        ratio: 1,
        projection: view.getProjection(),
        canvasFunction: (at, perPixel, ratio, size) => {
          const canvas = document.createElement("canvas");
          canvas.width = size[0] as number;
          canvas.height = size[1] as number;
          const scale = ratio / perPixel;
          canvas
            .getContext("2d")
            ?.drawImage(
              this.mask,
              (this.left - (at[0] as number)) * scale,
              (this.top + (at[3] as number)) * scale,
              this.mask.width * this.cell * scale,
              this.mask.height * this.cell * scale,
            );
          return canvas;
        },
      }),
    });
    map.addLayer(this.layer);
    this.interaction = new PointerInteraction({
      handleDownEvent: (event) => {
        this.strokes.push(this.context.getImageData(0, 0, this.mask.width, this.mask.height));
        this.strokes = this.strokes.slice(-STROKES_KEPT);
        this.last = null;
        this.touched = true;
        this.paint(event);
        return true;
      },
      handleDragEvent: (event) => this.paint(event),
      handleUpEvent: () => {
        stroked();
        return false;
      },
      handleMoveEvent: (event) => this.moveCursor(event),
    });
    map.addInteraction(this.interaction);
    this.cursor.className = "brush-cursor";
    this.cursor.hidden = true;
    map.getTargetElement()?.append(this.cursor);
  }

  private fill(outline: Outline): void {
    this.context.beginPath();
    for (const part of outline)
      for (const ring of part) {
        ring.forEach(([x, y], i) => {
          const at = [(x - this.left) / this.cell, (y - this.top) / this.cell] as const;
          if (i === 0) this.context.moveTo(...at);
          else this.context.lineTo(...at);
        });
        this.context.closePath();
      }
    this.context.fill("evenodd");
  }

  private moveCursor(event: MapBrowserEvent): void {
    const [x = 0, y = 0] = event.pixel;
    this.cursor.hidden = false;
    this.cursor.style.width = this.cursor.style.height = `${2 * this.radius}px`;
    this.cursor.style.transform = `translate(${x - this.radius}px, ${y - this.radius}px)`;
  }

  private paint(event: MapBrowserEvent): void {
    this.moveCursor(event);
    const [x = 0, y = 0] = event.coordinate;
    const at: [number, number] = [(x - this.left) / this.cell, (-y - this.top) / this.cell];
    const radius = (this.radius * (this.map.getView().getResolution() ?? 1)) / this.cell;
    const erase = (event.originalEvent as PointerEvent).shiftKey;
    this.context.globalCompositeOperation = erase ? "destination-out" : "source-over";
    this.context.lineWidth = 2 * radius;
    this.context.lineCap = "round";
    this.context.beginPath();
    this.context.moveTo(...(this.last ?? at));
    this.context.lineTo(at[0] + 0.01, at[1]);
    this.context.stroke();
    this.last = at;
    this.layer.getSource()?.changed();
  }

  resize(step: number): void {
    this.radius = Math.min(200, Math.max(4, this.radius * (step > 0 ? 1.25 : 0.8)));
    this.cursor.style.width = this.cursor.style.height = `${2 * this.radius}px`;
  }

  undo(): boolean {
    const before = this.strokes.pop();
    if (!before) return false;
    this.context.putImageData(before, 0, 0);
    this.layer.getSource()?.changed();
    return true;
  }

  outline(): Outline {
    const { width, height } = this.mask;
    const { data } = this.context.getImageData(0, 0, width, height);
    const painted = new Uint8Array(width * height);
    for (let i = 0; i < painted.length; i++) painted[i] = (data[i * 4 + 3] as number) > 127 ? 1 : 0;
    return trace(painted, width, height, 16).map((part) =>
      part
        .map((ring) =>
          simplify(ring, 0.75).map(([x, y]): [number, number] => [
            Math.round((this.left + x * this.cell) * 10) / 10,
            Math.round((this.top + y * this.cell) * 10) / 10,
          ]),
        )
        .filter((ring) => ring.length >= 3),
    );
  }

  remove(): void {
    this.map.removeLayer(this.layer);
    this.map.removeInteraction(this.interaction);
    this.cursor.remove();
  }
}
