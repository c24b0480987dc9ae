// Sets up what the tests need: generated slides, a server with accounts, a demo server, and this
// build of the app before each. A missing binary is a failure, never a skipped test.
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

const root = resolve(import.meta.dirname, "../../..");
const binary = process.env.BIANQUE ?? join(root, "target/release/bianque");
const samples = process.env.BIANQUE_SAMPLES ?? join(import.meta.dirname, "../node_modules/.cache/samples");

export const accountsPort = 4191;
export const demoPort = 4192;

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
  if (readdirSync(folder).length < seeds.length) throw new Error("the sample slides were not made");
}

/** Starts a server and gives what it said until it was ready. */
async function serve(folder: string, keep: string, port: number, more: string[]): Promise<string> {
  const listen = `127.0.0.1:${port + 100}`;
  const child = spawn(
    binary,
    ["serve", "--folder", folder, "--keep", keep, "--listen", listen, "--task", "sample", ...more],
    { cwd: root, stdio: ["ignore", "pipe", "pipe"] },
  );
  children.push(child);
  let said = "";
  child.stdout?.on("data", (text) => {
    said += text;
  });
  child.stderr?.on("data", (text) => {
    said += text;
  });
  await until(`http://${listen}/api/v1/session`, () => said);
  const page = spawn(
    "npx",
    ["vite", "preview", "--host", "127.0.0.1", "--strictPort", "--port", String(port)],
    {
      cwd: resolve(import.meta.dirname, ".."),
      // CI: without it the preview ends when its input does.
      env: { ...process.env, CI: "true", BIANQUE_SERVER: `http://${listen}` },
      stdio: "ignore",
      detached: true,
    },
  );
  children.push(page);
  await until(`http://127.0.0.1:${port}/`, () => "the built page does not answer; run npm run build");
  return said;
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
  slides(join(place, "accounts"), [7, 12]);
  slides(join(place, "demo"), [21]);
  const end = () => {
    for (const child of children)
      try {
        if (child.pid) process.kill(child.spawnfile === "npx" ? -child.pid : child.pid);
      } catch {
        // It has ended already.
      }
    rmSync(place, { recursive: true, force: true });
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
  const said = await serve(join(place, "accounts"), join(place, "site"), accountsPort, []);
  const token = /first-administrator\?token=([\w-]+)/.exec(said)?.[1];
  if (!token) throw new Error(`no one-time link in: ${said}`);
  process.env.FIRST_TOKEN = token;
  await serve(join(place, "demo"), join(place, "demo-site"), demoPort, ["--demo"]);
}
