// A value that can be watched: all the state the app shares between its pages.
import { useEffect, useState } from "preact/hooks";

export interface Cell<T> {
  get(): T;
  set(value: T): void;
  watch(act: (value: T) => void): () => void;
}

export function cell<T>(value: T): Cell<T> {
  const watchers = new Set<(value: T) => void>();
  return {
    get: () => value,
    set: (next) => {
      if (Object.is(next, value)) return;
      value = next;
      for (const watcher of [...watchers]) watcher(next);
    },
    watch: (act) => {
      watchers.add(act);
      return () => watchers.delete(act);
    },
  };
}

export function useCell<T>(from: Cell<T>): T {
  const [value, set] = useState(() => from.get());
  useEffect(() => {
    set(() => from.get());
    return from.watch((next) => set(() => next));
  }, [from]);
  return value;
}
