import "fake-indexeddb/auto";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { Problem } from "../api/client";
import { Queue } from "./queue";
import { browserStore, type Waiting } from "./store";

let clock = 0;
const entry = (key: string, more: Partial<Waiting> = {}): Waiting => ({
  key,
  user: "u1",
  case: "c1",
  finding: "f1",
  path: "/x",
  body: { key },
  shown: { verdict: "accept" },
  at: clock++,
  due: 0,
  tries: 0,
  refused: null,
  ...more,
});

beforeEach(async () => {
  clock = 0;
  for (const one of await browserStore.all()) await browserStore.remove(one.key);
});

describe("queue", () => {
  it("keeps a decision through a dropped line and a new window, and sends it once the line is back", async () => {
    const dead = vi.fn(async () => {
      throw new Problem(0, "unreachable", "");
    });
    const first = new Queue(browserStore, dead);
    await first.begin("u1");
    await first.add(entry("a"));
    await first.add(entry("b"));
    expect(await first.flush()).toBe(false);
    expect(first.state().reached).toBe(false);

    const alive = vi.fn(async () => ({}));
    const second = new Queue(browserStore, alive);
    await second.begin("u1");
    expect(second.state().waiting.map((one) => one.key)).toEqual(["a", "b"]);
    expect(await second.flush()).toBe(true);
    expect(alive.mock.calls.map((call) => (call as unknown[])[1])).toEqual([{ key: "a" }, { key: "b" }]);
    expect(await browserStore.all()).toEqual([]);
  });

  it("never sends one person's decision under another's session", async () => {
    const post = vi.fn(async () => ({}));
    const queue = new Queue(browserStore, post);
    await queue.begin("u2");
    await queue.add(entry("a"));
    await queue.flush();
    expect(post).not.toHaveBeenCalled();
    expect((await browserStore.all()).length).toBe(1);
  });

  it("takes back the last decision within its grace, and no other", async () => {
    const post = vi.fn(async () => ({}));
    const queue = new Queue(browserStore, post, () => 1000);
    await queue.begin("u1");
    await queue.add(entry("a", { due: 5000 }));
    expect((await queue.takeBack("c1"))?.key).toBe("a");
    expect(await queue.takeBack("c1")).toBeNull();
    await queue.flush();
    expect(post).not.toHaveBeenCalled();
  });

  it("keeps what the server refuses for good, with its reason, and goes on with the next", async () => {
    const post = vi.fn(async (_path: string, body: unknown) => {
      if ((body as { key: string }).key === "a") throw new Problem(409, "signed", "the case is signed");
      return {};
    });
    const queue = new Queue(browserStore, post);
    await queue.begin("u1");
    await queue.add(entry("a"));
    await queue.add(entry("b"));
    await queue.flush();
    expect(queue.state().waiting.map((one) => [one.key, one.refused])).toEqual([["a", "the case is signed"]]);
    await queue.dismiss("a");
    expect(queue.state().waiting).toEqual([]);
  });

  it("says so when the browser can keep nothing, and still sends", async () => {
    const broken = {
      all: () => Promise.reject(new Error("full")),
      put: () => Promise.reject(new Error("full")),
      remove: () => Promise.reject(new Error("full")),
    };
    const post = vi.fn(async () => ({}));
    const queue = new Queue(broken, post);
    await queue.begin("u1");
    await queue.add(entry("a"));
    expect(queue.state().broken).toBe(true);
    expect(await queue.flush()).toBe(true);
  });
});
