// What a fit does, from which decisions, and the button that begins one.
import type { CostLine } from "../../api/types";
import { useCell } from "../../cell";
import { may, session, settings } from "../../state";
import { count, useSay } from "../../words";
import { saidByServer } from "../../words/server";
import { type Counts, regionDecisions } from "./judge";

export function Basis(props: {
  /** Decisions as the record counts them; none for who may not read them. */
  lines: CostLine[] | null;
  obstacle: string | null;
  running: boolean;
  failed: string | null;
  fault: string | null;
  begin: () => void;
}) {
  const say = useSay();
  const site = useCell(settings);
  const demo = useCell(session)?.demo ?? false;
  const counts = props.lines && regionDecisions(props.lines);
  const ground = demo
    ? "improveGroundDemo"
    : site.learn_from_all
      ? "improveGroundAll"
      : "improveGroundConsent";
  return (
    <div class="basis">
      <section class="card">
        <h2>{say("improveHow")}</h2>
        <ol class="how">
          <li>{say("improveHowHead")}</li>
          <li>{say("improveHowDecisions")}</li>
          <li>{say("improveHowHeldOut")}</li>
          <li>{say("improveHowNothing")}</li>
        </ol>
      </section>
      <section class="card">
        <h2>{say("improveBasis")}</h2>
        {counts && (counts.all > 0 ? <Figures counts={counts} /> : <p>{say("improveNone")}</p>)}
        <p class="small quiet">
          {say(ground)} {say("improveNeeded")}
        </p>
        {props.obstacle && <p class="caution">{saidByServer(say, props.obstacle)}</p>}
        {props.failed && !props.running && (
          <p class="caution" role="status">
            <strong>{say("improveFailed")}</strong> {saidByServer(say, props.failed)}
          </p>
        )}
        {props.fault && (
          <p class="fault" role="alert">
            {props.fault}
          </p>
        )}
        <p class={props.running ? "fitting" : "unseen"} role="status">
          {props.running && (
            <>
              <i aria-hidden="true" />
              {say("improveRunning")}
            </>
          )}
        </p>
        {may("improve") ? (
          <button
            type="button"
            class="main"
            disabled={props.running || props.obstacle !== null || counts?.all === 0}
            onClick={props.begin}
          >
            {say("improveStart")}
          </button>
        ) : (
          <p class="quiet">{say("improveNotYou")}</p>
        )}
      </section>
    </div>
  );
}

function Figures({ counts }: { counts: Counts }) {
  const say = useSay();
  return (
    <>
      <dl class="figures">
        <div>
          <dt>{say("improveRecorded")}</dt>
          <dd>{count(counts.all)}</dd>
        </div>
        <div>
          <dt>{say("improveAccepted")}</dt>
          <dd>{count(counts.accept)}</dd>
        </div>
        <div>
          <dt>{say("improveCorrected")}</dt>
          <dd>{count(counts.correct)}</dd>
        </div>
        <div>
          <dt>{say("improveRefused")}</dt>
          <dd>{count(counts.refuse)}</dd>
        </div>
      </dl>
      <p class="small quiet">{say("improveRecordedNote")}</p>
    </>
  );
}
