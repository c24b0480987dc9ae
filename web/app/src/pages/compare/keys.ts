// Keys of the comparison: the slide moves as on the case, J and K go from dispute to dispute.
import { useKeyboard } from "../../parts/keyboard";
import { panning, zooming } from "../../viewer/keys";
import type { SlideViewer } from "../../viewer/slide-viewer";

export function useDisputeKeys(
  viewer: SlideViewer | null,
  asking: boolean,
  step: (by: 1 | -1) => void,
): void {
  useKeyboard((event, target) => {
    if (asking || event.altKey) return null;
    return {
      j: () => step(1),
      k: () => step(-1),
      ...zooming(viewer),
      ...(target.classList.contains("slide-map") ? panning(viewer) : {}),
    };
  });
}
