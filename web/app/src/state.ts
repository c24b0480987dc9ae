// What every page shares: who works, in which language and light, and what the site has set.
import { api, send, setCsrf, whenLoggedOut } from "./api/client";
import type { Label, Reader, Session, Settings } from "./api/types";
import { cell } from "./cell";
import { Queue } from "./offline/queue";
import { browserStore } from "./offline/store";

export type Theme = "light" | "dark" | "system";
export type Language = "zh" | "en";

function kept<T extends string>(name: string, allowed: readonly T[], otherwise: T): T {
  try {
    const value = localStorage.getItem(name) as T | null;
    return value && allowed.includes(value) ? value : otherwise;
  } catch {
    return otherwise;
  }
}

function keep(name: string, value: string): void {
  try {
    localStorage.setItem(name, value);
  } catch {
    // A browser that keeps nothing still works until the window closes.
  }
}

export const language = cell<Language>(
  kept("language", ["zh", "en"] as const, navigator.language.toLowerCase().startsWith("zh") ? "zh" : "en"),
);
export const theme = cell<Theme>(kept("theme", ["light", "dark", "system"] as const, "system"));
export const session = cell<Session | null>(null);
export const labels = cell<Label[]>([]);
export const readers = cell<Reader[]>([]);
export const settings = cell<Settings>({
  read_first: false,
  look_magnification: 5,
  unaided_share: 0,
  learn_from_all: false,
});

export const queue = new Queue(browserStore, async (path, body) => (await send("POST", path, body)).json());

function dress(): void {
  const root = document.documentElement;
  root.lang = language.get() === "zh" ? "zh-CN" : "en";
  const dark =
    theme.get() === "dark" ||
    (theme.get() === "system" && matchMedia("(prefers-color-scheme: dark)").matches);
  root.dataset.theme = dark ? "dark" : "light";
}

export function start(): void {
  dress();
  language.watch((value) => {
    keep("language", value);
    dress();
  });
  theme.watch((value) => {
    keep("theme", value);
    dress();
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", dress);
  window.addEventListener("online", () => queue.retry());
  whenLoggedOut(() => void takeSession());
  window.addEventListener("beforeunload", (event) => {
    if (queue.state().broken && queue.state().waiting.length > 0) event.preventDefault();
  });
}

/** Asks who works here and, once that is known, for what every page needs. */
export async function takeSession(given?: Session): Promise<void> {
  const next = given ?? (await api.session());
  setCsrf(next.csrf);
  const before = session.get()?.me;
  session.set(next);
  if (!next.me) return queue.begin(null);
  const same = next.me.id === before?.id && next.me.role === before.role;
  if (same && labels.get().length > 0) return queue.begin(next.me.id);
  const [gotLabels, gotReaders, gotSettings] = await Promise.all([
    api.labels().catch(() => []),
    // Asked without leave, it would stand in the audit as somebody turned away.
    may("read-worklist") ? api.readers().catch(() => []) : [],
    api.settings().catch(() => settings.get()),
  ]);
  labels.set(gotLabels);
  readers.set(gotReaders);
  settings.set(gotSettings);
  await queue.begin(next.me.id);
}

export function may(action: string): boolean {
  return session.get()?.me?.may.includes(action) ?? false;
}

/** The login of a reader; an unknown id is shown by its first characters. */
export function nameOf(id: string | null): string {
  if (id === null) return "";
  const me = session.get()?.me;
  if (me?.id === id) return me.login;
  return readers.get().find((reader) => reader.id === id)?.login ?? id.slice(0, 8);
}
