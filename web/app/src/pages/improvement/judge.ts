// What the held-out decisions say of a new head, and whether so few of them can say it.
import type { Measures } from "../../api/improvement";
import type { CostLine, Verdict } from "../../api/types";

/** Chance is believed to be behind a difference that it gives at least this often. */
const RARE = 0.05;

export interface Judgement {
  direction: "better" | "worse" | "same";
  /** Whether the difference is larger than chance gives. */
  sure: boolean;
  /** How often chance gives as large a difference; none where both heads agree with the same decisions. */
  chance: number | null;
}

/**
 * Two-sided exact sign test: of decisions on which the heads differ, as many mended as spoilt are expected
 * where neither is better.
 */
export function chanceOf(mended: number, spoilt: number): number | null {
  const all = mended + spoilt;
  if (all === 0) return null;
  // The chance of i of them, step by step in logarithms: 2^-all alone is no number for large counts.
  let log = -all * Math.LN2;
  let sum = 0;
  for (let i = 0; i <= Math.min(mended, spoilt); i++) {
    sum += Math.exp(log);
    log += Math.log((all - i) / (i + 1));
  }
  return Math.min(1, 2 * sum);
}

/** Wilson's 95 % interval of a share; none of nothing. */
export function interval(agrees: number, of: number): [low: number, high: number] | null {
  if (of === 0) return null;
  const z = 1.959964;
  const share = agrees / of;
  const middle = share + (z * z) / (2 * of);
  const reach = z * Math.sqrt((share * (1 - share)) / of + (z * z) / (4 * of * of));
  const whole = 1 + (z * z) / of;
  return [Math.max(0, (middle - reach) / whole), Math.min(1, (middle + reach) / whole)];
}

export function judge(measured: Measures, worse: boolean): Judgement {
  const { before, after, mended, spoilt } = measured;
  const better = after.balanced > before.balanced || after.log_loss < before.log_loss;
  const direction = worse ? "worse" : better ? "better" : "same";
  const chance = chanceOf(mended, spoilt);
  // Shares that are averaged over kinds can point elsewhere than the bare counts: then nothing is sure.
  const alike = direction === "better" ? mended > spoilt : direction === "worse" && spoilt > mended;
  // Decisions of one case resemble one another: one case says nothing of others.
  const sure = alike && chance !== null && chance < RARE && measured.held_out_cases > 1;
  return { direction, sure, chance };
}

export type Counts = Record<Exclude<Verdict, "defer">, number> & { all: number };

/** Decisions about regions as the record counts them: replaced ones too, so this is a most. */
export function regionDecisions(lines: CostLine[]): Counts {
  const counts: Counts = { all: 0, accept: 0, correct: 0, refuse: 0 };
  for (const { kind, manner, verdict, decisions } of lines) {
    if (kind !== "lesion-region" || manner !== "reading" || verdict === "defer") continue;
    counts[verdict] += decisions;
    counts.all += decisions;
  }
  return counts;
}
