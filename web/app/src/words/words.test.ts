import { describe, expect, it } from "vitest";
import { en } from "./en";
import { zh } from "./zh";

const holes = (text: string) => (text.match(/\{\w+\}/g) ?? []).sort();

describe("words", () => {
  it("are complete in both languages", () => {
    expect(Object.keys(zh).sort()).toEqual(Object.keys(en).sort());
    for (const [word, text] of [...Object.entries(en), ...Object.entries(zh)])
      expect(text.trim(), word).not.toBe("");
  });

  it("have the same gaps to fill in both languages", () => {
    for (const word of Object.keys(en) as (keyof typeof en)[])
      expect(holes(zh[word]), word).toEqual(holes(en[word]));
  });
});
