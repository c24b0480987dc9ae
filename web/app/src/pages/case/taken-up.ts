// A refused decision that a person tries again: it is asked once more, against the findings as they are now.
import { useEffect, useState } from "preact/hooks";
import { useCell } from "../../cell";
import { keepDraft } from "../../offline/draft";
import { againOf, reasonOf, takenUp } from "../../offline/taken-up";
import { keepWords } from "../../offline/words";
import { queue, session } from "../../state";
import { useSay } from "../../words";
import type { Acts } from "./acts";
import { amends, type CaseModel, type Row } from "./model";
import type { Panes } from "./panes";

/** `opened` counts the viewers that came up: the one of the outline's slide may be among them. */
export function useTakenUp(
  caseId: string,
  model: CaseModel,
  rows: Row[],
  acts: Acts,
  panes: Panes,
  opened: number,
): void {
  const say = useSay();
  const given = useCell(takenUp);
  const entry = given?.case === caseId ? given : null;
  const [fresh, setFresh] = useState<string | null>(null);
  useEffect(() => {
    if (entry) void model.found.again().then(() => setFresh(entry.key));
  }, [entry?.key]);
  useEffect(() => {
    if (!entry || fresh !== entry.key) return;
    if (panes.viewers().some(({ tools }) => tools.active && tools.active !== "measure")) {
      takenUp.set(null);
      return acts.tell(say("againLater"));
    }
    const user = session.get()?.me?.id ?? "";
    const row = rows.find(({ finding }) => finding.id === entry.finding);
    const again = againOf(entry, (id) => (row?.finding.id === id ? row.finding.slide : undefined));
    if (!again) {
      takenUp.set(null);
      return acts.tell(say("againGone"));
    }
    const on = again.kind === "outline" ? panes.viewerOf(again.slide) : null;
    // Once its viewer is up, this is asked again.
    if (again.kind === "outline" && !on) return panes.show(again.slide);
    const reason = reasonOf(entry, row !== undefined && amends(row.finding));
    if (reason) keepWords(user, reason.place, reason.words);
    if (again.kind === "outline") {
      const { kind: _, ...drawn } = again;
      keepDraft(user, caseId, { ...drawn, tool: "edit" });
      acts.resume({ ...drawn, tool: "edit" });
    } else {
      acts.askAgain(again);
    }
    void queue.dismiss(entry.key);
    takenUp.set(null);
  }, [entry, fresh, opened, rows]);
}
