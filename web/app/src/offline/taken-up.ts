// A decision that the server refused and a person takes up again: what was drawn, chosen and written is not lost.
import type { Decide, NewFinding, Quality, Shape, Verdict } from "../api/types";
import { cell } from "../cell";
import { shapeOf } from "../viewer/geometry";
import type { Waiting } from "./store";

/** The one that a person asked to try again; its case's page takes it from here. */
export const takenUp = cell<Waiting | null>(null);

/** What is tried again: an outline or a point goes back on its slide, anything else is asked about once more. */
export type Again =
  | ({ kind: "outline"; finding: string | null; slide: string } & Shape)
  | { kind: "quality"; finding: string; quality: Quality }
  | { kind: "verdict"; finding: string; verdict: Verdict };

/** `slideOf` knows the slides of the findings that are still there; null where it can no longer be done. */
export function againOf(
  entry: Waiting,
  slideOf: (finding: string) => string | null | undefined,
): Again | null {
  const { finding, body } = entry as { finding: string | null; body: Partial<Decide & NewFinding> };
  const shape = shapeOf(body);
  if (finding === null)
    return body.slide && shape ? { kind: "outline", finding, slide: body.slide, ...shape } : null;
  const slide = slideOf(finding);
  if (slide === undefined) return null;
  if (shape && slide) return { kind: "outline", finding, slide, ...shape };
  if (body.quality) return { kind: "quality", finding, quality: body.quality };
  return body.verdict ? { kind: "verdict", finding, verdict: body.verdict } : null;
}

/** Where the words of the entry's reason are kept, for the question that will ask them again. */
export function reasonOf(entry: Waiting, amends: boolean): { place: string; words: string } | null {
  const { verdict, reason } = entry.body as Partial<Decide>;
  if (!reason || !verdict || entry.finding === null) return null;
  const asked = verdict === "refuse" || verdict === "defer" ? verdict : amends ? "amend" : null;
  return asked ? { place: `${entry.finding} ${asked}`, words: reason } : null;
}
