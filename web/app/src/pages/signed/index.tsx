// Signed cases: a clinician's own, or those whose patients agree to research.
import { useState } from "preact/hooks";
import { api } from "../../api/client";
import type { ReleasedLine } from "../../api/released";
import { useLoad, Waiting } from "../../parts/load";
import { Shell } from "../../shell";
import { may, session } from "../../state";
import { moment, useSay } from "../../words";

export function SignedCases() {
  const say = useSay();
  const researcher = session.get()?.me?.role === "researcher";
  return (
    <Shell page="signedCases">
      <div class="heading">
        <h1>{say("signedCases")}</h1>
        <p class="quiet">{say(researcher ? "signedLeadResearch" : "signedLead")}</p>
      </div>
      {may("read-released") ? <List researcher={researcher} /> : <p class="empty">{say("mayNot")}</p>}
    </Shell>
  );
}

function List({ researcher }: { researcher: boolean }) {
  const say = useSay();
  const loaded = useLoad(() => api.released(), []);
  const [more, setMore] = useState<{ items: ReleasedLine[]; next: string | null } | null>(null);
  const items = [...(loaded.value?.items ?? []), ...(more?.items ?? [])];
  const next = more ? more.next : (loaded.value?.next ?? null);
  const fetchMore = async () => {
    const page = await api.released(next ?? undefined);
    setMore({ items: [...(more?.items ?? []), ...page.items], next: page.next });
  };
  return (
    <Waiting loaded={loaded}>
      {items.length === 0 ? (
        <p class="empty">{say("signedNone")}</p>
      ) : (
        <div class="table-box">
          <table>
            <thead>
              <tr>
                {!researcher && <th scope="col">{say("caseNumber")}</th>}
                <th scope="col">{say("patient")}</th>
                <th scope="col">{say("signed")}</th>
                <th scope="col" class="number">
                  {say("version")}
                </th>
              </tr>
            </thead>
            <tbody>
              {items.map((line) => (
                <tr key={line.case}>
                  <td>
                    <a class="case-link" href={`#/signed/${line.case}`}>
                      {line.number ?? line.patient}
                    </a>
                  </td>
                  {!researcher && <td>{line.patient}</td>}
                  <td class="quiet">{moment(line.signed_at)}</td>
                  <td class="number">{line.version}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {next && (
        <button type="button" class="more" onClick={() => void fetchMore()}>
          {say("more")}
        </button>
      )}
    </Waiting>
  );
}
