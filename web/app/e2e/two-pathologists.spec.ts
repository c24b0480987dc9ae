// Two pathologists on one case that is read once: what one decided the other changes, and says why.
import { expect, type Page, test } from "@playwright/test";
import type { Decision, Finding, Label, Outline, Slide } from "../src/api/types";
import { allSaved, ask, cases, demo, desk, examined, workAs } from "./steps";

test.describe.configure({ mode: "serial" });

let page: Page;
let here = "";
let finding = "";

const chosen = () => page.locator(`[data-finding="${finding}"]`);
const dialog = () => page.getByRole("dialog");
const decisions = () => ask<Decision[]>(page, "GET", `findings/${finding}/decisions`);

test.beforeAll(async ({ browser }) => {
  page = await desk(browser);
  await page.goto(`${demo}/#/`);
  await examined(page, 2);
  await workAs(page, "demo-pathologist");
  here = (await cases(page)).at(-1) ?? "";
  const id = here.split("/").pop();
  const { slides } = await ask<{ slides: Slide[] }>(page, "GET", `cases/${id}`);
  const [label] = await ask<Label[]>(page, "GET", "labels");
  const outline: Outline = [
    [
      [
        [1000, 1000],
        [2200, 1000],
        [2200, 2200],
        [1000, 2200],
      ],
    ],
  ];
  await ask(page, "POST", `cases/${id}/findings`, {
    key: crypto.randomUUID(),
    slide: slides[0]?.id,
    label: label?.name,
    outline,
    viewed: [],
    milliseconds: 1000,
  });
  const { findings } = await ask<{ findings: Finding[] }>(page, "GET", `cases/${id}/findings`);
  finding = findings.filter(({ by_person }) => by_person).sort((a, b) => (a.at < b.at ? 1 : -1))[0]?.id ?? "";
  expect(finding).not.toBe("");
  await workAs(page, "demo-adjudicator");
  await page.goto(`${demo}/${here}`);
  await chosen().click();
  await page.waitForTimeout(600);
});

test.afterAll(() => page.context().close());

test("a colleague's decision is changed with a reason that is asked before it is sent", async () => {
  await expect(chosen()).toHaveAttribute("data-state", "accepted");
  await expect(page.getByText("Decide again to change it; a reason is asked.")).toBeVisible();
  const sent: string[] = [];
  page.on("request", (request) => request.method() === "POST" && sent.push(request.url()));
  await page.keyboard.press("a");
  await expect(dialog()).toContainText("Why is the decision changed?");
  expect(sent.filter((url) => /amendment|decision/.test(url))).toEqual([]);
  await dialog().getByLabel("Reason").fill("Looked at again: it stands.");
  await dialog().getByRole("button", { name: "Save" }).click();
  await allSaved(page);
  await expect(page.locator(".saved")).toContainText("All saved");
  const last = (await decisions()).at(-1);
  expect(last?.manner).toBe("amendment");
  expect(last?.reason).toBe("Looked at again: it stands.");
});

test("a correction that is refused is tried again with what was drawn", async () => {
  await page.route("**/amendment", (route) =>
    route.fulfill({ status: 409, json: { title: "Look again", detail: "decision 1 does not stand" } }),
  );
  const before = (await decisions()).length;
  await chosen().click();
  await page.waitForTimeout(600);
  await page.keyboard.press("c");
  await expect(page.locator(".tool-hint")).toContainText("Drag a corner");
  await page.keyboard.press("Enter");
  await expect(dialog()).toContainText("Which label?");
  await page.keyboard.press("1");
  await expect(dialog()).toContainText("Why is the decision changed?");
  await dialog().getByLabel("Reason").fill("The border was too wide.");
  await dialog().getByRole("button", { name: "Save" }).click();
  const again = page.locator(".saved").getByRole("button", { name: "Try again" });
  await expect(again).toBeVisible();
  await page.unroute("**/amendment");

  await again.click();
  await expect(page.locator(".tool-hint")).toContainText("Drag a corner");
  await expect(again).toHaveCount(0);
  await expect(chosen()).toHaveAttribute("aria-current", "true");
  await page.locator(".slide-map").focus();
  await page.keyboard.press("Enter");
  await page.keyboard.press("1");
  await expect(dialog().getByLabel("Reason")).toHaveValue("The border was too wide.");
  await dialog().getByRole("button", { name: "Save" }).click();
  await allSaved(page);
  await expect(chosen()).toHaveAttribute("data-state", "corrected");
  const all = await decisions();
  expect(all.length).toBe(before + 1);
  expect(all.at(-1)?.reason).toBe("The border was too wide.");
  expect(all.at(-1)?.outline?.length).toBeGreaterThan(0);
});
