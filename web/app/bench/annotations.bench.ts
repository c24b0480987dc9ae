// A million objects over a slide, put into a real server and shown by the real page: time to first paint,
// frames a second while panning over most of the screen, so that new squares come in all the time.
import { expect, type Page, test } from "@playwright/test";
import { putObjects } from "../e2e/objects";
import { cases, demo, desk, examined } from "../e2e/steps";

const COUNT = 1_000_000;
const ROUNDS = 3;

const median = (values: number[]) =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;

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
    await page.mouse.move(x + 0.42 * box.width * Math.sin(i / 24), y + 0.42 * box.height * Math.cos(i / 19));
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
    if (round === 0) await putObjects(page, (await cases(page))[0] ?? "", COUNT);
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
  const best = (values: number[]) => Math.min(...values).toFixed(0);
  console.log(`first paint: ${median(asked).toFixed(0)} ms (best ${best(asked)}) after they are asked for,`);
  console.log(`             ${median(opened).toFixed(0)} ms (best ${best(opened)}) after the case is opened`);
  for (const [name, runs] of Object.entries(rates))
    console.log(
      `pan, ${name}: ${median(runs.map((one) => one.fps)).toFixed(0)} frames/s (best ${Math.max(...runs.map((one) => one.fps)).toFixed(0)}), 95th percentile of a frame ${median(runs.map((one) => one.p95)).toFixed(0)} ms`,
    );
  expect(median(asked)).toBeGreaterThan(0);
});
