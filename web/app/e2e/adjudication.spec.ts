// A third reader settles what two read differently, with both their outlines over the slide.
import { type Browser, expect, type Page, test } from "@playwright/test";
import type { Comparison, Finding, Outline } from "../src/api/types";
import {
  accessible,
  allSaved,
  ask,
  cases,
  desk,
  dress,
  examined,
  logIn,
  magnification,
  picture,
  readers,
  readersPassword,
  share,
  wide,
} from "./steps";

test.describe.configure({ mode: "serial" });

let page: Page;
let id = "";

const as = async (browser: Browser, login: string): Promise<Page> => {
  const own = await desk(browser);
  await logIn(own, login, readersPassword, readers);
  return own;
};
const titles = () => page.locator(".dispute-title");
const legend = () => page.locator("figcaption .reading-legend");
/** Colours of the two lines, as near as a picture's coding leaves them. */
const solid = (red: number, green: number, blue: number) =>
  red < 70 && green < 120 && blue > 90 && blue > red + 60;
const dashed = (red: number, green: number, blue: number) => red > 150 && green < 125 && blue < 70;

/** Wider by a part of its width, to the right. */
const moved = (outline: Outline): Outline => {
  const xs = outline.flat(2).map(([x]) => x);
  const by = (Math.max(...xs) - Math.min(...xs)) / 4;
  return outline.map((part) => part.map((ring) => ring.map(([x, y]): [number, number] => [x + by, y])));
};

test.beforeAll(async ({ browser }) => {
  const first = await as(browser, "pathologist");
  await examined(first, 2);
  id = ((await cases(first))[0] ?? "").split("/").pop() ?? "";
  await ask(first, "POST", `cases/${id}/second-reading`);
  const second = await as(browser, "second-reader");
  const { findings } = await ask<{ findings: Finding[] }>(first, "GET", `cases/${id}/findings`);
  const regions = findings.filter(({ kind }) => kind === "lesion-region");
  expect(regions.length).toBeGreaterThanOrEqual(3);
  for (const [i, region] of regions.entries()) {
    const decide = (own: Page, body: object) =>
      ask(own, "POST", `findings/${region.id}/decision`, { key: crypto.randomUUID(), ...body });
    const corrected = { verdict: "correct", label: region.label, outline: moved(region.outline ?? []) };
    await decide(first, { verdict: "accept" });
    await decide(
      second,
      i === 0 ? corrected : i === 1 ? { verdict: "refuse", reason: "artefact" } : { verdict: "accept" },
    );
  }
  await first.context().close();
  await second.context().close();
  page = await as(browser, "pathologist-3");
});

test.afterAll(() => page.context().close());

test("both outlines are on the slide, with their readers and what they share", async () => {
  await page.goto(`${readers}/#/case/${id}`);
  await page.getByRole("link", { name: "Two readers" }).click();
  await expect(titles()).toHaveCount(2);
  await expect(titles().first()).toHaveAttribute("aria-current", "true");
  await expect(legend()).toContainText("Reader 1 · pathologist solid line");
  await expect(legend()).toContainText("Reader 2 · second-reader dashed line");
  const { pairs } = await ask<Comparison>(page, "GET", `cases/${id}/comparison`);
  const iou = pairs[0]?.readings.find(({ overlap }) => overlap && overlap.iou < 1)?.overlap?.iou ?? 0;
  expect(iou).toBeGreaterThan(0.2);
  await expect(legend()).toContainText(`Overlap ${Math.round(iou * 100)}%`);
  await page.waitForTimeout(900);
  const map = page.locator(".slide-map");
  expect(await share(page, map, solid)).toBeGreaterThan(0.001);
  expect(await share(page, map, dashed)).toBeGreaterThan(0.0005);
  await accessible(page);
  await picture(page, "adjudication");
});

