import { describe, expect, it, vi } from "vitest";

vi.stubGlobal("localStorage", { getItem: () => null, setItem: () => undefined });
vi.stubGlobal("navigator", { language: "en" });
const { amends, toAmend } = await import("./model");

describe("deciding again", () => {
  it("amends what stands, whoever decided it", () => {
    for (const state of ["accepted", "corrected", "refused", "released"] as const)
      expect(amends({ standing: "d1", state }), state).toBe(true);
  });

  it("amends nothing where no decision stands yet", () => {
    for (const state of ["proposed", "deferred", "read-once", "disputed"] as const)
      expect(amends({ standing: "d1", state }), state).toBe(false);
    expect(amends({ standing: null, state: "accepted" })).toBe(false);
  });

  it("changes a colleague's decision, and of two readers' the own one", () => {
    const mine = { decision: "d1", verdict: "accept" as const };
    const one = { field: "diagnosis" as const, standing: "d2" };
    expect(toAmend({ ...one, mine: null }, "single")).toBe("d2");
    expect(toAmend({ ...one, mine }, "single")).toBe("d2");
    expect(toAmend({ ...one, mine }, "double")).toBe("d1");
    expect(toAmend({ ...one, mine: null }, "double")).toBe("d2");
    expect(toAmend({ ...one, field: "quality", mine }, "double")).toBe("d2");
  });
});
