// What the server says, in the reader's words: Chinese for every refusal, and plainer words in both languages for
// what it says about fitting a head. A sentence that is not known is shown as it came: nothing is swallowed.
import { Problem } from "../api/client";
import { language } from "../state";
import type { Say } from ".";
import type { Word } from "./en";
import { refusalInChinese } from "./refusals";

/** Named groups fill the gaps of the word. */
const sentences: [RegExp, Word][] = [
  [/^no task examines slides here/, "saidNoTask"],
  [/^the head of the task (?<t>\S+) is made of kept examples/, "saidKeptExamples"],
  [/^the head is being refitted already/, "saidFitting"],
  [/^no decision about a region stands yet/, "saidNoDecision"],
  [/^no decision stands on a patient who agrees to training/, "saidNoConsent"],
  [
    /^(?<n>\d+) decisions on (?<c>\d+) cases are too few or too alike.*\((?<m>\d+) more cannot be used\)$/,
    "saidTooFewMore",
  ],
  [/^(?<n>\d+) decisions on (?<c>\d+) cases are too few or too alike/, "saidTooFew"],
  [/^the decisions are what the task's own head says already.*take the task's own head/, "saidOwnAgrees"],
  [/^the decisions are what the task's own head says already/, "saidNothingNew"],
  [/^no decision was held out/, "saidNoneHeldOut"],
  [/^it was stopped: ask again/, "saidStopped"],
  [/^it broke off/, "saidBrokeOff"],
  [/^this head is in use already/, "saidInUse"],
  [/: say why all the same$/, "saidReason"],
  [/^the head was refitted from another head than the one of the task/, "saidOtherTask"],
];

export function saidByServer(say: Say, sentence: string): string {
  for (const [pattern, word] of sentences) {
    const found = pattern.exec(sentence);
    if (found) return say(word, found.groups);
  }
  return said(sentence);
}

/** A refusal in the language that the page now has. */
export function said(sentence: string): string {
  return language.get() === "zh" ? (refusalInChinese(sentence) ?? sentence) : sentence;
}

export function whyNot(say: Say, error: unknown): string {
  if (!(error instanceof Problem)) return say("failed");
  if (error.status === 0) return say("fitUnreachable");
  if (error.status === 403) return say("mayNotDo");
  return saidByServer(say, error.message);
}