test("keys go from dispute to dispute, and the slide goes with them", async () => {
  const map = page.locator(".slide-map");
  const frame = () => page.locator(".overview .frame").getAttribute("style");
  const before = await frame();
  await page.keyboard.press("j");
  await expect(titles().nth(1)).toBeFocused();
  await expect(titles().nth(1)).toHaveAttribute("aria-current", "true");
  await expect(legend()).toContainText("Reader 2 · second-reader no outline");
  await expect.poll(frame).not.toBe(before);
  await page.waitForTimeout(600);
  expect(await share(page, map, dashed)).toBeLessThan(0.0005);
  await picture(page, "adjudication-refused", false);
  await page.keyboard.press("k");
  await expect(titles().first()).toBeFocused();
  await expect.poll(frame).toBe(before);

  // Moved away by keys, and back by the title.
  const near = await magnification(page);
  await map.focus();
  await page.keyboard.press("0");
  await expect.poll(() => magnification(page)).toBeLessThan(near);
  await page.keyboard.press("ArrowRight");
  await page.waitForTimeout(300);
  await titles().first().focus();
  await page.keyboard.press("Enter");
  await expect.poll(frame).toBe(before);
});

for (const look of [
  { name: "at twice the zoom", dark: false, width: 720, height: 450 },
  { name: "in the dark room, in Chinese", dark: true, width: 1440, height: 900 },
])
  test(`the comparison passes axe ${look.name}, and fits the screen`, async ({ browser }) => {
    const own = await as(browser, "pathologist-3");
    if (look.dark) await dress(own, "中文", "dark");
    await own.setViewportSize(look);
    await own.goto(`${readers}/#/case/${id}/compare`);
    await expect(own.locator("figcaption .reading-legend li")).toHaveCount(3);
    await own.waitForTimeout(600);
    expect(await wide(own)).toBeLessThanOrEqual(0);
    await accessible(own);
    await own.locator(".dispute-title").nth(1).click();
    await expect(own.locator("figcaption")).toBeInViewport();
    await picture(own, `adjudication-${look.width}`, false);
    await own.context().close();
  });

test("on the case too, while the third decides", async () => {
  await page.getByRole("link", { name: "Neither: decide on the slide" }).first().click();
  const here = page.locator(".chosen .reading-legend");
  await expect(here).toContainText("Reader 1 · pathologist solid line");
  await expect(here).toContainText("Overlap");
  await page.locator('.finding[aria-current="true"]').click();
  await page.waitForTimeout(900);
  const map = page.locator(".slide-map");
  expect(await share(page, map, solid)).toBeGreaterThan(0.001);
  expect(await share(page, map, dashed)).toBeGreaterThan(0.0005);
  await accessible(page);
  await picture(page, "adjudication-case", false);
  await page.goto(`${readers}/#/case/${id}/compare`);
});

test("one reading is taken over as it stands, with what was looked at", async () => {
  const finding = await titles().first().getAttribute("data-finding");
  // Looked at, not passed by.
  await page.waitForTimeout(1200);
  const sent = page.waitForRequest(/adjudication$/);
  await page.getByRole("button", { name: "Settle: Correct (Reader 2)" }).click();
  expect((await sent).postDataJSON().viewed.length).toBeGreaterThan(0);
  await allSaved(page);
  await expect(titles()).toHaveCount(1);
  const { findings } = await ask<{ findings: Finding[] }>(page, "GET", `cases/${id}/findings`);
  expect(findings.find((one) => one.id === finding)?.state).toBe("corrected");

  await page.getByRole("button", { name: "Settle: Refuse (Reader 2)" }).click();
  await page.keyboard.press("1");
  await allSaved(page);
  await expect(page.getByText("Nothing is disputed.")).toBeVisible();
  await expect(page.locator(".over-slide")).toHaveCount(0);
  await accessible(page);
});

test("who is one of the two settles nothing", async ({ browser }) => {
  const one = await as(browser, "pathologist");
  await one.goto(`${readers}/#/case/${id}/compare`);
  await expect(one.locator("tr.differs")).toHaveCount(2);
  await expect(one.getByRole("button", { name: /^Settle/ })).toHaveCount(0);
  await one.context().close();
});
