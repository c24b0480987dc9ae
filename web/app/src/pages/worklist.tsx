import { useEffect, useRef, useState } from "preact/hooks";
import { api, type WorklistAsk } from "../api/client";
import { listen } from "../api/events";
import type { CaseLine, ExaminationState } from "../api/types";
import { useLoad, Waiting } from "../parts/load";
import { go } from "../route";
import { Shell } from "../shell";
import { nameOf } from "../state";
import { moment, qualityHeadline, statusWord, urgencyWord, useSay } from "../words";

const examined = {
  waiting: "slideWaiting",
  running: "slideRunning",
  done: "slideDone",
  failed: "slideFailed",
} as const satisfies Record<ExaminationState, string>;

const statuses = ["open", "amending", "signed"] as const;

/** The state of a case's slowest slide: what is still to come. */
function slowest(line: CaseLine): ExaminationState {
  const order: ExaminationState[] = ["failed", "running", "waiting"];
  return order.find((state) => line.slides.some((slide) => slide.examination === state)) ?? "done";
}

export function Worklist() {
  const say = useSay();
  const [ask, setAsk] = useState<WorklistAsk>({ status: "open" });
  const [more, setMore] = useState<{ items: CaseLine[]; next: string | null } | null>(null);
  const [at, setAt] = useState(0);
  const loaded = useLoad(() => api.worklist(ask), [ask]);
  const rows = useRef<HTMLTableSectionElement>(null);
  const search = useRef<HTMLInputElement>(null);
  const items = [...(loaded.value?.items ?? []), ...(more?.items ?? [])];
  const next = more ? more.next : (loaded.value?.next ?? null);

  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    // Many slides finish together: the list is asked for once, after they did.
    const soon = () => {
      clearTimeout(timer);
      timer = setTimeout(() => void loaded.again(), 400);
    };
    const stop = listen(["worklist", "examination", "case"], soon);
    return () => {
      clearTimeout(timer);
      stop();
    };
  }, [loaded.again]);

  const focus = (row: number) => {
    const wanted = Math.min(Math.max(row, 0), items.length - 1);
    setAt(wanted);
    rows.current?.querySelectorAll<HTMLElement>("a.case-link")[wanted]?.focus();
  };
  useEffect(() => {
    const keyed = (event: KeyboardEvent) => {
      const target = event.target as HTMLElement;
      if (event.ctrlKey || event.metaKey || event.altKey || /INPUT|SELECT|TEXTAREA/.test(target.tagName))
        return;
      const on = document.activeElement?.classList.contains("case-link");
      if (event.key === "j" || event.key === "ArrowDown") focus(on ? at + 1 : at);
      else if (event.key === "k" || event.key === "ArrowUp") focus(on ? at - 1 : at);
      else if (event.key === "/") search.current?.focus();
      else if (event.key === "Enter" && !on && target.tagName === "BODY" && items[at])
        go(`/case/${items[at].id}`);
      else return;
      event.preventDefault();
    };
    addEventListener("keydown", keyed);
    return () => removeEventListener("keydown", keyed);
  });

  const [typed, setTyped] = useState("");
  const named = typed.trim() || undefined;
  useEffect(() => {
    const timer = setTimeout(() => {
      setMore(null);
      setAt(0);
      setAsk((before) => (before.named === named ? before : { ...before, named }));
    }, 250);
    return () => clearTimeout(timer);
  }, [named]);
  // A barcode reader types a number and Enter. Only the case with exactly this number opens, in whatever state it is:
  // one whose number merely contains it is another patient's. What cannot be asked for, the list says.
  const openNumbered = async () => {
    for (const status of statuses) {
      const found = named ? (await api.worklist({ status, named })).items : [];
      const exact = found.find((line) => line.number?.toLowerCase() === named?.toLowerCase());
      if (exact) return go(`/case/${exact.id}`);
    }
  };

  const filter = (change: WorklistAsk) => {
    setMore(null);
    setAt(0);
    setAsk({ ...ask, ...change });
  };
  return (
    <Shell page="worklist">
      <div class="heading">
        <h1>{say("worklist")}</h1>
        <p class="quiet keys">{say("worklistKeys")}</p>
      </div>
      <div class="filters" role="group" aria-label={say("state")}>
        <input
          ref={search}
          type="search"
          aria-label={say("findCase")}
          placeholder={say("findCase")}
          maxLength={64}
          value={typed}
          onInput={(event) => setTyped(event.currentTarget.value)}
          onKeyDown={(event) => {
            if (event.key !== "Enter") return;
            event.preventDefault();
            openNumbered().catch(() => loaded.again());
          }}
        />
        <div class="segments">
          {statuses.map((status) => (
            <button
              type="button"
              key={status}
              aria-pressed={(ask.status ?? "open") === status}
              onClick={() => filter({ status })}
            >
              {say(statusWord[status])}
            </button>
          ))}
        </div>
        <select
          aria-label={say("urgency")}
          value={ask.urgency ?? ""}
          onChange={(event) => filter({ urgency: event.currentTarget.value || undefined })}
        >
          <option value="">{say("anyUrgency")}</option>
          {(["emergency", "urgent", "routine", "low"] as const).map((urgency) => (
            <option key={urgency} value={urgency}>
              {say(urgency)}
            </option>
          ))}
        </select>
        <button type="button" aria-pressed={ask.mine ?? false} onClick={() => filter({ mine: !ask.mine })}>
          {say("mine")}
        </button>
        <button type="button" aria-pressed={ask.bad ?? false} onClick={() => filter({ bad: !ask.bad })}>
          {say("onlyBad")}
        </button>
      </div>
      <Waiting loaded={loaded}>
        {items.length === 0 ? (
          <p class="empty">{say(ask.named ? "noSuchCase" : "worklistEmpty")}</p>
        ) : (
          <div class="table-box">
            <table class="worklist">
              <thead>
                <tr>
                  <th scope="col">{say("slides")}</th>
                  <th scope="col">{say("caseNumber")}</th>
                  <th scope="col">{say("urgency")}</th>
                  <th scope="col">{say("state")}</th>
                  <th scope="col" class="number">
                    {say("undecided")}
                  </th>
                  <th scope="col">{say("assigned")}</th>
                  <th scope="col">{say("received")}</th>
                </tr>
              </thead>
              <tbody ref={rows}>
                {items.map((line, i) => (
                  <Row key={line.id} line={line} focused={() => setAt(i)} />
                ))}
              </tbody>
            </table>
          </div>
        )}
        {next && (
          <button
            type="button"
            class="more"
            onClick={async () => {
              const page = await api.worklist({ ...ask, after: next });
              setMore({ items: [...(more?.items ?? []), ...page.items], next: page.next });
            }}
          >
            {say("more")}
          </button>
        )}
      </Waiting>
    </Shell>
  );
}

