// What a patient agrees to: the latest word counts, none is ever deleted.
import { useState } from "preact/hooks";
import { api, Problem } from "../api/client";
import type { ConsentLine, ConsentPurpose } from "../api/released";
import { moment, useSay } from "../words";
import { problemText, useLoad, Waiting } from "./load";

const purposes: ConsentPurpose[] = ["research", "training", "exchange"];
export const purposeWord = {
  research: "purposeResearch",
  training: "purposeTraining",
  exchange: "purposeExchange",
} as const;

/** What holds now: the latest word on a purpose, unless its last day is over. */
export function holds(lines: ConsentLine[], purpose: ConsentPurpose, now: number): ConsentLine | null {
  const last = lines.filter((line) => line.purpose === purpose).at(-1);
  if (!last?.granted) return null;
  return last.until === null || Date.parse(last.until) > now ? last : null;
}

export function ConsentCard({ id }: { id: string }) {
  const say = useSay();
  const loaded = useLoad(() => api.consents(id), [id]);
  const [until, setUntil] = useState("");
  const [fault, setFault] = useState("");
  const lines = loaded.value ?? [];
  const write = async (purpose: ConsentPurpose, granted: boolean) => {
    setFault("");
    try {
      await api.recordConsent(id, purpose, granted, granted && until ? until : null);
    } catch (error) {
      setFault(error instanceof Problem ? problemText(say, error) : say("failed"));
    }
    await loaded.again();
  };
  return (
    <section class="card consent no-print">
      <h2>{say("consent")}</h2>
      <p class="quiet small">{say("consentLead")}</p>
      {fault && (
        <p class="fault" role="alert">
          {fault}
        </p>
      )}
      <Waiting loaded={loaded}>
        <label class="until">
          <span>{say("consentUntil")}</span>{" "}
          <input type="date" value={until} onInput={(event) => setUntil(event.currentTarget.value)} />
        </label>
        <div class="table-box">
          <table>
            <tbody>
              {purposes.map((purpose) => {
                const now = holds(lines, purpose, Date.now());
                return (
                  <tr key={purpose}>
                    <th scope="row">{say(purposeWord[purpose])}</th>
                    <td>
                      {now
                        ? now.until
                          ? say("consentGivenUntil", { date: now.until.slice(0, 10) })
                          : say("consentGiven")
                        : say("consentNone")}
                    </td>
                    <td>
                      <div class="line-acts">
                        <button
                          type="button"
                          aria-label={`${say("consentGive")}: ${say(purposeWord[purpose])}`}
                          onClick={() => void write(purpose, true)}
                        >
                          {say("consentGive")}
                        </button>
                        <button
                          type="button"
                          disabled={!now}
                          aria-label={`${say("consentTakeBack")}: ${say(purposeWord[purpose])}`}
                          onClick={() => void write(purpose, false)}
                        >
                          {say("consentTakeBack")}
                        </button>
                      </div>
                    </td>
                  </tr>
                );
              })}
            </tbody>
          </table>
        </div>
        {lines.length > 0 && (
          <details>
            <summary>{say("consentHistory")}</summary>
            <ul>
              {lines.map((line) => (
                <li key={`${line.at} ${line.purpose}`}>
                  {moment(line.at)} · {say(purposeWord[line.purpose])} ·{" "}
                  {say(line.granted ? "consentGiven" : "consentTaken")}
                  {line.until && ` → ${line.until.slice(0, 10)}`}
                </li>
              ))}
            </ul>
          </details>
        )}
      </Waiting>
    </section>
  );
}
