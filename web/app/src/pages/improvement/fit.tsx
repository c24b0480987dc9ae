// One fit: what it was made of, how its head does beside the other, and what may honestly be said of that.
import type { ComponentChildren } from "preact";
import type { Agreement, FittedHead, Measures } from "../../api/improvement";
import { useCell } from "../../cell";
import { labels } from "../../state";
import { count, labelName, percent, type Say, useSay } from "../../words";
import type { Word } from "../../words/en";
import { interval, type Judgement, judge } from "./judge";
import { Digest, FitName } from "./names";

export function Fit(props: { head: FittedHead; who: (id: string) => string; use: () => void }) {
  const say = useSay();
  const { head } = props;
  const { measured } = head;
  const judgement = judge(measured, head.worse);
  const left = [
    ["measureNoFeatures", measured.left_out.no_features],
    ["measureNoTile", measured.left_out.no_tile],
    ["measureUnknownLabel", measured.left_out.unknown_label],
  ] as const;
  return (
    <section class="card fit" aria-labelledby="fit-title">
      <header>
        <h2 id="fit-title" tabIndex={-1}>
          <FitName at={head.at} />
        </h2>
        <span class="quiet">{say("improveAskedBy", { p: props.who(head.asked_by) })}</span>
        {head.active && <span class="tag standing">{say("improveInUse")}</span>}
      </header>
      <Said judgement={judgement} head={head} />
      <Compared measured={measured} />
      <p class="small quiet">{say("measureNote")}</p>
      <div class="basis-of">
        <Kinds head={head} />
        <div class="facts">
          {left
            .filter(([, number]) => number > 0)
            .map(([word, number]) => (
              <p key={word}>{say(word, { n: count(number) })}</p>
            ))}
          <p>
            {say("measureChanged", {
              n: count(measured.changed_tiles),
              t: count(measured.tiles),
              s: count(measured.slides),
            })}
          </p>
          <p class="quiet">
            {say("measurePull")} {measured.pull} · {say("measureDigest")} <Digest of={head.weights} />
          </p>
        </div>
      </div>
      {!head.active && (
        <div class="acts">
          {/* Only what is surely better is worth a strong button. */}
          <button
            type="button"
            class={judgement.sure && judgement.direction === "better" ? "main" : undefined}
            onClick={props.use}
          >
            {say("improveUse")}
          </button>
        </div>
      )}
    </section>
  );
}

function headline({ direction, sure }: Judgement): { word: Word; kind: string } {
  if (direction === "same") return { word: "judgedSame", kind: "even" };
  if (direction === "worse") return { word: sure ? "judgedWorse" : "judgedWorseUnsure", kind: "worse" };
  return sure ? { word: "judgedBetter", kind: "better" } : { word: "judgedBetterUnsure", kind: "even" };
}

function Said({ judgement, head }: { judgement: Judgement; head: FittedHead }) {
  const say = useSay();
  const { word, kind } = headline(judgement);
  const { mended, spoilt, held_out_cases } = head.measured;
  return (
    <div class={`judged ${kind}`}>
      <p>
        <strong>{say(word)}</strong> {head.worse && !head.active && say("judgedReason")}
      </p>
      <p class="small">
        {judgement.chance === null
          ? judgement.direction !== "same" && say("judgedNoPairs")
          : say("judgedPairs", { m: count(mended), s: count(spoilt), p: rare(say, judgement.chance) })}{" "}
        {held_out_cases === 1 && say("judgedOneCase")}
      </p>
    </div>
  );
}

const rare = (say: Say, chance: number) =>
  chance < 0.01 ? say("lessThan", { p: percent(0.01) }) : percent(chance);

function Compared({ measured }: { measured: Measures }) {
  const say = useSay();
  const { before, after } = measured;
  const rows: [Word, (of: Agreement) => ComponentChildren][] = [
    ["measureAgrees", (of) => <Share say={say} of={of} />],
    ["measureBalanced", (of) => percent(of.balanced)],
    ["measureLoss", (of) => of.log_loss.toFixed(3)],
  ];
  return (
    <div class="table-box">
      <table class="compared">
        <thead>
          <tr>
            <th scope="col">{say("measureName")}</th>
            <th scope="col" class="number">
              {say("measureBefore")}
            </th>
            <th scope="col" class="number">
              {say("measureAfter")}
            </th>
          </tr>
        </thead>
        <tbody>
          {rows.map(([word, cell]) => (
            <tr key={word}>
              <th scope="row">{say(word)}</th>
              <td class="number">{cell(before)}</td>
              <td class="number">{cell(after)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Share({ say, of }: { say: Say; of: Agreement }) {
  const range = interval(of.agrees, of.of);
  return (
    <>
      {say("measureOf", { a: count(of.agrees), b: count(of.of) })}
      {range && (
        <div class="small quiet">
          {percent(of.agrees / of.of)} ({percent(range[0])}–{percent(range[1])})
        </div>
      )}
    </>
  );
}

function Kinds({ head }: { head: FittedHead }) {
  const say = useSay();
  const known = useCell(labels);
  const { measured } = head;
  const sums: [Word, string, string][] = [
    ["measureAll", count(head.learned), count(head.held_out)],
    ["measureCases", count(measured.learned_cases), count(measured.held_out_cases)],
    ["measureTiles", count(measured.learned_tiles), "—"],
  ];
  return (
    <table class="kinds">
      <thead>
        <tr>
          <th scope="col">{say("measureKinds")}</th>
          <th scope="col" class="number">
            {say("measureLearned")}
          </th>
          <th scope="col" class="number">
            {say("improveHeldOut")}
          </th>
        </tr>
      </thead>
      <tbody>
        {measured.kinds.map(({ kind, learned, held_out }) => (
          <tr key={kind}>
            <td>{kind === "refused" ? say("measureRefused") : labelName(known, kind)}</td>
            <td class="number">{count(learned)}</td>
            <td class="number">{count(held_out)}</td>
          </tr>
        ))}
      </tbody>
      <tfoot>
        {sums.map(([word, learned, heldOut]) => (
          <tr key={word}>
            <td>{say(word)}</td>
            <td class="number">{learned}</td>
            <td class="number">{heldOut}</td>
          </tr>
        ))}
      </tfoot>
    </table>
  );
}
