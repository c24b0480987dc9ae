// What a reader does on the case: choose, decide, draw, correct, take back.
import { useCallback, useRef, useState } from "preact/hooks";
import type { Shape, Verdict } from "../../api/types";
import { type Draft, type DraftTool, dropDraft, keepDraft } from "../../offline/draft";
import type { Again } from "../../offline/taken-up";
import { labels, may, session } from "../../state";
import { boundsOf, shapeOf } from "../../viewer/geometry";
import type { Tool } from "../../viewer/tools";
import { useSay } from "../../words";
import { amends as amendsIt, type CaseModel, open, type Row, settles } from "./model";
import type { Panes } from "./panes";
import type { Ask } from "./questions";

export function useActs(props: {
  caseId: string;
  model: CaseModel;
  rows: Row[];
  panes: Panes;
  tell: (text: string) => void;
}) {
  const say = useSay();
  const { model, rows, panes, tell } = props;
  const [ask, setAsk] = useState<Ask | null>(null);
  /** The finding whose outline is being changed; none while a new one is drawn. */
  const correcting = useRef<string | null>(null);
  const chosen = rows.find((row) => row.finding.id === model.chosen) ?? null;
  const amends = chosen !== null && !chosen.sending && amendsIt(chosen.finding);

  const me = session.get()?.me?.id ?? "";
  const drafted = (tool: DraftTool, shape: Shape | null, slide: string) => {
    if (!shape) return dropDraft(me, props.caseId);
    keepDraft(me, props.caseId, { slide, tool, finding: correcting.current, ...shape });
  };
  /** Ends what is being drawn, and throws it away. */
  const discard = () => {
    for (const viewer of panes.viewers()) {
      if (viewer.tools.active && viewer.tools.active !== "measure") dropDraft(me, props.caseId);
      viewer.tools.stop();
    }
    correcting.current = null;
  };
  /** The outline that an earlier window left unfinished is on the slide again, with the tool that drew it. */
  const resume = ({ slide, tool, finding, ...shape }: Draft) => {
    const on = panes.viewerOf(slide);
    if (!on) return;
    const row = rows.find((one) => one.finding.id === finding);
    if (row) model.select(row.finding.id);
    correcting.current = row ? row.finding.id : null;
    const at = boundsOf([shape]);
    if (at) on.to(at, 0);
    on.tools.start(tool, shape);
    tell(say(shape.point ? "pointBack" : "outlineBack"));
  };

  const choose = useCallback(
    (id: string) => {
      discard();
      model.select(id);
      const finding = rows.find((row) => row.finding.id === id)?.finding;
      if (!finding) return;
      const on = panes.viewerOf(finding.slide);
      if (on) on.toFinding(finding);
      else if (finding.slide) panes.show(finding.slide);
    },
    [rows, panes.slideId, panes.besideId, model.select],
  );

  const next = (step: 1 | -1, onlyOpen: boolean) => {
    const from = rows.findIndex((row) => row.finding.id === model.chosen);
    for (let i = 1; i <= rows.length; i++) {
      const row = rows[(from + step * i + rows.length * 2) % rows.length];
      if (row && (!onlyOpen || open(row))) return choose(row.finding.id);
    }
  };

  const viewed = () =>
    panes
      .viewers()
      .flatMap((viewer) => viewer.viewing.takeViewed())
      .slice(-1000);

  const decide = (change: Parameters<typeof model.decide>[1]) => {
    if (!chosen) return;
    correcting.current = null;
    if (shapeOf(change)) dropDraft(me, props.caseId);
    model.decide(chosen.finding, change, viewed());
    const from = rows.indexOf(chosen);
    const later = [...rows.slice(from + 1), ...rows.slice(0, from)].find(open);
    if (later) choose(later.finding.id);
  };

  const act = (verdict: Verdict) => {
    if (!chosen || chosen.sending) return;
    const { finding } = chosen;
    if (!may(finding.field === "quality" ? "decide-quality" : "decide-diagnosis"))
      return tell(say("readOnly"));
    if (finding.state === "disputed" && !settles(finding)) return tell(say("settleThird"));
    if (verdict === "refuse" || verdict === "defer") return setAsk({ kind: "reason", verdict });
    if (verdict === "accept") return amends ? setAsk({ kind: "amend", verdict }) : decide({ verdict });
    if (finding.quality) return setAsk({ kind: "quality" });
    const shape = shapeOf(finding);
    if (!shape) return tell(say("noOutlineHere"));
    const on = panes.viewerOf(finding.slide);
    if (!on) return choose(finding.id);
    discard();
    on.toFinding(finding);
    on.tools.start("edit", shape);
    // Where the work is, arrow keys are the cross's.
    on.target.focus();
    correcting.current = finding.id;
  };

  /** What the server refused is asked about again, of the finding as it stands now. */
  const askAgain = (again: Exclude<Again, { kind: "outline" }>) => {
    const row = rows.find(({ finding }) => finding.id === again.finding);
    if (!row) return;
    choose(again.finding);
    const changes = amendsIt(row.finding);
    if (again.kind === "quality")
      setAsk(changes ? { kind: "amend", verdict: "correct", quality: again.quality } : { kind: "quality" });
    else if (again.verdict === "refuse" || again.verdict === "defer")
      setAsk({ kind: "reason", verdict: again.verdict });
    else if (again.verdict === "accept" && changes) setAsk({ kind: "amend", verdict: "accept" });
    else tell(say("againHere"));
  };

  const start = (wanted: Tool) => {
    const on = panes.viewer();
    if (!on) return;
    if (on.tools.active === "edit" && wanted === "brush") return on.tools.start("brush", on.tools.current());
    if (on.tools.active === wanted) return discard();
    if (wanted !== "measure" && !may("propose")) return tell(say("readOnly"));
    discard();
    on.tools.start(wanted);
    on.target.focus();
  };

  /** A question about a drawn outline was put away: the outline goes back on the slide, not lost. */
  const keep = (shape: Shape, slide: string) => {
    setAsk(null);
    panes.viewerOf(slide)?.tools.start("edit", shape);
    tell(say(shape.point ? "pointKept" : "outlineKept"));
  };

  const labelled = (name: string, shape: Shape, slide: string) => {
    const label = labels.get().find((one) => one.name === name);
    if (!label) return;
    if (chosen && correcting.current === chosen.finding.id) {
      if (amends) return setAsk({ kind: "amend", verdict: "correct", shape, label: name });
      return decide({ verdict: "correct", label: name, ...shape });
    }
    dropDraft(me, props.caseId);
    model.draw(slide, label, shape, viewed());
  };

  const undo = async () => {
    if (panes.viewer()?.tools.active && panes.viewer()?.tools.undo()) return;
    tell(say((await model.undo()) ? "undone" : "nothingToUndo"));
  };

  return {
    ask,
    setAsk,
    chosen,
    amends,
    correcting,
    choose,
    next,
    decide,
    act,
    start,
    keep,
    labelled,
    undo,
    drafted,
    discard,
    resume,
    askAgain,
    tell,
    done: (shape: Shape, slide: string) => {
      drafted("edit", shape, slide);
      setAsk({ kind: "label", shape, slide });
    },
  };
}

export type Acts = ReturnType<typeof useActs>;
