// Sets of many objects on a slide: every one of them is asked for, drawn, and named with its number.
import type { RefObject } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { api } from "../../api/client";
import type { AnnotationSet, Slide } from "../../api/types";
import { labels } from "../../state";
import { type Look, PointsLayer } from "../../viewer/points";
import type { SlideViewer } from "../../viewer/slide-viewer";
import type { Layers } from "./layers";

export interface ShownSet {
  set: AnnotationSet;
  state: "waiting" | "loading" | "here" | "failed";
  /** How many of each class. */
  counts: number[];
  colors: string[];
}

export interface Objects {
  sets: ShownSet[];
  look: Look | null;
  /** The list of sets itself did not come. */
  failed: boolean;
  again: (set: string | null) => void;
}

/** Sets together larger than this are loaded one by one, when a person asks: a browser's memory has an end. */
const MOST_AT_ONCE = 12_000_000;
/** Micrometres across: about a nucleus. Points on the wire have no size. */
const WIDE = 8;

/** Told apart by those who see no red or no green. */
const palette = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9"];

function colorsOf(sets: AnnotationSet[]): string[][] {
  let used = 0;
  return sets.map((set) =>
    set.classes.map((name) => {
      const known = labels.get().find((label) => label.name === name)?.color;
      if (known && /^#[0-9a-fA-F]{6}$/.test(known)) return known;
      used += 1;
      return palette[used - 1] ?? turned(used);
    }),
  );
}

/** Colours without end, each a golden angle from the last. */
function turned(step: number): string {
  const part = (shift: number) => {
    const k = (shift + (step * 137.5) / 30) % 12;
    const value = 0.42 - 0.32 * Math.max(-1, Math.min(k - 3, 9 - k, 1));
    return Math.round(255 * value)
      .toString(16)
      .padStart(2, "0");
  };
  return `#${part(0)}${part(8)}${part(4)}`;
}

const bytes = (colors: string[]) =>
  Uint8Array.from(
    colors.flatMap((color) => [1, 3, 5].map((at) => Number.parseInt(color.slice(at, at + 2), 16))),
  );

/** What a person has not said otherwise about is shown; what was refused is not. */
export function isOn(layers: Layers, all: ShownSet[], { set }: ShownSet): boolean {
  const said = layers.objects[set.id];
  if (said !== undefined) return said;
  let sum = 0;
  for (const one of all) {
    sum += one.set.count;
    if (one.set === set) break;
  }
  return set.state !== "refused" && sum <= MOST_AT_ONCE;
}

export const isClassOn = (layers: Layers, set: string, at: number) => layers.objects[`${set} ${at}`] ?? true;

export function useObjects(props: {
  caseId: string;
  slide: Slide;
  viewer: RefObject<SlideViewer | null>;
  layers: Layers;
  /** Changes when the case's findings do: a new set may be among them. */
  stamp: number;
  report: (objects: Objects) => void;
}): void {
  const { caseId, slide, viewer, layers } = props;
  const [sets, setSets] = useState<ShownSet[]>([]);
  const [look, setLook] = useState<Look | null>(null);
  const [failed, setFailed] = useState(false);
  const [tries, setTries] = useState(0);
  const layer = useRef<PointsLayer | null>(null);
  const report = useRef(props.report);
  report.current = props.report;
  const latest = useRef(sets);
  latest.current = sets;
  /** Sets whose objects were asked for. */
  const asked = useRef(new Set<string>());
  const change = (id: string, part: Partial<ShownSet>) =>
    setSets((all) => all.map((one) => (one.set.id === id ? { ...one, ...part } : one)));

  // Objects are the machine's too: they are not asked for before the reader wants the AI.
  useEffect(() => {
    if (!layers.ai) return;
    let gone = false;
    api.annotationSets(caseId, slide.id).then(
      (got) => {
        if (gone) return;
        setFailed(false);
        const points = got.sets.filter((one) => one.kind === "points" && one.count > 0);
        const colors = colorsOf(points);
        setSets((before) =>
          points.map((set, i) => {
            const known = before.find((one) => one.set.id === set.id);
            return known ? { ...known, set } : { set, state: "waiting", counts: [], colors: colors[i] ?? [] };
          }),
        );
      },
      () => {
        if (!gone) setFailed(true);
      },
    );
    return () => {
      gone = true;
    };
  }, [layers.ai, caseId, slide.id, props.stamp, tries]);

  const load = (one: ShownSet, into: PointsLayer) => {
    const { id } = one.set;
    if (asked.current.has(id)) return;
    asked.current.add(id);
    change(id, { state: "loading" });
    performance.mark("objects-asked");
    api
      .annotationPoints(caseId, slide.id, id)
      .then((buffer) => into.take(id, buffer, bytes(one.colors)))
      .then(
        ({ counts }) => change(id, { state: "here", counts: [...counts.subarray(0, one.colors.length)] }),
        () => {
          asked.current.delete(id);
          change(id, { state: "failed" });
        },
      );
  };
  const lay = (all: ShownSet[], by: Layers) => {
    const made = viewer.current;
    const wanted = by.ai && by.points;
    if (!made || !slide.image || all.length === 0) return;
    if (wanted && !layer.current) {
      layer.current = new PointsLayer(slide.image, WIDE / (slide.image.mpp?.x ?? 0.5), {
        looks: setLook,
        laid: (shown) => {
          // The frame after the one that drew them is when they are on the screen.
          if (shown.length > 0) requestAnimationFrame(() => performance.mark("objects-shown"));
        },
      });
      made.map.addLayer(layer.current);
    }
    const into = layer.current;
    if (!into) return;
    const on = all.filter((one) => isOn(by, all, one));
    if (wanted) for (const one of on) if (one.state === "waiting") load(one, into);
    const shown = on.map(({ set, colors }): [string, Uint8Array] => {
      const classes = new Uint8Array(256);
      for (const at of colors.keys()) classes[at] = isClassOn(by, set.id, at) ? 1 : 0;
      return [set.id, classes];
    });
    into.choose(new Map(shown));
    into.setVisible(wanted && shown.length > 0);
  };
  useEffect(() => lay(sets, layers), [sets, layers.ai, layers.points, layers.objects]);
  useEffect(() => () => void layer.current?.dispose(), []);

  useEffect(
    () =>
      report.current({
        sets,
        look,
        failed,
        again: (set) =>
          set === null ? setTries((count) => count + 1) : change(set, { state: "waiting" as const }),
      }),
    [sets, look, failed],
  );
}
