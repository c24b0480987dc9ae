import { describe, expect, it } from "vitest";
import { file } from "./points-file";
import { build, readPoints } from "./points-index";
import { counted, type Drawn, draw, EDGE } from "./points-raster";

const [width, height, diameter] = [4000, 3000, 16];
const colors = Uint8Array.from([200, 0, 0, 0, 0, 200]);

function set(points: [number, number, number][], shown = [1, 1]): Drawn {
  return { index: build(readPoints(file(points)), width, height), colors, shown: Uint8Array.from(shown) };
}

const many = Array.from({ length: 20_000 }, (_, i): [number, number, number] => [
  (i * 7919 + i / 7) % width,
  (i * 104729 + i / 3) % height,
  i % 2,
]);

/** Every square of the slide, and those around it. */
function all(sets: Drawn[], perPixel: number, cell: number): { counted: number; painted: number } {
  let [sum, painted] = [0, 0];
  for (let row = -1; row <= height / perPixel / EDGE + 1; row++)
    for (let column = -1; column <= width / perPixel / EDGE + 1; column++) {
      const picture = draw(sets, { column, row, perPixel, cell }, diameter);
      sum += picture.counted;
      for (let at = 3; at < picture.rgba.length; at += 4) if (picture.rgba[at]) painted++;
    }
  return { counted: sum, painted };
}

describe("the picture of many objects", () => {
  it("shows every object once at every zoom, drawn or counted", () => {
    const sets = [set(many)];
    for (const perPixel of [1.3, 5.3, 17.9, 41])
      for (const cell of [0, 4, 8]) expect(all(sets, perPixel, cell).counted).toBe(20_000);
  });

  it("shows what lies beside the slide too", () => {
    const beside: [number, number, number][] = [
      [-40, -40, 0],
      [width + 30, height + 30, 1],
    ];
    expect(all([set(beside)], 4, 4).counted).toBe(2);
    expect(all([set(beside)], 4, 0).counted).toBe(2);
  });

  it("shows all sets together, and no class that is put off", () => {
    const sets = [set(many, [1, 0]), set([[10, 10, 1]])];
    expect(all(sets, 17, 4).counted).toBe(10_001);
    expect(all(sets, 1.5, 0).counted).toBe(10_001);
  });

  it("keeps a lone object visible at every zoom", () => {
    const lone = [set([[3600, 100, 1]])];
    for (const perPixel of [1.1, 3, 11, 60, 300]) {
      expect(all(lone, perPixel, 0).painted).toBeGreaterThan(3);
      expect(all(lone, perPixel, 4).painted).toBe(1);
    }
  });

  it("mixes colours by number, and grows stronger with the number", () => {
    const at = (points: [number, number, number][]) =>
      draw([set(points)], { column: 0, row: 0, perPixel: 40, cell: 4 }, diameter).rgba.slice(0, 4);
    const one = at([[10, 10, 0]]);
    const four = at([
      [10, 10, 0],
      [11, 11, 0],
      [12, 12, 0],
      [13, 13, 1],
    ]);
    expect([...four.slice(0, 3)]).toEqual([150, 0, 50]);
    expect(four[3]).toBeGreaterThanOrEqual(one[3] as number);
    const crowd = at(Array.from({ length: 2000 }, () => [20, 20, 0]));
    expect(crowd[3]).toBeGreaterThan((four[3] as number) * 2);
  });

  it("counts where a screen cannot hold them apart, and draws each where it can", () => {
    expect(counted(0.001, diameter, 20)).toBe(true);
    expect(counted(0.001, diameter, 4)).toBe(false);
    expect(counted(0, diameter, 10)).toBe(true);
    expect(counted(0, diameter, 7)).toBe(false);
  });
});
