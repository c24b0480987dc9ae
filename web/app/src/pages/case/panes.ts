// Which slides of the case are on the screen, which of them the keys move, and whether they move together.
import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import type { Case } from "../../api/types";
import { link } from "../../viewer/link";
import type { SlideViewer } from "../../viewer/slide-viewer";

export type Side = "main" | "beside";

export function usePanes(one: Case) {
  const first = one.slides.find((slide) => slide.image) ?? one.slides[0];
  const [slideId, setSlideId] = useState(first?.id ?? "");
  const [besideId, setBesideId] = useState<string | null>(null);
  const [linked, setLinked] = useState(true);
  const [active, setActive] = useState<Side>("main");
  const main = useRef<SlideViewer | null>(null);
  const beside = useRef<SlideViewer | null>(null);
  const unlink = useRef<() => void>(() => {});

  const relink = useCallback(() => {
    unlink.current();
    unlink.current =
      linked && main.current && beside.current ? link(main.current, beside.current) : () => undefined;
  }, [linked]);
  useEffect(relink, [relink]);

  return {
    slideId,
    besideId,
    linked,
    setLinked,
    active,
    setActive,
    slide: one.slides.find((slide) => slide.id === slideId) ?? first,
    beside: one.slides.find((slide) => slide.id === besideId) ?? null,
    first,
    show: (slide: string) => {
      if (slide === besideId) setBesideId(null);
      setSlideId(slide);
    },
    setBeside: setBesideId,
    /** A pane's viewer is up, or gone. */
    ready: (side: Side, made: SlideViewer | null) => {
      (side === "main" ? main : beside).current = made;
      relink();
    },
    /** The viewer that keys move. */
    viewer: () => (active === "beside" && beside.current ? beside.current : main.current),
    /** The viewer that shows a slide, if one does. */
    viewerOf: (slide: string | null) =>
      [main.current, beside.current].find((viewer) => viewer !== null && viewer.slide === slide) ?? null,
    viewers: () => [main.current, beside.current].filter((viewer) => viewer !== null),
  };
}

export type Panes = ReturnType<typeof usePanes>;
