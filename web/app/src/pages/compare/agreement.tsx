// How far two readers agree: as a figure beyond chance, and finding by finding.
import type { Comparison, Verdict } from "../../api/types";
import { labels, nameOf } from "../../state";
import { lengthText } from "../../viewer/scale";
import { actWord, labelName, percent, type Say, useSay } from "../../words";
import { readerWord } from "./legend";

type Pair = Comparison["pairs"][number];

function common(say: Say, { overlap, distance_um: apart }: Pair["readings"][number]): string {
  if (overlap) return percent(overlap.iou);
  return apart === null ? "—" : say("apart", { d: lengthText(apart) });
}

/** A verdict alone does not say what it came to. */
function said(say: Say, verdict: Verdict, label: string): string {
  const act = say(actWord[verdict]);
  return verdict === "refuse" ? act : `${act} · ${labelName(labels.get(), label)}`;
}

export function Agreement({ pair, title }: { pair: Pair; title: (finding: string) => string }) {
  const say = useSay();
  return (
    <section class="card">
      <h2>
        {nameOf(pair.readers[0])} · {nameOf(pair.readers[1])}
      </h2>
      <dl class="figures">
        <div>
          <dt>{say("kappa")}</dt>
          <dd class="big">
            {pair.kappa?.kappa === null || pair.kappa === null
              ? say("kappaNone")
              : pair.kappa.kappa.toFixed(2)}
          </dd>
        </div>
        {pair.kappa && (
          <>
            <div>
              <dt>{say("observed")}</dt>
              <dd>{percent(pair.kappa.observed)}</dd>
            </div>
            <div>
              <dt>{say("expected")}</dt>
              <dd>{percent(pair.kappa.expected)}</dd>
            </div>
            <div>
              <dt>{say("pairs")}</dt>
              <dd>{pair.kappa.pairs}</dd>
            </div>
          </>
        )}
      </dl>
      <div class="table-box">
        <table>
          <thead>
            <tr>
              <th scope="col">{say("finding")}</th>
              {pair.readers.map((reader, i) => (
                <th scope="col" key={reader}>
                  {say(readerWord[i as 0 | 1])} · {nameOf(reader)}
                </th>
              ))}
              <th scope="col" class="number">
                {say("overlap")}
              </th>
              <th scope="col">
                <span class="unseen">{say("state")}</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {pair.readings.map((reading) => (
              <tr key={reading.finding} class={reading.agree ? undefined : "differs"}>
                <td>{title(reading.finding)}</td>
                <td>{said(say, reading.first, reading.first_label)}</td>
                <td>{said(say, reading.second, reading.second_label)}</td>
                <td class="number">{common(say, reading)}</td>
                <td>{say(reading.agree ? "agree" : "differ")}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}
