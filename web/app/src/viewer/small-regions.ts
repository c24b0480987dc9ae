// Regions by the thousand that are smaller here than a few screen pixels: their lines would cover more than they do,
// so cells of counts are drawn instead, as for points. Near enough, each has its exact outline.
import ImageLayer from "ol/layer/Image";
import type Projection from "ol/proj/Projection";
import ImageCanvasSource from "ol/source/ImageCanvas";
import type { Outline } from "../api/types";
import { area, bounds } from "./geometry";

/** Fewer than this on a slide, and each is drawn at every zoom. */
const MANY = 200;
/** Screen pixels; narrower ones are counted. */
const NARROWEST = 4;
const CELL = 4;
const FAINTEST = 0.35;

export interface Small {
  x: number;
  y: number;
  /** Level-0 pixels of the longer side. */
  size: number;
  area: number;
  color: string;
}

export function smallOf(outline: Outline, color: string): Small | null {
  const at = bounds(outline);
  if (!at) return null;
  return {
    x: at.x + at.width / 2,
    y: at.y + at.height / 2,
    size: Math.max(at.width, at.height),
    area: area(outline),
    color,
  };
}

export interface Cell {
  column: number;
  row: number;
  count: number;
  covered: number;
  /** The colour that most of them have. */
  color: string;
}

/** Cells of counts of everything narrower than it can be drawn at this zoom, from the slide's corner. */
export function cellsOf(all: Small[], resolution: number): Cell[] {
  const span = CELL * resolution;
  const cells = new Map<string, Cell & { colors: Map<string, number> }>();
  for (const one of all) {
    if (one.size >= NARROWEST * resolution) continue;
    const [column, row] = [Math.floor(one.x / span), Math.floor(one.y / span)];
    const name = `${column} ${row}`;
    const cell = cells.get(name) ?? {
      column,
      row,
      count: 0,
      covered: 0,
      color: one.color,
      colors: new Map(),
    };
    cell.count += 1;
    cell.covered += one.area / (span * span);
    const same = (cell.colors.get(one.color) ?? 0) + 1;
    cell.colors.set(one.color, same);
    if (same > (cell.colors.get(cell.color) ?? 0)) cell.color = one.color;
    cells.set(name, cell);
  }
  return [...cells.values()];
}

export class SmallRegions {
  readonly layer: ImageLayer<ImageCanvasSource>;
  private all: Small[] = [];

  constructor(projection: Projection) {
    this.layer = new ImageLayer({
      zIndex: 4,
      source: new ImageCanvasSource({
        projection,
        ratio: 1.5,
        interpolate: false,
        canvasFunction: (extent, resolution, ratio, size) => this.draw(extent, resolution, ratio, size),
      }),
    });
  }

  show(all: Small[]): void {
    this.all = all.length < MANY ? [] : all;
    this.layer.getSource()?.changed();
  }

  /** Whether a region of this size is counted here, not outlined. */
  counts(size: number, resolution: number): boolean {
    return this.all.length > 0 && size < NARROWEST * resolution;
  }

  countedAt(resolution: number): number {
    return this.all.reduce((sum, one) => sum + (one.size < NARROWEST * resolution ? 1 : 0), 0);
  }

  private draw(extent: number[], resolution: number, ratio: number, size: number[]): HTMLCanvasElement {
    const canvas = document.createElement("canvas");
    canvas.width = size[0] as number;
    canvas.height = size[1] as number;
    const context = canvas.getContext("2d");
    if (!context) return canvas;
    const [left = 0, , , top = 0] = extent;
    const edge = CELL * ratio;
    for (const { column, row, covered, color } of cellsOf(this.all, resolution)) {
      const x = column * edge - (left / resolution) * ratio;
      const y = row * edge + (top / resolution) * ratio;
      context.globalAlpha = 0.92 * Math.max(FAINTEST, 1 - Math.exp(-covered));
      context.fillStyle = color;
      context.fillRect(Math.round(x), Math.round(y), Math.ceil(edge), Math.ceil(edge));
    }
    return canvas;
  }
}
