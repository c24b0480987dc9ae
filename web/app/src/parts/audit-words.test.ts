import { describe, expect, it, vi } from "vitest";

vi.stubGlobal("localStorage", { getItem: () => null, setItem: () => undefined });
vi.stubGlobal("navigator", { language: "en" });
const { detailText, lastDigits, secondsOf } = await import("./audit-words");
const { sayIn } = await import("../words");
const say = sayIn("en");

describe("an entry of the audit in words", () => {
  it("shows what is no JSON, and what is not known, as it came", () => {
    expect(detailText(say, "{")).toBe("{");
    expect(detailText(say, "null")).toBe("");
    expect(detailText(say, "[]")).toBe("");
    expect(detailText(say, '{"verdict":"perhaps"}')).toBe("perhaps");
    expect(detailText(say, '{"verdict":3,"why":{}}')).toBe("");
  });

  it("names the verdict and the reason, and no digest", () => {
    expect(detailText(say, '{"verdict":"refuse","reason":"blake3:00"}')).toBe("Refuse");
    expect(detailText(say, '{"why":"wrong password","role":"technician"}')).toBe(
      "Technician · wrong password",
    );
  });

  it("tells ids of one day apart", () => {
    expect(lastDigits("01a2281b7c0070008000000000000001")).not.toBe(
      lastDigits("01a2281b7c0070008000000000000002"),
    );
    expect(lastDigits(null)).toBe("");
  });

  it("takes a day from its beginning to the next one's", () => {
    const { since = 0, until = 0 } = secondsOf("2026-11-29");
    expect(until - since).toBe(86_400);
    expect(new Date(since * 1000).getHours()).toBe(0);
    expect(secondsOf("")).toEqual({});
    expect(secondsOf("yesterday")).toEqual({});
  });
});
