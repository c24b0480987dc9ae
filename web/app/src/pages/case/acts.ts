// What a reader does on the case: choose, decide, draw, correct, take back.
import { useCallback, useRef, useState } from "preact/hooks";
import type { Outline, Verdict } from "../../api/types";
import { type Draft, type DraftTool, dropDraft, keepDraft } from "../../offline/draft";
import { labels, may, session } from "../../state";
import { bounds } from "../../viewer/geometry";
import type { Tool } from "../../viewer/tools";
import { useSay } from "../../words";
import { type CaseModel, open, type Row, settles } from "./model";
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
  const amends = Boolean(chosen?.finding.mine && chosen.finding.standing && !open(chosen) && !chosen.sending);

  const me = session.get()?.me?.id ?? "";
  const drafted = (tool: DraftTool, outline: Outline | null, slide: string) => {
    if (!outline) return dropDraft(me, props.caseId);
    keepDraft(me, props.caseId, { slide, tool, finding: correcting.current, outline });
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
  const resume = ({ slide, tool, finding, outline }: Draft) => {
    const on = panes.viewerOf(slide);
    if (!on) return;
    const row = rows.find((one) => one.finding.id === finding);
    if (row) model.select(row.finding.id);
    correcting.current = row ? row.finding.id : null;
    const at = bounds(outline);
    if (at) on.to(at, 0);
    on.tools.start(tool, outline);
    tell(say("outlineBack"));
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
    if (change.outline) dropDraft(me, props.caseId);
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
    if (!finding.outline) return;
    const on = panes.viewerOf(finding.slide);
    if (!on) return choose(finding.id);
    discard();
    on.toFinding(finding);
    on.tools.start("edit", finding.outline);
    // Where the work is, arrow keys are the cross's.
    on.target.focus();
    correcting.current = finding.id;
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
  const keep = (outline: Outline, slide: string) => {
    setAsk(null);
    panes.viewerOf(slide)?.tools.start("edit", outline);
    tell(say("outlineKept"));
  };

  const labelled = (name: string, outline: Outline, slide: string) => {
    const label = labels.get().find((one) => one.name === name);
    if (!label) return;
    if (chosen && correcting.current === chosen.finding.id) {
      if (amends) return setAsk({ kind: "amend", verdict: "correct", outline, label: name });
      return decide({ verdict: "correct", label: name, outline });
    }
    dropDraft(me, props.caseId);
    model.draw(slide, label, outline, viewed());
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
    done: (outline: Outline, slide: string) => {
      drafted("edit", outline, slide);
      setAsk({ kind: "label", outline, slide });
    },
  };
}

export type Acts = ReturnType<typeof useActs>;
