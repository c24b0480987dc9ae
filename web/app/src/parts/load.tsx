// Asking the server for what a page shows, with the waiting and the failing said in words.
import type { ComponentChildren } from "preact";
import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { Problem } from "../api/client";
import { useSay } from "../words";
import { said } from "../words/server";

export interface Loaded<T> {
  value: T | null;
  problem: Problem | null;
  again: () => Promise<void>;
}

export function useLoad<T>(ask: () => Promise<T>, dependencies: unknown[]): Loaded<T> {
  const [value, setValue] = useState<T | null>(null);
  const [problem, setProblem] = useState<Problem | null>(null);
  const turn = useRef(0);
  const again = useCallback(async () => {
    turn.current += 1;
    const mine = turn.current;
    try {
      const got = await ask();
      if (mine !== turn.current) return;
      setValue(got);
      setProblem(null);
    } catch (error) {
      if (mine !== turn.current) return;
      setProblem(error instanceof Problem ? error : new Problem(-1, String(error), ""));
    }
  }, dependencies);
  useEffect(() => {
    void again();
  }, [again]);
  return { value, problem, again };
}

export function problemText(say: ReturnType<typeof useSay>, problem: Problem): string {
  if (problem.status === 0) return say("unreachable");
  return say("failedWhy", { why: said(problem.message) });
}

export function Waiting({ loaded, children }: { loaded: Loaded<unknown>; children?: ComponentChildren }) {
  const say = useSay();
  if (loaded.problem && loaded.value === null)
    return (
      <div class="card problem" role="alert">
        <p>{problemText(say, loaded.problem)}</p>
        <button type="button" onClick={() => void loaded.again()}>
          {say("tryAgain")}
        </button>
      </div>
    );
  if (loaded.value === null) return <p class="quiet waiting">{say("loading")}</p>;
  return <>{children}</>;
}
