// One key for each thing that is done often; a key that means nothing here stays the browser's.
import { useEffect, useRef } from "preact/hooks";
import type { SlideViewer } from "../../viewer/slide-viewer";
import type { Acts } from "./acts";
import type { Panes } from "./panes";

export function useKeys(acts: Acts, panes: Panes, toggleAi: () => void): void {
  const keyed = (event: KeyboardEvent) => {
    const target = event.target as HTMLElement;
    if (acts.ask || event.ctrlKey || event.metaKey || typing(target)) return;
    const on = panes.viewer();
    const tools = on?.tools;
    const onMap =
      target.classList.contains("slide-map") || target === document.body || target.id === "content";
    const keys: Record<string, () => unknown> = {
      a: () => acts.act("accept"),
      c: () => acts.act("correct"),
      r: () => acts.act("refuse"),
      l: () => acts.act("defer"),
      n: () => acts.next(1, true),
      j: () => acts.next(1, false),
      k: () => acts.next(-1, false),
      u: () => void acts.undo(),
      d: () => acts.start("polygon"),
      b: () => acts.start("brush"),
      p: () => acts.start("point"),
      m: () => acts.start("measure"),
      h: toggleAi,
      "?": () => acts.setAsk({ kind: "keys" }),
      ...zooming(on),
      "[": () => tools?.brushSize(-1),
      "]": () => tools?.brushSize(1),
    };
    if (tools?.active) keys.Escape = acts.discard;
    if (on && tools?.active && onMap) Object.assign(keys, drawing(on, event));
    else if (onMap) Object.assign(keys, panning(on));
    const act = keys[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    if (!act) return;
    event.preventDefault();
    act();
  };
  const latest = useRef(keyed);
  latest.current = keyed;
  useEffect(() => {
    const act = (event: KeyboardEvent) => latest.current(event);
    addEventListener("keydown", act);
    return () => removeEventListener("keydown", act);
  }, []);
}

export const zooming = (on: SlideViewer | null): Record<string, () => void> => ({
  "+": () => on?.zoom(1),
  "=": () => on?.zoom(1),
  "-": () => on?.zoom(-1),
  "0": () => on?.whole(),
});

export const panning = (on: SlideViewer | null): Record<string, () => void> => ({
  ArrowLeft: () => on?.pan(-1, 0),
  ArrowRight: () => on?.pan(1, 0),
  ArrowUp: () => on?.pan(0, -1),
  ArrowDown: () => on?.pan(0, 1),
});

/** Drawing by keys alone: a cross for the hand, its keys for the button. */
function drawing(on: SlideViewer, event: KeyboardEvent): Record<string, () => void> {
  const { cross, tools } = on;
  const pace = event.altKey ? "fine" : event.shiftKey ? "fast" : "plain";
  const holds = tools.active === "brush" || tools.active === "edit";
  const press = () => {
    if (!cross.shown) cross.show();
    else if (holds) cross.hold(event.shiftKey);
    else cross.click();
  };
  const step = (by: 1 | -1) => () => {
    const corners = tools.corners();
    const [x = 0, y = 0] = cross.place;
    const far = ([cx = 0, cy = 0]: number[]) => Math.hypot(cx - x, cy - y);
    const nearest = corners.reduce((best, one, i) => (far(one) < far(corners[best] ?? []) ? i : best), 0);
    const next = corners[(nearest + (cross.shown ? by : 0) + corners.length) % corners.length];
    if (next) cross.to(next);
  };
  return {
    ArrowLeft: () => cross.move(-1, 0, pace),
    ArrowRight: () => cross.move(1, 0, pace),
    ArrowUp: () => cross.move(0, -1, pace),
    ArrowDown: () => cross.move(0, 1, pace),
    " ": press,
    Enter: () => {
      cross.lift();
      if (cross.shown && !holds) cross.click();
      else tools.confirm();
    },
    Backspace: () => {
      if (tools.active === "edit" && cross.shown && !cross.held) cross.click(true);
      else tools.undo();
    },
    ...(tools.active === "edit" ? { PageDown: step(1), PageUp: step(-1) } : {}),
  };
}

/** Whether keys are words here. A box to tick or a slider takes none of the letters. */
export function typing(target: HTMLElement): boolean {
  if (target instanceof HTMLInputElement) return target.type !== "checkbox" && target.type !== "range";
  return target instanceof HTMLSelectElement || target instanceof HTMLTextAreaElement;
}
