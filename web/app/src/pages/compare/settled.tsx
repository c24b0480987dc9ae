// What became of what two read: who settled it, what they said and why, and what was amended after.
import type { Comparison } from "../../api/types";
import { labels, nameOf } from "../../state";
import { actWord, labelName, moment, reasonText, stateWord, useSay } from "../../words";

export function SettledFindings(props: {
  settled: Comparison["settled"];
  title: (finding: string) => string;
}) {
  const say = useSay();
  if (props.settled.length === 0) return null;
  return (
    <section class="card">
      <h2>{say("settledFindings")}</h2>
      {props.settled.map((one) => (
        <div class="dispute" key={one.finding}>
          <h3>
            {props.title(one.finding)} <span class="quiet">{say(stateWord[one.state])}</span>
          </h3>
          <ol>
            {one.decisions.map((decision) => (
              <li key={decision.id}>
                <span class="small quiet">
                  {say(decision.manner === "adjudication" ? "adjudicated" : "amended")} ·{" "}
                  {nameOf(decision.reader)} · {moment(decision.at)}
                </span>{" "}
                <strong>{say(actWord[decision.verdict])}</strong>
                {decision.label && ` ${labelName(labels.get(), decision.label)}`}
                {decision.reason && <span class="quiet"> — {reasonText(say, decision.reason)}</span>}
              </li>
            ))}
          </ol>
        </div>
      ))}
    </section>
  );
}
