// The outline or point a person is at: kept in this browser, so that a closed window does not lose it. One for each case
// and person; it is gone once it is named, or thrown away.
import type { Shape } from "../api/types";

/** The tools whose work is an outline. */
export type DraftTool = "polygon" | "brush" | "edit";

export type Draft = {
  slide: string;
  tool: DraftTool;
  /** The finding that it corrects; none for a new region. */
  finding: string | null;
} & Shape;

const name = (user: string, inCase: string) => `draft ${user} ${inCase}`;

export function keepDraft(user: string, inCase: string, draft: Draft): void {
  try {
    localStorage.setItem(name(user, inCase), JSON.stringify(draft));
  } catch {
    // A browser that keeps nothing, or no more: the outline is still on the slide.
  }
}

export function dropDraft(user: string, inCase: string): void {
  try {
    localStorage.removeItem(name(user, inCase));
  } catch {
    // As above.
  }
}

export function draftOf(user: string, inCase: string): Draft | null {
  try {
    const draft = JSON.parse(localStorage.getItem(name(user, inCase)) ?? "null") as Draft | null;
    return draft && sound(draft) ? draft : null;
  } catch {
    return null;
  }
}

/** What an older version kept, or a hand changed, is nothing to draw. */
function sound({ slide, tool, finding, outline, point }: Draft): boolean {
  const place = (at: unknown) => Array.isArray(at) && at.length === 2 && at.every(Number.isFinite);
  const ring = (one: unknown) => Array.isArray(one) && one.length >= 3 && one.every(place);
  const part = (one: unknown) => Array.isArray(one) && one.length > 0 && one.every(ring);
  const parts = Array.isArray(outline) && outline.length > 0 && outline.every(part);
  return (
    typeof slide === "string" &&
    ["polygon", "brush", "edit"].includes(tool) &&
    (finding === null || typeof finding === "string") &&
    // A point is only ever moved.
    (outline === undefined ? tool === "edit" && place(point) : parts && point === undefined)
  );
}
