// The case: slides, what was found on them, and one key for each decision.
import "ol/ol.css";
import { useCallback, useEffect, useMemo, useRef, useState } from "preact/hooks";
import { api } from "../../api/client";
import type { Case, Outline, Verdict } from "../../api/types";
import { Waiting } from "../../parts/load";
import { Shell } from "../../shell";
import { labels, may } from "../../state";
import { link, type SlideViewer } from "../../viewer/slide-viewer";
import type { Tool } from "../../viewer/tools";
import { useSay } from "../../words";
import { CaseBar } from "./case-bar";
import { colorOf } from "./list";
import { keptBack, open, useCase } from "./model";
import { type Layers, Pane } from "./pane";
import { Panel } from "./panel";
import { type Ask, Questions } from "./questions";
import { ToolBar } from "./tool-bar";

export function CasePage({ id, at }: { id: string; at: string | null }) {
  const model = useCase(id);
  const one = model.theCase.value;
  return (
    <Shell page="case" full>
      <Waiting loaded={model.theCase}>{one && <Desk one={one} model={model} at={at} />}</Waiting>
    </Shell>
  );
}

function Desk({ one, model, at }: { one: Case; model: ReturnType<typeof useCase>; at: string | null }) {
  const say = useSay();
  const first = one.slides.find((slide) => slide.image) ?? one.slides[0];
  const [slideId, setSlideId] = useState(first?.id ?? "");
  const [besideId, setBesideId] = useState<string | null>(null);
  const [linked, setLinked] = useState(true);
  const [active, setActive] = useState<"main" | "beside">("main");
  const [ask, setAsk] = useState<Ask | null>(null);
  const [tool, setTool] = useState<Tool | null>(null);
  const [said, setSaid] = useState("");
  const [objects, setObjects] = useState(0);
  const [aiShown, setAiShown] = useState(true);
  const [layerState, setLayers] = useState<Layers>({
    ai: true,
    heatmap: false,
    opacity: 0.45,
    threshold: 0.3,
    veil: false,
    points: true,
  });
  const main = useRef<SlideViewer | null>(null);
  const beside = useRef<SlideViewer | null>(null);
  const unlink = useRef<() => void>(() => {});
  /** What the outline being drawn is for: a correction of this finding, or a new one. */
  const correcting = useRef<string | null>(null);

  const hidden = keptBack(one, model.found.value?.hidden ?? true);
  const layers = useMemo(() => ({ ...layerState, ai: aiShown && !hidden }), [layerState, aiShown, hidden]);
  const rows = useMemo(
    () => model.rows.filter((row) => row.finding.by_person || row.finding.field === "quality" || !hidden),
    [model.rows, hidden],
  );
  const chosen = rows.find((row) => row.finding.id === model.chosen) ?? null;
  const viewer = () => (active === "beside" && beside.current ? beside.current : main.current);

  const say1 = (text: string) => {
    setSaid(text);
  };
  useEffect(() => {
    if (!said) return;
    const timer = setTimeout(() => setSaid(""), 5000);
    return () => clearTimeout(timer);
  }, [said]);

  const choose = useCallback(
    (finding: string) => {
      main.current?.tools.stop();
      model.select(finding);
      const row = rows.find((one) => one.finding.id === finding);
      if (!row) return;
      if (row.finding.slide && row.finding.slide !== slideId && row.finding.slide !== besideId)
        setSlideId(row.finding.slide);
      const on = row.finding.slide === besideId ? beside.current : main.current;
      if (row.finding.slide === on?.slide) on?.toFinding(row.finding);
    },
    [rows, slideId, besideId, model.select],
  );

  // The first thing to decide is chosen when the case opens, but the view stays on the whole slide.
  useEffect(() => {
    if (model.chosen !== null || rows.length === 0) return;
    const asked = at && rows.some((row) => row.finding.id === at) ? at : null;
    model.select(asked ?? (rows.find(open) ?? rows[0])?.finding.id ?? null);
  }, [rows, model.chosen, at, model.select]);

  // A viewer that opens for another slide's finding goes there once it is up.
  const ready = (made: SlideViewer | null) => {
    main.current = made;
    relink();
    if (made && chosen?.finding.slide === made.slide && slideId !== first?.id) made.toFinding(chosen.finding);
  };
  const relink = useCallback(() => {
    unlink.current();
    unlink.current =
      linked && main.current && beside.current ? link(main.current, beside.current) : () => undefined;
  }, [linked]);
  useEffect(relink, [relink]);

  const next = (step: 1 | -1, onlyOpen: boolean) => {
    if (rows.length === 0) return;
    const from = rows.findIndex((row) => row.finding.id === model.chosen);
    for (let i = 1; i <= rows.length; i++) {
      const row = rows[(from + step * i + rows.length * 2) % rows.length];
      if (row && (!onlyOpen || open(row))) return choose(row.finding.id);
    }
  };

  const decide = (change: Parameters<typeof model.decide>[1]) => {
    if (!chosen) return;
    const viewed = [
      ...(main.current?.viewing.takeViewed() ?? []),
      ...(beside.current?.viewing.takeViewed() ?? []),
    ];
    model.decide(chosen.finding, change, viewed.slice(-1000));
    const decidedId = chosen.finding.id;
    const from = rows.findIndex((row) => row.finding.id === decidedId);
    const later = [...rows.slice(from + 1), ...rows.slice(0, from)].find(open);
    if (later) choose(later.finding.id);
  };

  const isAmendment = chosen?.finding.mine && chosen.finding.standing && !open(chosen) && !chosen.sending;

  const act = (verdict: Verdict) => {
    if (!chosen || chosen.sending) return;
    const { finding } = chosen;
    if (!may(finding.field === "quality" ? "decide-quality" : "decide-diagnosis"))
      return say1(say("readOnly"));
    if (verdict === "refuse" || verdict === "defer") return setAsk({ kind: "reason", verdict });
    if (verdict === "accept") return isAmendment ? setAsk({ kind: "amend", verdict }) : decide({ verdict });
    if (finding.quality) return setAsk({ kind: "quality" });
    if (!finding.outline) return;
    correcting.current = finding.id;
    const on = finding.slide === besideId ? beside.current : main.current;
    on?.toFinding(finding);
    on?.tools.start("edit", finding.outline);
  };

  const start = (wanted: Tool) => {
    const on = viewer();
    if (!on) return;
    if (on.tools.active === "edit" && wanted === "brush") return on.tools.start("brush", on.tools.current());
    if (on.tools.active === wanted) return on.tools.stop();
    if (wanted !== "measure" && !may("propose")) return say1(say("readOnly"));
    correcting.current = null;
    on.tools.start(wanted);
  };

  const done = (outline: Outline) => setAsk({ kind: "label", outline });

  const labelled = (name: string, outline: Outline, slide: string) => {
    const label = labels.get().find((one) => one.name === name);
    if (!label) return;
    if (correcting.current && chosen?.finding.id === correcting.current) {
      correcting.current = null;
      if (isAmendment) return setAsk({ kind: "amend", verdict: "correct", outline, label: name });
      return decide({ verdict: "correct", label: name, outline });
    }
    const viewed = main.current?.viewing.takeViewed() ?? [];
    model.draw(slide, label, outline, viewed);
  };

  const askReveal = () => setAsk({ kind: "reveal" });
  const undo = async () => {
    if (viewer()?.tools.active && viewer()?.tools.undo()) return;
    say1(say((await model.undo()) ? "undone" : "nothingToUndo"));
  };

  const keyed = (event: KeyboardEvent) => {
    const target = event.target as HTMLElement;
    if (ask || event.ctrlKey || event.metaKey || typing(target)) return;
    const on = viewer();
    const tools = on?.tools;
    const onMap =
      target.classList.contains("slide-map") || target === document.body || target.id === "content";
    const acts: Record<string, () => unknown> = {
      a: () => act("accept"),
      c: () => act("correct"),
      r: () => act("refuse"),
      l: () => act("defer"),
      n: () => next(1, true),
      j: () => next(1, false),
      k: () => next(-1, false),
      u: () => void undo(),
      d: () => start("polygon"),
      b: () => start("brush"),
      p: () => start("point"),
      m: () => start("measure"),
      h: () => (hidden ? askReveal() : setAiShown(!aiShown)),
      "+": () => on?.zoom(1),
      "=": () => on?.zoom(1),
      "-": () => on?.zoom(-1),
      "0": () => on?.whole(),
      "[": () => tools?.brushSize(-1),
      "]": () => tools?.brushSize(1),
    };
    if (tools?.active) {
      acts.Escape = () => tools.stop();
      if (onMap) acts.Enter = () => tools.confirm();
    }
    if (onMap) {
      acts.ArrowLeft = () => on?.pan(-1, 0);
      acts.ArrowRight = () => on?.pan(1, 0);
      acts.ArrowUp = () => on?.pan(0, -1);
      acts.ArrowDown = () => on?.pan(0, 1);
    }
    const chosenAct = acts[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    if (!chosenAct) return;
    event.preventDefault();
    chosenAct();
  };
  const latest = useRef(keyed);
  latest.current = keyed;
  useEffect(() => {
    const act = (event: KeyboardEvent) => latest.current(event);
    addEventListener("keydown", act);
    return () => removeEventListener("keydown", act);
  }, []);

  const shownOn = (slide: string) =>
    rows
      .filter(
        (row) =>
          row.finding.slide === slide &&
          (row.finding.by_person || aiShown) &&
          !(tool && correcting.current === row.finding.id),
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
  const mainSlide = one.slides.find((slide) => slide.id === slideId) ?? first;
  const besideSlide = one.slides.find((slide) => slide.id === besideId) ?? null;
  const mainShown = useMemo(() => shownOn(slideId), [rows, slideId, aiShown, model.chosen, tool]);
  const besideShown = useMemo(() => shownOn(besideId ?? ""), [rows, besideId, aiShown, model.chosen, tool]);

  if (!mainSlide) return <p class="empty">{say("noSlides")}</p>;
  const common = {
    caseId: one.id,
    layers,
    picked: choose,
    done,
    tooSmall: () => say1(say("tooSmall")),
    toolChanged: setTool,
    objects: setObjects,
  };
  return (
    <div class="desk">
      <CaseBar
        one={one}
        slideId={slideId}
        showSlide={(slide) => {
          if (slide === besideId) setBesideId(null);
          setSlideId(slide);
        }}
        besideId={besideId}
        setBeside={setBesideId}
        linked={linked}
        setLinked={setLinked}
        askSecond={() => setAsk({ kind: "second" })}
      />
      <div class={besideSlide ? "slides-area two" : "slides-area"}>
        <ToolBar
          tool={tool}
          start={start}
          undo={() => void undo()}
          ai={aiShown && !hidden}
          viewer={viewer}
          toggle={() => (hidden ? askReveal() : setAiShown(!aiShown))}
        />
        <Pane
          {...common}
          key={mainSlide.id}
          slide={mainSlide}
          shown={mainShown}
          active={besideSlide !== null && active === "main"}
          activate={() => setActive("main")}
          ready={ready}
        />
        {besideSlide && (
          <Pane
            {...common}
            key={besideSlide.id}
            slide={besideSlide}
            shown={besideShown}
            active={active === "beside"}
            activate={() => setActive("beside")}
            ready={(made) => {
              beside.current = made;
              relink();
            }}
          />
        )}
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
        choose={choose}
        act={act}
        next={() => next(1, true)}
        askReveal={askReveal}
        layers={layerState}
        setLayers={setLayers}
        aiShown={aiShown}
        objects={layers.ai ? objects : 0}
      />
      <Questions
        ask={ask}
        setAsk={setAsk}
        chosen={chosen}
        decide={decide}
        amends={Boolean(isAmendment)}
        current={correcting.current ? (chosen?.finding.label ?? null) : null}
        labelled={(name, outline) => labelled(name, outline, (active === "beside" && besideId) || slideId)}
        reveal={() => void model.reveal().catch(() => say1(say("unreachable")))}
        second={() =>
          void api.secondReading(one.id).then(
            () => model.theCase.again(),
            (error: Error) => say1(error.message),
          )
        }
      />
    </div>
  );
}

/** Whether keys are words here. A box to tick or a slider takes none of the letters. */
function typing(target: HTMLElement): boolean {
  if (target instanceof HTMLInputElement) return target.type !== "checkbox" && target.type !== "range";
  return target instanceof HTMLSelectElement || target instanceof HTMLTextAreaElement;
}
