// What two readers dispute, beside the slide with both their outlines.
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import type { Case, Comparison } from "../../api/types";
import { may } from "../../state";
import type { Shown } from "../../viewer/finding-style";
import { boundsOf } from "../../viewer/geometry";
import type { SlideViewer } from "../../viewer/slide-viewer";
import { useSay } from "../../words";
import type { Layers } from "../case/layers";
import { settles } from "../case/model";
import { Pane } from "../case/pane";
import { Dispute } from "./dispute";
import { useDisputeKeys } from "./keys";
import { ReadingLegend } from "./legend";
import { type Disputed, outlinesOf, type Reading, twoReadings } from "./readings";

const none: Shown[] = [];
/** Nothing but the slide and the two outlines. */
const bare: Layers = {
  ai: false,
  heatmap: false,
  opacity: 0,
  threshold: 0,
  veil: false,
  points: false,
  objects: {},
};

export function Disputes(props: {
  theCase: Case;
  comparison: Comparison;
  asking: boolean;
  /** Another dispute is looked at. */
  look: () => void;
  settle: (one: Disputed, reading: Reading, viewer: SlideViewer | null) => void;
}) {
  const say = useSay();
  const { theCase, comparison } = props;
  const all = comparison.disputed;
  const [chosenId, choose] = useState<string | null>(null);
  const [viewer, setViewer] = useState<SlideViewer | null>(null);
  const figure = useRef<HTMLElement>(null);
  const list = useRef<HTMLDivElement>(null);
  const mustLook = theCase.read_first && !theCase.revealed;
  const chosen = all.find((one) => one.id === chosenId) ?? all[0] ?? null;
  const two = useMemo(() => chosen && twoReadings(chosen, comparison.pairs), [chosen, comparison.pairs]);
  const outlines = useMemo(() => outlinesOf(two), [two]);
  const slide = mustLook ? null : theCase.slides.find((one) => one.id === chosen?.slide);

  const there = () => {
    const at = boundsOf(outlines);
    if (viewer && viewer.slide === chosen?.slide && at) viewer.to(at);
  };
  useEffect(there, [viewer, chosen?.id]);
  useEffect(props.look, [chosen?.id]);
  const look = (one: Disputed) => {
    choose(one.id);
    // Chosen again: back to it from wherever the slide was moved.
    if (one.id === chosen?.id) there();
    figure.current?.scrollIntoView({ block: "nearest" });
  };
  useDisputeKeys(viewer, props.asking, (step) => {
    const titles = [...(list.current?.querySelectorAll<HTMLButtonElement>(".dispute-title") ?? [])];
    const at = all.findIndex((one) => one.id === chosen?.id);
    titles[(at + step + titles.length) % titles.length]?.focus({ preventScroll: true });
    const next = all[(at + step + all.length) % all.length];
    if (next && !mustLook) look(next);
  });

  return (
    <section class="card">
      <h2>{say("disputed")}</h2>
      {all.length === 0 ? (
        <p class="quiet">{say("noDisputed")}</p>
      ) : (
        <>
          <p class="quiet">{say("settleNote")}</p>
          {mustLook && may("adjudicate") && (
            <p class="look-first">
              <a href={`#/case/${theCase.id}`}>{say("lookFirst")}</a>
            </p>
          )}
          <div class={slide ? "settle" : undefined}>
            {slide && (
              <figure class="over-slide" ref={figure}>
                <Pane
                  key={slide.id}
                  caseId={theCase.id}
                  slide={slide}
                  shown={none}
                  readings={outlines}
                  layers={bare}
                  ready={setViewer}
                />
                <figcaption aria-live="polite">{two && <ReadingLegend two={two} />}</figcaption>
              </figure>
            )}
            <div ref={list}>
              {all.map((one, i) => (
                <Dispute
                  key={one.id}
                  caseId={theCase.id}
                  one={one}
                  two={twoReadings(one, comparison.pairs)}
                  number={all.length > 1 ? i + 1 : null}
                  chosen={one.id === chosen?.id}
                  choose={slide ? () => look(one) : null}
                  settle={settles(one) && !mustLook ? (reading) => props.settle(one, reading, viewer) : null}
                />
              ))}
            </div>
          </div>
        </>
      )}
    </section>
  );
}
