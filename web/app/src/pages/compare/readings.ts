// Which of a disputed finding's decisions are its two readings, and what each of the two outlined.
import type { Comparison, Decision, Outline } from "../../api/types";
import type { Place, ReaderOutline } from "../../viewer/readings";

export type Disputed = Comparison["disputed"][number];

export interface Reading {
  place: Place;
  decision: Decision;
  label: string | null;
  /** None where the reader refused the finding. */
  outline: Outline | null;
}

export interface TwoReadings {
  readings: Reading[];
  overlap: number | null;
}

/** Who is first in the table of agreement is first in every dispute, whoever of the two decided earlier. */
export function twoReadings(one: Disputed, pairs: Comparison["pairs"]): TwoReadings {
  const decided = one.decisions.filter(({ manner, verdict }) => manner === "reading" && verdict !== "defer");
  const pair = pairs.find(({ readings }) => readings.some(({ finding }) => finding === one.id));
  const decisions = pair
    ? pair.readers.flatMap((reader) => decided.find((each) => each.reader === reader) ?? [])
    : decided.slice(0, 2);
  const proposed = one.proposed ?? one;
  return {
    readings: decisions.map((decision, place) => {
      const { verdict, label, outline } = decision;
      const kept = verdict === "refuse" ? { label: null, outline: null } : proposed;
      return {
        place: place as Place,
        decision,
        label: label ?? kept.label,
        outline: outline ?? kept.outline,
      };
    }),
    overlap: pair?.readings.find(({ finding }) => finding === one.id)?.overlap?.iou ?? null,
  };
}

export function outlinesOf(two: TwoReadings | null): ReaderOutline[] {
  return two?.readings.flatMap(({ place, outline }) => (outline ? [{ place, outline }] : [])) ?? [];
}
