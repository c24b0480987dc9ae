// What the server says when it refuses, in Chinese: by sentence, what stands in its gaps in Chinese too where it is
// known. A test reads the server's sources and fails on a sentence that is missing.

import { names } from "./refusal-names";
import { sentences } from "./refusal-sentences";

const special = /[.*+?^${}()|[\]\\]/g;

/** Longest first: a sentence that says more is not taken for one that says less. */
const patterns = Object.entries(sentences)
  .map(([english, chinese]) => ({
    said: new RegExp(
      `^${english
        .split("{}")
        .map((part) => part.replace(special, "\\$&"))
        .join("(.+?)")}$`,
      "s",
    ),
    chinese,
    length: english.replaceAll("{}", "").length,
  }))
  .sort((a, b) => b.length - a.length);

/** A refusal in Chinese; null where the sentence is not known. */
export function refusalInChinese(said: string): string | null {
  const name = names[said];
  if (name !== undefined) return name;
  for (const { said: pattern, chinese, length } of patterns) {
    const found = pattern.exec(said);
    if (!found) continue;
    const gaps = found.slice(1).map((gap) => ({ gap, known: refusalInChinese(gap) }));
    // "this: that" says nothing of its own: one of the two must be known.
    if (length <= 2 && !gaps.some((one) => one.known !== null)) continue;
    return gaps
      .reduce((text, { gap, known }) => text.replace("{}", () => (known ?? gap).replace(/。$/, "")), chinese)
      .replace(/。。/g, "。");
  }
  return null;
}
