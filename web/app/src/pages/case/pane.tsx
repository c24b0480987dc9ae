// One slide on the screen: the map and what is laid over it — tools, scale, overview.
import { useEffect, useRef, useState } from "preact/hooks";
import { api } from "../../api/client";
import type { Shape, Slide } from "../../api/types";
import type { DraftTool } from "../../offline/draft";
import { settings } from "../../state";
import type { Shown } from "../../viewer/finding-style";
import type { ReaderOutline } from "../../viewer/readings";
import { bar, barText, magnificationText } from "../../viewer/scale";
import { SlideViewer, type ViewState } from "../../viewer/slide-viewer";
import type { Tool } from "../../viewer/tools";
import { count, isStated, percent, useSay } from "../../words";
import { said } from "../../words/server";
import type { Layers } from "./layers";
import { type Objects, useObjects } from "./objects";

const crossWord = { shown: "crossShown", down: "crossDown", up: "crossUp" } as const;
const hint = {
  polygon: "finishDrawing",
  brush: "finishBrush",
  edit: "finishEdit",
  measure: "finishMeasure",
  point: "finishPoint",
} as const;

/** What a pane tells whoever draws on it. */
export interface Drawing {
  done: (shape: Shape) => void;
  tooSmall: () => void;
  toolChanged: (tool: Tool | null) => void;
  drafted: (tool: DraftTool, shape: Shape | null) => void;
}

