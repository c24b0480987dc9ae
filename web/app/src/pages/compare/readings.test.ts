import { describe, expect, it } from "vitest";
import type { Comparison, Decision, Outline } from "../../api/types";
import { type Disputed, outlinesOf, twoReadings } from "./readings";

const square = (size: number): Outline => [
  [
    [
      [0, 0],
      [size, 0],
      [size, size],
    ],
  ],
];

const decision = (reader: string, verdict: Decision["verdict"], more: Partial<Decision> = {}) =>
  ({
    id: `${reader} ${verdict}`,
    manner: "reading",
    reader,
    verdict,
    label: null,
    outline: null,
    ...more,
  }) as Decision;

const disputed = (...decisions: Decision[]) =>
  ({ id: "f", label: "carcinoma", outline: square(4), proposed: null, decisions }) as unknown as Disputed;

const pairs = (iou: number | null): Comparison["pairs"] => [
  {
    readers: ["lin", "zhou"],
    kappa: null,
    readings: [
      {
        finding: "f",
        first: "accept",
        second: "correct",
        first_label: "carcinoma",
        second_label: "adenoma",
        agree: false,
        overlap: iou === null ? null : { iou, dice: iou },
        distance_um: null,
      },
    ],
  },
];

describe("two readings of a disputed finding", () => {
  it("stand in the order of the table, not of time, and a deferral is none", () => {
    const one = disputed(
      decision("zhou", "correct", { label: "adenoma", outline: square(8) }),
      decision("lin", "defer"),
      decision("lin", "accept"),
    );
    const two = twoReadings(one, pairs(0.5));
    expect(two.readings.map(({ decision }) => decision.reader)).toEqual(["lin", "zhou"]);
    expect(two.readings.map(({ label }) => label)).toEqual(["carcinoma", "adenoma"]);
    expect(two.overlap).toBe(0.5);
    expect(outlinesOf(two)).toEqual([
      { place: 0, outline: square(4) },
      { place: 1, outline: square(8) },
    ]);
  });

  it("a reader's own amendment takes the place of the reading, a third's does not", () => {
    const one = disputed(
      decision("lin", "accept"),
      decision("zhou", "accept"),
      decision("lin", "refuse", { manner: "amendment" }),
      decision("wu", "correct", { manner: "amendment" }),
    );
    const two = twoReadings(one, pairs(null));
    expect(two.readings.map(({ decision }) => [decision.reader, decision.verdict])).toEqual([
      ["lin", "refuse"],
      ["zhou", "accept"],
    ]);
  });

  it("who refuses outlines nothing", () => {
    const two = twoReadings(disputed(decision("lin", "refuse"), decision("zhou", "accept")), pairs(null));
    expect(two.overlap).toBeNull();
    expect(outlinesOf(two)).toEqual([{ place: 1, outline: square(4) }]);
  });

  it("may be points, whose distance is said", () => {
    const one = disputed(
      decision("lin", "accept"),
      decision("zhou", "correct", { label: "adenoma", point: [5, 6] }),
    );
    const moved = { ...one, outline: null, point: [1, 2] } as Disputed;
    const apart = pairs(null).map((pair) => ({
      ...pair,
      readings: pair.readings.map((reading) => ({ ...reading, distance_um: 2.8 })),
    }));
    const two = twoReadings(moved, apart);
    expect([two.overlap, two.distance]).toEqual([null, 2.8]);
    expect(outlinesOf(two)).toEqual([
      { place: 0, point: [1, 2] },
      { place: 1, point: [5, 6] },
    ]);
  });

  it("what is kept back has none", () => {
    expect(twoReadings(disputed(), []).readings).toEqual([]);
  });
});
