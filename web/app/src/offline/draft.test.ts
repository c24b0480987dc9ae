import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { type Draft, draftOf, dropDraft, keepDraft } from "./draft";

const draft: Draft = {
  slide: "s1",
  tool: "polygon",
  finding: null,
  outline: [
    [
      [
        [0, 0],
        [10, 0],
        [10, 10],
      ],
    ],
  ],
};

let kept: Map<string, string>;
beforeEach(() => {
  kept = new Map();
  vi.stubGlobal("localStorage", {
    getItem: (name: string) => kept.get(name) ?? null,
    setItem: (name: string, value: string) => kept.set(name, value),
    removeItem: (name: string) => kept.delete(name),
  });
});
afterEach(() => vi.unstubAllGlobals());

describe("an outline being drawn", () => {
  it("comes back in its case and to whom it belongs, until it is dropped", () => {
    keepDraft("u1", "c1", draft);
    expect(draftOf("u1", "c1")).toEqual(draft);
    expect(draftOf("u2", "c1")).toBeNull();
    expect(draftOf("u1", "c2")).toBeNull();
    dropDraft("u1", "c1");
    expect(draftOf("u1", "c1")).toBeNull();
    expect(kept.size).toBe(0);
  });

  it("may be a point that is being moved", () => {
    const point = { slide: "s1", tool: "edit" as const, finding: null, point: [3, 4.5] as [number, number] };
    keepDraft("u1", "c1", point);
    expect(draftOf("u1", "c1")).toEqual(point);
    for (const broken of [{ point: [3] }, { point: [3, "x"] }, { tool: "brush" }, { outline: [[[]]] }]) {
      kept.set("draft u1 c1", JSON.stringify({ ...point, ...broken }));
      expect(draftOf("u1", "c1"), JSON.stringify(broken)).toBeNull();
    }
  });

  it("is not taken up when it is no outline", () => {
    for (const broken of [
      "{",
      "3",
      "{}",
      JSON.stringify({ ...draft, outline: [] }),
      JSON.stringify({ ...draft, outline: [[[[0, 0]]]] }),
      JSON.stringify({
        ...draft,
        outline: [
          [
            [
              [0, 0],
              [1, "x"],
              [2, 2],
            ],
          ],
        ],
      }),
      JSON.stringify({ ...draft, tool: "measure" }),
    ]) {
      kept.set("draft u1 c1", broken);
      expect(draftOf("u1", "c1"), broken).toBeNull();
    }
  });

  it("does not stop the drawing where the browser keeps nothing", () => {
    vi.stubGlobal("localStorage", {
      getItem: () => {
        throw new Error("barred");
      },
      setItem: () => {
        throw new Error("full");
      },
      removeItem: () => {
        throw new Error("barred");
      },
    });
    keepDraft("u1", "c1", draft);
    dropDraft("u1", "c1");
    expect(draftOf("u1", "c1")).toBeNull();
  });
});
