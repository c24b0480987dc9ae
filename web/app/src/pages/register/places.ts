// Where the chosen slides are to lie in their case: labels that follow from the blocks, until somebody types one.
import type { PlacedSlide } from "../../api/register";

export interface Place extends PlacedSlide {
  /** Whether the label was typed: then it stays. */
  typed: boolean;
}

/** A place for one more slide: as the last one has it, with the next label. */
export function added(places: Place[], slide: string, stain: string): Place[] {
  const last = places.at(-1);
  const place = {
    slide,
    specimen: last?.specimen ?? "A",
    organ: last?.organ ?? "",
    block: last?.block ?? "A1",
    label: "",
    stain,
    typed: false,
  };
  return numbered([...places, place]);
}

export function changed(places: Place[], slide: string, part: Partial<Place>): Place[] {
  const typed = part.label !== undefined ? { typed: true } : {};
  return numbered(places.map((place) => (place.slide === slide ? { ...place, ...part, ...typed } : place)));
}

export const without = (places: Place[], slide: string): Place[] =>
  numbered(places.filter((place) => place.slide !== slide));

/** A block's slides are numbered in their order: A1-1, A1-2. */
function numbered(places: Place[]): Place[] {
  const counts = new Map<string, number>();
  return places.map((place) => {
    const count = (counts.get(place.block) ?? 0) + 1;
    counts.set(place.block, count);
    return place.typed ? place : { ...place, label: `${place.block}-${count}` };
  });
}
