// Decisions leave in the order they were made, one at a time, until the server has each.
import { Problem } from "../api/client";
import type { Store, Waiting } from "./store";

/** How long a decision can be taken back by one key before it is sent. */
export const GRACE = 4000;
const SLOWEST = 30_000;

export type Sent = (entry: Waiting, answer: unknown) => void;

export interface QueueState {
  waiting: Waiting[];
  /** Whether the last try reached the server. */
  reached: boolean;
  /** Set when this browser cannot keep anything: the person must know. */
  broken: boolean;
}

export class Queue {
  private entries: Waiting[] = [];
  private user: string | null = null;
  private reached = true;
  private broken = false;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private busy: Promise<void> | null = null;
  private watchers = new Set<(state: QueueState) => void>();
  private sentWatchers = new Set<Sent>();

  constructor(
    private readonly store: Store,
    private readonly post: (path: string, body: unknown) => Promise<unknown>,
    private readonly now: () => number = Date.now,
  ) {}

  /** Takes up what an earlier window left. Only this person's entries are sent. */
  async begin(user: string | null): Promise<void> {
    this.user = user;
    try {
      this.entries = await this.store.all();
    } catch {
      this.broken = true;
    }
    this.tell();
    this.schedule();
  }

  watch(act: (state: QueueState) => void): () => void {
    this.watchers.add(act);
    act(this.state());
    return () => this.watchers.delete(act);
  }

  onSent(act: Sent): () => void {
    this.sentWatchers.add(act);
    return () => this.sentWatchers.delete(act);
  }

  state(): QueueState {
    return {
      waiting: this.entries.filter((entry) => entry.user === this.user),
      reached: this.reached,
      broken: this.broken,
    };
  }

  async add(entry: Waiting): Promise<void> {
    this.entries.push(entry);
    this.tell();
    try {
      await this.store.put(entry);
    } catch {
      // It still goes out from memory, but a closed window would lose it.
      this.broken = true;
      this.tell();
    }
    this.schedule();
  }

  /** Takes back the last decision that has not left yet. */
  async takeBack(inCase: string): Promise<Waiting | null> {
    const last = this.state()
      .waiting.filter((entry) => entry.case === inCase && entry.due > this.now() && entry.tries === 0)
      .at(-1);
    if (!last) return null;
    await this.drop(last);
    return last;
  }

  /** Removes one that the server refused, after a person has seen why. */
  async dismiss(key: string): Promise<void> {
    const entry = this.entries.find((one) => one.key === key);
    if (entry) await this.drop(entry);
  }

  /** Sends what waits now, grace or not: before signing out, before leaving. True when all is there. */
  async flush(): Promise<boolean> {
    const changed = this.state().waiting.filter((entry) => entry.due > this.now());
    for (const entry of changed) entry.due = this.now();
    await this.run();
    return this.state().waiting.length === 0;
  }

  /** Tries again at once: the browser says that the line is back. */
  retry(): void {
    void this.run();
  }

  private async drop(entry: Waiting): Promise<void> {
    this.entries = this.entries.filter((one) => one !== entry);
    await this.store.remove(entry.key).catch(() => undefined);
    this.tell();
  }

  private tell(): void {
    const state = this.state();
    for (const watcher of this.watchers) watcher(state);
  }

  private schedule(): void {
    clearTimeout(this.timer);
    const next = this.state().waiting.find((entry) => entry.refused === null);
    if (!next) return;
    const backoff = next.tries === 0 ? 0 : Math.min(SLOWEST, 1000 * 2 ** Math.min(next.tries - 1, 10));
    const wait = Math.max(next.due - this.now(), backoff, 0);
    this.timer = setTimeout(() => void this.run(), wait);
  }

  private run(): Promise<void> {
    this.busy ??= this.sendAll().finally(() => {
      this.busy = null;
      this.schedule();
    });
    return this.busy;
  }

  private async sendAll(): Promise<void> {
    for (;;) {
      const entry = this.state().waiting.find((one) => one.refused === null);
      if (!entry || entry.due > this.now()) return;
      // From here it may have reached the server, so it can no longer be taken back in silence.
      entry.tries += 1;
      try {
        const answer = await this.post(entry.path, entry.body);
        this.reached = true;
        await this.drop(entry);
        for (const watcher of this.sentWatchers) watcher(entry, answer);
      } catch (error) {
        if (error instanceof Problem && error.status === 401) return this.tell();
        if (!(error instanceof Problem) || error.passing) {
          this.reached = false;
          return this.tell();
        }
        this.reached = true;
        entry.refused = error.message || error.title;
        await this.store.put(entry).catch(() => undefined);
        this.tell();
      }
    }
  }
}
