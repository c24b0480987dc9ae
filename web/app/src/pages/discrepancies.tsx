// Questions that late proposals raised on signed cases: somebody looks, and says what came of it.
import { useState } from "preact/hooks";
import { api, Problem } from "../api/client";
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

function Open() {
  const say = useSay();
  const loaded = useLoad(api.discrepancies, []);
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
