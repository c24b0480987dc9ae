// Whose line is which, and how far the two cover the same.
import { nameOf } from "../../state";
import { lines, type Place } from "../../viewer/readings";
import { lengthText } from "../../viewer/scale";
import { percent, useSay } from "../../words";
import type { TwoReadings } from "./readings";

export const readerWord = ["firstReader", "secondReader"] as const;
const lineWord = ["lineSolid", "lineDashed"] as const;

/** The line as it is on the slide. */
export function LineSample({ place }: { place: Place }) {
  const { color, width, dash } = lines[place];
  return (
    <svg class="line-sample" width="68" height="24" viewBox="0 0 68 24" aria-hidden="true">
      <line
        x1="24"
        y1="12"
        x2="64"
        y2="12"
        stroke={color}
        stroke-width={width}
        stroke-dasharray={dash?.join(" ")}
      />
      <circle cx="14" cy="12" r="9" fill={color} />
      <text x="14" y="16" text-anchor="middle" font-size="12" font-weight="600" fill="#ffffff">
        {place + 1}
      </text>
    </svg>
  );
}

export function ReadingLegend({ two }: { two: TwoReadings }) {
  const say = useSay();
  return (
    <ul class="reading-legend">
      {two.readings.map(({ place, decision, shape }) => (
        <li key={decision.id}>
          {shape && <LineSample place={place} />}
          <span>
            <strong>{say(readerWord[place])}</strong> · {nameOf(decision.reader)}{" "}
            <span class="quiet">{say(shape ? lineWord[place] : "noOutline")}</span>
          </span>
        </li>
      ))}
      {two.overlap !== null && (
        <li>
          {say("overlap")} <strong>{percent(two.overlap)}</strong>
        </li>
      )}
      {two.distance !== null && <li>{say("apart", { d: lengthText(two.distance) })}</li>}
    </ul>
  );
}
