// One key for each thing that is done often; a key that means nothing here stays the browser's.
import { useEffect, useRef } from "preact/hooks";

export type Keys = Record<string, () => unknown>;

/** Asks at each key what keys do now; letters count the same in both cases. */
export function useKeyboard(now: (event: KeyboardEvent, target: HTMLElement) => Keys | null): void {
  const latest = useRef(now);
  latest.current = now;
  useEffect(() => {
    const keyed = (event: KeyboardEvent) => {
      const target = event.target as HTMLElement;
      if (event.ctrlKey || event.metaKey || typing(target)) return;
      const act = latest.current(event, target)?.[
        event.key.length === 1 ? event.key.toLowerCase() : event.key
      ];
      if (!act) return;
      event.preventDefault();
      act();
    };
    addEventListener("keydown", keyed);
    return () => removeEventListener("keydown", keyed);
  }, []);
}

/** Whether keys are words here. A box to tick or a slider takes none of the letters. */
function typing(target: HTMLElement): boolean {
  if (target instanceof HTMLInputElement) return target.type !== "checkbox" && target.type !== "range";
  return target instanceof HTMLSelectElement || target instanceof HTMLTextAreaElement;
}
