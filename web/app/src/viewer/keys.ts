// How keys move a slide, on every page that shows one.
import type { Keys } from "../parts/keyboard";
import type { SlideViewer } from "./slide-viewer";

export const zooming = (on: SlideViewer | null): Keys => ({
  "+": () => on?.zoom(1),
  "=": () => on?.zoom(1),
  "-": () => on?.zoom(-1),
  "0": () => on?.whole(),
});

export const panning = (on: SlideViewer | null): Keys => ({
  ArrowLeft: () => on?.pan(-1, 0),
  ArrowRight: () => on?.pan(1, 0),
  ArrowUp: () => on?.pan(0, -1),
  ArrowDown: () => on?.pan(0, 1),
});
