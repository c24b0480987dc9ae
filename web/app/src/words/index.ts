// Every sentence of the app, in both languages, from one typed dictionary.
import type { CaseStatus, FindingState, Label, Role, SlideVerdict, Urgency, Verdict } from "../api/types";
import { useCell } from "../cell";
import { language } from "../state";
import { en, type Word } from "./en";
import { zh } from "./zh";

export type Say = (word: Word, parts?: Record<string, string | number>) => string;

export function sayIn(tongue: "zh" | "en"): Say {
  const words = tongue === "zh" ? zh : en;
  return (word, parts) =>
    words[word].replace(/\{(\w+)\}/g, (whole, name: string) => String(parts?.[name] ?? whole));
}

export function useSay(): Say {
  return sayIn(useCell(language));
}

export const urgencyWord: Record<Urgency, Word> = {
  emergency: "emergency",
  urgent: "urgent",
  routine: "routine",
  low: "low",
};
export const statusWord: Record<CaseStatus, Word> = { open: "open", signed: "signed", amending: "amending" };
export const stateWord: Record<FindingState, Word> = {
  proposed: "stateProposed",
  deferred: "stateDeferred",
  "read-once": "stateReadOnce",
  disputed: "stateDisputed",
  accepted: "stateAccepted",
  corrected: "stateCorrected",
  refused: "stateRefused",
  released: "stateReleased",
};
export const actWord: Record<Verdict, Word> = {
  accept: "accept",
  correct: "correct",
  refuse: "refuse",
  defer: "defer",
};
/** What a signed case leaves as, by the name on the wire. */
export const formatWord = {
  json: "exportJson",
  geojson: "exportGeoJson",
  "sr.dcm": "exportReport",
  "annotations.dcm": "exportAnnotations",
} as const satisfies Record<string, Word>;
export const qualityWord: Record<SlideVerdict, Word> = {
  pass: "verdictPass",
  "pass-marked": "verdictPassMarked",
  rescan: "verdictRescan",
  restain: "verdictRestain",
  recut: "verdictRecut",
  unreadable: "verdictUnreadable",
};
export const roleWord: Record<Role, Word> = {
  pathologist: "rolePathologist",
  "second-reader": "roleSecondReader",
  technician: "roleTechnician",
  clinician: "roleClinician",
  researcher: "roleResearcher",
  administrator: "roleAdministrator",
  program: "roleProgram",
};

const faultWord: Record<string, Word> = {
  "out-of-focus": "faultOutOfFocus",
  stripes: "faultStripes",
  stitching: "faultStitching",
  "missing-tissue": "faultMissingTissue",
  "cut-tissue": "faultCutTissue",
  "no-tissue": "faultNoTissue",
  overexposed: "faultOverexposed",
  underexposed: "faultUnderexposed",
  "white-balance": "faultWhiteBalance",
  compression: "faultCompression",
  recompressed: "faultRecompressed",
  "broken-tiles": "faultBrokenTiles",
  fold: "faultFold",
  tear: "faultTear",
  bubble: "faultBubble",
  dirt: "faultDirt",
  "cover-slip-edge": "faultCoverSlipEdge",
  ink: "faultInk",
  "too-pale": "faultTooPale",
  "too-dark": "faultTooDark",
  "wrong-hue": "faultWrongHue",
  "unlike-site": "faultUnlikeSite",
  "other-stain": "faultOtherStain",
  "macro-absent": "faultMacroAbsent",
  "no-scale": "faultNoScale",
  "too-small": "faultTooSmall",
  unreadable: "faultUnreadable",
};

/** A fault by its name on the wire; one that is not known is shown as it came. */
export function faultName(say: Say, fault: string): string {
  const known = Object.hasOwn(faultWord, fault) ? faultWord[fault] : undefined;
  return known ? say(known) : fault;
}

/** A verdict and its faults as the worklist carries them, "rescan: out-of-focus", in the reader's words. */
export function qualityHeadline(say: Say, headline: string): string {
  const [verdict = "", faultText = ""] = headline.split(":").map((part) => part.trim());
  const known = qualityWord[verdict as SlideVerdict];
  if (!known) return headline;
  const named = faultText.split(",").map((fault) => faultName(say, fault.trim()));
  return [say(known), named.filter(Boolean).join(", ")].filter(Boolean).join(" · ");
}

export function kindName(say: Say, kind: string): string {
  if (kind === "lesion-region") return say("kindLesion");
  if (kind === "bulk-points") return say("points");
  return kind === "quality-verdict" ? say("verdict") : kind;
}

export function labelName(labels: Label[], name: string | null): string {
  if (name === null) return "";
  const label = labels.find((one) => one.name === name);
  return label ? label[language.get()] : name;
}

/** What a finding is called: a region by its label, a verdict by its words, else as the server names it. */
export function findingName(
  say: Say,
  labels: Label[],
  one: { label?: string | null; headline: string },
): string {
  if (one.label) return labelName(labels, one.label);
  // Many points in one finding, as the server's headline has it: "nuclei: 300000 points".
  const points = /^([^:]+): (\d+) points$/.exec(one.headline);
  if (points) {
    const [, label = "", number] = points;
    return say("pointsHeadline", { l: labelName(labels, label), n: count(Number(number)) });
  }
  return labels.some((label) => label.name === one.headline)
    ? labelName(labels, one.headline)
    : qualityHeadline(say, one.headline);
}

const reasons: Word[] = [
  "reasonBenign",
  "reasonArtefact",
  "reasonOutline",
  "reasonDuplicate",
  "reasonUnclear",
  "reasonQualityFine",
];

/** A reason is kept as the person read it; one from the list is shown in the words of whoever reads it now. */
export function reasonText(say: Say, reason: string): string {
  const known = reasons.find((word) => en[word] === reason || zh[word] === reason);
  return known ? say(known) : reason;
}

/** A slide whose file says nothing of its stain or organ is shown without, in either language. */
export function isStated(text: string | null): text is string {
  return text !== null && text !== "" && text !== "not stated";
}

const locale = () => (language.get() === "zh" ? "zh-CN" : "en-GB");

export function moment(text: string): string {
  const at = new Date(text);
  if (Number.isNaN(at.getTime())) return text;
  return at.toLocaleString(locale(), { dateStyle: "medium", timeStyle: "short" });
}

export function percent(share: number): string {
  return share.toLocaleString(locale(), { style: "percent", maximumFractionDigits: 0 });
}

export function count(number: number): string {
  return number.toLocaleString(locale());
}
