// Sorting a million objects takes longer than a frame, so it is done beside the page.
import { build, type Index, readPoints } from "./points-index";

export interface Order {
  buffer: ArrayBuffer;
  width: number;
  height: number;
  colors: [number, number, number][];
  diameter: number;
}

self.onmessage = ({ data }: MessageEvent<Order>) => {
  try {
    const index: Index = build(readPoints(data.buffer), data.width, data.height, data.colors, data.diameter);
    const give = [index.xy.buffer, index.classes.buffer, index.starts.buffer];
    self.postMessage({ index }, { transfer: [...give, ...index.cells.map((one) => one.rgba.buffer)] });
  } catch (error) {
    self.postMessage({ fault: error instanceof Error ? error.message : String(error) });
  }
};
