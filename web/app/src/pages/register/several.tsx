// Cases of several slides that wait: what is in them, and each slide's way out.
import type { CaseLine } from "../../api/types";
import { useSay } from "../../words";

export function Several(props: { cases: CaseLine[]; takeOut: (line: CaseLine, slide: string) => void }) {
  const say = useSay();
  if (props.cases.length === 0) return null;
  return (
    <section class="card">
      <h2>{say("severalSlides")}</h2>
      {props.cases.map((line) => (
        <div key={line.id} class="several">
          <h3>
            <a href={`#/case/${line.id}`}>{line.number}</a> <span class="quiet small">{line.patient}</span>
          </h3>
          <ul class="alone">
            {line.slides.map((slide, at) => (
              <li key={slide.id}>
                {slide.thumbnail ? (
                  <img src={slide.thumbnail} alt="" loading="lazy" width={128} height={96} />
                ) : (
                  <span class="thumb-none" aria-hidden="true" />
                )}
                <button
                  type="button"
                  aria-label={`${say("takeOut")} ${line.number} ${at + 1}`}
                  onClick={() => props.takeOut(line, slide.id)}
                >
                  {say("takeOut")}
                </button>
              </li>
            ))}
          </ul>
        </div>
      ))}
    </section>
  );
}
