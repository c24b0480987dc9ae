// The audit: who did what, and whether the chain still holds.
import { useState } from "preact/hooks";
import { api, Problem } from "../api/client";
import type { AuditEntry, AuditVerdict, Role } from "../api/types";
import { detailText, lastDigits, secondsOf } from "../parts/audit-words";
import { problemText, useLoad, Waiting } from "../parts/load";
import { Shell } from "../shell";
import { may, nameOf, readers } from "../state";
import { moment, roleWord, useSay } from "../words";
import { deedName, eventNames, outcomeName, thingName } from "../words/deeds";

/** The hash without the name of its function, as far as eyes compare it. */
const short = (hash: string) => hash.replace(/^\w+:/, "").slice(0, 12);

export function Audit() {
  const say = useSay();
  const [filter, setFilter] = useState({ actor: "", event: "", day: "", about: "" });
  const [older, setOlder] = useState<AuditEntry[]>([]);
  const [verdict, setVerdict] = useState<AuditVerdict | null>(null);
  const [fault, setFault] = useState("");
  const [filesToo, setFilesToo] = useState(true);
  const { actor, event, day, about } = filter;
  const ask = (before?: number) =>
    api.audit({ before, actor, event, about: about.trim(), ...secondsOf(day) });
  const loaded = useLoad(() => ask(), [actor, event, day, about]);
  const choose = (part: Partial<typeof filter>) => {
    setOlder([]);
    setFilter({ ...filter, ...part });
  };
  // Whoever reads the audit reads no cases, and so knows the names from the accounts.
  const users = useLoad(() => (may("manage-accounts") ? api.users() : Promise.resolve([])), []);
  const who = (id: string | null) => users.value?.find((one) => one.id === id)?.login ?? nameOf(id);
  const role = (name: string) => (Object.hasOwn(roleWord, name) ? say(roleWord[name as Role]) : name);
  const people = users.value?.length ? users.value : readers.get();
  const entries = [...(loaded.value?.entries ?? []), ...older];
  const verify = async () => {
    setFault("");
    setVerdict(null);
    try {
      setVerdict(await api.verifyAudit(filesToo));
    } catch (error) {
      setFault(error instanceof Problem ? problemText(say, error) : say("failed"));
    }
  };
  return (
    <Shell page="audit">
      <div class="heading">
        <h1>{say("audit")}</h1>
        <p class="quiet">{say("auditLead")}</p>
      </div>
      {!may("read-audit") ? (
        <p class="empty">{say("mayNot")}</p>
      ) : (
        <>
          <div class="filters">
            <select
              aria-label={say("who")}
              value={actor}
              onChange={(event) => choose({ actor: event.currentTarget.value })}
            >
              <option value="">{say("everybody")}</option>
              {people.map((one) => (
                <option key={one.id} value={one.id}>
                  {one.login}
                </option>
              ))}
            </select>
            <select
              aria-label={say("what")}
              value={event}
              onChange={(event) => choose({ event: event.currentTarget.value })}
            >
              <option value="">{say("everything")}</option>
              {eventNames.map((name) => (
                <option key={name} value={name}>
                  {deedName(name)}
                </option>
              ))}
            </select>
            <input
              type="date"
              aria-label={say("day")}
              value={day}
              onChange={(event) => choose({ day: event.currentTarget.value })}
            />
            <input
              type="search"
              aria-label={say("auditAbout")}
              placeholder={say("auditAbout")}
              maxLength={64}
              value={about}
              onChange={(event) => choose({ about: event.currentTarget.value })}
            />
          </div>
          <div class="filters">
            <button type="button" class="main" onClick={() => void verify()}>
              {say("verify")}
            </button>
            <label>
              <input
                type="checkbox"
                checked={filesToo}
                onChange={(event) => setFilesToo(event.currentTarget.checked)}
              />{" "}
              {say("verifyFiles")}
            </label>
            {verdict && (
              <p class={verdict.whole ? "verdict whole" : "verdict broken"} role="status">
                {verdict.whole
                  ? say("verifyWhole", { n: verdict.entries, h: short(verdict.head?.hash ?? "—") })
                  : `${say("verifyBroken")}: ${verdict.fault ?? ""}`}
              </p>
            )}
            {fault && (
              <p class="fault" role="alert">
                {fault}
              </p>
            )}
          </div>
          <Waiting loaded={loaded}>
            <div class="table-box">
              <table class="audit">
                <thead>
                  <tr>
                    <th scope="col" class="number">
                      #
                    </th>
                    <th scope="col">{say("when")}</th>
                    <th scope="col">{say("who")}</th>
                    <th scope="col">{say("what")}</th>
                    <th scope="col">{say("outcome")}</th>
                    <th scope="col">{say("object")}</th>
                    <th scope="col">{say("auditDetail")}</th>
                    <th scope="col">{say("hash")}</th>
                  </tr>
                </thead>
                <tbody>
                  {entries.map((entry) => (
                    <tr key={entry.sequence}>
                      <td class="number quiet">{entry.sequence}</td>
                      <td>{moment(entry.at)}</td>
                      <td>
                        {who(entry.actor)} {entry.role && <span class="quiet small">{role(entry.role)}</span>}
                      </td>
                      <td title={entry.event}>{deedName(entry.event)}</td>
                      <td class={entry.outcome === "done" ? "quiet" : "outcome"}>
                        {outcomeName(entry.outcome)}
                      </td>
                      <td class="quiet">
                        {thingName(entry.object_kind)}{" "}
                        {entry.object_name && <strong>{entry.object_name}</strong>}{" "}
                        <code title={entry.object ?? undefined}>{lastDigits(entry.object)}</code>
                      </td>
                      <td class="quiet small">{detailText(say, entry.detail)}</td>
                      <td>
                        <code title={entry.hash}>{short(entry.hash)}</code>
                      </td>
                    </tr>
                  ))}
                </tbody>
              </table>
            </div>
            {entries.length === 0 && <p class="empty">{say("auditNone")}</p>}
            {(entries.at(-1)?.sequence ?? 0) > 1 && (
              <button
                type="button"
                class="more"
                onClick={async () => {
                  const page = await ask(entries.at(-1)?.sequence);
                  setOlder([...older, ...page.entries]);
                }}
              >
                {say("older")}
              </button>
            )}
          </Waiting>
        </>
      )}
    </Shell>
  );
}
