// One key for each thing that is done often; a key that means nothing here stays the browser's.
import { useEffect, useRef } from "preact/hooks";
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
      "+": () => on?.zoom(1),
      "=": () => on?.zoom(1),
      "-": () => on?.zoom(-1),
      "0": () => on?.whole(),
      "[": () => tools?.brushSize(-1),
      "]": () => tools?.brushSize(1),
    };
    if (tools?.active) {
      keys.Escape = acts.discard;
      if (onMap) keys.Enter = () => tools.confirm();
    }
    if (onMap) {
      keys.ArrowLeft = () => on?.pan(-1, 0);
      keys.ArrowRight = () => on?.pan(1, 0);
      keys.ArrowUp = () => on?.pan(0, -1);
      keys.ArrowDown = () => on?.pan(0, 1);
    }
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

/** Whether keys are words here. A box to tick or a slider takes none of the letters. */
function typing(target: HTMLElement): boolean {
  if (target instanceof HTMLInputElement) return target.type !== "checkbox" && target.type !== "range";
  return target instanceof HTMLSelectElement || target instanceof HTMLTextAreaElement;
}
