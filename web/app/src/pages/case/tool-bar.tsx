// The tools over the slide, each with its key.
import type { SlideViewer } from "../../viewer/slide-viewer";
import type { Tool } from "../../viewer/tools";
import { useSay } from "../../words";

export function ToolBar(props: {
  tool: Tool | null;
  start: (tool: Tool) => void;
  undo: () => void;
  ai: boolean;
  toggle: () => void;
  keys: () => void;
  viewer: () => SlideViewer | null;
}) {
  const say = useSay();
  const tools = [
    ["polygon", "D", "drawPolygon"],
    ["brush", "B", "brush"],
    ["point", "P", "point"],
    ["measure", "M", "measure"],
  ] as const;
  return (
    <div class="tool-bar" role="toolbar" aria-label={say("tools")} aria-orientation="vertical">
      {tools.map(([tool, key, word]) => (
        <button type="button" key={tool} aria-pressed={props.tool === tool} onClick={() => props.start(tool)}>
          <kbd>{key}</kbd>
          <span>{say(word)}</span>
        </button>
      ))}
      <button type="button" onClick={props.undo}>
        <kbd>U</kbd>
        <span>{say("undo")}</span>
      </button>
      <button type="button" aria-pressed={props.ai} onClick={props.toggle}>
        <kbd>H</kbd>
        <span>{say(props.ai ? "hideAi" : "showAi")}</span>
      </button>
      <hr />
      <button type="button" onClick={() => props.viewer()?.zoom(1)}>
        <kbd>+</kbd>
        <span>{say("zoomIn")}</span>
      </button>
      <button type="button" onClick={() => props.viewer()?.zoom(-1)}>
        <kbd>−</kbd>
        <span>{say("zoomOut")}</span>
      </button>
      <button type="button" onClick={() => props.viewer()?.whole()}>
        <kbd>0</kbd>
        <span>{say("wholeSlide")}</span>
      </button>
      <button type="button" onClick={props.keys}>
        <kbd>?</kbd>
        <span>{say("keys")}</span>
      </button>
    </div>
  );
}
