// A case as one reader sees it: the findings, what waits to be sent, what is chosen.
import { useCallback, useEffect, useMemo, useState } from "preact/hooks";
import { api, paths } from "../../api/client";
import { listen } from "../../api/events";
import type {
  Case,
  Decide,
  Finding,
  Label,
  Outline,
  Position,
  Quality,
  Shape,
  Verdict,
  View,
} from "../../api/types";
import { GRACE } from "../../offline/queue";
import type { Waiting } from "../../offline/store";
import { useLoad } from "../../parts/load";
import { useQueue } from "../../parts/saved";
import { useTimeSpent } from "../../parts/time-spent";
import { may, queue, session } from "../../state";

export interface Row {
  finding: Finding;
  /** A decision of mine that the server does not have yet. */
  sending: Waiting | null;
}

const settled = new Set(["accepted", "corrected", "refused", "released"]);

/** Whether this reader still owes a decision on it. */
export function open(row: Row): boolean {
  if (row.sending) return false;
  if (row.finding.mine && row.finding.mine.verdict !== "defer") return false;
  return !settled.has(row.finding.state);
}

/** Whether a decision stands, by whomever: deciding again amends it, and an amendment says why. */
export function amends({ standing, state }: Pick<Finding, "standing" | "state">): boolean {
  return standing !== null && settled.has(state);
}

/** Which decision is amended: of two readers each takes back the own reading, else the one that stands is changed. */
export function toAmend(
  { field, mine, standing }: Pick<Finding, "field" | "mine" | "standing">,
  reading: Case["reading"],
): string {
  const own = reading === "double" && field === "diagnosis" ? mine?.decision : undefined;
  return own ?? standing ?? "";
}

/** Whether what this reader decides settles what two others read differently. */
export function settles(finding: Finding): boolean {
  return finding.state === "disputed" && finding.mine === null && may("adjudicate");
}

export interface Change {
  verdict: Verdict;
  reason?: string;
  label?: string;
  outline?: Outline;
  point?: Position;
  quality?: Quality;
}

export function useCase(id: string) {
  const theCase = useLoad(() => api.case(id), [id]);
  const found = useLoad(() => api.findings(id), [id]);
  const waiting = useQueue().waiting;
  const [chosen, choose] = useState<string | null>(null);
  const { begin, spent } = useTimeSpent();
  // Decisions sent but not read back yet keep their look, so that nothing flickers.
  const [drawn, setDrawn] = useState<Finding[]>([]);

  useEffect(() => {
    const again = () => {
      void theCase.again();
      void found.again();
    };
    const stopEvents = listen(["case", "examination"], (_, said) => {
      if ("case" in said && said.case === id) again();
    });
    // A refusal often means that a colleague was faster: what is shown is asked for anew.
    let refused = 0;
    const stopRefused = queue.watch(({ waiting: all }) => {
      const now = all.filter((one) => one.case === id && one.refused !== null).length;
      if (now > refused) again();
      refused = now;
    });
    const stopSent = queue.onSent((entry) => {
      if (entry.case !== id) return;
      void found.again().then(() => setDrawn((all) => all.filter((one) => one.id !== entry.key)));
    });
    return () => {
      stopEvents();
      stopRefused();
      stopSent();
    };
  }, [id, theCase.again, found.again]);

  const rows = useMemo<Row[]>(() => {
    const here = waiting.filter((one) => one.case === id && one.refused === null);
    const fromServer = (found.value?.findings ?? []).map((finding) => ({
      finding,
      sending: here.find((one) => one.finding === finding.id) ?? null,
    }));
    const mine = drawn
      .filter((finding) => here.some((one) => one.key === finding.id))
      .map((finding) => ({ finding, sending: here.find((one) => one.key === finding.id) ?? null }));
    return [...fromServer, ...mine];
  }, [found.value, waiting, drawn, id]);

  const select = useCallback((finding: string | null) => {
    begin();
    choose(finding);
  }, []);

  const entry = (
    key: string,
    path: string,
    body: unknown,
    finding: string | null,
    shown: Waiting["shown"],
  ) => ({
    key,
    user: session.get()?.me?.id ?? "",
    case: id,
    finding,
    path,
    body,
    shown,
    at: Date.now(),
    due: Date.now() + GRACE,
    tries: 0,
    refused: null,
  });

  const decide = (finding: Finding, change: Change, viewed: View[]) => {
    const key = crypto.randomUUID();
    const body: Decide = { key, ...change, viewed, milliseconds: spent() };
    const path = amends(finding)
      ? paths.amend(toAmend(finding, theCase.value?.reading ?? "single"))
      : settles(finding)
        ? paths.adjudicate(finding.id)
        : paths.decide(finding.id);
    void queue.add(entry(key, path, body, finding.id, { verdict: change.verdict, label: change.label }));
  };

  const draw = (slide: string, label: Label, shape: Shape, viewed: View[]) => {
    const key = crypto.randomUUID();
    const me = session.get()?.me;
    const body = { key, slide, label: label.name, ...shape, milliseconds: spent(), viewed };
    setDrawn((all) => [
      ...all,
      {
        id: key,
        kind: "lesion-region",
        field: "diagnosis",
        slide,
        headline: label.name,
        label: label.name,
        outline: shape.outline ?? null,
        point: shape.point ?? null,
        proposed: null,
        quality: null,
        score: null,
        state: "accepted",
        standing: null,
        producer: { name: me?.login ?? "", version: "", digest: null, licence: null },
        encoder: null,
        by_person: true,
        proposed_by: me?.id ?? "",
        late: false,
        at: new Date().toISOString(),
        evidence: [],
        area_mm2: null,
        mine: null,
      },
    ]);
    void queue.add(entry(key, paths.newFinding(id), body, null, { verdict: "accept", label: label.name }));
  };

  const undo = async (): Promise<boolean> => {
    const back = await queue.takeBack(id);
    if (back?.finding) select(back.finding);
    return back !== null;
  };

  /** What was drawn belongs to the reading: it goes to the server first. */
  const commit = async (conclusion: string) => {
    if (!(await queue.flush())) throw new Error("what is drawn is not saved yet");
    await api.commitReading(id, conclusion, spent());
    await theCase.again();
  };

  const reveal = async () => {
    await api.reveal(id);
    await Promise.all([theCase.again(), found.again()]);
  };

  return { theCase, found, rows, chosen, select, decide, draw, undo, commit, reveal };
}

export type CaseModel = ReturnType<typeof useCase>;

/** Whether the reader fixes what was found alone before machines speak. */
export const mustCommit = (one: Case): boolean => one.drawn_unaided && !one.committed && !one.revealed;

/** Machine's help is kept back: not hidden by the page, but never asked for. */
export function keptBack(one: Case, hidden: boolean): boolean {
  return hidden || (one.read_first && !one.revealed);
}
