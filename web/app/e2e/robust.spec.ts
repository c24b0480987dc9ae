// What must not go wrong: a dropped line, a hostile text, a small or enlarged screen.
import { expect, type Page, test } from "@playwright/test";
import { accessible, allSaved, demo, desk, examined } from "./steps";

async function openCase(page: Page): Promise<void> {
  await page.goto(`${demo}/#/`);
  await examined(page, 1);
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

test("at twice the zoom everything is there, and nothing is wider than the screen", async ({ browser }) => {
  const page = await desk(browser);
  await page.setViewportSize({ width: 720, height: 450 });
  await openCase(page);
  const wide = () =>
    page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  expect(await wide()).toBeLessThanOrEqual(0);
  const accept = page.locator(".decide .accept");
  await accept.scrollIntoViewIfNeeded();
  await expect(accept).toBeInViewport();
  await accessible(page);
  for (const where of ["#/", "#/cost"]) {
    await page.goto(`${demo}/${where}`);
    await page.waitForTimeout(400);
    expect(await wide()).toBeLessThanOrEqual(0);
    await accessible(page);
  }
  await page.context().close();
});

test("dark room and Chinese pass the same checks", async ({ browser }) => {
  const page = await desk(browser, { theme: "dark", language: "zh" });
  await openCase(page);
  await expect(page.locator("html")).toHaveAttribute("lang", "zh-CN");
  await page.locator(".layers input").first().check();
  await page.waitForTimeout(500);
  await accessible(page);
  await page.goto(`${demo}/#/`);
  await expect(page.getByRole("heading", { name: "工作列表" })).toBeVisible();
  await accessible(page);
  await page.getByRole("button", { name: "English" }).click();
  await expect(page.getByRole("heading", { name: "Worklist" })).toBeVisible();
  await page.context().close();
});
