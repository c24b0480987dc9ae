// What a fit and its weights are called.
import { moment, useSay } from "../../words";

/** A digest without the name of its function, as far as eyes compare it. */
export function Digest({ of }: { of: string }) {
  return <code title={of}>{of.replace(/^\w+:/, "").slice(0, 12)}</code>;
}

/** A fit is called by when it was made. */
export function FitName({ at }: { at: string | undefined }) {
  const say = useSay();
  return <>{say("improveFitOf", { w: at ? moment(at) : "—" })}</>;
}
