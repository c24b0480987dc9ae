// What is asked before something is done: a reason, a label, a verdict, or whether it is meant.
import type { Quality, Shape, SlideVerdict, Verdict } from "../../api/types";
import { Choose, Confirm } from "../../parts/dialog";
import { labels } from "../../state";
import { labelName, qualityWord, useSay } from "../../words";
import type { Acts } from "./acts";
import { KeyHelp } from "./key-help";

export type Ask =
  | { kind: "reason"; verdict: "refuse" | "defer" }
  | { kind: "amend"; verdict: Verdict; shape?: Shape; label?: string; quality?: Quality }
  | { kind: "label"; shape: Shape; slide: string }
  | { kind: "quality" }
  | { kind: "commit" }
  | { kind: "reveal" }
  | { kind: "second" }
  | { kind: "keys" };

const verdicts: SlideVerdict[] = ["pass", "pass-marked", "rescan", "restain", "recut", "unreadable"];

export function Questions(props: {
  acts: Acts;
  commit: (conclusion: string) => void;
  reveal: () => void;
  second: () => void;
}) {
  const say = useSay();
  const { ask, setAsk, chosen, decide, amends, correcting, keep, labelled } = props.acts;
  const current = correcting.current ? (chosen?.finding.label ?? null) : null;
  return (
    <>
      {ask?.kind === "reason" && (
        <Choose
          title={say(ask.verdict === "refuse" ? "chooseReason" : "whyDefer")}
          choices={(ask.verdict === "defer"
            ? (["reasonUnclear"] as const)
            : chosen?.finding.field === "quality"
              ? (["reasonQualityFine", "reasonArtefact"] as const)
              : ([
                  "reasonBenign",
                  "reasonArtefact",
                  "reasonOutline",
                  "reasonDuplicate",
                  "reasonUnclear",
                ] as const)
          ).map((word) => ({ value: say(word), text: say(word) }))}
          other={say("otherReason")}
          keepAs={`${chosen?.finding.id} ${ask.verdict}`}
          pick={(reason) => {
            setAsk(null);
            decide({ verdict: ask.verdict, reason });
          }}
          close={() => setAsk(null)}
        />
      )}
      {ask?.kind === "amend" && (
        <Choose
          title={say("whyAmend")}
          choices={[]}
          other={say("reason")}
          keepAs={`${chosen?.finding.id} amend`}
          pick={(reason) => {
            setAsk(null);
            const { verdict, shape, label, quality } = ask;
            decide({ verdict, reason, label, quality, ...shape });
          }}
          close={() =>
            ask.shape && chosen?.finding.slide ? keep(ask.shape, chosen.finding.slide) : setAsk(null)
          }
        />
      )}
      {ask?.kind === "label" && (
        <Choose
          title={say("chooseLabel")}
          current={current}
          choices={labels.get().map((label) => ({
            value: label.name,
            text: labelName(labels.get(), label.name),
            color: label.color,
          }))}
          pick={(name) => {
            setAsk(null);
            labelled(name, ask.shape, ask.slide);
          }}
          close={() => keep(ask.shape, ask.slide)}
        />
      )}
      {ask?.kind === "quality" && (
        <Choose
          title={say("chooseVerdict")}
          choices={verdicts.map((verdict) => ({ value: verdict, text: say(qualityWord[verdict]) }))}
          pick={(verdict) => {
            setAsk(null);
            const reasons = verdict === "pass" ? [] : (chosen?.finding.quality?.reasons ?? []);
            const quality = { verdict: verdict as SlideVerdict, reasons };
            if (amends) return setAsk({ kind: "amend", verdict: "correct", quality });
            decide({ verdict: "correct", quality });
          }}
          close={() => setAsk(null)}
        />
      )}
      {ask?.kind === "commit" && (
        <Choose
          title={say("commitAsk")}
          choices={[]}
          other={say("commitConclusion")}
          pick={(conclusion) => {
            setAsk(null);
            props.commit(conclusion);
          }}
          close={() => setAsk(null)}
        />
      )}
      {ask?.kind === "reveal" && (
        <Confirm title={say("revealAsk")} act={say("reveal")} go={props.reveal} close={() => setAsk(null)} />
      )}
      {ask?.kind === "keys" && <KeyHelp close={() => setAsk(null)} />}
      {ask?.kind === "second" && (
        <Confirm
          title={say("secondReadingAsk")}
          act={say("secondReading")}
          go={props.second}
          close={() => setAsk(null)}
        />
      )}
    </>
  );
}
