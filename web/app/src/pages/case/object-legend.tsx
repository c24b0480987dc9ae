// What the many objects over a slide are: each set and class with its colour and number, and how they are drawn.
import { Swatch } from "../../parts/dialog";
import { labels } from "../../state";
import { count, labelName, stateWord, useSay } from "../../words";
import { type Layers, Tick } from "./layers";
import { isClassOn, isOn, type Objects, type ShownSet } from "./objects";

export function ObjectLegend(props: {
  objects: Objects[];
  layers: Layers;
  change: (part: Partial<Layers>) => void;
}) {
  const say = useSay();
  const { layers } = props;
  const sets = props.objects.flatMap((one) => one.sets);
  const failed = props.objects.find((one) => one.failed);
  const looks = new Set(props.objects.filter((one) => one.sets.length > 0).map((one) => one.look));
  if (failed)
    return (
      <p class="objects fault" role="alert">
        {say("objectsFailed")}{" "}
        <button type="button" class="link" onClick={() => failed.again(null)}>
          {say("tryAgain")}
        </button>
      </p>
    );
  if (sets.length === 0) return null;
  const all = sets.reduce((sum, { set }) => sum + set.count, 0);
  return (
    <div class="objects">
      <Tick on={layers.points} set={(points) => props.change({ points })}>
        {say("points")} <span class="quiet">{count(all)}</span>
      </Tick>
      {layers.points && (
        <ul>
          {props.objects.flatMap(({ sets: here, again }) =>
            here.map((one) => (
              <SetLine
                key={one.set.id}
                one={one}
                on={isOn(layers, here, one)}
                layers={layers}
                again={() => again(one.set.id)}
                choose={(name, on) => props.change({ objects: { ...layers.objects, [name]: on } })}
              />
            )),
          )}
        </ul>
      )}
      {layers.points && (looks.has("counts") || looks.has("each")) && (
        <p class="small quiet look" role="status">
          {say(looks.has("counts") ? "objectsCounted" : "objectsEach")}
        </p>
      )}
    </div>
  );
}

function SetLine(props: {
  one: ShownSet;
  on: boolean;
  layers: Layers;
  again: () => void;
  choose: (name: string, on: boolean) => void;
}) {
  const say = useSay();
  const { set, state, counts, colors } = props.one;
  const single = set.classes.length === 1;
  return (
    <li>
      <Tick on={props.on} set={(on) => props.choose(set.id, on)}>
        {single && <Swatch color={colors[0] ?? ""} />} {labelName(labels.get(), set.label)}{" "}
        <span class="quiet">{count(set.count)}</span>
        {set.state === "refused" && <span class="quiet"> · {say(stateWord[set.state])}</span>}
      </Tick>
      {state === "waiting" && !props.on && set.state !== "refused" && (
        <p class="small quiet">{say("objectsKept")}</p>
      )}
      {state === "loading" && <p class="small quiet">{say("loading")}</p>}
      {state === "failed" && (
        <p class="small fault" role="alert">
          {say("objectsFailed")}{" "}
          <button type="button" class="link" onClick={props.again}>
            {say("tryAgain")}
          </button>
        </p>
      )}
      {state === "here" && props.on && !single && (
        <ul class="classes">
          {set.classes.map((name, at) => (
            <li key={`${set.id} ${name}`}>
              <Tick
                on={isClassOn(props.layers, set.id, at)}
                set={(on) => props.choose(`${set.id} ${at}`, on)}
              >
                <Swatch color={colors[at] ?? ""} /> {labelName(labels.get(), name)}{" "}
                <span class="quiet">{count(counts[at] ?? 0)}</span>
              </Tick>
            </li>
          ))}
        </ul>
      )}
    </li>
  );
}
