// Every fit that was made, and every head that was in use: who, when, of what, why.
import type { Activation, FittedHead } from "../../api/improvement";
import { count, moment, percent, roleWord, useSay } from "../../words";
import { Digest, FitName } from "./names";

export function Fits(props: {
  heads: FittedHead[];
  shown: string | null;
  who: (id: string) => string;
  show: (id: string) => void;
}) {
  const say = useSay();
  return (
    <section class="card">
      <h2>{say("improveFits")}</h2>
      {props.heads.length === 0 ? (
        <p class="quiet">{say("improveNoFits")}</p>
      ) : (
        <div class="table-box">
          <table class="fits">
            <thead>
              <tr>
                <th scope="col">{say("when")}</th>
                <th scope="col">{say("who")}</th>
                <th scope="col" class="number">
                  {say("improveFromDecisions")}
                </th>
                <th scope="col" class="number">
                  {say("improveHeldOut")}
                </th>
                <th scope="col" class="number">
                  {say("improveAgreement")}
                </th>
                <th scope="col">{say("measureDigest")}</th>
              </tr>
            </thead>
            <tbody>
              {props.heads.map((head) => (
                <tr key={head.id} data-head={head.id} class={head.id === props.shown ? "shown" : undefined}>
                  <td>
                    <button
                      type="button"
                      class="link"
                      title={say("improveShow")}
                      aria-pressed={head.id === props.shown}
                      onClick={() => props.show(head.id)}
                    >
                      {moment(head.at)}
                    </button>{" "}
                    {head.active && <span class="tag standing">{say("improveInUse")}</span>}
                  </td>
                  <td>{props.who(head.asked_by)}</td>
                  <td class="number">{count(head.learned)}</td>
                  <td class="number">{count(head.held_out)}</td>
                  <td class="number">
                    {percent(head.measured.before.balanced)} → {percent(head.measured.after.balanced)}
                  </td>
                  <td>
                    <Digest of={head.weights} />
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </section>
  );
}

export function Uses(props: { history: Activation[]; heads: FittedHead[]; who: (id: string) => string }) {
  const say = useSay();
  return (
    <section class="card">
      <h2>{say("improveUses")}</h2>
      {props.history.length === 0 ? (
        <p class="quiet">{say("improveUsesNone")}</p>
      ) : (
        <ol class="uses">
          {props.history.map((one, i) => (
            <li key={`${one.at}${one.head}`}>
              <span>
                <strong>
                  {one.head === null ? (
                    say("improveOwn")
                  ) : (
                    <FitName at={props.heads.find((head) => head.id === one.head)?.at} />
                  )}
                </strong>{" "}
                {i === 0 && <span class="tag standing">{say("improveInUse")}</span>}
              </span>
              <span class="small quiet">
                {moment(one.at)} · {props.who(one.by)} ·{" "}
                {roleWord[one.role] ? say(roleWord[one.role]) : one.role}
              </span>
              {one.reason && <span class="why-used">{one.reason}</span>}
            </li>
          ))}
        </ol>
      )}
    </section>
  );
}
