// A million objects over a slide in the real page: time to first paint, frames a second while panning.
import { expect, test } from "@playwright/test";
import { demo, desk, examined } from "../e2e/steps";

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

test("a million objects", async ({ browser }) => {
  test.setTimeout(300_000);
  const first: number[] = [];
  const rates: Record<string, { fps: number; p95: number }[]> = {
    "without objects": [],
    whole: [],
    near: [],
  };
  for (let round = 0; round < ROUNDS; round++) {
    const page = await desk(browser);
    let file: Buffer | null = null;
    await page.route("**/annotations", (route) =>
      route.fulfill({
        json: { sets: [{ id: "nuclei", label: "nuclei", count: COUNT, kind: "points", bounds: null }] },
      }),
    );
    await page.route("**/annotations/nuclei/points", (route) =>
      route.fulfill({ body: file ?? Buffer.alloc(0), contentType: "application/octet-stream" }),
    );
    await page.goto(`${demo}/#/`);
    await examined(page, 1);
    const id = (await page.locator("a.case-link").first().getAttribute("href"))?.split("/").pop();
    const one = await (await page.request.get(`${demo}/api/v1/cases/${id}`)).json();
    file = objects(one.slides[0].image.width, one.slides[0].image.height);
    await page.locator("a.case-link").first().click();
    await page.waitForFunction(() => performance.getEntriesByName("objects-shown").length > 0, undefined, {
      timeout: 60_000,
    });
    first.push(
      await page.evaluate(() => performance.measure("first", "objects-asked", "objects-shown").duration),
    );
    const box = await page.locator(".slide-map").boundingBox();
    if (!box) throw new Error("no map");
    const pan = async (name: string) => {
      await page.waitForTimeout(600);
      await page.evaluate(() => {
        const frames: number[] = [];
        Object.assign(window, { frames });
        const tick = (at: number) => {
          frames.push(at);
          if (frames.length < 100_000) requestAnimationFrame(tick);
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
        const frames = (window as unknown as { frames: number[] }).frames.slice();
        return frames.slice(1).map((at, i) => at - (frames[i] as number));
      });
      gaps.sort((a, b) => a - b);
      const sum = gaps.reduce((all, gap) => all + gap, 0);
      rates[name]?.push({ fps: (gaps.length * 1000) / sum, p95: gaps[Math.floor(gaps.length * 0.95)] ?? 0 });
    };
    await pan("whole");
    for (let i = 0; i < 3; i++) {
      await page.keyboard.press("+");
      await page.waitForTimeout(350);
    }
    await pan("near");
    await page.getByLabel(/Objects/).uncheck();
    await pan("without objects");
    await page.context().close();
  }
  console.log(
    `${COUNT.toLocaleString("en")} objects, ${ROUNDS} rounds, medians; frames are those of the page`,
  );
  console.log(`first paint after they were asked for: ${median(first).toFixed(0)} ms`);
  for (const [name, runs] of Object.entries(rates))
    console.log(
      `pan, ${name}: ${median(runs.map((one) => one.fps)).toFixed(0)} frames/s, 95th percentile of a frame ${median(runs.map((one) => one.p95)).toFixed(0)} ms`,
    );
  expect(median(first)).toBeGreaterThan(0);
});
