import { beforeEach, describe, expect, it, vi } from "vitest";

const kept = new Map<string, string>();
vi.stubGlobal("navigator", { language: "en-GB" });
vi.stubGlobal("localStorage", {
  getItem: (name: string) => kept.get(name) ?? null,
  setItem: (name: string, value: string) => kept.set(name, value),
  removeItem: (name: string) => kept.delete(name),
});
const { keepWords, wordsOf } = await import("./words");

describe("words that are being written", () => {
  beforeEach(() => kept.clear());

  it("come back to their place and their writer, and to no other", () => {
    keepWords("lin", "case-1 conclusion", "Adenocarcinoma.");
    expect(wordsOf("lin", "case-1 conclusion")).toBe("Adenocarcinoma.");
    expect(wordsOf("zhou", "case-1 conclusion")).toBe("");
    expect(wordsOf("lin", "case-2 conclusion")).toBe("");
  });

  it("are gone once nothing is left of them", () => {
    keepWords("lin", "case-1 conclusion", "A");
    keepWords("lin", "case-1 conclusion", "");
    expect(kept.size).toBe(0);
  });

  it("do not stop a browser that keeps nothing", () => {
    vi.stubGlobal("localStorage", {
      getItem: () => {
        throw new Error("barred");
      },
      setItem: () => {
        throw new Error("full");
      },
    });
    expect(() => keepWords("lin", "case-1 conclusion", "A")).not.toThrow();
    expect(wordsOf("lin", "case-1 conclusion")).toBe("");
  });
});
