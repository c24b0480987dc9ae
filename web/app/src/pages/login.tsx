import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { api, Problem } from "../api/client";
import { useCell } from "../cell";
import { problemText } from "../parts/load";
import { go, useRoute } from "../route";
import { Notice, Preferences } from "../shell";
import { session, takeSession } from "../state";
import { type Say, useSay } from "../words";
import type { Word } from "../words/en";

const LEAST = 12;

/** What the server says of a sign-on that came to nothing. */
const signOnWord: Record<string, Word> = {
  provider: "signOnProvider",
  unknown: "signOnUnknown",
  again: "signOnAgain",
};

function Gate(props: { title: string; lead: string; children: ComponentChildren }) {
  return (
    <div class="page gate-page">
      <Notice />
      <main class="gate" id="content">
        <div class="gate-card">
          <p class="gate-mark" lang="zh" aria-hidden="true">
            扁鵲
          </p>
          <h1>{props.title}</h1>
          <p class="quiet">{props.lead}</p>
          {props.children}
        </div>
        <Preferences />
      </main>
    </div>
  );
}

function told(say: Say, error: unknown): string {
  if (!(error instanceof Problem)) return say("failed");
  if (error.status === 401) return say("loginWrong");
  if (error.status === 429) return say("loginLocked");
  if (error.status === 403 || error.status === 404 || error.status === 410) return say("linkWrong");
  return problemText(say, error);
}

export function Login() {
  const say = useSay();
  const provider = useCell(session)?.provider ?? null;
  const came = signOnWord[useRoute().query.get("sign-on") ?? ""];
  const [name, setName] = useState("");
  const [password, setPassword] = useState("");
  const [fault, setFault] = useState("");
  const [busy, setBusy] = useState(false);
  const enter = async (event: Event) => {
    event.preventDefault();
    setBusy(true);
    setFault("");
    try {
      await takeSession(await api.login(name.trim(), password));
    } catch (error) {
      setFault(told(say, error));
      setPassword("");
    }
    setBusy(false);
  };
  return (
    <Gate title={say("login")} lead={say("loginLead")}>
      {provider && (
        <>
          <a class="button main wide" href="/api/v1/session/provider">
            {say("loginBy", { provider })}
          </a>
          {came && !fault && (
            <p class="fault" role="alert">
              {say(came)}
            </p>
          )}
          <p class="quiet or">{say("loginOr")}</p>
        </>
      )}
      <form onSubmit={(event) => void enter(event)}>
        <NameField value={name} onChange={setName} />
        <label>
          <span>{say("password")}</span>
          <input
            name="password"
            type="password"
            autocomplete="current-password"
            required
            maxLength={256}
            value={password}
            onInput={(event) => setPassword(event.currentTarget.value)}
          />
        </label>
        {fault && (
          <p class="fault" role="alert">
            {fault}
          </p>
        )}
        <button type="submit" class={provider ? "" : "main"} disabled={busy}>
          {say("login")}
        </button>
      </form>
    </Gate>
  );
}

function Chosen(props: {
  title: string;
  lead: string;
  withName: boolean;
  act: (name: string, password: string) => Promise<void>;
}) {
  const say = useSay();
  const [name, setName] = useState("");
  const [password, setPassword] = useState("");
  const [again, setAgain] = useState("");
  const [fault, setFault] = useState("");
  const [done, setDone] = useState(false);
  const send = async (event: Event) => {
    event.preventDefault();
    if (password !== again) return setFault(say("passwordsDiffer"));
    setFault("");
    try {
      await props.act(name.trim(), password);
      setDone(true);
    } catch (error) {
      setFault(told(say, error));
    }
  };
  if (done)
    return (
      <Gate title={props.title} lead={say("done")}>
        <button
          type="button"
          class="main"
          onClick={() => {
            go("/");
            void takeSession();
          }}
        >
          {say("login")}
        </button>
      </Gate>
    );
  return (
    <Gate title={props.title} lead={props.lead}>
      <form onSubmit={(event) => void send(event)}>
        {props.withName && <NameField value={name} onChange={setName} />}
        <label>
          <span>{say("password")}</span>
          <input
            name="password"
            type="password"
            autocomplete="new-password"
            required
            minLength={LEAST}
            maxLength={256}
            aria-describedby="rule"
            value={password}
            onInput={(event) => setPassword(event.currentTarget.value)}
          />
        </label>
        <small id="rule" class="quiet">
          {say("passwordRule")}
        </small>
        <label>
          <span>{say("passwordAgain")}</span>
          <input
            name="again"
            type="password"
            autocomplete="new-password"
            required
            maxLength={256}
            value={again}
            onInput={(event) => setAgain(event.currentTarget.value)}
          />
        </label>
        {fault && (
          <p class="fault" role="alert">
            {fault}
          </p>
        )}
        <button type="submit" class="main">
          {say("create")}
        </button>
      </form>
    </Gate>
  );
}

/** The CSRF token comes with the session, which a new browser has not asked for yet. */
async function withSession(act: () => Promise<void>): Promise<void> {
  if (!session.get()) await takeSession();
  await act();
}

export function FirstAdministrator({ token }: { token: string }) {
  const say = useSay();
  return (
    <Chosen
      title={say("firstTitle")}
      lead={say("firstLead")}
      withName
      act={(name, password) => withSession(() => api.firstAdministrator(token, name, password))}
    />
  );
}

export function NewPassword({ token }: { token: string }) {
  const say = useSay();
  return (
    <Chosen
      title={say("passwordTitle")}
      lead={say("loginLead")}
      withName={false}
      act={(_, password) => withSession(() => api.setPassword(token, password))}
    />
  );
}

/** The name of an account, as browsers' password stores know it. */
function NameField(props: { value: string; onChange: (name: string) => void }) {
  const say = useSay();
  return (
    <label>
      <span>{say("loginName")}</span>
      <input
        name="login"
        autocomplete="username"
        required
        maxLength={64}
        value={props.value}
        onInput={(event) => props.onChange(event.currentTarget.value)}
      />
    </label>
  );
}
