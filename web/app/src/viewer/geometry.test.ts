import { describe, expect, it } from "vitest";
import type { Outline, Ring } from "../api/types";
import {
  area,
  bounds,
  boundsOf,
  fromMap,
  pointFromMap,
  pointToMap,
  shapeOf,
  simplify,
  toMap,
} from "./geometry";
import { areaText, bar, lengthText, magnificationAt, magnificationText } from "./scale";
import { trace } from "./trace";

const paint = (rows: string[]) => {
  const width = rows[0]?.length ?? 0;
  return { mask: Uint8Array.from(rows.join("").split("").map(Number)), width, height: rows.length };
};

describe("outlines", () => {
  it("come back from the map as they went, holes too", () => {
    const outline: Outline = [
      [
        [
          [0, 0],
          [10, 0],
          [10, 10],
          [0, 10],
        ],
        [
          [2, 2],
          [4, 2],
          [4, 4],
        ],
      ],
    ];
    expect(fromMap(toMap(outline))).toEqual(outline);
    expect(area(outline)).toBe(98);
    expect(bounds(outline)).toEqual({ x: 0, y: 0, width: 10, height: 10 });
  });

  it("lose corners only within the tolerance", () => {
    const ring = Array.from({ length: 360 }, (_, degree) => {
      const angle = (degree * Math.PI) / 180;
      return [100 * Math.cos(angle), 100 * Math.sin(angle)];
    }) as Ring;
    const fewer = simplify(ring, 0.5);
    expect(fewer.length).toBeLessThan(60);
    expect(area([[fewer]]) / area([[ring]])).toBeGreaterThan(0.985);
  });
});

describe("points", () => {
  it("stay points, and have no area of which something could be said", () => {
    expect(pointFromMap(pointToMap([12.5, 7]))).toEqual([12.5, 7]);
    expect(pointFromMap([1.23456, -9.87654])).toEqual([1.23, 9.88]);
    expect(shapeOf({ outline: null, point: [1, 2] })).toEqual({ point: [1, 2] });
    expect(shapeOf({ outline: [], point: null })).toEqual({ outline: [] });
    expect(shapeOf({ outline: null, point: null })).toBeNull();
  });

  it("are shown with a little of what is around them", () => {
    expect(boundsOf([])).toBeNull();
    expect(boundsOf([{ point: [100, 50] }])).toEqual({ x: 68, y: 18, width: 64, height: 64 });
    const both = boundsOf([{ point: [100, 50] }, { point: [300, 50] }]);
    expect(both).toEqual({ x: 68, y: 18, width: 264, height: 64 });
  });
});

describe("trace", () => {
  it("follows paint and keeps a hole with its owner", () => {
    const { mask, width, height } = paint([
      "00000000",
      "01111100",
      "01000100",
      "01000100",
      "01111100",
      "00000001",
    ]);
    const outline = trace(mask, width, height, 1);
    expect(outline.length).toBe(2);
    expect(area(outline)).toBe(mask.reduce((sum, value) => sum + value, 0));
    expect(outline.map((part) => part.length).sort()).toEqual([1, 2]);
  });

  it("keeps the area of any mask exactly", () => {
    let seed = 7;
    const next = () => {
      seed = (seed * 1103515245 + 12345) % 2147483648;
      return seed / 2147483648;
    };
    for (let round = 0; round < 20; round++) {
      const mask = Uint8Array.from({ length: 400 }, () => (next() > 0.5 ? 1 : 0));
      const outline = trace(mask, 20, 20, 0);
      expect(area(outline)).toBe(mask.reduce((sum, value) => sum + value, 0));
    }
  });

  it("gives nothing for nothing", () => {
    expect(trace(new Uint8Array(16), 4, 4)).toEqual([]);
  });
});

describe("scale", () => {
  const slide = { mpp: { x: 0.25, y: 0.25 }, magnification: 40 };
  it("names magnification as a microscope does", () => {
    expect(magnificationAt(slide, 1)).toBe(40);
    expect(magnificationAt(slide, 16)).toBe(2.5);
    expect(magnificationAt({ mpp: null, magnification: 20 }, 2)).toBe(10);
    expect(magnificationAt({ mpp: null, magnification: null }, 2)).toBeNull();
    expect([magnificationText(2.5), magnificationText(39.7)]).toEqual(["2.5×", "40×"]);
  });
  it("rounds the bar to a length one can read", () => {
    expect(bar(0.5, 140)).toEqual({ micrometres: 50, pixels: 100 });
    expect(bar(7.3, 140).micrometres).toBe(1000);
    expect([lengthText(1234), lengthText(56.78), areaText(0.5), areaText(0.00001)]).toEqual([
      "1.23 mm",
      "56.8 µm",
      "0.500 mm²",
      "10 µm²",
    ]);
  });
});
