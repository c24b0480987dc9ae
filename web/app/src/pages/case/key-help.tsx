// Every key of the case, and how one draws without a mouse.
import { Dialog } from "../../parts/dialog";
import { useSay } from "../../words";
import type { Word } from "../../words/en";

const groups: [Word, [string, Word][]][] = [
  [
    "keysDecide",
    [
      ["A", "accept"],
      ["C", "correct"],
      ["R", "refuse"],
      ["L", "defer"],
      ["N", "nextOpen"],
      ["J K", "keysThrough"],
      ["U", "undo"],
    ],
  ],
  [
    "keysLook",
    [
      ["← → ↑ ↓", "keysMove"],
      ["+ −", "keysZoom"],
      ["0", "wholeSlide"],
      ["H", "keysAi"],
    ],
  ],
  [
    "keysDraw",
    [
      ["D B P M", "keysTools"],
      ["← → ↑ ↓", "keysCross"],
      ["Shift Alt", "keysPace"],
      ["Space Enter", "keysSet"],
      ["Enter", "keysClose"],
      ["Space", "keysHold"],
      ["Backspace", "keysBack"],
      ["PgUp PgDn", "keysCorners"],
      ["[ ]", "keysBrush"],
      ["Esc", "keysCancel"],
    ],
  ],
];

export function KeyHelp({ close }: { close: () => void }) {
  const say = useSay();
  return (
    <Dialog title={say("keys")} close={close} wide>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: longer than a small screen, so keys scroll it */}
      <div class="key-help" role="group" aria-labelledby="dialog-title" tabIndex={0}>
        {groups.map(([title, lines]) => (
          <section key={title}>
            <h3>{say(title)}</h3>
            <dl>
              {lines.map(([keys, word]) => (
                <div key={word}>
                  <dt>
                    {keys.split(" ").map((key) => (
                      <kbd key={key}>{key}</kbd>
                    ))}
                  </dt>
                  <dd>{say(word)}</dd>
                </div>
              ))}
            </dl>
          </section>
        ))}
      </div>
      <div class="acts">
        <button type="button" class="main" onClick={close}>
          {say("closeKeys")}
        </button>
      </div>
    </Dialog>
  );
}
