// The veil over tissue that nobody looked at near enough.
import type { Coverage } from "./viewing";

export function veil(
  coverage: Coverage,
  at: number[],
  resolution: number,
  ratio: number,
  size: number[],
): HTMLCanvasElement {
  const canvas = document.createElement("canvas");
  canvas.width = size[0] as number;
  canvas.height = size[1] as number;
  const context = canvas.getContext("2d");
  const { columns, rows, edge, seen, tissue } = coverage;
  if (!context || !tissue) return canvas;
  const scale = ratio / resolution;
  context.fillStyle = "rgba(20, 60, 140, 0.42)";
  for (let row = 0; row < rows; row++)
    for (let column = 0; column < columns; column++) {
      const i = row * columns + column;
      if (!tissue[i] || seen[i]) continue;
      const x = Math.floor((column * edge - (at[0] as number)) * scale);
      const y = Math.floor((row * edge + (at[3] as number)) * scale);
      const right = Math.floor(((column + 1) * edge - (at[0] as number)) * scale);
      const bottom = Math.floor(((row + 1) * edge + (at[3] as number)) * scale);
      context.fillRect(x, y, right - x, bottom - y);
    }
  return canvas;
}
