// The findings in the order that matters, each with its state in words, not in colour alone.
import { useEffect, useRef, useState } from "preact/hooks";
import type { Slide } from "../../api/types";
import { Swatch } from "../../parts/dialog";
import { labels } from "../../state";
import {
  count,
  faultName,
  findingName,
  percent,
  qualityWord,
  type Say,
  stateWord,
  useSay,
} from "../../words";
import type { Row } from "./model";

const colors = { quality: "#b77a00", unknown: "#5c6b77" };

export function colorOf(row: Row): string {
  if (row.finding.field === "quality") return colors.quality;
  const label = row.sending?.shown.label ?? row.finding.label;
  return labels.get().find((one) => one.name === label)?.color ?? colors.unknown;
}

export function titleOf(say: Say, row: Row): string {
  const { finding } = row;
  if (finding.quality) {
    const reasons = finding.quality.reasons.map((one) => faultName(say, one.fault));
    return [say(qualityWord[finding.quality.verdict]), [...new Set(reasons)].join(", ")]
      .filter(Boolean)
      .join(" · ");
  }
  return findingName(say, labels.get(), { ...finding, label: row.sending?.shown.label ?? finding.label });
}

export function stateOf(say: Say, row: Row): { text: string; kind: string } {
  if (row.sending) {
    const word = ({ accept: "stateAccepted", correct: "stateCorrected", refuse: "stateRefused" } as const)[
      row.sending.shown.verdict as "accept"
    ];
    return { text: `${say(word ?? "stateDeferred")}\n${say("stateSending")}`, kind: "sending" };
  }
  return { text: say(stateWord[row.finding.state]), kind: row.finding.state };
}

/** Rows on the page at once: a browser that holds thousands answers late. */
const PAGE = 200;

export function FindingList(props: {
  rows: Row[];
  slides: Slide[];
  chosen: string | null;
  choose: (id: string) => void;
}) {
  const say = useSay();
  const [page, turn] = useState(0);
  const at = props.rows.findIndex((row) => row.finding.id === props.chosen);
  // The page with what is chosen; a reader may turn to others.
  useEffect(() => turn(Math.max(0, Math.floor(at / PAGE))), [at]);
  const from = Math.min(page * PAGE, Math.max(0, props.rows.length - 1));
  const rows = props.rows.slice(from, from + PAGE);
  const after = props.rows.length - from - rows.length;
  const list = useRef<HTMLUListElement>(null);
  useEffect(() => {
    list.current?.querySelector("[aria-current=true]")?.scrollIntoView({ block: "nearest" });
  }, [props.chosen]);
  return (
    <ul class="findings" ref={list}>
      {from > 0 && (
        <li>
          <button type="button" class="turn" onClick={() => turn(page - 1)}>
            {say("listBefore", { n: count(from) })}
          </button>
        </li>
      )}
      {rows.map((row) => {
        const { finding } = row;
        const state = stateOf(say, row);
        const slide = props.slides.find((one) => one.id === finding.slide);
        const chosen = finding.id === props.chosen;
        return (
          <li key={finding.id}>
            <button
              type="button"
              class={`finding ${finding.field}`}
              aria-current={chosen}
              data-finding={finding.id}
              data-state={row.sending ? "sending" : finding.state}
              onClick={() => props.choose(finding.id)}
            >
              <Swatch color={colorOf(row)} />
              <span class="what">
                <span class="title">{titleOf(say, row)}</span>
                <span class="small quiet">
                  {finding.quality && `${say("verdict")} · `}
                  {finding.point && `${say("isPoint")} · `}
                  {finding.by_person ? say("byPerson") : say("byAi")}
                  {finding.score !== null && ` ${percent(finding.score)}`}
                  {props.slides.length > 1 && slide && ` · ${slide.label}`}
                  {finding.late && ` · ${say("late")}`}
                </span>
              </span>
              <span class={`state state-${state.kind}`}>{state.text}</span>
            </button>
          </li>
        );
      })}
      {after > 0 && (
        <li>
          <button type="button" class="turn" onClick={() => turn(page + 1)}>
            {say("listAfter", { n: count(after) })}
          </button>
        </li>
      )}
    </ul>
  );
}
