// The heatmap: grey values from the server, coloured here, so that threshold and opacity cost no request.
import ImageLayer from "ol/layer/Image";
import type Projection from "ol/proj/Projection";
import ImageCanvasSource from "ol/source/ImageCanvas";
import type { Heatmap } from "../api/types";

/** Dark violet over red to yellow: brightness grows with the value, so it reads without colour too. */
const stops: [number, number, number][] = [
  [45, 16, 92],
  [140, 30, 110],
  [214, 69, 70],
  [247, 148, 40],
  [252, 228, 110],
];

export function colorOf(value: number): [number, number, number] {
  const at = Math.min(Math.max(value, 0), 1) * (stops.length - 1);
  const low = Math.min(Math.floor(at), stops.length - 2);
  const a = stops[low] as [number, number, number];
  const b = stops[low + 1] as [number, number, number];
  const mix = (i: 0 | 1 | 2) => Math.round(a[i] + (b[i] - a[i]) * (at - low));
  return [mix(0), mix(1), mix(2)];
}

export class HeatmapLayer {
  readonly layer: ImageLayer<ImageCanvasSource>;
  private readonly colored = document.createElement("canvas");
  private grey: Uint8ClampedArray | null = null;

  constructor(
    private readonly heatmap: Heatmap,
    projection: Projection,
  ) {
    const source = new ImageCanvasSource({
      projection,
      ratio: 1,
      interpolate: false,
      canvasFunction: (extent, resolution, ratio, size) => {
        const canvas = document.createElement("canvas");
        canvas.width = size[0] as number;
        canvas.height = size[1] as number;
        const context = canvas.getContext("2d");
        if (context && this.colored.width > 0) {
          context.imageSmoothingEnabled = false;
          const scale = ratio / resolution;
          const edge = heatmap.downsample * scale;
          context.drawImage(
            this.colored,
            -(extent[0] as number) * scale,
            (extent[3] as number) * scale,
            heatmap.width * edge,
            heatmap.height * edge,
          );
        }
        return canvas;
      },
    });
    this.layer = new ImageLayer({ source, opacity: 0.45, zIndex: 2 });
  }

  async load(threshold: number): Promise<void> {
    const response = await fetch(this.heatmap.url, { credentials: "same-origin" });
    if (!response.ok) throw new Error(`heatmap: ${response.status}`);
    const bitmap = await createImageBitmap(await response.blob());
    this.colored.width = bitmap.width;
    this.colored.height = bitmap.height;
    const context = this.colored.getContext("2d", { willReadFrequently: true });
    if (!context) return;
    context.drawImage(bitmap, 0, 0);
    this.grey = context.getImageData(0, 0, bitmap.width, bitmap.height).data;
    bitmap.close();
    this.from(threshold);
  }

  /** Shows values from `threshold` on; a value of nothing was not judged and stays clear. */
  from(threshold: number): void {
    const context = this.colored.getContext("2d");
    if (!context || !this.grey) return;
    const out = new ImageData(this.colored.width, this.colored.height);
    for (let i = 0; i < this.grey.length; i += 4) {
      const value = this.grey[i] as number;
      if (value === 0 || value < threshold * 255) continue;
      out.data.set(colorOf(value / 255), i);
      out.data[i + 3] = 255;
    }
    context.putImageData(out, 0, 0);
    this.layer.getSource()?.changed();
  }
}
