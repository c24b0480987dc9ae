// Slides whose confirmed quality says that nothing should be read from them: whoever signs is told.
import type { ReportFinding, SlideVerdict } from "../api/types";

const unfit = new Set<string>(["rescan", "restain", "recut", "unreadable"] satisfies SlideVerdict[]);

/** A confirmed verdict's headline begins with its name, "rescan: out-of-focus". */
export function unfitOf(
  findings: Pick<ReportFinding, "kind" | "headline" | "slide_label">[],
): { label: string; verdict: SlideVerdict }[] {
  return findings.flatMap(({ kind, headline, slide_label }) => {
    const verdict = headline.split(":")[0]?.trim() ?? "";
    return kind === "quality-verdict" && unfit.has(verdict)
      ? [{ label: slide_label ?? "—", verdict: verdict as SlideVerdict }]
      : [];
  });
}
