import { describe, expect, it } from "vitest";
import type { Measures } from "../../api/improvement";
import type { CostLine } from "../../api/types";
import { chanceOf, interval, judge, regionDecisions } from "./judge";

const measured = (more: Partial<Measures> & { balanced?: [number, number]; loss?: [number, number] }) => {
  const { balanced = [0.5, 0.7], loss = [0.6, 0.5], ...rest } = more;
  const side = (i: 0 | 1) => ({ agrees: 1, of: 2, balanced: balanced[i], log_loss: loss[i] });
  return {
    before: side(0),
    after: side(1),
    mended: 9,
    spoilt: 1,
    kinds: [],
    pull: 0.1,
    learned_cases: 8,
    held_out_cases: 4,
    learned_tiles: 9,
    left_out: { no_features: 0, no_tile: 0, unknown_label: 0 },
    slides: 1,
    tiles: 1,
    changed_tiles: 0,
    ...rest,
  } satisfies Measures;
};

describe("chance", () => {
  it("is that of a fair coin", () => {
    expect(chanceOf(0, 0)).toBeNull();
    expect(chanceOf(1, 0)).toBe(1);
    expect(chanceOf(5, 5)).toBe(1);
    expect(chanceOf(6, 0)).toBeCloseTo(2 / 64, 12);
    // Of 10 coins at most one falls otherwise: 2 (1 + 10) / 1024.
    expect(chanceOf(9, 1)).toBeCloseTo(22 / 1024, 12);
    expect(chanceOf(1, 9)).toBeCloseTo(22 / 1024, 12);
  });

  it("holds for as many decisions as a fit takes", () => {
    expect(chanceOf(2500, 2500)).toBe(1);
    expect(chanceOf(2600, 2400)).toBeCloseTo(0.0049, 3);
    expect(chanceOf(5000, 0)).toBeLessThan(1e-300);
  });
});

describe("interval", () => {
  it("is Wilson's", () => {
    expect(interval(0, 0)).toBeNull();
    const [low, high] = interval(7, 9) ?? [];
    expect(low).toBeCloseTo(0.4526, 3);
    expect(high).toBeCloseTo(0.9368, 3);
    expect(interval(5, 5)?.[1]).toBe(1);
    expect(interval(5, 5)?.[0]).toBeCloseTo(0.5655, 3);
  });
});

describe("judging a fit", () => {
  it("says better only where chance would hardly give it", () => {
    expect(judge(measured({}), false)).toMatchObject({ direction: "better", sure: true });
    expect(judge(measured({ mended: 3, spoilt: 0 }), false)).toMatchObject({
      direction: "better",
      sure: false,
    });
  });

  it("takes nothing as sure from one case", () => {
    expect(judge(measured({ held_out_cases: 1 }), false).sure).toBe(false);
  });

  it("takes the server's word for worse, and is as strict there", () => {
    const worse = measured({ balanced: [0.7, 0.5], mended: 1, spoilt: 9 });
    expect(judge(worse, true)).toMatchObject({ direction: "worse", sure: true });
    expect(judge(measured({ mended: 0, spoilt: 1 }), true)).toMatchObject({
      direction: "worse",
      sure: false,
    });
  });

  it("is not sure where counts and averaged shares point apart", () => {
    expect(judge(measured({ mended: 1, spoilt: 9 }), false).sure).toBe(false);
  });

  it("says same where nothing differs", () => {
    const same = measured({ balanced: [0.5, 0.5], loss: [0.6, 0.6], mended: 0, spoilt: 0 });
    expect(judge(same, false)).toEqual({ direction: "same", sure: false, chance: null });
  });
});

describe("counting decisions", () => {
  it("takes regions that were read and settled", () => {
    const line = (more: Partial<CostLine>): CostLine => ({
      reader: "r",
      kind: "lesion-region",
      manner: "reading",
      verdict: "accept",
      decisions: 2,
      milliseconds: 1,
      aided: true,
      ...more,
    });
    const lines = [
      line({}),
      line({ reader: "s" }),
      line({ verdict: "refuse", decisions: 1 }),
      line({ verdict: "defer" }),
      line({ kind: "quality-verdict" }),
      line({ manner: "amendment" }),
    ];
    expect(regionDecisions(lines)).toEqual({ all: 5, accept: 4, correct: 0, refuse: 1 });
  });
});
