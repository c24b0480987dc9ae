// What a decision costs in a reader's seconds, with the machine's help and without.
import { api } from "../api/client";
import type { CostLine } from "../api/types";
import { useLoad, Waiting } from "../parts/load";
import { Shell } from "../shell";
import { nameOf } from "../state";
import { kindName, useSay } from "../words";

interface Group {
  key: string;
  reader: string;
  kind: string;
  aided: { decisions: number; milliseconds: number };
  unaided: { decisions: number; milliseconds: number };
}

export function group(lines: CostLine[]): Group[] {
  const groups = new Map<string, Group>();
  for (const line of lines) {
    const key = `${line.reader} ${line.kind}`;
    const one = groups.get(key) ?? {
      key,
      reader: line.reader,
      kind: line.kind,
      aided: { decisions: 0, milliseconds: 0 },
      unaided: { decisions: 0, milliseconds: 0 },
    };
    const side = line.aided ? one.aided : one.unaided;
    side.decisions += line.decisions;
    side.milliseconds += line.milliseconds;
    groups.set(key, one);
  }
  return [...groups.values()];
}

const seconds = (side: Group["aided"]) =>
  side.decisions === 0 ? "—" : (side.milliseconds / side.decisions / 1000).toFixed(1);

export function Cost() {
  const say = useSay();
  const loaded = useLoad(() => api.cost(), []);
  const groups = group(loaded.value ?? []);
  const sum = (pick: "aided" | "unaided") =>
    groups.reduce(
      (all, one) => ({
        decisions: all.decisions + one[pick].decisions,
        milliseconds: all.milliseconds + one[pick].milliseconds,
      }),
      { decisions: 0, milliseconds: 0 },
    );
  return (
    <Shell page="cost">
      <div class="heading">
        <h1>{say("cost")}</h1>
        <p class="quiet">{say("costLead")}</p>
      </div>
      <Waiting loaded={loaded}>
        {groups.length === 0 ? (
          <p class="empty">{say("costEmpty")}</p>
        ) : (
          <>
            <dl class="figures card">
              <div>
                <dt>{say("decisions")}</dt>
                <dd class="big">{sum("aided").decisions + sum("unaided").decisions}</dd>
              </div>
              <div>
                <dt>
                  {say("secondsEach")} · {say("aided")}
                </dt>
                <dd class="big">{seconds(sum("aided"))}</dd>
              </div>
              <div>
                <dt>
                  {say("secondsEach")} · {say("unaided")}
                </dt>
                <dd class="big">{seconds(sum("unaided"))}</dd>
              </div>
            </dl>
            <div class="table-box">
              <table>
                <thead>
                  <tr>
                    <th scope="col">{say("reader")}</th>
                    <th scope="col">{say("kind")}</th>
                    <th scope="col" class="number">
                      {say("decisions")}
                    </th>
                    <th scope="col" class="number">
                      {say("secondsEach")} · {say("aided")}
                    </th>
                    <th scope="col" class="number">
                      {say("secondsEach")} · {say("unaided")}
                    </th>
                  </tr>
                </thead>
                <tbody>
                  {groups.map((one) => (
                    <tr key={one.key}>
                      <td>{nameOf(one.reader)}</td>
                      <td>{kindName(say, one.kind)}</td>
                      <td class="number">{one.aided.decisions + one.unaided.decisions}</td>
                      <td class="number">{seconds(one.aided)}</td>
                      <td class="number">{seconds(one.unaided)}</td>
                    </tr>
                  ))}
                </tbody>
              </table>
            </div>
          </>
        )}
      </Waiting>
    </Shell>
  );
}
