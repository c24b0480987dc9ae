// One finding that two read differently: both readings, each to be taken over, and a way to neither.
import { Swatch } from "../../parts/dialog";
import { labels, nameOf } from "../../state";
import { actWord, findingName, labelName, moment, reasonText, useSay } from "../../words";
import { LineSample, readerWord } from "./legend";
import type { Disputed, Reading, TwoReadings } from "./readings";

export function Dispute(props: {
  caseId: string;
  one: Disputed;
  two: TwoReadings;
  /** Its place among the disputed, where there are several. */
  number: number | null;
  chosen: boolean;
  /** Brings the slide there; not before the AI is shown. */
  choose: (() => void) | null;
  settle: ((reading: Reading) => void) | null;
}) {
  const say = useSay();
  const { one } = props;
  const name = findingName(say, labels.get(), one) || say("finding");
  const title = (
    <>
      <Swatch color={labels.get().find((label) => label.name === one.label)?.color ?? "#5c6b77"} />
      {props.number !== null && <span class="quiet">{props.number}</span>}
      <span>{name}</span>
    </>
  );
  return (
    <div class="dispute">
      <h3>
        {props.choose ? (
          <button
            type="button"
            class="dispute-title"
            data-finding={one.id}
            aria-current={props.chosen}
            onClick={props.choose}
          >
            {title}
          </button>
        ) : (
          title
        )}
      </h3>
      <div class="sides">
        {props.two.readings.map((reading) => {
          const { place, decision, shape, label } = reading;
          const verdict = say(actWord[decision.verdict]);
          return (
            <div key={decision.id}>
              <p class="small quiet">
                {say(readerWord[place])} · {nameOf(decision.reader)} · {moment(decision.at)}
              </p>
              <p class="side-verdict">
                {shape && <LineSample place={place} />}
                <span>
                  <strong>{verdict}</strong> {labelName(labels.get(), label)}
                  {decision.reason && <span class="quiet"> — {reasonText(say, decision.reason)}</span>}
                </span>
              </p>
              {props.settle && (
                <button type="button" onClick={() => props.settle?.(reading)}>
                  {say("settle", { v: verdict, r: say(readerWord[place]) })}
                </button>
              )}
            </div>
          );
        })}
      </div>
      {props.settle && (
        <a class="button" href={`#/case/${props.caseId}?finding=${one.id}`}>
          {say("settleOwn")}
        </a>
      )}
    </div>
  );
}
