// What an object costs in a reader's seconds: decided on a proposal, and drawn by hand before the reveal. The two are
// different work, so nothing compares them.
import { api } from "../api/client";
import type { CostLine } from "../api/types";
import { useLoad, Waiting } from "../parts/load";
import { Shell } from "../shell";
import { nameOf } from "../state";
import { kindName, useSay } from "../words";
import { Readings } from "./readings";

interface Group {
  key: string;
  reader: string;
  kind: string;
  aided: Side;
  unaided: Side;
}

/** All seconds count, also those for what was refused; only what stands is divided by. */
interface Side {
  accepted: number;
  decisions: number;
  milliseconds: number;
}

const none: Side = { accepted: 0, decisions: 0, milliseconds: 0 };
const stands = new Set<CostLine["verdict"]>(["accept", "correct"]);

export function group(lines: CostLine[]): Group[] {
  const groups = new Map<string, Group>();
  for (const line of lines) {
    const key = `${line.reader} ${line.kind}`;
    const one = groups.get(key) ?? {
      key,
      reader: line.reader,
      kind: line.kind,
      aided: { ...none },
      unaided: { ...none },
    };
    const side = line.aided ? one.aided : one.unaided;
    side.decisions += line.decisions;
    if (stands.has(line.verdict)) side.accepted += line.decisions;
    side.milliseconds += line.milliseconds;
    groups.set(key, one);
  }
  return [...groups.values()];
}

export const seconds = (side: Side) =>
  side.accepted === 0 ? "—" : (side.milliseconds / side.accepted / 1000).toFixed(1);

export function Cost() {
  const say = useSay();
  const loaded = useLoad(() => api.cost(), []);
  const groups = group(loaded.value ?? []);
  const sum = (pick: "aided" | "unaided") =>
    groups.reduce(
      (all, one) => ({
        accepted: all.accepted + one[pick].accepted,
        decisions: all.decisions + one[pick].decisions,
        milliseconds: all.milliseconds + one[pick].milliseconds,
      }),
      none,
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
                  {say("secondsEach")} · {say("costAided")}
                </dt>
                <dd class="big">{seconds(sum("aided"))}</dd>
              </div>
              <div>
                <dt>
                  {say("secondsEach")} · {say("costUnaided")}
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
                      {say("secondsEach")} · {say("costAided")}
                    </th>
                    <th scope="col" class="number">
                      {say("secondsEach")} · {say("costUnaided")}
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
      <Readings />
    </Shell>
  );
}
