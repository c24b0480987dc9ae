// People, their roles, and what the site has set.
import { useEffect, useState } from "preact/hooks";
import { api, Problem } from "../api/client";
import type { Role, Settings, User } from "../api/types";
import { problemText, useLoad, Waiting } from "../parts/load";
import { Shell } from "../shell";
import { may, settings as shared } from "../state";
import { roleWord, useSay } from "../words";
import { Programs } from "./programs";

const roles: Role[] = [
  "pathologist",
  "second-reader",
  "technician",
  "clinician",
  "researcher",
  "administrator",
];

export function People() {
  const say = useSay();
  const loaded = useLoad(() => (may("manage-accounts") ? api.users() : Promise.resolve([])), []);
  const [login, setLogin] = useState("");
  const [picked, setPicked] = useState<Role[]>(["pathologist"]);
  const [made, setMade] = useState<{ login: string; link: string } | null>(null);
  const [fault, setFault] = useState("");
  const tried = async (act: () => Promise<unknown>) => {
    setFault("");
    try {
      await act();
      await loaded.again();
    } catch (error) {
      setFault(error instanceof Problem ? problemText(say, error) : say("failed"));
      await loaded.again();
    }
  };
  const whole = (link: string) => (link.startsWith("/") ? location.origin + link : link);
  return (
    <Shell page="people">
      <div class="heading">
        <h1>{say("people")}</h1>
        <p class="quiet">{say("peopleLead")}</p>
      </div>
      {!may("manage-accounts") ? (
        <p class="empty">{say("mayNot")}</p>
      ) : (
        <>
          {fault && (
            <p class="fault" role="alert">
              {fault}
            </p>
          )}
          {made && (
            <div class="card made" role="status">
              <p>
                <strong>{made.login}</strong> — {say("linkMade")}
              </p>
              <input
                readOnly
                aria-label={say("newLink")}
                value={whole(made.link)}
                onFocus={(event) => event.currentTarget.select()}
              />
            </div>
          )}
          <Waiting loaded={loaded}>
            <div class="table-box">
              <table>
                <thead>
                  <tr>
                    <th scope="col">{say("loginName")}</th>
                    <th scope="col">{say("roles")}</th>
                    <th scope="col">{say("active")}</th>
                    <th scope="col">
                      <span class="unseen">{say("newLink")}</span>
                    </th>
                  </tr>
                </thead>
                <tbody>
                  {loaded.value?.map((user) => (
                    <Person
                      key={user.id}
                      user={user}
                      tried={tried}
                      link={async () =>
                        setMade({ login: user.login, link: (await api.newLink(user.id)).link })
                      }
                    />
                  ))}
                </tbody>
              </table>
            </div>
          </Waiting>
          <section class="card">
            <h2>{say("addPerson")}</h2>
            <form
              class="row"
              onSubmit={(event) => {
                event.preventDefault();
                void tried(async () => {
                  const answer = await api.addUser(login.trim(), picked);
                  setMade({ login: login.trim(), link: answer.link });
                  setLogin("");
                });
              }}
            >
              <label>
                <span>{say("loginName")}</span>
                <input
                  name="new-login"
                  required
                  maxLength={64}
                  value={login}
                  onInput={(event) => setLogin(event.currentTarget.value)}
                />
              </label>
              <Roles name={say("roles")} value={picked} set={setPicked} />
              <button type="submit" class="main" disabled={picked.length === 0}>
                {say("create")}
              </button>
            </form>
          </section>
          <Programs users={loaded.value ?? []} changed={loaded.again} />
          <Site />
        </>
      )}
    </Shell>
  );
}

function Roles(props: { name: string; value: Role[]; set: (roles: Role[]) => void }) {
  const say = useSay();
  return (
    <fieldset class="roles">
      <legend class="unseen">{props.name}</legend>
      {roles.map((role) => (
        <label class="check" key={role}>
          <input
            type="checkbox"
            checked={props.value.includes(role)}
            onChange={(event) =>
              props.set(
                event.currentTarget.checked
                  ? [...props.value, role]
                  : props.value.filter((one) => one !== role),
              )
            }
          />
          <span>{say(roleWord[role])}</span>
        </label>
      ))}
    </fieldset>
  );
}

function Person(props: {
  user: User;
  tried: (act: () => Promise<unknown>) => Promise<void>;
  link: () => Promise<void>;
}) {
  const say = useSay();
  const { user, tried } = props;
  return (
    <tr>
      <td>
        <strong>{user.login}</strong>
        {user.locked_until && <span class="tag">{say("locked")}</span>}
      </td>
      <td>
        <Roles
          name={`${say("roles")}: ${user.login}`}
          value={user.roles}
          set={(next) => void tried(() => api.setRoles(user.id, next))}
        />
      </td>
      <td>
        <label class="check">
          <input
            type="checkbox"
            checked={user.active}
            onChange={(event) => void tried(() => api.setActive(user.id, event.currentTarget.checked))}
          />
          <span class="unseen">
            {say("active")}: {user.login}
          </span>
        </label>
      </td>
      <td>
        <button type="button" onClick={() => void tried(props.link)}>
          {say("newLink")}
        </button>
      </td>
    </tr>
  );
}

function Site() {
  const say = useSay();
  const loaded = useLoad(() => api.settings(), []);
  const [draft, setDraft] = useState<Settings | null>(null);
  const [said, setSaid] = useState("");
  useEffect(() => setDraft(loaded.value), [loaded.value]);
  if (!draft) return null;
  const change = (part: Partial<Settings>) => {
    setSaid("");
    setDraft({ ...draft, ...part });
  };
  return (
    <section class="card">
      <h2>{say("settings")}</h2>
      <form
        class="settings"
        onSubmit={async (event) => {
          event.preventDefault();
          try {
            await api.putSettings(draft);
            shared.set(draft);
            setSaid(say("settingsSaved"));
          } catch (error) {
            setSaid(error instanceof Problem ? problemText(say, error) : say("failed"));
          }
        }}
      >
        <label class="check">
          <input
            type="checkbox"
            checked={draft.read_first}
            onChange={(event) => change({ read_first: event.currentTarget.checked })}
          />
          <span>{say("settingReadFirst")}</span>
        </label>
        <label class="check">
          <input
            type="checkbox"
            checked={draft.learn_from_all}
            onChange={(event) => change({ learn_from_all: event.currentTarget.checked })}
          />
          <span>{say("settingLearnFromAll")}</span>
        </label>
        <label class="inline">
          <span>{say("settingLook")}</span>
          <input
            type="number"
            min="0.5"
            max="40"
            step="0.5"
            value={draft.look_magnification}
            onInput={(event) => change({ look_magnification: event.currentTarget.valueAsNumber })}
          />
        </label>
        <label class="inline">
          <span>{say("settingUnaided")} (%)</span>
          <input
            type="number"
            min="0"
            max="50"
            step="1"
            value={Math.round(draft.unaided_share * 100)}
            onInput={(event) => change({ unaided_share: event.currentTarget.valueAsNumber / 100 })}
          />
        </label>
        <div class="acts">
          <button type="submit">{say("save")}</button>
          {said && <span role="status">{said}</span>}
        </div>
      </form>
    </section>
  );
}
