import { describe, expect, it, vi } from "vitest";

vi.stubGlobal("navigator", { language: "en-GB" });
const { holds } = await import("./consent");

const line = (granted: boolean, until: string | null = null) => ({
  purpose: "research" as const,
  granted,
  until,
  by: "x",
  at: "2026-01-01T00:00:00.000000Z",
});

describe("a patient's consent", () => {
  const now = Date.parse("2026-06-01T00:00:00Z");

  it("is the latest word, as long as its last day is not over", () => {
    expect(holds([], "research", now)).toBeNull();
    expect(holds([line(true)], "research", now)).not.toBeNull();
    expect(holds([line(true)], "training", now)).toBeNull();
    expect(holds([line(true), line(false)], "research", now)).toBeNull();
    expect(holds([line(false), line(true)], "research", now)).not.toBeNull();
    expect(holds([line(true, "2026-05-31T23:59:59.999999Z")], "research", now)).toBeNull();
    expect(holds([line(true, "2026-06-30T23:59:59.999999Z")], "research", now)).not.toBeNull();
  });
});
