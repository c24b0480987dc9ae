import { describe, expect, it, vi } from "vitest";
import { Coverage, tissueOf, Viewing } from "./viewing";

vi.stubGlobal("document", { visibilityState: "visible" });

describe("viewing", () => {
  it("counts only what was near enough, by the middle of a cell", () => {
    const coverage = new Coverage(1600, 800, 5);
    coverage.tissue = new Uint8Array(coverage.columns * coverage.rows).fill(1);
    coverage.add({ x: 0, y: 0, width: 1600, height: 800, magnification: 1.25 });
    expect(coverage.share()).toBe(0);
    coverage.add({ x: 0, y: 0, width: 800, height: 800, magnification: 5 });
    expect(coverage.share()).toBe(0.5);
    coverage.add({ x: -500, y: -500, width: 9000, height: 9000, magnification: 20 });
    expect(coverage.share()).toBe(1);
  });

  it("writes down a view that was held, loses none on a dropped line, and passes over a glance", async () => {
    let at = 0;
    let dead = true;
    const sent: unknown[] = [];
    const viewing = new Viewing(
      "s1",
      async (views) => {
        if (dead) throw new Error("line");
        sent.push(...views);
      },
      () => {},
      () => at,
    );
    const view = { x: 0, y: 0, width: 10, height: 10, magnification: 10 };
    viewing.rest(view);
    at = 100;
    viewing.rest({ ...view, x: 5 });
    at = 2100;
    await viewing.send();
    expect(viewing.takeViewed()).toEqual([{ slide: "s1", ...view, x: 5 }]);
    dead = false;
    await viewing.send();
    expect(sent).toEqual([{ ...view, x: 5, milliseconds: 2000 }]);
    viewing.stop();
  });

  it("tells tissue from glass", () => {
    const data = new Uint8ClampedArray([240, 240, 242, 255, 200, 120, 170, 255]);
    expect([...tissueOf({ data, width: 2, height: 1, colorSpace: "srgb" } as ImageData, 2, 1)]).toEqual([
      0, 1,
    ]);
  });
});
