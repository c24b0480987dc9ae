// Whole readings with AI and without, side by side; where there are few, that is what is said.
import { api } from "../api/client";
import type { Arm } from "../api/types";
import { useLoad, Waiting } from "../parts/load";
import { useSay } from "../words";

const inSeconds = (milliseconds: number | null) =>
  milliseconds === null ? "—" : (milliseconds / 1000).toFixed(0);

const each = (sum: number, readings: number) => (readings === 0 ? "—" : (sum / readings).toFixed(1));

export function Readings() {
  const say = useSay();
  const loaded = useLoad(() => api.readings(), []);
  const both = loaded.value;
  return (
    <section class="card">
      <h2>{say("readingsTitle")}</h2>
      <p class="quiet small">{say("readingsLead")}</p>
      <Waiting loaded={loaded}>
        {both && (
          <>
            <div class="table-box">
              <table>
                <thead>
                  <tr>
                    <th scope="col">{say("readingsSort")}</th>
                    <th scope="col" class="number">
                      {say("readingsN")}
                    </th>
                    <th scope="col" class="number">
                      {say("readingsReaders")}
                    </th>
                    <th scope="col" class="number">
                      {say("readingsSeconds")}
                    </th>
                    <th scope="col" class="number">
                      {say("readingsRegions")}
                    </th>
                    <th scope="col" class="number">
                      {say("readingsChanged")}
                    </th>
                  </tr>
                </thead>
                <tbody>
                  <Row name={say("aided")} arm={both.aided} />
                  <Row name={say("unaided")} arm={both.unaided} changed />
                </tbody>
              </table>
            </div>
            <p role="note">{say(both.enough ? "readingsEnough" : "readingsFew", { needed: both.needed })}</p>
          </>
        )}
      </Waiting>
    </section>
  );
}

function Row({ name, arm, changed }: { name: string; arm: Arm; changed?: boolean }) {
  return (
    <tr>
      <th scope="row">{name}</th>
      <td class="number">{arm.readings}</td>
      <td class="number">{arm.readers}</td>
      <td class="number">
        {inSeconds(arm.median_milliseconds)}
        {arm.readings > 0 &&
          ` (${inSeconds(arm.lower_quartile_milliseconds)}–${inSeconds(arm.upper_quartile_milliseconds)})`}
      </td>
      <td class="number">{each(arm.regions, arm.readings)}</td>
      <td class="number">{changed ? `${arm.changed} / ${arm.readings}` : "—"}</td>
    </tr>
  );
}
