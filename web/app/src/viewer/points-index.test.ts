import { describe, expect, it } from "vitest";
import { build, inView, readPoints } from "./points-index";

function file(points: [number, number, number][]): ArrayBuffer {
  const buffer = new ArrayBuffer(8 + points.length * 9);
  const view = new DataView(buffer);
  view.setUint32(0, 0x31414e42, true);
  view.setUint32(4, points.length, true);
  points.forEach(([x, y, kind], i) => {
    view.setFloat32(8 + i * 8, x, true);
    view.setFloat32(12 + i * 8, y, true);
    view.setUint8(8 + points.length * 8 + i, kind);
  });
  return buffer;
}

const colors: [number, number, number][] = [
  [200, 0, 0],
  [0, 0, 200],
];

describe("points", () => {
  it("refuses what is no annotation file or is cut short", () => {
    expect(() => readPoints(new ArrayBuffer(4))).toThrow();
    expect(() => readPoints(file([[1, 2, 0]]).slice(0, 12))).toThrow();
  });

  it("finds every object in the view and none twice", () => {
    const all = Array.from({ length: 5000 }, (_, i): [number, number, number] => [
      (i * 7919) % 10000,
      (i * 104729) % 8000,
      i % 2,
    ]);
    const index = build(readPoints(file(all)), 10000, 8000, colors, 16);
    const whole = inView(index, -5, -5, 20000, 20000).reduce((sum, run) => sum + run.count, 0);
    expect(whole).toBe(5000);
    const seen = new Set<string>();
    for (const run of inView(index, 2000, 2000, 3000, 3000))
      for (let i = run.from; i < run.from + run.count; i++)
        seen.add(`${index.xy[2 * i]},${index.xy[2 * i + 1]}`);
    for (const [x, y] of all)
      if (x >= 2000 && x <= 3000 && y >= 2000 && y <= 3000) expect(seen.has(`${x},${y}`)).toBe(true);
    expect(inView(index, 30000, 0, 40000, 10)).toEqual([]);
  });

  it("shows a lone object at every zoom, and mixes colours by number", () => {
    const index = build(readPoints(file([[9000, 100, 1]])), 100000, 100000, colors, 16);
    for (const level of index.cells) {
      const painted = level.rgba.filter((_, i) => i % 4 === 3).filter((alpha) => alpha > 0);
      expect([...painted].length).toBe(1);
      expect(painted[0]).toBeGreaterThan(70);
    }
    const mixed = build(
      readPoints(
        file([
          [10, 10, 0],
          [11, 11, 0],
          [12, 12, 0],
          [13, 13, 1],
        ]),
      ),
      100000,
      100000,
      colors,
      16,
    );
    expect([...(mixed.cells[0]?.rgba.slice(0, 3) ?? [])]).toEqual([150, 0, 50]);
  });
});
