// Improving the model: the head is fitted again to decisions, measured on held-out ones, and used once a person
// says so.
import { useEffect, useRef, useState } from "preact/hooks";
import { api } from "../../api/client";
import { listen } from "../../api/events";
import type { Improvement } from "../../api/improvement";
import { useLoad, Waiting } from "../../parts/load";
import { Shell } from "../../shell";
import { may, nameOf } from "../../state";
import { useSay } from "../../words";
import type { Word } from "../../words/en";
import { whyNot } from "../../words/server";
import { Basis } from "./basis";
import { Fit } from "./fit";
import { Digest, FitName } from "./names";
import { Fits, Uses } from "./tables";
import { UseHead } from "./use";

/** While a fit runs it is asked for at times, too: a broken stream of events tells no end. */
const ASK_EVERY = 5000;

export function ImprovementPage() {
  const say = useSay();
  return (
    <Shell page="improvement">
      <div class="heading">
        <h1>{say("improveTitle")}</h1>
        <p class="quiet">{say("improveLead")}</p>
      </div>
      {may("activate-head") ? <Allowed /> : <p class="empty">{say("mayNot")}</p>}
    </Shell>
  );
}

function Allowed() {
  const say = useSay();
  const loaded = useLoad(() => api.improvement(), []);
  const counts = useLoad(() => (may("read-worklist") ? api.cost() : Promise.resolve(null)), []);
  // Whoever manages accounts reads no cases, and so knows the names from the accounts.
  const users = useLoad(() => (may("manage-accounts") ? api.users() : Promise.resolve([])), []);
  const who = (id: string) => users.value?.find((one) => one.id === id)?.login ?? nameOf(id);
  const [picked, pick] = useState<string | null>(null);
  const [said, tell] = useState<Word | null>(null);
  const [fault, setFault] = useState<unknown>(null);
  /** The head asked about: `null` for the task's own. */
  const [asking, ask] = useState<{ head: string | null } | null>(null);
  const ran = useRef(false);
  const now = loaded.value;
  const running = now?.running ?? false;

  useEffect(() => {
    // Asked without leave, it would stand in the audit as somebody turned away; a running fit is asked for anyway.
    if (!may("read-worklist")) return;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const stop = listen(["improvement", "worklist"], () => {
      clearTimeout(timer);
      timer = setTimeout(() => void loaded.again(), 100);
    });
    return () => {
      clearTimeout(timer);
      stop();
    };
  }, [loaded.again]);
  // Counting is a reading that the audit names, so it is done when somebody comes back to look, not at each event.
  useEffect(() => {
    const back = () => void (document.visibilityState === "visible" && counts.again());
    document.addEventListener("visibilitychange", back);
    return () => document.removeEventListener("visibilitychange", back);
  }, [counts.again]);
  useEffect(() => {
    if (!running) return;
    const timer = setInterval(() => void loaded.again(), ASK_EVERY);
    return () => clearInterval(timer);
  }, [running, loaded.again]);
  useEffect(() => {
    if (!now) return;
    if (ran.current && !now.running) {
      pick(null);
      tell(now.failed ? null : "improveDone");
      void counts.again();
    }
    ran.current = now.running;
  }, [now]);

  const begin = async () => {
    setFault(null);
    tell(null);
    try {
      await api.fitHead();
      // It may be over before it is asked for.
      ran.current = true;
    } catch (error) {
      setFault(error);
    }
    await loaded.again();
  };

  const shown = now?.heads.find((head) => head.id === picked) ?? now?.heads[0] ?? null;
  return (
    <Waiting loaded={loaded}>
      {now && (
        <>
          <Basis
            lines={counts.value}
            obstacle={now.obstacle}
            running={now.running}
            failed={now.failed}
            fault={fault === null ? null : whyNot(say, fault)}
            begin={() => void begin()}
          />
          <p class={said ? "said" : "unseen"} role="status">
            {said && say(said)}
          </p>
          {now.task !== null && <InUse now={now} back={() => ask({ head: null })} />}
          {shown && <Fit key={shown.id} head={shown} who={who} use={() => ask({ head: shown.id })} />}
          {now.task !== null && (
            <>
              <Fits
                heads={now.heads}
                shown={shown?.id ?? null}
                who={who}
                show={(id) => {
                  pick(id);
                  // The measures stand above: whoever asks for them is taken there.
                  setTimeout(() => document.getElementById("fit-title")?.focus());
                }}
              />
              <Uses history={now.history} heads={now.heads} who={who} />
            </>
          )}
          {asking && (
            <UseHead
              head={now.heads.find((head) => head.id === asking.head) ?? null}
              inUse={now.in_use}
              close={() => ask(null)}
              done={() => {
                tell(asking.head === null ? "backDone" : "useDone");
                ask(null);
                void loaded.again();
              }}
            />
          )}
        </>
      )}
    </Waiting>
  );
}

function InUse({ now, back }: { now: Improvement; back: () => void }) {
  const say = useSay();
  const active = now.heads.find((head) => head.id === now.active);
  return (
    <section class="card in-use">
      <h2>{say("improveNow")}</h2>
      <p>
        <strong>{now.active === null ? say("improveOwn") : <FitName at={active?.at} />}</strong>{" "}
        <span class="quiet">{say("improveTask", { t: now.task ?? "" })}</span>{" "}
        {now.in_use && <Digest of={now.in_use} />}
      </p>
      {active && active.weights !== now.in_use && <p class="fault">{say("improveMismatch")}</p>}
      {now.active !== null && (
        <button type="button" onClick={back}>
          {say("improveBack")}
        </button>
      )}
    </section>
  );
}
