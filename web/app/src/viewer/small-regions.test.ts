import { describe, expect, it } from "vitest";
import { cellsOf, type Small, smallOf } from "./small-regions";

const many = Array.from(
  { length: 5000 },
  (_, i): Small => ({
    x: (i * 7919) % 20_000,
    y: (i * 104729) % 9000,
    size: 10 + (i % 50),
    area: 80,
    color: i % 3 ? "#ff0000" : "#0000ff",
  }),
);

describe("regions smaller than they can be drawn", () => {
  it("are counted, each once, at every zoom; larger ones are left to their outlines", () => {
    for (const resolution of [2, 5, 11.7, 40]) {
      const small = many.filter((one) => one.size < 4 * resolution).length;
      expect(cellsOf(many, resolution).reduce((sum, cell) => sum + cell.count, 0)).toBe(small);
    }
    expect(cellsOf(many, 1)).toEqual([]);
  });

  it("cover what they cover, in the colour of most", () => {
    const three = [0, 1, 2].map((i) => ({
      x: 5 + i,
      y: 5,
      size: 4,
      area: 16,
      color: i ? "#ff0000" : "#0000ff",
    }));
    const [cell] = cellsOf(three, 10);
    expect(cell).toMatchObject({ column: 0, row: 0, count: 3, color: "#ff0000" });
    expect(cell?.covered).toBeCloseTo(48 / 1600);
  });

  it("are known by their outline", () => {
    const outline = [
      [[[0, 0] as [number, number], [10, 0] as [number, number], [10, 6] as [number, number]]],
    ];
    expect(smallOf(outline, "#000000")).toEqual({ x: 5, y: 3, size: 10, area: 30, color: "#000000" });
    expect(smallOf([], "#000000")).toBeNull();
  });
});
