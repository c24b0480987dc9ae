// What an entry of the audit carries, in words: a verdict, a reason, why somebody was turned away.
import type { Role, Urgency, Verdict } from "../api/types";
import { actWord, roleWord, type Say, urgencyWord } from "../words";
import type { Word } from "../words/en";
import { said } from "../words/server";

/** Ids begin with the time: those of one day look alike, and only the end tells them apart. */
export const lastDigits = (id: string | null) => id?.slice(-8) ?? "";

/** From the beginning of a day, as this desk counts days, to the beginning of the next. */
export function secondsOf(day: string): { since?: number; until?: number } {
  const parts = /^(\d{4})-(\d{2})-(\d{2})$/.exec(day);
  if (!parts) return {};
  const [year, month, date] = parts.slice(1).map(Number) as [number, number, number];
  const at = (plus: number) => new Date(year, month - 1, date + plus).getTime() / 1000;
  return { since: at(0), until: at(1) };
}

/** A name of the wire in the reader's words; one that is not known as it came. */
const named = (say: Say, words: Record<string, Word>, name: string) =>
  Object.hasOwn(words, name) ? say(words[name] as Word) : name;

export function detailText(say: Say, detail: string): string {
  let found: Record<string, unknown>;
  try {
    found = JSON.parse(detail);
  } catch {
    return detail;
  }
  const text = (name: string) => {
    const value = found?.[name];
    // A digest stands for words that the audit does not keep.
    return typeof value === "string" && value !== "" && !value.startsWith("blake3:") ? value : null;
  };
  const [verdict, urgency, role] = [text("verdict"), text("urgency"), text("role")];
  return [
    verdict && named(say, actWord satisfies Record<Verdict, Word>, verdict),
    urgency && named(say, urgencyWord satisfies Record<Urgency, Word>, urgency),
    role && named(say, roleWord satisfies Record<Role, Word>, role),
    text("purpose"),
    text("reason"),
    said(text("why") ?? ""),
  ]
    .filter(Boolean)
    .join(" · ");
}
