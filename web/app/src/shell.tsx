// What stands around every page: who works, where one can go, the notice, language and light.
import type { ComponentChildren } from "preact";
import { api } from "./api/client";
import type { Role } from "./api/types";
import { useCell } from "./cell";
import { Saved } from "./parts/saved";
import { go } from "./route";
import { language, may, queue, session, type Theme, takeSession, theme } from "./state";
import { roleWord, useSay } from "./words";

const demoLogins = [
  ["demo-pathologist", "rolePathologist"],
  ["demo-second-reader", "roleSecondReader"],
  ["demo-adjudicator", "roleAdjudicator"],
  ["demo-technician", "roleTechnician"],
  ["demo-clinician", "roleClinician"],
  ["demo-administrator", "roleAdministrator"],
] as const;

export function Notice() {
  const say = useSay();
  const demo = useCell(session)?.demo ?? false;
  return (
    <aside class="notice" aria-label={say("notice").split(/[.。]/)[0]}>
      <span>{say("notice")}</span>
      {demo && <strong>{say("demo")}</strong>}
    </aside>
  );
}

export function Preferences() {
  const say = useSay();
  const light = useCell(theme);
  return (
    <div class="preferences">
      <select
        aria-label={say("theme")}
        value={light}
        onChange={(event) => theme.set(event.currentTarget.value as Theme)}
      >
        <option value="system">{say("themeSystem")}</option>
        <option value="light">{say("themeLight")}</option>
        <option value="dark">{say("themeDark")}</option>
      </select>
      <button
        type="button"
        lang={language.get() === "zh" ? "en" : "zh"}
        title={say("languageHint")}
        onClick={() => language.set(language.get() === "zh" ? "en" : "zh")}
      >
        {say("language")}
      </button>
    </div>
  );
}

export function Shell(props: { page: string; children: ComponentChildren; full?: boolean }) {
  const say = useSay();
  const now = useCell(session);
  const me = now?.me ?? null;
  const links = [
    ["worklist", "#/", may("read-worklist")],
    ["signedCases", "#/signed", may("read-released") && !may("read-worklist")],
    ["register", "#/register", may("register")],
    ["discrepancies", "#/discrepancies", may("sign-out")],
    ["cost", "#/cost", may("read-worklist")],
    ["improvement", "#/improvement", may("activate-head")],
    ["audit", "#/audit", may("read-audit")],
    ["people", "#/people", may("manage-accounts")],
  ] as const;
  const leave = async () => {
    await queue.flush();
    await api.logout().catch(() => undefined);
    session.set(null);
    await takeSession();
    go("/");
  };
  return (
    <div class={props.full ? "page full" : "page"}>
      <button type="button" class="skip" onClick={() => document.getElementById("content")?.focus()}>
        {say("skip")}
      </button>
      <header class="top">
        <a class="brand" href="#/">
          <span class="mark" lang="zh" aria-hidden="true">
            扁鵲
          </span>
          <span>Bianque</span>
        </a>
        <nav aria-label={say("brand")}>
          {links
            .filter(([, , allowed]) => allowed)
            .map(([word, to]) => (
              <a key={word} href={to} aria-current={props.page === word ? "page" : undefined}>
                {say(word)}
              </a>
            ))}
        </nav>
        <Saved />
        <Preferences />
        {me && (
          <div class="me">
            {now?.demo ? (
              <select
                aria-label={say("demoAs")}
                value={me.login}
                onChange={async (event) => {
                  const login = event.currentTarget.value;
                  await queue.flush();
                  await takeSession(await api.login(login, ""));
                }}
              >
                {!demoLogins.some(([login]) => login === me.login) && (
                  <option value={me.login}>{me.login}</option>
                )}
                {demoLogins.map(([login, word]) => (
                  <option key={login} value={login}>
                    {say(word)}
                  </option>
                ))}
              </select>
            ) : (
              <>
                <span title={say(roleWord[me.role])}>{me.login}</span>
                {me.roles.length > 1 && (
                  <select
                    aria-label={say("actAs")}
                    value={me.role}
                    onChange={async (event) => {
                      const role = event.currentTarget.value as Role;
                      await queue.flush();
                      await takeSession(await api.changeRole(role));
                      go("/");
                    }}
                  >
                    {me.roles.map((role) => (
                      <option key={role} value={role}>
                        {say(roleWord[role])}
                      </option>
                    ))}
                  </select>
                )}
                <button type="button" onClick={() => void leave()}>
                  {say("signOff")}
                </button>
              </>
            )}
          </div>
        )}
      </header>
      <Notice />
      <main id="content" tabIndex={-1}>
        {props.children}
      </main>
    </div>
  );
}
