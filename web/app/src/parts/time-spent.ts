// How long somebody took over one thing, for the meter of what a decision costs.
import { useRef } from "preact/hooks";

/** Longer than this and the reader was elsewhere: the meter would count a lunch. */
const LONGEST = 15 * 60 * 1000;

export interface TimeSpent {
  /** Another thing is looked at. */
  begin: () => void;
  /** Milliseconds since the last beginning or the last call. */
  spent: () => number;
}

export function useTimeSpent(): TimeSpent {
  const since = useRef(performance.now());
  const meter = useRef<TimeSpent>({
    begin: () => {
      since.current = performance.now();
    },
    spent: () => {
      const milliseconds = Math.round(performance.now() - since.current);
      since.current = performance.now();
      return Math.min(milliseconds, LONGEST);
    },
  });
  return meter.current;
}
