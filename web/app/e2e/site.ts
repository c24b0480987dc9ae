// Sets up what the tests need: generated slides, a server with accounts, a demo server. A missing binary
// is a failure, never a skipped test.
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

const app = resolve(import.meta.dirname, "..");
const root = resolve(app, "../..");
const target = process.env.CARGO_TARGET_DIR ?? join(root, "target");
const binary = process.env.BIANQUE ?? join(target, "release/bianque");
const samples = process.env.BIANQUE_SAMPLES ?? join(app, "node_modules/.cache/samples");

const accountsPort = 4191;
const demoPort = 4192;
const togetherPort = 4193;
const readersPort = 4194;

const children: ChildProcess[] = [];

function slides(folder: string, seeds: number[]): void {
  mkdirSync(samples, { recursive: true });
  mkdirSync(folder, { recursive: true });
  for (const seed of seeds) {
    const file = join(samples, `sample-${seed}.svs`);
    if (!existsSync(file))
      execFileSync(binary, ["--quiet", "demo", "--slide-only", "--seed", String(seed), "--out", samples]);
    copyFileSync(file, join(folder, `sample-${seed}.svs`));
  }
}

/** Starts a server; its address, and what it said until it was ready. */
async function serve(
  folder: string,
  keep: string,
  port: number,
  more: string[],
): Promise<{ address: string; said: string }> {
  const address = `http://127.0.0.1:${port + 100}`;
  const listen = `127.0.0.1:${port + 100}`;
  const child = spawn(
    binary,
    ["serve", "--folder", folder, "--keep", keep, "--listen", listen, "--task", "sample", ...more],
    { cwd: root, stdio: ["ignore", "pipe", "pipe"] },
  );
  children.push(child);
  let said = "";
  for (const stream of [child.stdout, child.stderr])
    stream?.on("data", (text) => {
      said += text;
    });
  await until(`${address}/api/v1/session`, () => said);
  return { address, said };
}

/** People of a new site, each with the role that their name says, and one password. */
async function people(address: string, said: string, password: string, roles: string[]): Promise<void> {
  let [csrf, cookie] = ["", ""];
  const ask = async (method: string, path: string, body?: unknown) => {
    const headers = { "content-type": "application/json", "x-csrf-token": csrf, cookie };
    const answer = await fetch(`${address}/api/v1/${path}`, { method, headers, body: JSON.stringify(body) });
    if (!answer.ok) throw new Error(`${path}: ${await answer.text()}`);
    cookie = answer.headers.get("set-cookie")?.split(";")[0] ?? cookie;
    return answer.status === 204 ? null : answer.json();
  };
  const send = (path: string, body: unknown) => ask("POST", path, body);
  const login = "administrator";
  csrf = (await ask("GET", "session")).csrf;
  await send("first-administrator", { token: firstToken(said), login, password });
  csrf = (await send("session", { login, password })).csrf;
  for (const role of roles) {
    const { link } = await send("users", { login: role, roles: [role.replace(/-\d$/, "")] });
    await send("password", { token: /token=([\w-]+)/.exec(link)?.[1], password });
  }
}

function firstToken(said: string): string {
  const token = /first-administrator\?token=([\w-]+)/.exec(said)?.[1];
  if (!token) throw new Error(`no one-time link in: ${said}`);
  return token;
}

/** Where the app is: in the binary where that holds this build of it, else before it by the builder's preview. */
async function shown(address: string, port: number): Promise<string> {
  const built = join(app, "dist/index.html");
  if (!existsSync(built)) throw new Error("the app is not built: npm run build");
  const held = await fetch(`${address}/`).then((answer) => answer.text());
  if (held === readFileSync(built, "utf8")) return address;
  console.log(`the binary holds another build of the app: the tests use dist/ before ${address}`);
  const page = spawn(
    "npx",
    ["vite", "preview", "--host", "127.0.0.1", "--strictPort", "--port", String(port)],
    {
      cwd: app,
      // CI: without it the preview ends when its input does.
      env: { ...process.env, CI: "true", BIANQUE_SERVER: address },
      stdio: "ignore",
      detached: true,
    },
  );
  children.push(page);
  await until(`http://127.0.0.1:${port}/`, () => "the preview of dist/ does not start");
  return `http://127.0.0.1:${port}`;
}

async function until(address: string, why: () => string): Promise<void> {
  for (let i = 0; i < 300; i++) {
    const answer = await fetch(address).catch(() => null);
    if (answer?.ok) return;
    await new Promise((wake) => setTimeout(wake, 200));
  }
  throw new Error(`${address} does not answer: ${why()}`);
}

export default async function setup(): Promise<() => void> {
  if (!existsSync(binary)) throw new Error(`no server at ${binary}: build it or name it in BIANQUE`);
  const place = mkdtempSync(join(tmpdir(), "bianque-e2e-"));
  const end = () => {
    for (const child of children)
      try {
        if (child.pid) process.kill(child.spawnfile === "npx" ? -child.pid : child.pid);
      } catch {
        // It has ended already.
      }
    rmSync(place, { recursive: true, force: true, maxRetries: 5 });
  };
  try {
    await begin(place);
  } catch (error) {
    end();
    throw error;
  }
  return end;
}

async function begin(place: string): Promise<void> {
  slides(join(place, "accounts"), [7, 12]);
  slides(join(place, "demo"), [21, 34]);
  const accounts = await serve(join(place, "accounts"), join(place, "site"), accountsPort, []);
  const demo = await serve(join(place, "demo"), join(place, "demo-site"), demoPort, ["--demo"]);
  slides(join(place, "together"), [7, 12, 21]);
  const together = await serve(join(place, "together"), join(place, "together-site"), togetherPort, [
    "--demo",
  ]);
  slides(join(place, "readers"), [7, 12]);
  const readers = await serve(join(place, "readers"), join(place, "readers-site"), readersPort, []);
  const password = "three readers, one case";
  await people(readers.address, readers.said, password, [
    "pathologist",
    "second-reader",
    "pathologist-3",
    "technician",
    "clinician",
    "researcher",
  ]);
  // The tests run in processes of their own, which learn it from here.
  process.env.FIRST_TOKEN = firstToken(accounts.said);
  process.env.ACCOUNTS = await shown(accounts.address, accountsPort);
  process.env.DEMO = await shown(demo.address, demoPort);
  process.env.TOGETHER = await shown(together.address, togetherPort);
  process.env.DEMO_SERVER = demo.address;
  process.env.READERS = await shown(readers.address, readersPort);
  process.env.READERS_PASSWORD = password;
}