export function Pane(props: {
  caseId: string;
  slide: Slide;
  shown: Shown[];
  /** What two readers outlined, where they are compared. */
  readings: ReaderOutline[];
  layers: Layers;
  ready: (viewer: SlideViewer | null) => void;
  picked?: (finding: string) => void;
  drawing?: Drawing;
  objects?: (objects: Objects) => void;
  /** Changes when sets of objects come or are decided about. */
  stamp?: number;
  tell?: (text: string) => void;
  active?: boolean;
  activate?: () => void;
}) {
  const say = useSay();
  const box = useRef<HTMLDivElement>(null);
  const viewer = useRef<SlideViewer | null>(null);
  const latest = useRef(props);
  latest.current = props;
  const [state, setState] = useState<ViewState | null>(null);
  const [share, setShare] = useState<number | null>(null);
  const [tool, setTool] = useState<Tool | null>(null);
  const [measured, setMeasured] = useState("");
  /** Said to whoever draws without seeing the mouse. */
  const [spoken, setSpoken] = useState("");
  const { image } = props.slide;
  const look = settings.get().look_magnification;

  useEffect(() => {
    if (!box.current || !image) return;
    const { caseId, slide } = props;
    const made = new SlideViewer(
      box.current,
      slide.id,
      image,
      {
        moved: setState,
        picked: (id) => latest.current.picked?.(id),
        covered: setShare,
        done: (shape) => latest.current.drawing?.done(shape),
        tooSmall: () => latest.current.drawing?.tooSmall(),
        drafted: (tool, shape) => latest.current.drawing?.drafted(tool, shape),
        measured: setMeasured,
        cornered: (corners) => setSpoken(say("cornersNow", { n: corners })),
        crossed: (what) => setSpoken(say(crossWord[what])),
        changed: (next) => {
          setTool(next);
          setMeasured("");
          setSpoken("");
          latest.current.drawing?.toolChanged(next);
        },
        post: (views) => api.postViews(caseId, slide.id, views),
        heatmapFailed: () => latest.current.tell?.(say("heatmapFailed")),
      },
      look,
    );
    viewer.current = made;
    props.ready(made);
    if (slide.thumbnail) void made.readTissue(slide.thumbnail).catch(() => undefined);
    api.views(caseId, slide.id).then(
      ({ views }) => made.addSeen(views),
      () => undefined,
    );
    const resized = new ResizeObserver(() => made.map.updateSize());
    resized.observe(box.current);
    return () => {
      resized.disconnect();
      viewer.current = null;
      latest.current.ready(null);
      made.remove();
    };
  }, [props.slide.id, image === null]);

  useEffect(() => viewer.current?.show(props.shown), [props.shown]);
  useEffect(() => viewer.current?.readings.show(props.readings), [props.readings]);
  useEffect(() => {
    const { layers, slide } = props;
    const made = viewer.current;
    if (!made) return;
    made.heatmap(slide.heatmap, layers.heatmap && layers.ai, layers.opacity, layers.threshold);
    made.showVeil(layers.veil);
  }, [props.layers, props.slide.heatmap?.url]);

  useObjects({
    caseId: props.caseId,
    slide: props.slide,
    viewer,
    layers: props.layers,
    stamp: props.stamp ?? 0,
    report: (objects) => latest.current.objects?.(objects),
  });

  const length = state && image?.mpp ? bar(image.mpp.x * state.resolution, 140) : null;
  const scaleBar = useRef<HTMLSpanElement>(null);
  useEffect(() => {
    if (scaleBar.current && length) scaleBar.current.style.width = `${length.pixels}px`;
  }, [length?.pixels]);

  if (!image)
    return (
      <div class="pane empty-pane">
        <p>
          {say("noImage")}
          {props.slide.why && <span class="quiet"> {said(props.slide.why)}</span>}
        </p>
      </div>
    );
  return (
    <div
      class={props.active ? "pane active" : "pane"}
      onPointerDown={props.activate}
      onFocusCapture={props.activate}
    >
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: the slide is moved by keys */}
      <div class="slide-map" ref={box} role="application" aria-label={say("slideArea")} tabIndex={0} />
      <p class="slide-name">
        {props.slide.label}
        {isStated(props.slide.stain) && <span> · {props.slide.stain}</span>}
      </p>
      <p class="unseen" aria-live="polite" data-spoken="">
        {spoken}
      </p>
      {tool && (
        <p class="tool-hint" role="status">
          {measured && <strong class="measured">{measured}</strong>} {say(hint[tool])}
        </p>
      )}
      <div class="read-out">
        {props.layers.veil && share !== null && (
          <span class="share">{say("viewingShare", { p: percent(share), m: look })}</span>
        )}
        {state && state.counted > 0 && (
          <span class="counted">{say("regionsCounted", { n: count(state.counted) })}</span>
        )}
        {length && (
          <span class="scale-bar">
            <span>{barText(length.micrometres)}</span>
            <span ref={scaleBar} class="bar" />
          </span>
        )}
        <span class="magnification" data-magnification={state?.magnification ?? ""}>
          <span class="unseen">{say("magnification")} </span>
          {state?.magnification ? magnificationText(state.magnification) : say("unknownScale")}
        </span>
      </div>
      {props.slide.thumbnail && <Overview slide={props.slide} state={state} viewer={viewer.current} />}
    </div>
  );
}

function Overview(props: { slide: Slide; state: ViewState | null; viewer: SlideViewer | null }) {
  const frame = useRef<HTMLSpanElement>(null);
  const { image } = props.slide;
  useEffect(() => {
    const at = props.state?.rectangle;
    if (!frame.current || !at || !image) return;
    const style = frame.current.style;
    style.left = `${(at.x / image.width) * 100}%`;
    style.top = `${(at.y / image.height) * 100}%`;
    style.width = `${Math.max(2, (at.width / image.width) * 100)}%`;
    style.height = `${Math.max(2, (at.height / image.height) * 100)}%`;
  }, [props.state, image]);
  const jump = (event: PointerEvent) => {
    if (!image || (event.type === "pointermove" && event.buttons === 0)) return;
    const box = (event.currentTarget as HTMLElement).getBoundingClientRect();
    props.viewer?.centre(
      ((event.clientX - box.left) / box.width) * image.width,
      ((event.clientY - box.top) / box.height) * image.height,
    );
  };
  return (
    <div class="overview" onPointerDown={jump} onPointerMove={jump} aria-hidden="true">
      <img src={props.slide.thumbnail ?? ""} alt="" draggable={false} />
      <span class="frame" ref={frame} />
    </div>
  );
}
