// Pages by the part of the address after `#`, so that the server needs to know none of them.
import { useEffect, useState } from "preact/hooks";

export interface Route {
  path: string[];
  query: URLSearchParams;
}

export function parse(hash: string): Route {
  const [path = "", query = ""] = hash.replace(/^#\/?/, "").split("?");
  const decoded = path
    .split("/")
    .filter(Boolean)
    .map((piece) => {
      try {
        return decodeURIComponent(piece);
      } catch {
        return "";
      }
    });
  return { path: decoded, query: new URLSearchParams(query) };
}

export function go(path: string): void {
  location.hash = path;
}

export function useRoute(): Route {
  const [route, set] = useState(() => parse(location.hash));
  useEffect(() => {
    const act = () => set(parse(location.hash));
    addEventListener("hashchange", act);
    return () => removeEventListener("hashchange", act);
  }, []);
  return route;
}
