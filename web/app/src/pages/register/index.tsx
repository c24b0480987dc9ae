// Slides that came alone are put together into cases, and taken out again.
import { useState } from "preact/hooks";
import { api, Problem } from "../../api/client";
import type { NewCase, Unattached } from "../../api/register";
import type { CaseLine } from "../../api/types";
import { problemText, useLoad, Waiting } from "../../parts/load";
import { Shell } from "../../shell";
import { may } from "../../state";
import { isStated, useSay } from "../../words";
import { CaseForm } from "./form";
import { ListProblems } from "./list";
import { added, type Place, without } from "./places";
import { Several } from "./several";

export function RegisterPage() {
  const say = useSay();
  return (
    <Shell page="register">
      <div class="heading">
        <h1>{say("register")}</h1>
        <p class="quiet">{say("registerLead")}</p>
      </div>
      {may("register") ? <Register /> : <p class="empty">{say("mayNot")}</p>}
    </Shell>
  );
}

/** Every page of them: who puts slides together wants to see all that lie about. */
async function everything(): Promise<Unattached["items"]> {
  const items: Unattached["items"] = [];
  let after: string | undefined;
  do {
    const page = await api.unattached(after);
    items.push(...page.items);
    after = page.next ?? undefined;
  } while (after && items.length < 1000);
  return items;
}

function Register() {
  const say = useSay();
  const alone = useLoad(everything, []);
  const open = useLoad(() => api.worklist({}), []);
  const list = useLoad(() => api.caseList(), []);
  const [places, setPlaces] = useState<Place[]>([]);
  const [fault, setFault] = useState("");
  const [done, setDone] = useState("");
  const items = alone.value ?? [];
  const several = (open.value?.items ?? []).filter((line) => line.slides.length > 1);
  const tried = async (act: () => Promise<unknown>, said: string) => {
    setFault("");
    setDone("");
    try {
      await act();
      setPlaces([]);
      setDone(said);
    } catch (error) {
      setFault(error instanceof Problem ? problemText(say, error) : say("failed"));
    }
    await Promise.all([alone.again(), open.again()]);
  };
  const slides = () => places.map(({ typed: _, ...place }) => place);
  const toggle = (item: Unattached["items"][number], on: boolean) =>
    setPlaces((before) =>
      on
        ? added(before, item.slide.id, isStated(item.stain) ? item.stain : "HE")
        : without(before, item.slide.id),
    );
  return (
    <>
      {list.value && <ListProblems list={list.value} />}
      {fault && (
        <p class="fault" role="alert">
          {fault}
        </p>
      )}
      {done && <p role="status">{done}</p>}
      <section class="card">
        <h2>{say("aloneSlides")}</h2>
        <Waiting loaded={alone}>
          {items.length === 0 ? (
            <p class="quiet">{say("aloneNone")}</p>
          ) : (
            <ul class="alone">
              {items.map((item) => (
                <Alone
                  key={item.slide.id}
                  item={item}
                  picked={places.some((place) => place.slide === item.slide.id)}
                  toggle={(on) => toggle(item, on)}
                />
              ))}
            </ul>
          )}
        </Waiting>
      </section>
      {places.length > 0 && (
        <CaseForm
          places={places}
          setPlaces={setPlaces}
          items={items}
          several={several}
          make={(facts: Omit<NewCase, "slides">) =>
            tried(
              () => api.putTogether({ ...facts, slides: slides() }),
              say("madeCase", { number: facts.number }),
            )
          }
          add={(line: CaseLine) =>
            tried(() => api.putIn(line.id, slides()), say("madeCase", { number: line.number }))
          }
        />
      )}
      <Waiting loaded={open}>
        <Several
          cases={several}
          takeOut={(line, slide) => tried(() => api.takeOut(line.id, slide), say("tookOut"))}
        />
      </Waiting>
    </>
  );
}

function Alone(props: { item: Unattached["items"][number]; picked: boolean; toggle: (on: boolean) => void }) {
  const { item } = props;
  return (
    <li>
      <label class={props.picked ? "picked" : undefined}>
        {item.slide.thumbnail ? (
          <img src={item.slide.thumbnail} alt="" loading="lazy" width={128} height={96} />
        ) : (
          <span class="thumb-none" aria-hidden="true" />
        )}
        <span class="check">
          <input
            type="checkbox"
            checked={props.picked}
            onChange={(event) => props.toggle(event.currentTarget.checked)}
          />
          <span>{item.case.number}</span>
        </span>
      </label>
    </li>
  );
}
