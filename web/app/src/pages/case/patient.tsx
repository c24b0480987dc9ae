// Beside the slides: what the patient of a case agrees to, and which clinician asked.

import { useState } from "preact/hooks";
import { api, Problem } from "../../api/client";
import { useCell } from "../../cell";
import { ConsentCard } from "../../parts/consent";
import { problemText, useLoad, Waiting } from "../../parts/load";
import { Shell } from "../../shell";
import { may, readers } from "../../state";
import { useSay } from "../../words";

export function PatientPage({ id }: { id: string }) {
  const say = useSay();
  const loaded = useLoad(() => api.case(id), [id]);
  const [fault, setFault] = useState("");
  const clinicians = useCell(readers).filter((one) => one.roles.includes("clinician"));
  const one = loaded.value;
  const ask = async (clinician: string | null) => {
    setFault("");
    try {
      await api.setRequester(id, clinician);
    } catch (error) {
      setFault(error instanceof Problem ? problemText(say, error) : say("failed"));
    }
    await loaded.again();
  };
  return (
    <Shell page="case">
      <Waiting loaded={loaded}>
        {one && (
          <>
            <div class="heading">
              <h1>
                {one.number} <span class="quiet small">{one.patient}</span>
              </h1>
              <p>
                <a href={`#/case/${id}`}>← {say("back")}</a>
              </p>
            </div>
            {fault && (
              <p class="fault" role="alert">
                {fault}
              </p>
            )}
            {may("assign") && (
              <section class="card">
                <h2>{say("requestedBy")}</h2>
                <p class="quiet small">{say("requestedByLead")}</p>
                <select
                  aria-label={say("requestedBy")}
                  value={one.requested_by ?? ""}
                  onChange={(event) => void ask(event.currentTarget.value || null)}
                >
                  <option value="">{say("nobody")}</option>
                  {clinicians.map((clinician) => (
                    <option key={clinician.id} value={clinician.id}>
                      {clinician.login}
                    </option>
                  ))}
                </select>
              </section>
            )}
            {may("record-consent") && <ConsentCard id={id} />}
          </>
        )}
      </Waiting>
    </Shell>
  );
}
