// The case: slides, what was found on them, and one key for each decision.
import { useEffect, useMemo, useState } from "preact/hooks";
import { api, Problem } from "../../api/client";
import type { Case, Urgency } from "../../api/types";
import { problemText, Waiting } from "../../parts/load";
import { Shell } from "../../shell";
import type { ReaderOutline } from "../../viewer/readings";
import type { Tool } from "../../viewer/tools";
import { useSay } from "../../words";
import { outlinesOf } from "../compare/readings";
import { useActs } from "./acts";
import { CaseBar } from "./case-bar";
import { useDraft } from "./draft";
import { useKeys } from "./keys";
import type { Layers } from "./layers";
import { colorOf } from "./list";
import { type CaseModel, keptBack, mustCommit, open, useCase } from "./model";
import type { Objects } from "./objects";
import { Pane } from "./pane";
import { Panel } from "./panel";
import { type Side, usePanes } from "./panes";
import { Questions } from "./questions";
import { useTwoReadings } from "./readings";
import { useTakenUp } from "./taken-up";
import { ToolBar } from "./tool-bar";

const none: ReaderOutline[] = [];

export function CasePage({ id, at }: { id: string; at: string | null }) {
  const model = useCase(id);
  const one = model.theCase.value;
  return (
    <Shell page="case" full>
      <Waiting loaded={model.theCase}>{one && <Desk one={one} model={model} at={at} />}</Waiting>
    </Shell>
  );
}

/** A short word to the reader, gone after a while. */
function useToast(): [string, (text: string) => void] {
  const [said, tell] = useState("");
  useEffect(() => {
    if (!said) return;
    const timer = setTimeout(() => tell(""), 5000);
    return () => clearTimeout(timer);
  }, [said]);
  return [said, tell];
}

