// Which case this is, which of its slides are shown, and where one goes from here.
import type { Case } from "../../api/types";
import { may } from "../../state";
import { urgencyWord, useSay } from "../../words";

export function CaseBar(props: {
  one: Case;
  slideId: string;
  showSlide: (slide: string) => void;
  besideId: string | null;
  setBeside: (slide: string | null) => void;
  linked: boolean;
  setLinked: (linked: boolean) => void;
  askSecond: () => void;
}) {
  const say = useSay();
  const { one, slideId, besideId, linked } = props;
  return (
    <div class="case-bar">
      <a class="back" href="#/" aria-label={say("worklist")}>
        ←
      </a>
      <h1>{one.number}</h1>
      <span class="quiet patient">{one.patient}</span>
      <span class={`tag urgency-${one.urgency}`}>{say(urgencyWord[one.urgency])}</span>
      {one.slides.length > 1 && (
        <div class="segments slides" role="group" aria-label={say("slides")}>
          {one.slides.map((slide) => (
            <button
              type="button"
              key={slide.id}
              aria-pressed={slide.id === slideId}
              onClick={() => props.showSlide(slide.id)}
            >
              {slide.label}
            </button>
          ))}
        </div>
      )}
      {one.slides.length > 1 && (
        <button
          type="button"
          aria-pressed={besideId !== null}
          onClick={() =>
            props.setBeside(besideId ? null : (one.slides.find((slide) => slide.id !== slideId)?.id ?? null))
          }
        >
          {say("compareSlides")}
        </button>
      )}
      {besideId && (
        <label class="check">
          <input
            type="checkbox"
            checked={linked}
            onChange={(event) => props.setLinked(event.currentTarget.checked)}
          />
          <span>{say("linked")}</span>
        </label>
      )}
      <span class="stretch" />
      {one.reading === "double" ? (
        <a class="button" href={`#/case/${one.id}/compare`}>
          {say("differences")}
        </a>
      ) : (
        may("assign") &&
        one.status === "open" && (
          <button type="button" onClick={props.askSecond}>
            {say("secondReading")}
          </button>
        )
      )}
      <a class="button main" href={`#/case/${one.id}/report`}>
        {say("report")}
      </a>
    </div>
  );
}
