// Which case this is, who reads it and how soon, which of its slides are shown, and where one goes from here.
import type { Case, Urgency } from "../../api/types";
import { useCell } from "../../cell";
import { may, nameOf, readers } from "../../state";
import { urgencyWord, useSay } from "../../words";
import type { Panes } from "./panes";

interface Assigning {
  one: Case;
  assign: (urgency: Urgency, reader: string | null) => void;
}

export function CaseBar(props: Assigning & { panes: Panes; askSecond: () => void }) {
  const say = useSay();
  const { one, panes } = props;
  const { slideId, besideId, linked } = panes;
  return (
    <div class="case-bar">
      <a class="back" href="#/" aria-label={say("worklist")}>
        ←
      </a>
      <h1>{one.number}</h1>
      <span class="quiet patient">{one.patient}</span>
      <Assignment one={one} assign={props.assign} />
      {one.slides.length > 1 && (
        <div class="segments slides" role="group" aria-label={say("slides")}>
          {one.slides.map((slide) => (
            <button
              type="button"
              key={slide.id}
              aria-pressed={slide.id === slideId}
              onClick={() => panes.show(slide.id)}
            >
              {slide.label}
            </button>
          ))}
        </div>
      )}
      {one.slides.length > 1 && (
        <button
          type="button"
          aria-pressed={besideId !== null}
          onClick={() =>
            panes.setBeside(besideId ? null : (one.slides.find((slide) => slide.id !== slideId)?.id ?? null))
          }
        >
          {say("compareSlides")}
        </button>
      )}
      {besideId && (
        <label class="check">
          <input
            type="checkbox"
            checked={linked}
            onChange={(event) => panes.setLinked(event.currentTarget.checked)}
          />
          <span>{say("linked")}</span>
        </label>
      )}
      <span class="stretch" />
      {one.reading === "double" ? (
        <a class="button" href={`#/case/${one.id}/compare`}>
          {say("differences")}
        </a>
      ) : (
        may("assign") &&
        one.status === "open" && (
          <button type="button" onClick={props.askSecond}>
            {say("secondReading")}
          </button>
        )
      )}
      {may("record-consent") && (
        <a class="button" href={`#/case/${one.id}/patient`}>
          {say("consent")}
        </a>
      )}
      <a class="button main" href={`#/case/${one.id}/report`}>
        {say("report")}
      </a>
    </div>
  );
}

/** How soon and by whom: to be set by whoever hands out the cases, said to everybody else. */
function Assignment({ one, assign }: Assigning) {
  const say = useSay();
  const staff = useCell(readers).filter((reader) =>
    reader.roles.some((role) => role === "pathologist" || role === "second-reader"),
  );
  if (!may("assign") || one.status !== "open")
    return (
      <>
        <span class={`tag urgency-${one.urgency}`}>{say(urgencyWord[one.urgency])}</span>
        {one.assigned && <span class="quiet small">{nameOf(one.assigned)}</span>}
      </>
    );
  return (
    <>
      <select
        class={`urgency-${one.urgency}`}
        aria-label={say("urgency")}
        value={one.urgency}
        onChange={(event) => assign(event.currentTarget.value as Urgency, one.assigned)}
      >
        {(["emergency", "urgent", "routine", "low"] as const).map((urgency) => (
          <option key={urgency} value={urgency}>
            {say(urgency)}
          </option>
        ))}
      </select>
      <select
        aria-label={say("assigned")}
        value={one.assigned ?? ""}
        onChange={(event) => assign(one.urgency, event.currentTarget.value || null)}
      >
        <option value="">{say("nobody")}</option>
        {one.assigned && !staff.some((reader) => reader.id === one.assigned) && (
          <option value={one.assigned}>{nameOf(one.assigned)}</option>
        )}
        {staff.map((reader) => (
          <option key={reader.id} value={reader.id}>
            {reader.login}
          </option>
        ))}
      </select>
    </>
  );
}
