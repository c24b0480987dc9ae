// A case for the chosen slides: its number and patient, and where each slide belongs.
import { useState } from "preact/hooks";
import type { NewCase, Unattached } from "../../api/register";
import type { CaseLine, Urgency } from "../../api/types";
import { useCell } from "../../cell";
import { readers } from "../../state";
import { urgencyWord, useSay } from "../../words";
import { changed, type Place } from "./places";

const parts = ["specimen", "organ", "block", "label", "stain"] as const;
const partWord = {
  specimen: "specimen",
  organ: "organ",
  block: "block",
  label: "slideLabel",
  stain: "stain",
} as const;

export function CaseForm(props: {
  places: Place[];
  setPlaces: (places: Place[]) => void;
  items: Unattached["items"];
  several: CaseLine[];
  make: (facts: Omit<NewCase, "slides">) => void;
  add: (line: CaseLine) => void;
}) {
  const say = useSay();
  const { places } = props;
  const [number, setNumber] = useState("");
  const [patient, setPatient] = useState("");
  const [urgency, setUrgency] = useState<Urgency>("routine");
  const [double, setDouble] = useState(false);
  const [asked, setAsked] = useState("");
  const [into, setInto] = useState("");
  const clinicians = useCell(readers).filter((one) => one.roles.includes("clinician"));
  const target = props.several.find((line) => line.id === into);
  const send = (event: Event) => {
    event.preventDefault();
    if (target) return props.add(target);
    props.make({
      number: number.trim(),
      patient: patient.trim(),
      urgency,
      reading: double ? "double" : "single",
      requested_by: asked || null,
    });
  };
  return (
    <form class="card register-form" onSubmit={send}>
      <h2>{say("oneCase", { count: places.length })}</h2>
      <div class="fields">
        {props.several.length > 0 && (
          <label>
            <span>{say("intoCase")}</span>
            <select value={into} onChange={(event) => setInto(event.currentTarget.value)}>
              <option value="">{say("newCase")}</option>
              {props.several.map((line) => (
                <option key={line.id} value={line.id}>
                  {line.number}
                </option>
              ))}
            </select>
          </label>
        )}
        {!target && (
          <>
            <label>
              <span class="needed">{say("caseNumber")}</span>
              <input
                required
                maxLength={64}
                value={number}
                onInput={(event) => setNumber(event.currentTarget.value)}
              />
            </label>
            <label>
              <span class="needed">{say("pseudonym")}</span>
              <input
                required
                maxLength={64}
                value={patient}
                aria-describedby="pseudonym-hint"
                onInput={(event) => setPatient(event.currentTarget.value)}
              />
            </label>
            <label>
              <span>{say("urgency")}</span>
              <select value={urgency} onChange={(event) => setUrgency(event.currentTarget.value as Urgency)}>
                {(["emergency", "urgent", "routine", "low"] as const).map((one) => (
                  <option key={one} value={one}>
                    {say(urgencyWord[one])}
                  </option>
                ))}
              </select>
            </label>
            <label>
              <span>{say("requestedBy")}</span>
              <select value={asked} onChange={(event) => setAsked(event.currentTarget.value)}>
                <option value="">{say("nobody")}</option>
                {clinicians.map((one) => (
                  <option key={one.id} value={one.id}>
                    {one.login}
                  </option>
                ))}
              </select>
            </label>
            <label class="check">
              <input
                type="checkbox"
                checked={double}
                onChange={(event) => setDouble(event.currentTarget.checked)}
              />
              <span>{say("double")}</span>
            </label>
          </>
        )}
      </div>
      {!target && (
        <p class="quiet small" id="pseudonym-hint">
          {say("pseudonymHint")}
        </p>
      )}
      <div class="table-box">
        <table>
          <thead>
            <tr>
              <th scope="col">{say("slide")}</th>
              {parts.map((part) => (
                <th scope="col" class="needed" key={part}>
                  {say(partWord[part])}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {places.map((place) => (
              <PlaceRow
                key={place.slide}
                place={place}
                name={props.items.find((item) => item.slide.id === place.slide)?.case.number ?? ""}
                change={(part) => props.setPlaces(changed(places, place.slide, part))}
              />
            ))}
          </tbody>
        </table>
      </div>
      <p class="quiet small">{say("neededMark")}</p>
      <button type="submit" class="main">
        {target ? say("putIn", { number: target.number }) : say("putTogether")}
      </button>
    </form>
  );
}

function PlaceRow(props: { place: Place; name: string; change: (part: Partial<Place>) => void }) {
  const say = useSay();
  return (
    <tr>
      <th scope="row">{props.name}</th>
      {parts.map((part) => (
        <td key={part}>
          <input
            required
            maxLength={200}
            aria-label={`${say(partWord[part])} ${props.name}`}
            value={props.place[part]}
            onInput={(event) => props.change({ [part]: event.currentTarget.value })}
          />
        </td>
      ))}
    </tr>
  );
}