function Desk({ one, model, at }: { one: Case; model: CaseModel; at: string | null }) {
  const say = useSay();
  const panes = usePanes(one);
  const [said, tell] = useToast();
  const [tool, setTool] = useState<Tool | null>(null);
  const [objects, setObjects] = useState<Record<string, Objects>>({});
  /** Viewers that came up so far. */
  const [opened, setOpened] = useState(0);
  const [aiShown, setAiShown] = useState(true);
  const [layerState, setLayers] = useState<Layers>({
    ai: true,
    heatmap: false,
    opacity: 0.45,
    threshold: 0.3,
    veil: false,
    points: true,
    objects: {},
  });
  const hidden = keptBack(one, model.found.value?.hidden ?? true);
  const layers = useMemo(() => ({ ...layerState, ai: aiShown && !hidden }), [layerState, aiShown, hidden]);
  const rows = useMemo(
    () => model.rows.filter((row) => row.finding.by_person || row.finding.field === "quality" || !hidden),
    [model.rows, hidden],
  );
  const acts = useActs({ caseId: one.id, model, rows, panes, tell });
  const { chosen, correcting } = acts;
  const two = useTwoReadings(one.id, rows, chosen);
  const outlines = useMemo(() => outlinesOf(two), [two]);
  const toggleAi = () =>
    hidden ? acts.setAsk({ kind: mustCommit(one) ? "commit" : "reveal" }) : setAiShown(!aiShown);
  useKeys(acts, panes, toggleAi);

  // The first thing to decide is chosen when the case opens, but the view stays on the whole slide.
  useEffect(() => {
    if (model.chosen !== null || rows.length === 0) return;
    const asked = at && rows.some((row) => row.finding.id === at) ? at : null;
    model.select(asked ?? (rows.find(open) ?? rows[0])?.finding.id ?? null);
  }, [rows, model.chosen, at, model.select]);
  // After it: a draft chooses the finding that it corrects.
  useDraft(one, acts, panes, model.found.value !== null, opened);
  useTakenUp(one.id, model, rows, acts, panes, opened);

  const tried = (act: Promise<unknown>) =>
    void act.then(
      () => model.theCase.again(),
      (error: unknown) => tell(error instanceof Problem ? problemText(say, error) : say("failed")),
    );
  const shownOn = (slide: string) =>
    rows
      .filter(
        (row) =>
          row.finding.slide === slide &&
          (row.finding.by_person || aiShown) &&
          !(tool && correcting.current === row.finding.id) &&
          // Both readers' outlines stand in its place.
          !(outlines.length > 0 && row === chosen),
      )
      .map((row) => ({
        finding: row.sending
          ? {
              ...row.finding,
              state: (row.sending.shown.verdict === "refuse" ? "refused" : "accepted") as "accepted",
            }
          : row.finding,
        color: colorOf(row),
        selected: row.finding.id === model.chosen,
      }));
  const of = [rows, aiShown, model.chosen, tool, outlines];
  const mainShown = useMemo(() => shownOn(panes.slideId), [panes.slideId, ...of]);
  /** Changes with every set of objects that comes or is decided about. */
  const stamp = useMemo(() => {
    const sets = rows.filter((row) => row.finding.kind === "bulk-points");
    return sets.length * 1000 + sets.filter((row) => row.finding.state === "refused").length;
  }, [rows]);
  const besideShown = useMemo(() => shownOn(panes.besideId ?? ""), [panes.besideId, ...of]);

  if (!panes.slide) return <p class="empty">{say("noSlides")}</p>;
  const sides: [Side, typeof panes.slide, typeof mainShown][] = [["main", panes.slide, mainShown]];
  if (panes.beside) sides.push(["beside", panes.beside, besideShown]);
  return (
    <div class="desk">
      <CaseBar
        one={one}
        panes={panes}
        askSecond={() => acts.setAsk({ kind: "second" })}
        assign={(urgency: Urgency, reader: string | null) => tried(api.assign(one.id, urgency, reader))}
      />
      <div class={panes.beside ? "slides-area two" : "slides-area"}>
        <ToolBar
          tool={tool}
          start={acts.start}
          undo={() => void acts.undo()}
          ai={aiShown && !hidden}
          viewer={panes.viewer}
          toggle={toggleAi}
          keys={() => acts.setAsk({ kind: "keys" })}
        />
        {sides.map(([side, slide, shown]) => (
          <Pane
            key={`${side} ${slide.id}`}
            caseId={one.id}
            slide={slide}
            shown={shown}
            readings={chosen?.finding.slide === slide.id ? outlines : none}
            layers={layers}
            active={panes.beside !== null && panes.active === side}
            activate={() => panes.setActive(side)}
            ready={(made) => {
              panes.ready(side, made);
              if (made) setOpened((count) => count + 1);
              // A viewer that opens for another slide's finding goes there once it is up.
              if (made && chosen?.finding.slide === made.slide && made.slide !== panes.first?.id)
                made.toFinding(chosen.finding);
            }}
            picked={acts.choose}
            drawing={{
              done: (shape) => acts.done(shape, slide.id),
              tooSmall: () => tell(say("tooSmall")),
              toolChanged: setTool,
              drafted: (tool, shape) => acts.drafted(tool, shape, slide.id),
            }}
            objects={(here) => setObjects((all) => ({ ...all, [slide.id]: here }))}
            stamp={stamp}
            tell={tell}
          />
        ))}
        {said && (
          <p class="toast" role="status">
            {said}
          </p>
        )}
      </div>
      <Panel
        one={one}
        model={model}
        rows={rows}
        hidden={hidden}
        chosen={chosen}
        two={two}
        choose={acts.choose}
        act={acts.act}
        next={() => acts.next(1, true)}
        askReveal={toggleAi}
        layers={layerState}
        setLayers={setLayers}
        aiShown={aiShown}
        objects={layers.ai ? sides.flatMap(([, slide]) => objects[slide.id] ?? []) : []}
      />
      <Questions
        acts={acts}
        commit={(conclusion) => tried(model.commit(conclusion))}
        reveal={() => tried(model.reveal())}
        second={() => tried(api.secondReading(one.id))}
      />
    </div>
  );
}
