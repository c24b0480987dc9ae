// Two readers: their differences as differences, settled by a third, never averaged.
import { useState } from "preact/hooks";
import { api, paths } from "../../api/client";
import { Choose } from "../../parts/dialog";
import { useLoad, Waiting } from "../../parts/load";
import { useTimeSpent } from "../../parts/time-spent";
import { Shell } from "../../shell";
import { labels, queue, session } from "../../state";
import { shapeOf } from "../../viewer/geometry";
import type { SlideViewer } from "../../viewer/slide-viewer";
import { findingName, useSay } from "../../words";
import { Agreement } from "./agreement";
import { Disputes } from "./disputes";
import type { Disputed, Reading } from "./readings";
import { SettledFindings } from "./settled";

export function Compare({ id }: { id: string }) {
  const say = useSay();
  const loaded = useLoad(() => api.comparison(id), [id]);
  const found = useLoad(() => api.findings(id), [id]);
  const theCase = useLoad(() => api.case(id), [id]);
  const { begin, spent } = useTimeSpent();
  const [refusing, setRefusing] = useState<{ one: Disputed; settle: (reason: string) => void } | null>(null);
  const title = (finding: string) => {
    const one =
      loaded.value?.disputed.find((each) => each.id === finding) ??
      found.value?.findings.find((each) => each.id === finding);
    return one ? findingName(say, labels.get(), one) : finding.slice(0, 8);
  };
  /** Settled for one reading as it stands: its verdict, its label, its outline. */
  const settle = async (
    one: Disputed,
    { decision }: Reading,
    viewer: SlideViewer | null,
    reason?: string,
  ) => {
    const key = crypto.randomUUID();
    const { verdict } = decision;
    const body = {
      key,
      verdict,
      ...(reason ? { reason } : {}),
      ...(verdict === "correct" ? { label: decision.label ?? undefined, ...shapeOf(decision) } : {}),
      viewed: viewer?.viewing.takeViewed() ?? [],
      milliseconds: spent(),
    };
    await queue.add({
      key,
      user: session.get()?.me?.id ?? "",
      case: id,
      finding: one.id,
      path: paths.adjudicate(one.id),
      body,
      shown: { verdict },
      at: Date.now(),
      due: Date.now(),
      tries: 0,
      refused: null,
    });
    await queue.flush();
    await loaded.again();
  };
  const comparison = loaded.value;
  const nothing = comparison?.pairs.length === 0 && comparison.disputed.length === 0;
  return (
    <Shell page="compare">
      <p class="small">
        <a href={`#/case/${id}`}>← {say("back")}</a>
      </p>
      <div class="heading">
        <h1>{say("differences")}</h1>
      </div>
      <Waiting loaded={loaded}>
        {nothing && <p class="empty">{say("noComparison")}</p>}
        {comparison && !nothing && theCase.value && (
          <Disputes
            theCase={theCase.value}
            comparison={comparison}
            asking={refusing !== null}
            look={begin}
            settle={(one, reading, viewer) =>
              reading.decision.verdict === "refuse"
                ? setRefusing({ one, settle: (reason) => void settle(one, reading, viewer, reason) })
                : void settle(one, reading, viewer)
            }
          />
        )}
        {comparison && <SettledFindings settled={comparison.settled} title={title} />}
        {comparison?.pairs.map((pair) => (
          <Agreement key={pair.readers.join()} pair={pair} title={title} />
        ))}
      </Waiting>
      {refusing && (
        <Choose
          title={say("chooseReason")}
          choices={(["reasonBenign", "reasonArtefact", "reasonOutline"] as const).map((word) => ({
            value: say(word),
            text: say(word),
          }))}
          other={say("otherReason")}
          keepAs={`${refusing.one.id} settle`}
          pick={(reason) => {
            setRefusing(null);
            refusing.settle(reason);
          }}
          close={() => setRefusing(null)}
        />
      )}
    </Shell>
  );
}
