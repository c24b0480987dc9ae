// Putting a head into use, or the task's own again: what it means, and why, where that must be said.
import { useState } from "preact/hooks";
import { api } from "../../api/client";
import type { FittedHead } from "../../api/improvement";
import { useWords } from "../../offline/words";
import { Dialog } from "../../parts/dialog";
import { useLoad } from "../../parts/load";
import { useSay } from "../../words";
import { whyNot } from "../../words/server";

export function UseHead(props: {
  /** The task's own, where none is named. */
  head: FittedHead | null;
  inUse: string | null;
  close: () => void;
  done: () => void;
}) {
  const say = useSay();
  const { head } = props;
  const whole = useLoad(() => (head ? api.fittedHead(head.id) : Promise.resolve(null)), [head?.id]);
  const [reason, setReason] = useWords(`head ${head?.id ?? "own"}`);
  const [fault, setFault] = useState<unknown>(null);
  const [busy, setBusy] = useState(false);
  const other = Boolean(whole.value && whole.value.compared_with !== props.inUse);
  const must = head === null || head.worse || other;
  const go = async () => {
    setBusy(true);
    setFault(null);
    try {
      await api.useHead(head?.id ?? null, reason.trim());
      setReason("");
      props.done();
    } catch (error) {
      setFault(error);
      setBusy(false);
    }
  };
  return (
    <Dialog title={say(head ? "useAsk" : "backAsk")} close={props.close}>
      <form
        class="use-head"
        onSubmit={(event) => {
          event.preventDefault();
          if (!busy && !(must && reason.trim() === "")) void go();
        }}
      >
        <p>{say(head ? "useNote" : "backNote")}</p>
        {head?.worse && <p class="caution">{say("useWorse")}</p>}
        {other && !head?.worse && <p class="caution">{say("useOther")}</p>}
        <label>
          <span>{say(must ? "reason" : "reasonOptional")}</span>
          <input
            maxLength={500}
            required={must}
            value={reason}
            onInput={(event) => setReason(event.currentTarget.value)}
          />
        </label>
        {fault !== null && (
          <p class="fault" role="alert">
            {whyNot(say, fault)}
          </p>
        )}
        <div class="acts">
          <button type="button" onClick={props.close}>
            {say("cancel")}
          </button>
          <button type="submit" class="main" disabled={busy || (must && reason.trim() === "")}>
            {say(head ? "improveUse" : "backAct")}
          </button>
        </div>
      </form>
    </Dialog>
  );
}
