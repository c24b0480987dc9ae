// Questions that late proposals raised on signed cases: somebody looks, and says what came of it.
import { useState } from "preact/hooks";
import { api, Problem } from "../api/client";
import type { Discrepancy } from "../api/types";
import { Choose } from "../parts/dialog";
import { problemText, useLoad, Waiting } from "../parts/load";
import { Shell } from "../shell";
import { may } from "../state";
import { moment, useSay } from "../words";

export function Discrepancies() {
  const say = useSay();
  return (
    <Shell page="discrepancies">
      <div class="heading">
        <h1>{say("discrepancies")}</h1>
        <p class="quiet">{say("discrepanciesLead")}</p>
      </div>
      {may("read-worklist") ? <Open /> : <p class="empty">{say("mayNot")}</p>}
    </Shell>
  );
}

/** A reader knows a case by its number; one that may not be read keeps its id. */
async function withNumbers(): Promise<(Discrepancy & { number: string })[]> {
  const lines = await api.discrepancies();
  const cases = [...new Set(lines.map((line) => line.case))];
  const numbers = await Promise.all(
    cases.map((id) =>
      api.case(id).then(
        ({ number }) => number,
        () => id.slice(0, 8),
      ),
    ),
  );
  return lines.map((line) => ({ ...line, number: numbers[cases.indexOf(line.case)] ?? "" }));
}

function Open() {
  const say = useSay();
  const loaded = useLoad(withNumbers, []);
  const [closing, setClosing] = useState<string | null>(null);
  const [fault, setFault] = useState("");
  const close = async (id: string, reason: string) => {
    setClosing(null);
    setFault("");
    try {
      await api.closeDiscrepancy(id, reason);
    } catch (error) {
      setFault(error instanceof Problem ? problemText(say, error) : say("failed"));
    }
    await loaded.again();
  };
  const lines = loaded.value ?? [];
  return (
    <Waiting loaded={loaded}>
      {fault && (
        <p class="fault" role="alert">
          {fault}
        </p>
      )}
      {lines.length === 0 ? (
        <p class="empty">{say("discrepanciesNone")}</p>
      ) : (
        <div class="table-box">
          <table>
            <thead>
              <tr>
                <th scope="col">{say("caseNumber")}</th>
                <th scope="col" class="number">
                  {say("version")}
                </th>
                <th scope="col">{say("discrepancyOpened")}</th>
                <th scope="col">
                  <span class="unseen">{say("discrepancyClose")}</span>
                </th>
              </tr>
            </thead>
            <tbody>
              {lines.map((line) => (
                <tr key={line.id}>
                  <td>
                    <strong>{line.number}</strong>
                  </td>
                  <td class="number">{line.version}</td>
                  <td class="quiet">{moment(line.opened)}</td>
                  <td>
                    <div class="line-acts">
                      <a
                        class="button"
                        aria-label={`${say("discrepancyLook")}: ${line.number}`}
                        href={`#/case/${line.case}?finding=${line.finding}`}
                      >
                        {say("discrepancyLook")}
                      </a>
                      {may("sign-out") && (
                        <button
                          type="button"
                          aria-label={`${say("discrepancyClose")}: ${line.number}`}
                          onClick={() => setClosing(line.id)}
                        >
                          {say("discrepancyClose")}
                        </button>
                      )}
                    </div>
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {closing && (
        <Choose
          title={say("discrepancyWhy")}
          choices={[]}
          other={say("reason")}
          pick={(reason) => void close(closing, reason)}
          close={() => setClosing(null)}
        />
      )}
    </Waiting>
  );
}
