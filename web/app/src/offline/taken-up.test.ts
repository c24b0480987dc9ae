import { describe, expect, it } from "vitest";
import type { Waiting } from "./store";
import { againOf, reasonOf } from "./taken-up";

const outline = [
  [
    [
      [0, 0],
      [9, 0],
      [9, 9],
    ],
  ],
] as [number, number][][][];
const refused = (body: unknown, finding: string | null = "f1"): Waiting => ({
  key: "k",
  user: "u1",
  case: "c1",
  finding,
  path: "/x",
  body,
  shown: { verdict: "correct" },
  at: 0,
  due: 0,
  tries: 1,
  refused: "an amendment must say why",
});
const slideOf = (id: string) => (id === "f1" ? "s1" : undefined);

describe("a refused decision that is tried again", () => {
  it("is given up where there is nothing left to decide about", () => {
    expect(againOf(refused({ verdict: "accept" }, "gone"), slideOf)).toBeNull();
    expect(againOf(refused({ label: "tumour" }, null), slideOf)).toBeNull();
    expect(againOf(refused({}), slideOf)).toBeNull();
  });

  it("keeps what was drawn, of a finding and of a new region", () => {
    expect(againOf(refused({ verdict: "correct", label: "tumour", outline }), slideOf)).toEqual({
      kind: "outline",
      finding: "f1",
      slide: "s1",
      outline,
    });
    expect(againOf(refused({ slide: "s2", label: "tumour", outline }, null), slideOf)).toEqual({
      kind: "outline",
      finding: null,
      slide: "s2",
      outline,
    });
  });

  it("keeps a point as a point", () => {
    const again = againOf(refused({ slide: "s2", label: "tumour", point: [4, 5] }, null), slideOf);
    expect(again).toEqual({ kind: "outline", finding: null, slide: "s2", point: [4, 5] });
  });

  it("asks about a verdict or a slide's quality once more", () => {
    expect(againOf(refused({ verdict: "accept" }), slideOf)).toEqual({
      kind: "verdict",
      finding: "f1",
      verdict: "accept",
    });
    const quality = { verdict: "rescan" as const, reasons: [] };
    expect(againOf(refused({ verdict: "correct", quality }), slideOf)).toEqual({
      kind: "quality",
      finding: "f1",
      quality,
    });
  });

  it("keeps the words of a reason for the question that asks them", () => {
    const refuse = refused({ verdict: "refuse", reason: "artefact" });
    expect(reasonOf(refuse, true)).toEqual({ place: "f1 refuse", words: "artefact" });
    const accept = refused({ verdict: "accept", reason: "seen again" });
    expect(reasonOf(accept, true)).toEqual({ place: "f1 amend", words: "seen again" });
    expect(reasonOf(accept, false)).toBeNull();
    expect(reasonOf(refused({ verdict: "accept" }), true)).toBeNull();
  });
});
