// Server-sent events: the list grows and a case changes while somebody looks at it.

export interface Heard {
  examination: { case: string; slide: string; state: string; done?: number; total?: number };
  case: { case: string };
  worklist: Record<string, never>;
  improvement: Record<string, never>;
}

/** Listens until the returned function is called. A broken stream is opened again by the browser. */
export function listen<K extends keyof Heard>(
  names: K[],
  act: (name: K, said: Heard[K]) => void,
): () => void {
  const source = new EventSource("/api/v1/events");
  for (const name of names)
    source.addEventListener(name, (event) => {
      try {
        act(name, JSON.parse((event as MessageEvent<string>).data) as Heard[K]);
      } catch {
        // An event that is no JSON tells nothing.
      }
    });
  return () => source.close();
}
