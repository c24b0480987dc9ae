// What was confirmed: what it is, what proposed it, who confirmed it. The same on a report that is being written, on
// one that is signed, and on what a clinician or a researcher sees.
import type { ReportFinding } from "../api/types";
import { useCell } from "../cell";
import { labels, nameOf } from "../state";
import { areaText } from "../viewer/scale";
import { findingName, kindName, moment, percent, roleWord, useSay } from "../words";

/** `named` says whether the reader may know the staff by name; else their role stands alone. */
export function ConfirmedFindings({ findings, named }: { findings: ReportFinding[]; named: boolean }) {
  const say = useSay();
  if (findings.length === 0) return <p class="quiet">{say("confirmedNone")}</p>;
  return (
    <div class="table-box">
      <table>
        <thead>
          <tr>
            <th scope="col">{say("finding")}</th>
            <th scope="col">{say("slide")}</th>
            <th scope="col" class="number">
              {say("area")}
            </th>
            <th scope="col">{say("proposedBy")}</th>
            <th scope="col">{say("confirmedBy")}</th>
          </tr>
        </thead>
        <tbody>
          {findings.map((one) => (
            <Row key={one.finding} one={one} named={named} />
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Row({ one, named }: { one: ReportFinding; named: boolean }) {
  const say = useSay();
  const known = useCell(labels);
  const role = roleWord[one.confirmed_role];
  return (
    <tr>
      <td>
        <strong>{findingName(say, known, one)}</strong>
        {one.label === null && <div class="small quiet">{kindName(say, one.kind)}</div>}
        {one.corrected && <div class="small quiet">{say("correctedNote")}</div>}
      </td>
      <td class={(one.slide_label ?? "").length < 16 ? "slide-label" : undefined}>
        {one.slide_label ?? "—"}
      </td>
      <td class="number">
        {one.point ? say("isPoint") : one.area_mm2 === null ? "—" : areaText(one.area_mm2)}
      </td>
      <td>
        {one.by_person ? say("byPerson") : `${say("byAi")} · ${one.producer.name} ${one.producer.version}`}
        {one.score !== null && <span class="quiet"> {percent(one.score)}</span>}
        {one.encoder && (
          <div class="small quiet">
            {say("encoder")} {one.encoder.name} {one.encoder.version} ·{" "}
            {one.encoder.licence ?? say("licenceNotStated")}
          </div>
        )}
      </td>
      <td>
        {named && nameOf(one.confirmed_by)}
        <div class="small quiet">
          {role ? say(role) : one.confirmed_role} · {moment(one.confirmed_at)}
        </div>
      </td>
    </tr>
  );
}
