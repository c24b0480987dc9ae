// Which of a disputed finding's decisions are its two readings, and what each of the two outlined.
import type { Comparison, Decision, Shape } from "../../api/types";
import { shapeOf } from "../../viewer/geometry";
import type { Place, ReaderOutline } from "../../viewer/readings";

export type Disputed = Comparison["disputed"][number];

export interface Reading {
  place: Place;
  decision: Decision;
  label: string | null;
  /** None where the reader refused the finding. */
  shape: Shape | null;
}

export interface TwoReadings {
  readings: Reading[];
  overlap: number | null;
  /** Micrometres between two points. */
  distance: number | null;
}

/** Of each reader the reading as it was amended last, in the order in which they first read. */
function lastOfEach(decisions: Decision[]): Decision[] {
  const last = new Map<string, Decision>();
  for (const one of decisions) {
    const amended = one.manner === "amendment" && last.has(one.reader);
    if (one.verdict !== "defer" && (one.manner === "reading" || amended)) last.set(one.reader, one);
  }
  return [...last.values()];
}

/** Who is first in the table of agreement is first in every dispute, whoever of the two decided earlier. */
export function twoReadings(one: Disputed, pairs: Comparison["pairs"]): TwoReadings {
  const decided = lastOfEach(one.decisions);
  const pair = pairs.find(({ readings }) => readings.some(({ finding }) => finding === one.id));
  const decisions = pair
    ? pair.readers.flatMap((reader) => decided.find((each) => each.reader === reader) ?? [])
    : decided.slice(0, 2);
  const proposed = one.proposed ?? one;
  const compared = pair?.readings.find(({ finding }) => finding === one.id);
  return {
    readings: decisions.map((decision, place) => {
      const { verdict, label } = decision;
      const kept = verdict === "refuse" ? { label: null, outline: null, point: null } : proposed;
      return {
        place: place as Place,
        decision,
        label: label ?? kept.label,
        shape: shapeOf(decision) ?? shapeOf(kept),
      };
    }),
    overlap: compared?.overlap?.iou ?? null,
    distance: compared?.distance_um ?? null,
  };
}

export function outlinesOf(two: TwoReadings | null): ReaderOutline[] {
  return two?.readings.flatMap(({ place, shape }) => (shape ? [{ place, ...shape }] : [])) ?? [];
}
