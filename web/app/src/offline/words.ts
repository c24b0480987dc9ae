// What a person is writing: kept in this browser at every letter, so that neither a reload nor a dropped line loses
// it. It is gone once it has been sent or taken up by the queue of decisions.
import { useState } from "preact/hooks";
import { session } from "../state";

const name = (user: string, place: string) => `words ${user} ${place}`;

export function keepWords(user: string, place: string, words: string): void {
  try {
    if (words === "") localStorage.removeItem(name(user, place));
    else localStorage.setItem(name(user, place), words);
  } catch {
    // A browser that keeps nothing, or no more: the words are still on the page.
  }
}

export function wordsOf(user: string, place: string): string {
  try {
    return localStorage.getItem(name(user, place)) ?? "";
  } catch {
    return "";
  }
}

/** Words at a place ("case, conclusion"), as this person left them; setting them to nothing forgets them. */
export function useWords(place: string | undefined): [string, (words: string) => void] {
  const user = session.get()?.me?.id ?? "";
  const [words, set] = useState(() => (place ? wordsOf(user, place) : ""));
  return [
    words,
    (next) => {
      set(next);
      if (place) keepWords(user, place, next);
    },
  ];
}
