// Whether everything decided has reached the server: seen on every page.
import { useEffect, useState } from "preact/hooks";
import type { QueueState } from "../offline/queue";
import { takenUp } from "../offline/taken-up";
import { go } from "../route";
import { queue } from "../state";
import { useSay } from "../words";
import { said } from "../words/server";

export function useQueue(): QueueState {
  const [state, set] = useState<QueueState>(() => queue.state());
  useEffect(() => queue.watch((next) => set(next)), []);
  return state;
}

export function Saved() {
  const say = useSay();
  const { waiting, reached, broken } = useQueue();
  const refused = waiting.filter((one) => one.refused !== null);
  const count = waiting.length - refused.length;
  const kind = refused.length > 0 || broken ? "bad" : count > 0 ? (reached ? "busy" : "away") : "good";
  return (
    <div class={`saved ${kind}`} role="status" data-pending={count}>
      <i aria-hidden="true" />
      {broken && <strong>{say("brokenStore")}</strong>}
      {refused.map((one) => (
        <span key={one.key}>
          {say("refusedQueueWhy", { why: said(one.refused ?? "") })}{" "}
          <button
            type="button"
            class="link"
            onClick={() => {
              takenUp.set(one);
              go(`/case/${one.case}`);
            }}
          >
            {say("tryAgain")}
          </button>{" "}
          <button type="button" class="link" onClick={() => void queue.dismiss(one.key)}>
            {say("dismiss")}
          </button>
        </span>
      ))}
      {count > 0 && (
        <span>
          {count === 1 ? say("pendingOne") : say("pendingMany", { n: count })}
          {!reached && ` · ${say("offline")}`}
        </span>
      )}
      {kind === "good" && <span>{say("saved")}</span>}
    </div>
  );
}