function Row({ line, focused }: { line: CaseLine; focused: () => void }) {
  const say = useSay();
  const state = slowest(line);
  return (
    <tr class={line.bad_slide ? "bad" : undefined} onClick={() => go(`/case/${line.id}`)}>
      <td>
        <div class="thumbs">
          {line.slides
            .slice(0, 3)
            .map((slide) =>
              slide.thumbnail ? (
                <img key={slide.id} src={slide.thumbnail} alt="" loading="lazy" width={64} height={48} />
              ) : (
                <span key={slide.id} class="thumb-none" aria-hidden="true" />
              ),
            )}
          {line.slides.length > 3 && <span class="quiet">+{line.slides.length - 3}</span>}
        </div>
      </td>
      <td>
        <a
          class="case-link"
          href={`#/case/${line.id}`}
          onFocus={focused}
          onClick={(event) => event.stopPropagation()}
        >
          {line.number}
        </a>
        <div class="quiet small">{line.patient}</div>
        {line.bad_slide && (
          <div class="why">
            {line.bad_slide.crop && (
              <img src={line.bad_slide.crop} alt="" width={56} height={40} loading="lazy" />
            )}
            <span>{qualityHeadline(say, line.bad_slide.headline)}</span>
          </div>
        )}
      </td>
      <td>
        <span class={`tag urgency-${line.urgency}`}>{say(urgencyWord[line.urgency])}</span>
      </td>
      <td>
        <span>{say(statusWord[line.status])}</span>
        <div class={`small examination-${state}`}>{say(examined[state])}</div>
        {line.reading === "double" && <div class="small quiet">{say("double")}</div>}
      </td>
      <td class="number">{line.undecided ?? <span class="quiet">{say("notCounted")}</span>}</td>
      <td>{line.assigned ? nameOf(line.assigned) : <span class="quiet">{say("nobody")}</span>}</td>
      <td class="quiet">{moment(line.created)}</td>
    </tr>
  );
}
