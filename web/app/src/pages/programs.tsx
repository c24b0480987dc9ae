// Programs (a viewer, a PACS, monitoring) and the tokens by which they come in; a secret is shown once.
import { useState } from "preact/hooks";
import { api, Problem } from "../api/client";
import type { ServiceToken, User } from "../api/types";
import { problemText, useLoad, Waiting } from "../parts/load";
import { moment, useSay } from "../words";

export function Programs({ users, changed }: { users: User[]; changed: () => Promise<void> }) {
  const say = useSay();
  const loaded = useLoad(() => api.serviceTokens(), []);
  const [made, setMade] = useState<{ label: string; token: string } | null>(null);
  const [fault, setFault] = useState("");
  const tried = async (act: () => Promise<unknown>) => {
    setFault("");
    try {
      await act();
    } catch (error) {
      setFault(error instanceof Problem ? problemText(say, error) : say("failed"));
    }
    await Promise.all([loaded.again(), changed()]);
  };
  const issue = (login: string, label: string, days: number | null) =>
    tried(async () => {
      const known = users.find((user) => user.login === login && user.roles.includes("program"));
      const user = known?.id ?? (await api.addUser(login, ["program"])).id;
      setMade({ label, token: (await api.issueToken(user, label, days)).token });
    });
  return (
    <section class="card">
      <h2>{say("programs")}</h2>
      <p class="quiet small">{say("programsLead")}</p>
      {fault && (
        <p class="fault" role="alert">
          {fault}
        </p>
      )}
      {made && (
        <div class="made" role="status">
          <p>
            <strong>{made.label}</strong> — {say("tokenMade")}
          </p>
          <input
            readOnly
            aria-label={say("token")}
            value={made.token}
            onFocus={(event) => event.currentTarget.select()}
          />
        </div>
      )}
      <Waiting loaded={loaded}>
        {(loaded.value ?? []).length > 0 && (
          <div class="table-box">
            <table>
              <thead>
                <tr>
                  <th scope="col">{say("tokenLabel")}</th>
                  <th scope="col">{say("loginName")}</th>
                  <th scope="col">{say("tokenEnds")}</th>
                  <th scope="col">
                    <span class="unseen">{say("tokenRevoke")}</span>
                  </th>
                </tr>
              </thead>
              <tbody>
                {(loaded.value ?? []).map((token) => (
                  <Token
                    key={token.id}
                    token={token}
                    login={users.find((user) => user.id === token.user)?.login ?? token.user.slice(0, 8)}
                    revoke={() => void tried(() => api.revokeToken(token.id))}
                  />
                ))}
              </tbody>
            </table>
          </div>
        )}
      </Waiting>
      <NewToken issue={(login, label, days) => void issue(login, label, days)} />
    </section>
  );
}

function Token(props: { token: ServiceToken; login: string; revoke: () => void }) {
  const say = useSay();
  const { token } = props;
  return (
    <tr>
      <td>{token.label}</td>
      <td>{props.login}</td>
      <td class="quiet">
        {token.revoked
          ? say("tokenRevoked", { at: moment(token.revoked) })
          : token.expires
            ? moment(token.expires)
            : say("tokenForGood")}
      </td>
      <td>
        {!token.revoked && (
          <button type="button" aria-label={`${say("tokenRevoke")}: ${token.label}`} onClick={props.revoke}>
            {say("tokenRevoke")}
          </button>
        )}
      </td>
    </tr>
  );
}

function NewToken({ issue }: { issue: (login: string, label: string, days: number | null) => void }) {
  const say = useSay();
  const [login, setLogin] = useState("");
  const [label, setLabel] = useState("");
  const [days, setDays] = useState("365");
  return (
    <form
      class="row"
      onSubmit={(event) => {
        event.preventDefault();
        issue(login.trim(), label.trim(), days === "" ? null : Number(days));
        setLabel("");
      }}
    >
      <label>
        <span>{say("programName")}</span>
        <input
          required
          maxLength={64}
          value={login}
          onInput={(event) => setLogin(event.currentTarget.value)}
        />
      </label>
      <label>
        <span>{say("tokenLabel")}</span>
        <input
          required
          maxLength={200}
          value={label}
          onInput={(event) => setLabel(event.currentTarget.value)}
        />
      </label>
      <label>
        <span>{say("tokenDays")}</span>
        <input
          type="number"
          min={1}
          max={3650}
          value={days}
          onInput={(event) => setDays(event.currentTarget.value)}
        />
      </label>
      <button type="submit" class="main">
        {say("tokenIssue")}
      </button>
    </form>
  );
}
