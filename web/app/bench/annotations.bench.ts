// A million objects over a slide, put into a real server and shown by the real page: time to first paint,
// frames a second while panning.
import { expect, type Page, test } from "@playwright/test";
import { cases, demo, desk, examined } from "../e2e/steps";

const COUNT = 1_000_000;
const ROUNDS = 3;

/** Clusters as tissue has them, with some strewn between: the same objects in every run. */
function objects(width: number, height: number): Buffer {
  const file = Buffer.alloc(8 + COUNT * 9);
  file.writeUInt32LE(0x31414e42, 0);
  file.writeUInt32LE(COUNT, 4);
  let seed = 20261128;
  const next = () => {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
    return seed / 4294967296;
  };
  const middles = Array.from(
    { length: 60 },
    () => [next() * width, next() * height, 200 + next() * 900] as const,
  );
  for (let i = 0; i < COUNT; i++) {
    const [x, y, spread] = middles[i % middles.length] as (typeof middles)[number];
    const strewn = i % 10 === 0;
    const angle = next() * 2 * Math.PI;
    const far = spread * Math.sqrt(-2 * Math.log(1 - next() * 0.9999));
    const clamp = (value: number, most: number) => Math.min(Math.max(value, 0), most - 1);
    file.writeFloatLE(strewn ? next() * width : clamp(x + far * Math.cos(angle), width), 8 + i * 8);
    file.writeFloatLE(strewn ? next() * height : clamp(y + far * Math.sin(angle), height), 12 + i * 8);
    file.writeUInt8(Math.floor(next() * 4), 8 + COUNT * 8 + i);
  }
  return file;
}

const median = (values: number[]) =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;

/** Puts the objects on the first slide of the first case, once. */
async function put(page: Page): Promise<void> {
  const { csrf } = await (await page.request.get(`${demo}/api/v1/session`)).json();
  const id = (await cases(page))[0]?.split("/").pop();
  const [slide] = (await (await page.request.get(`${demo}/api/v1/cases/${id}`)).json()).slides;
  const about = "key=bench-objects&label=nuclei&classes=a,b,c,d&producer=bench&version=1";
  const answer = await page.request.post(
    `${demo}/api/v1/cases/${id}/slides/${slide.id}/annotations?${about}`,
    {
      headers: { "x-csrf-token": csrf, "content-type": "application/octet-stream" },
      data: objects(slide.image.width, slide.image.height),
    },
  );
  if (!answer.ok()) throw new Error(await answer.text());
}

/** Moves the slide for four seconds and counts the page's frames. */
async function pan(page: Page): Promise<{ fps: number; p95: number }> {
  const box = await page.locator(".slide-map").boundingBox();
  if (!box) throw new Error("no map");
  await page.waitForTimeout(600);
  await page.evaluate(() => {
    const frames: number[] = [];
    Object.assign(window, { frames });
    const tick = (at: number) => {
      if ((window as unknown as { frames: number[] }).frames !== frames) return;
      frames.push(at);
      requestAnimationFrame(tick);
    };
    requestAnimationFrame(tick);
  });
  const [x, y] = [box.x + box.width / 2, box.y + box.height / 2];
  await page.mouse.move(x, y);
  await page.mouse.down();
  const end = Date.now() + 4000;
  for (let i = 0; Date.now() < end; i++)
    await page.mouse.move(x + 160 * Math.sin(i / 12), y + 110 * Math.cos(i / 9));
  await page.mouse.up();
  const gaps = await page.evaluate(() => {
    const { frames } = window as unknown as { frames: number[] };
    Object.assign(window, { frames: [] });
    return frames.slice(1).map((at, i) => at - (frames[i] as number));
  });
  gaps.sort((a, b) => a - b);
  const sum = gaps.reduce((all, gap) => all + gap, 0);
  return { fps: (gaps.length * 1000) / sum, p95: gaps[Math.floor(gaps.length * 0.95)] ?? 0 };
}

test("a million objects", async ({ browser }) => {
  test.setTimeout(300_000);
  const asked: number[] = [];
  const opened: number[] = [];
  const rates: Record<string, { fps: number; p95: number }[]> = {};
  const panned = async (page: Page, name: string) => {
    rates[name] ??= [];
    rates[name].push(await pan(page));
  };
  for (let round = 0; round < ROUNDS; round++) {
    const page = await desk(browser);
    await page.goto(`${demo}/#/`);
    await examined(page, 2);
    if (round === 0) await put(page);
    await page.evaluate(() => performance.mark("case-opened"));
    await page.locator("a.case-link").first().click();
    await page.waitForFunction(() => performance.getEntriesByName("objects-shown").length > 0, undefined, {
      timeout: 60_000,
    });
    const since = (mark: string) =>
      page.evaluate((from) => performance.measure("first", from, "objects-shown").duration, mark);
    asked.push(await since("objects-asked"));
    opened.push(await since("case-opened"));
    await panned(page, "the whole slide, all in view");
    for (let step = 0; step < 2; step++) {
      await page.keyboard.press("+");
      await page.waitForTimeout(350);
    }
    await panned(page, "four times nearer");
    await page.keyboard.press("+");
    await page.waitForTimeout(350);
    await panned(page, "eight times nearer");
    await page.getByLabel(/Objects/).uncheck();
    await panned(page, "eight times nearer, objects hidden");
    await page.context().close();
  }
  console.log(
    `${COUNT.toLocaleString("en")} objects, medians of ${ROUNDS} rounds; frames are those of the page`,
  );
  console.log(`first paint: ${median(asked).toFixed(0)} ms after they are asked for,`);
  console.log(`             ${median(opened).toFixed(0)} ms after the case is opened`);
  for (const [name, runs] of Object.entries(rates))
    console.log(
      `pan, ${name}: ${median(runs.map((one) => one.fps)).toFixed(0)} frames/s, 95th percentile of a frame ${median(runs.map((one) => one.p95)).toFixed(0)} ms`,
    );
  expect(median(asked)).toBeGreaterThan(0);
});
