// An outline that was being drawn when the window closed is taken up again when its case opens.
import { useEffect, useRef } from "preact/hooks";
import type { Case } from "../../api/types";
import { draftOf, dropDraft } from "../../offline/draft";
import { may, session } from "../../state";
import type { Acts } from "./acts";
import type { Panes } from "./panes";

/** `opened` counts the viewers that came up: the one of the draft's slide may be among them. */
export function useDraft(one: Case, acts: Acts, panes: Panes, found: boolean, opened: number): void {
  const looked = useRef(false);
  useEffect(() => {
    if (looked.current || !found || opened === 0 || !may("propose")) return;
    const user = session.get()?.me?.id ?? "";
    const draft = draftOf(user, one.id);
    if (draft && !one.slides.some((slide) => slide.id === draft.slide && slide.image)) {
      dropDraft(user, one.id);
    } else if (draft) {
      // Once its viewer is up, this is asked again.
      if (!panes.viewerOf(draft.slide)) return panes.show(draft.slide);
      acts.resume(draft);
    }
    looked.current = true;
  }, [found, opened]);
}
