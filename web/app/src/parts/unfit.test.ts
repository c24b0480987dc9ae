import { describe, expect, it } from "vitest";
import { unfitOf } from "./unfit";

const verdict = (headline: string, kind = "quality-verdict") => ({ kind, headline, slide_label: "A1-1" });

describe("slides that are not fit to be read", () => {
  it("are those whose confirmed verdict says so", () => {
    expect(unfitOf([verdict("rescan: out-of-focus"), verdict("recut")])).toEqual([
      { label: "A1-1", verdict: "rescan" },
      { label: "A1-1", verdict: "recut" },
    ]);
  });

  it("are none of the good ones, nor what is no verdict", () => {
    expect(unfitOf([verdict("pass"), verdict("pass-marked: ink"), verdict("")])).toEqual([]);
    expect(unfitOf([verdict("rescan", "lesion-region")])).toEqual([]);
  });
});
