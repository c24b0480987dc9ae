// What is laid over the slide, and how strongly.
import type { ComponentChildren } from "preact";
import { percent, useSay } from "../../words";
import { ObjectLegend } from "./object-legend";
import type { Objects } from "./objects";

export interface Layers {
  ai: boolean;
  heatmap: boolean;
  opacity: number;
  threshold: number;
  veil: boolean;
  /** Whether objects are shown at all. */
  points: boolean;
  /** What a person said about a set, or a class of it ("set class"): shown or not. */
  objects: Record<string, boolean>;
}

export function Tick(props: { on: boolean; set: (on: boolean) => void; children: ComponentChildren }) {
  return (
    <label class="check">
      <input
        type="checkbox"
        checked={props.on}
        onChange={(event) => props.set(event.currentTarget.checked)}
      />
      <span>{props.children}</span>
    </label>
  );
}

function Slider(props: { name: string; share: number; set: (share: number) => void }) {
  return (
    <label>
      <span>{props.name}</span>
      <input
        type="range"
        min="0"
        max="100"
        value={Math.round(props.share * 100)}
        onInput={(event) => props.set(event.currentTarget.valueAsNumber / 100)}
      />
      <output>{percent(props.share)}</output>
    </label>
  );
}

export function LayerControls(props: {
  objects: Objects[];
  layers: Layers;
  set: (layers: Layers) => void;
  heatmap: boolean;
}) {
  const say = useSay();
  const { layers } = props;
  const change = (part: Partial<Layers>) => props.set({ ...layers, ...part });
  return (
    <fieldset class="layers">
      <legend class="unseen">{say("layers")}</legend>
      {props.heatmap && (
        <Tick on={layers.heatmap} set={(heatmap) => change({ heatmap })}>
          {say("heatmap")}
        </Tick>
      )}
      {props.heatmap && layers.heatmap && (
        <div class="sliders">
          <div class="heat-legend" aria-hidden="true" />
          <Slider name={say("opacity")} share={layers.opacity} set={(opacity) => change({ opacity })} />
          <Slider
            name={say("threshold")}
            share={layers.threshold}
            set={(threshold) => change({ threshold })}
          />
        </div>
      )}
      <Tick on={layers.veil} set={(veil) => change({ veil })}>
        {say("viewingMap")}
      </Tick>
      <ObjectLegend objects={props.objects} layers={layers} change={change} />
    </fieldset>
  );
}
