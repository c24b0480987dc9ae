// Keys of a case.
import { type Keys, useKeyboard } from "../../parts/keyboard";
import { panning, zooming } from "../../viewer/keys";
import type { SlideViewer } from "../../viewer/slide-viewer";
import type { Acts } from "./acts";
import type { Panes } from "./panes";

export function useKeys(acts: Acts, panes: Panes, toggleAi: () => void): void {
  useKeyboard((event, target) => {
    if (acts.ask) return null;
    const on = panes.viewer();
    const tools = on?.tools;
    const onMap =
      target.classList.contains("slide-map") || target === document.body || target.id === "content";
    const keys: Keys = {
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
    return keys;
  });
}

/** Drawing by keys alone: a cross for the hand, its keys for the button. */
function drawing(on: SlideViewer, event: KeyboardEvent): Keys {
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
