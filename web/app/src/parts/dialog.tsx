// A question that stands before everything else; the browser keeps focus inside and Esc closes it.
import type { ComponentChildren } from "preact";
import { useEffect, useLayoutEffect, useRef } from "preact/hooks";
import { useWords } from "../offline/words";
import { useSay } from "../words";

export function Dialog(props: {
  title: string;
  close: () => void;
  wide?: boolean;
  children: ComponentChildren;
}) {
  const box = useRef<HTMLDialogElement>(null);
  // Before the next paint: a reader who types R and 1 at once must not lose the 1.
  useLayoutEffect(() => {
    const element = box.current;
    const before = document.activeElement as HTMLElement | null;
    element?.showModal();
    return () => {
      element?.close();
      before?.focus?.();
    };
  }, []);
  return (
    <dialog
      ref={box}
      class={props.wide ? "wide" : undefined}
      aria-labelledby="dialog-title"
      onCancel={(event) => {
        event.preventDefault();
        props.close();
      }}
    >
      <h2 id="dialog-title">{props.title}</h2>
      {props.children}
    </dialog>
  );
}

export function Confirm(props: {
  title: string;
  /** What to know before it is done. */
  note?: string;
  act: string;
  go: () => void;
  close: () => void;
}) {
  const say = useSay();
  return (
    <Dialog title={props.title} close={props.close}>
      {props.note && <p class="fault">{props.note}</p>}
      <div class="acts">
        <button type="button" onClick={props.close}>
          {say("cancel")}
        </button>
        <button
          type="button"
          class="main"
          onClick={() => {
            props.close();
            props.go();
          }}
        >
          {props.act}
        </button>
      </div>
    </Dialog>
  );
}

export interface Choice {
  value: string;
  text: string;
  color?: string;
}

/** A short list, chosen by one number key or the mouse; with `other`, free words too. */
export function Choose(props: {
  title: string;
  choices: Choice[];
  other?: string;
  /** Where free words are kept until they are given: a closed window does not lose them. */
  keepAs?: string;
  /** The choice that stands now: focus begins there. */
  current?: string | null;
  pick: (value: string) => void;
  close: () => void;
}) {
  const say = useSay();
  const [words, setWords] = useWords(props.keepAs);
  const now = useRef<HTMLButtonElement>(null);
  const keyed = (event: KeyboardEvent) => {
    if (event.target instanceof HTMLTextAreaElement || event.target instanceof HTMLInputElement) return;
    const chosen = props.choices[Number(event.key) - 1];
    if (!/^[1-9]$/.test(event.key) || !chosen) return;
    event.preventDefault();
    props.pick(chosen.value);
  };
  const latest = useRef(keyed);
  latest.current = keyed;
  useLayoutEffect(() => {
    now.current?.focus();
    const act = (event: KeyboardEvent) => latest.current(event);
    addEventListener("keydown", act);
    return () => removeEventListener("keydown", act);
  }, []);
  return (
    <Dialog title={props.title} close={props.close}>
      <div class="choices" role="group" aria-labelledby="dialog-title">
        {props.choices.map((choice, i) => (
          <button
            type="button"
            ref={choice.value === props.current ? now : undefined}
            key={choice.value}
            onClick={() => props.pick(choice.value)}
          >
            {i < 9 && <kbd>{i + 1}</kbd>}
            {choice.color && <Swatch color={choice.color} />}
            <span>{choice.text}</span>
          </button>
        ))}
        {props.other !== undefined && (
          <form
            class="other"
            onSubmit={(event) => {
              event.preventDefault();
              if (!words.trim()) return;
              props.pick(words.trim());
              setWords("");
            }}
          >
            <label>
              <span>{props.other}</span>
              <input maxLength={500} value={words} onInput={(event) => setWords(event.currentTarget.value)} />
            </label>
            <button type="submit" disabled={!words.trim()}>
              {say("save")}
            </button>
          </form>
        )}
      </div>
      <div class="acts">
        <button type="button" onClick={props.close}>
          {say("cancel")}
        </button>
      </div>
    </Dialog>
  );
}

/** A colour from the server. Set by script: the page's policy refuses styles in the markup. */
export function Swatch({ color }: { color: string }) {
  const dot = useRef<HTMLSpanElement>(null);
  useEffect(() => {
    if (dot.current) dot.current.style.background = /^#[0-9a-fA-F]{6}$/.test(color) ? color : "#888888";
  }, [color]);
  return <span ref={dot} class="swatch" aria-hidden="true" />;
}
