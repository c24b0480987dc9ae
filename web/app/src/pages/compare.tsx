// Two readers: their differences as differences, settled by a third, never averaged.
import { useState } from "preact/hooks";
import { api, paths } from "../api/client";
import type { Comparison, Decision } from "../api/types";
import { Choose, Swatch } from "../parts/dialog";
import { useLoad, Waiting } from "../parts/load";
import { Shell } from "../shell";
import { labels, may, nameOf, queue, session } from "../state";
import { actWord, findingName, labelName, moment, percent, reasonText, useSay } from "../words";

type Disputed = Comparison["disputed"][number];

export function Compare({ id }: { id: string }) {
  const say = useSay();
  const loaded = useLoad(() => api.comparison(id), [id]);
  const found = useLoad(() => api.findings(id), [id]);
  const theCase = useLoad(() => api.case(id), [id]);
  const [refusing, setRefusing] = useState<Disputed | null>(null);
  const title = (finding: string) => {
    const one =
      loaded.value?.disputed.find((each) => each.id === finding) ??
      found.value?.findings.find((each) => each.id === finding);
    return one ? findingName(say, labels.get(), one) : finding.slice(0, 8);
  };
  /** Settled for one reading as it stands: its verdict, its label, its outline. */
  const settle = async (
    one: Disputed,
    reading: Partial<Decision> & { verdict: Decision["verdict"] },
    reason?: string,
  ) => {
    const key = crypto.randomUUID();
    const body = {
      key,
      verdict: reading.verdict,
      ...(reason ? { reason } : {}),
      ...(reading.verdict === "correct"
        ? { label: reading.label ?? undefined, outline: reading.outline ?? undefined }
        : {}),
      viewed: [],
      milliseconds: 0,
    };
    await queue.add({
      key,
      user: session.get()?.me?.id ?? "",
      case: id,
      finding: one.id,
      path: paths.adjudicate(one.id),
      body,
      shown: { verdict: reading.verdict },
      at: Date.now(),
      due: Date.now(),
      tries: 0,
      refused: null,
    });
    await queue.flush();
    await loaded.again();
  };
  const comparison = loaded.value;
  const mustLook = theCase.value?.read_first && !theCase.value.revealed;
  return (
    <Shell page="compare">
      <p class="small">
        <a href={`#/case/${id}`}>← {say("back")}</a>
      </p>
      <div class="heading">
        <h1>{say("differences")}</h1>
      </div>
      <Waiting loaded={loaded}>
        {comparison && comparison.pairs.length === 0 && comparison.disputed.length === 0 && (
          <p class="empty">{say("noComparison")}</p>
        )}
        {comparison?.pairs.map((pair) => (
          <section class="card" key={pair.readers.join()}>
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
                    <th scope="col">{nameOf(pair.readers[0])}</th>
                    <th scope="col">{nameOf(pair.readers[1])}</th>
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
                    <tr
                      key={reading.finding}
                      class={reading.first === reading.second ? undefined : "differs"}
                    >
                      <td>{title(reading.finding)}</td>
                      <td>{say(actWord[reading.first])}</td>
                      <td>{say(actWord[reading.second])}</td>
                      <td class="number">{reading.overlap ? percent(reading.overlap.iou) : "—"}</td>
                      <td>{say(reading.first === reading.second ? "agree" : "differ")}</td>
                    </tr>
                  ))}
                </tbody>
              </table>
            </div>
          </section>
        ))}
        {comparison && (comparison.pairs.length > 0 || comparison.disputed.length > 0) && (
          <section class="card">
            <h2>{say("disputed")}</h2>
            {comparison.disputed.length === 0 ? (
              <p class="quiet">{say("noDisputed")}</p>
            ) : (
              <>
                <p class="quiet">{say("settleNote")}</p>
                {mustLook && may("adjudicate") && (
                  <p class="look-first">
                    <a href={`#/case/${id}`}>{say("lookFirst")}</a>
                  </p>
                )}
                {comparison.disputed.map((one) => (
                  <div class="dispute" key={one.id}>
                    <h3>
                      <Swatch
                        color={labels.get().find((label) => label.name === one.label)?.color ?? "#5c6b77"}
                      />
                      <a href={`#/case/${id}?finding=${one.id}`}>
                        {findingName(say, labels.get(), one) || say("finding")}
                      </a>
                    </h3>
                    <div class="sides">
                      {one.decisions.map((decision, i) => (
                        <div key={decision.id}>
                          <p class="small quiet">
                            {say(i === 0 ? "firstReader" : "secondReader")} · {nameOf(decision.reader)} ·{" "}
                            {moment(decision.at)}
                          </p>
                          <p>
                            <strong>{say(actWord[decision.verdict])}</strong>{" "}
                            {labelName(labels.get(), decision.label)}
                            {decision.reason && (
                              <span class="quiet"> — {reasonText(say, decision.reason)}</span>
                            )}
                          </p>
                          {may("adjudicate") && !mustLook && (
                            <button
                              type="button"
                              onClick={() =>
                                decision.verdict === "refuse" ? setRefusing(one) : void settle(one, decision)
                              }
                            >
                              {say("settle", { v: say(actWord[decision.verdict]) })}
                            </button>
                          )}
                        </div>
                      ))}
                    </div>
                    {may("adjudicate") && !mustLook && (
                      <a class="button" href={`#/case/${id}?finding=${one.id}`}>
                        {say("settleOwn")}
                      </a>
                    )}
                  </div>
                ))}
              </>
            )}
          </section>
        )}
      </Waiting>
      {refusing && (
        <Choose
          title={say("chooseReason")}
          choices={(["reasonBenign", "reasonArtefact", "reasonOutline"] as const).map((word) => ({
            value: say(word),
            text: say(word),
          }))}
          other={say("otherReason")}
          keepAs={`${refusing.id} settle`}
          pick={(reason) => {
            const one = refusing;
            setRefusing(null);
            void settle(one, { verdict: "refuse" }, reason);
          }}
          close={() => setRefusing(null)}
        />
      )}
    </Shell>
  );
}
