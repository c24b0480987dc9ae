// A script that is really stored, in a label, a class and a reason, stays words on every page that shows it.
import { expect, type Page, test } from "@playwright/test";
import type { Finding } from "../src/api/types";
import { putObjects } from "./objects";
import { allSaved, ask, cases, demo, desk, examined, workAs } from "./steps";

const script = (name: string) => `<img src=x onerror="window.owned=1"><script>window.owned=1</script>${name}`;

async function inert(page: Page): Promise<void> {
  await page.waitForTimeout(500);
  expect(await page.evaluate(() => (window as { owned?: number }).owned)).toBeUndefined();
  expect(await page.locator("#app img[src=x], #app script").count()).toBe(0);
}

test("a stored script is inert in the list, on the slide, in the report and in the audit", async ({
  browser,
}) => {
  const page = await desk(browser);
  await page.goto(`${demo}/#/`);
  await examined(page, 2);
  await workAs(page, "demo-pathologist");
  const here = (await cases(page)).at(-1) ?? "";
  const id = here.split("/").pop();
  const about = new URLSearchParams({
    key: `hostile-${crypto.randomUUID()}`,
    label: script("set"),
    classes: script("one"),
  });
  await putObjects(page, here, 40, String(about));
  const found = async () =>
    (await ask<{ findings: Finding[] }>(page, "GET", `cases/${id}/findings`)).findings;
  const region = (await found()).find((one) => one.kind === "lesion-region" && one.state === "proposed");
  expect(region).toBeDefined();
  const decide = (finding: string, body: object) =>
    ask(page, "POST", `findings/${finding}/decision`, { key: crypto.randomUUID(), ...body });
  // A region's label is one of the site's list, and nothing else is taken.
  const correct = { verdict: "correct", label: script("label"), outline: region?.outline };
  await expect(decide(region?.id ?? "", correct)).rejects.toThrow("controlled list");
  await decide(region?.id ?? "", { verdict: "refuse", reason: script("reason") });

  await page.goto(`${demo}/${here}`);
  const title = (name: string) => page.locator(".finding .title", { hasText: script(name) });
  await expect(title("set")).toBeVisible();
  await expect(page.locator(".objects")).toContainText(script("set"));
  await title("set").click();
  await page.keyboard.press("c");
  await expect(page.locator(".toast")).toContainText("no outline here");
  await page.locator(".slide-map").hover();
  await inert(page);
  await page.keyboard.press("a");
  await allSaved(page);

  await page.goto(`${demo}/${here}/report`);
  await expect(page.locator(".report")).toContainText(script("set"));
  await inert(page);

  await workAs(page, "demo-administrator");
  await page.goto(`${demo}/#/audit`);
  const rows = page.locator("table.audit tbody tr");
  await expect(rows.first()).toBeVisible();
  await page.getByLabel("Case number, name or id").fill(script("search"));
  await page.getByLabel("Case number, name or id").press("Enter");
  await expect(page.getByText("No entry is like this.")).toBeVisible();
  await inert(page);
  await page.getByLabel("Case number, name or id").fill("");
  await page.getByLabel("Case number, name or id").press("Enter");
  await page.getByRole("combobox", { name: "What" }).selectOption("decision.made");
  await expect(rows.first()).toContainText(/Accept|Correct/);
  await inert(page);
  await page.context().close();
});
