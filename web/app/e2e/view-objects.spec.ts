// Many objects and many regions: every set and class is there, with its number, and nothing is left out in silence.
import { expect, type Page, test } from "@playwright/test";
import { putObjects } from "./objects";
import { accessible, cases, changed, demo, desk, examined, picture } from "./steps";

test.describe.configure({ mode: "serial" });

let page: Page;
let here = "";

const map = () => page.locator(".slide-map");
/** The slide without objects, and how much of the screen is not as it was then. */
let bare: Buffer;
const drawn = () => changed(page, map(), bare);

test.beforeAll(async ({ browser }) => {
  page = await desk(browser);
  await page.goto(`${demo}/#/`);
  await examined(page, 2);
  here = (await cases(page))[0] ?? "";
});

test.afterAll(() => page.context().close());

test("every set is listed, counted and drawn; sets and classes are put off one by one", async () => {
  await putObjects(page, here, 60_000, "key=glands-1&label=glands&classes=one,two,three");
  await putObjects(page, here, 40_000, "key=vessels-1&label=vessels&classes=vessel");
  await page.goto(`${demo}/${here}`);
  const glands = page.getByRole("checkbox", { name: /glands/ });
  const vessels = page.getByRole("checkbox", { name: /vessels/ });
  await expect(glands).toBeChecked();
  await expect(vessels).toBeChecked();
  await expect(page.locator(".objects")).toContainText("60,000");
  await expect(page.locator(".objects")).toContainText("40,000");
  const classes = page.locator(".objects .classes").last().getByRole("checkbox");
  await page.waitForFunction(() => performance.getEntriesByName("objects-shown").length > 0);
  await expect(classes.first()).toBeChecked();
  // The numbers of the classes are those of the set.
  const numbers = await page
    .locator(".objects > ul > li", { has: glands })
    .locator(".classes .quiet")
    .allTextContents();
  expect(numbers.map((text) => Number(text.replaceAll(",", ""))).reduce((sum, one) => sum + one, 0)).toBe(
    60_000,
  );
  await expect(page.locator(".objects .look")).toContainText("density");
  await accessible(page);
  await picture(page, "objects-sets");
  await page.keyboard.press("0");
  await page.waitForTimeout(1500);
  await page.getByLabel(/Objects/).uncheck();
  await page.waitForTimeout(600);
  bare = await map().screenshot();
  await page.getByLabel(/Objects/).check();
  await expect.poll(drawn).toBeGreaterThan(0.02);
  // Near enough, each is a mark, and the legend says that it is no outline.
  for (let i = 0; i < 4; i++) {
    await page.keyboard.press("+");
    await page.waitForTimeout(400);
  }
  await expect(page.locator(".objects .look")).toContainText("not a measured outline");
  await picture(page, "objects-near", false);
  await page.keyboard.press("0");
  await page.waitForTimeout(1500);
  for (const one of await page.locator(".objects > ul > li > label input").all()) await one.uncheck();
  await expect.poll(drawn).toBeLessThan(0.002);
  await glands.check();
  await expect.poll(drawn).toBeGreaterThan(0.02);
  for (const one of await page.locator(".objects > ul > li", { has: glands }).locator(".classes input").all())
    await one.uncheck();
  await expect.poll(drawn).toBeLessThan(0.002);
});

test("a set that does not come is said, and comes when it is asked for again", async () => {
  let dead = true;
  await page.route("**/points", (route) => (dead ? route.abort() : route.continue()));
  await page.reload();
  const fault = page.locator(".objects .fault").first();
  await expect(fault).toContainText("could not be loaded");
  dead = false;
  // One set after the other; a fault that has just been asked for again may go before it is clicked.
  const faults = page.locator(".objects .fault");
  await expect(async () => {
    if (await faults.count())
      await faults.first().getByRole("button", { name: "Try again" }).click({ timeout: 500 });
    await expect(faults).toHaveCount(0, { timeout: 500 });
  }).toPass({ timeout: 15_000 });
  await page.keyboard.press("0");
  await expect.poll(drawn).toBeGreaterThan(0.02);
  await page.unrouteAll({ behavior: "wait" });
});

test("regions by the thousand: counted from afar, outlined near by, and listed by the page", async () => {
  const MANY = 3000;
  await page.route("**/findings", async (route) => {
    if (route.request().method() !== "GET") return route.continue();
    const answer = await (await route.fetch()).json();
    const one = answer.findings.find((finding: { outline: unknown }) => finding.outline);
    answer.findings = Array.from({ length: MANY }, (_, i) => {
      const [x, y] = [2000 + (i % 60) * 90, 1500 + Math.floor(i / 60) * 90];
      const outline = [
        [
          [
            [x, y],
            [x + 30, y],
            [x + 30, y + 30],
            [x, y + 30],
          ],
        ],
      ];
      return { ...one, id: `${i}`.padStart(32, "0"), outline, headline: "tumour", late: false };
    });
    await route.fulfill({ json: answer });
  });
  await page.reload();
  await expect(page.locator(".finding").first()).toBeVisible();
  await page.keyboard.press("0");
  // One is chosen, and is outlined at every zoom.
  await expect(page.locator(".counted")).toContainText("2,999 regions are too small");
  await expect(page.locator(".finding")).toHaveCount(200);
  await page.getByRole("button", { name: "2,800 more after these" }).click();
  await expect(page.getByRole("button", { name: "200 more before these" })).toBeVisible();
  await picture(page, "regions-far", false);
  for (let i = 0; i < 3; i++) {
    await page.keyboard.press("+");
    await page.waitForTimeout(400);
  }
  await expect(page.locator(".counted")).toHaveCount(0);
  await picture(page, "regions-near", false);
  await accessible(page);
  await page.unrouteAll({ behavior: "wait" });
});
