// What a case is made of, down to the slides: the table by which a report says what was looked at.
import type { Case } from "../api/types";
import { isStated, useSay } from "../words";

export function Material({ of }: { of: Case }) {
  const say = useSay();
  const stated = (text: string | null | undefined) => (isStated(text ?? null) ? text : "—");
  return (
    <div class="table-box">
      <table class="material">
        <thead>
          <tr>
            <th scope="col">{say("specimen")}</th>
            <th scope="col">{say("organ")}</th>
            <th scope="col">{say("block")}</th>
            <th scope="col">{say("slide")}</th>
            <th scope="col">{say("stain")}</th>
          </tr>
        </thead>
        <tbody>
          {of.slides.map((slide) => {
            const block = of.blocks.find(({ id }) => id === slide.block);
            const specimen = of.specimens.find(({ id }) => id === block?.specimen);
            return (
              <tr key={slide.id}>
                <td>{stated(specimen?.label)}</td>
                <td>{stated(specimen?.organ)}</td>
                <td>{stated(block?.label)}</td>
                <td class={slide.label.length < 16 ? "slide-label" : undefined}>{slide.label}</td>
                <td>{stated(slide.stain)}</td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </div>
  );
}
