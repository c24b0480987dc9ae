import { describe, expect, it } from "vitest";
import { file } from "./points-file";
import { build, readPoints, runs } from "./points-index";

describe("the index of many objects", () => {
  const all = Array.from({ length: 5000 }, (_, i): [number, number, number] => [
    (i * 7919) % 10000,
    (i * 104729) % 8000,
    i % 3,
  ]);
  const index = build(readPoints(file(all)), 10000, 8000);

  it("refuses what is no annotation file or is cut short", () => {
    expect(() => readPoints(new ArrayBuffer(4))).toThrow();
    expect(() => readPoints(file([[1, 2, 0]]).slice(0, 12))).toThrow();
  });

  it("counts each class", () => {
    expect([...index.counts.subarray(0, 4)]).toEqual([1667, 1667, 1666, 0]);
  });

  it("finds every object in a rectangle, and none twice", () => {
    let whole = 0;
    runs(index, [-5, -5, 20000, 20000], (from, to) => {
      whole += to - from;
    });
    expect(whole).toBe(5000);
    const seen = new Set<string>();
    let visited = 0;
    runs(index, [2000, 2000, 3000, 3000], (from, to) => {
      for (let i = from; i < to; i++) {
        visited += 1;
        seen.add(`${index.xy[2 * i]},${index.xy[2 * i + 1]}`);
      }
    });
    for (const [x, y] of all)
      if (x >= 2000 && x <= 3000 && y >= 2000 && y <= 3000) expect(seen.has(`${x},${y}`)).toBe(true);
    expect(visited).toBeLessThan(200);
  });

  it("knows how closely they stand", () => {
    // Three quarters in one corner of 100 by 100, the rest strewn.
    const crowded = Array.from({ length: 4000 }, (_, i): [number, number, number] =>
      i % 4 === 0 ? (all[i] ?? [0, 0, 0]) : [(i * 17) % 100, (i * 29) % 100, 0],
    );
    const close = build(readPoints(file(crowded)), 10000, 8000);
    expect(close.crowd).toBeGreaterThan(0.1);
    expect(index.crowd).toBeLessThan(0.001);
  });
});
