// What must not go wrong: a dropped line, a hostile text, a small or enlarged screen.
import { expect, type Page, test } from "@playwright/test";
import { accessible, accounts, allSaved, demo, desk, examined, wide, workAs } from "./steps";

async function openCase(page: Page): Promise<void> {
  await page.goto(`${demo}/#/`);
  await examined(page, 2);
  await page.locator("a.case-link").first().click();
  await expect(page.locator(".finding").first()).toBeVisible();
}

test("a dropped connection loses no decision, nor does a closed window", async ({ browser }) => {
  const page = await desk(browser);
  await openCase(page);
  const lesion = page.locator('.finding.diagnosis[data-state="proposed"]').first();
  const id = await lesion.getAttribute("data-finding");
  await lesion.click();
  await page.context().setOffline(true);
  await page.keyboard.press("a");
  await expect(page.locator(".saved")).toContainText("No connection");
  await expect(page.locator(`[data-finding="${id}"]`)).toHaveAttribute("data-state", "sending");
  const address = page.url();
  await page.close();

  const again = await (await page.context()).newPage();
  await page.context().setOffline(false);
  // The server answers, but decisions do not get through yet: what waited is shown, still waiting.
  await again.route("**/decision", (route) => route.abort());
  await again.goto(address);
  await expect(again.locator(`[data-finding="${id}"]`)).toHaveAttribute("data-state", "sending");
  await again.unroute("**/decision");
  await allSaved(again);
  await expect(again.locator(`[data-finding="${id}"]`)).toHaveAttribute("data-state", "accepted");

  // An answer lost on its way back: the same key is sent again and counted once.
  const second = again.locator('.finding.diagnosis[data-state="proposed"]').first();
  const secondId = await second.getAttribute("data-finding");
  await second.click();
  let lost = 0;
  await again.route("**/decision", async (route) => {
    if (lost++ > 0) return route.continue();
    await route.fetch();
    await route.abort();
  });
  await again.keyboard.press("a");
  await allSaved(again);
  expect(lost).toBeGreaterThanOrEqual(2);
  await expect(again.locator(`[data-finding="${secondId}"]`)).toHaveAttribute("data-state", "accepted");
  const decisions = await (await again.request.get(`${demo}/api/v1/findings/${secondId}/decisions`)).json();
  expect(decisions.length).toBe(1);
  await again.context().close();
});

test("a script in a label, a headline, a producer or a reason stays words", async ({ browser }) => {
  const page = await desk(browser);
  const hostile = `<img src=x onerror="window.owned=1"><script>window.owned=1</script>`;
  await page.route("**/api/v1/labels", async (route) => {
    const labels = await (await route.fetch()).json();
    for (const label of labels)
      Object.assign(label, { en: hostile, zh: hostile, color: "red;}body{display:none" });
    await route.fulfill({ json: labels });
  });
  await page.route("**/findings", async (route) => {
    if (route.request().method() !== "GET") return route.continue();
    const answer = await (await route.fetch()).json();
    for (const one of answer.findings) {
      one.headline = hostile;
      one.producer = { name: hostile, version: hostile, digest: hostile };
    }
    await route.fulfill({ json: answer });
  });
  await openCase(page);
  await expect(page.locator(".finding.diagnosis .title").first()).toHaveText(hostile);
  await page.locator(".finding.diagnosis").first().click();
  await page.keyboard.press("d");
  await page.waitForTimeout(500);
  expect(await page.evaluate(() => (window as { owned?: number }).owned)).toBeUndefined();
  expect(await page.locator("#app img[src=x]").count()).toBe(0);
  await page.context().close();
});

test("at twice the zoom a decision can be made by hand, and nothing is wider than the screen", async ({
  browser,
}) => {
  const page = await desk(browser);
  await page.setViewportSize({ width: 720, height: 450 });
  await openCase(page);
  expect(await wide(page)).toBeLessThanOrEqual(0);
  const accept = page.locator(".decide .accept");
  await accept.scrollIntoViewIfNeeded();
  await expect(accept).toBeInViewport();
  const map = page.locator(".slide-map");
  await map.scrollIntoViewIfNeeded();
  const box = await map.boundingBox();
  expect(box?.height).toBeGreaterThan(250);
  expect(box?.width).toBeGreaterThan(600);
  await expect(page.getByRole("button", { name: "Measure" })).toBeInViewport();
  // The slide and what decides are on the screen together.
  for (const name of ["Accept", "Correct", "Refuse", "Next to decide"])
    await expect(page.locator(".decide").getByRole("button", { name })).toBeInViewport({ ratio: 1 });
  await expect(page.locator(".decide .decided-about")).toBeVisible();
  await page.context().close();
});

const looks = [
  { name: "at twice the zoom", theme: "light", language: "en", width: 720, height: 450 },
  { name: "in the dark room, in Chinese", theme: "dark", language: "zh", width: 1440, height: 900 },
  { name: "in Chinese", theme: "light", language: "zh", width: 1440, height: 900 },
] as const;

for (const look of looks)
  test(`every page passes axe ${look.name}, and fits the screen`, async ({ browser }) => {
    const page = await desk(browser, look);
    await page.setViewportSize({ width: look.width, height: look.height });
    const check = async (address: string, there: string) => {
      await page.goto(address);
      await expect(page.locator(there).first()).toBeVisible();
      await page.waitForTimeout(300);
      expect(await wide(page), address).toBeLessThanOrEqual(0);
      await accessible(page);
    };
    await check(`${accounts}/#/`, ".gate-card form");
    await check(`${accounts}/#/first-administrator?token=none`, ".gate-card form");
    await check(`${accounts}/#/password?token=none`, ".gate-card form");
    await openCase(page);
    await expect(page.locator("html")).toHaveAttribute("lang", look.language === "zh" ? "zh-CN" : "en");
    await page.locator(".layers input").first().check();
    await page.waitForTimeout(500);
    await accessible(page);
    const id = page.url().split("/case/")[1];
    await check(`${demo}/#/`, ".worklist tbody tr");
    await check(`${demo}/#/cost`, "h1");
    await check(`${demo}/#/improvement`, "h1");
    await check(`${demo}/#/case/${id}/report`, ".report");
    await check(`${demo}/#/case/${id}/compare`, "h1");
    await check(`${demo}/#/nowhere`, ".empty");
    await workAs(page, "demo-administrator");
    await check(`${demo}/#/audit`, "table.audit tbody tr");
    await check(`${demo}/#/people`, "form.settings");
    await page.context().close();
  });

test("the language changes at once", async ({ browser }) => {
  const page = await desk(browser, { language: "zh" });
  await page.goto(`${demo}/#/`);
  await expect(page.getByRole("heading", { name: "工作列表" })).toBeVisible();
  await page.getByRole("button", { name: "English" }).click();
  await expect(page.getByRole("heading", { name: "Worklist" })).toBeVisible();
  await page.context().close();
});
