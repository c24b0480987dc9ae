// By keys alone: outlines, points, strokes and lengths; and words that outlive a reload.
import { expect, type Page, test } from "@playwright/test";
import { accessible, allSaved, cases, demo, desk, examined, magnification, picture } from "./steps";

test.describe.configure({ mode: "serial" });

let page: Page;
let here = "";

const dialog = () => page.getByRole("dialog");
const spoken = () => page.locator("[data-spoken]");
const last = async () => {
  const { findings } = await (
    await page.request.get(`${demo}/api/v1/cases/${here.split("/").pop()}/findings`)
  ).json();
  return findings.filter((one: { by_person: boolean }) => one.by_person).at(-1);
};

async function press(...keys: string[]): Promise<void> {
  for (const key of keys) {
    await page.keyboard.press(key);
    // Two presses close together are a double click, as with a mouse.
    if (key === "Space" || key === "Enter") await page.waitForTimeout(320);
  }
}

const times = (count: number, key: string) => Array<string>(count).fill(key);

test.beforeAll(async ({ browser }) => {
  page = await desk(browser);
  await page.goto(`${demo}/#/`);
  await examined(page, 2);
  here = (await cases(page))[1] ?? "";
  await page.goto(`${demo}/${here}`);
  await expect(page.locator(".finding.diagnosis").first()).toBeVisible();
  await page.waitForTimeout(600);
});

test.afterAll(() => page.context().close());

test("an outline is drawn by keys alone and saved", async () => {
  const all = await page.locator(".finding").count();
  await press("d");
  await expect(page.locator(".crosshair")).toBeHidden();
  await press("ArrowRight");
  await expect(page.locator(".crosshair")).toBeVisible();
  await expect(spoken()).toContainText("A cross is in the middle");
  await press("Space");
  await expect(spoken()).toHaveText("Corners: 1");
  await press(...times(3, "Shift+ArrowRight"), "Enter");
  await expect(spoken()).toHaveText("Corners: 2");
  // One too far is taken back.
  await press(...times(2, "Shift+ArrowRight"), "Space");
  await expect(spoken()).toHaveText("Corners: 3");
  await press("Backspace");
  await expect(spoken()).toHaveText("Corners: 2");
  await press(...times(2, "Shift+ArrowLeft"), ...times(2, "Shift+ArrowDown"), "Space");
  await press(...times(3, "Shift+ArrowLeft"), "Space");
  await expect(spoken()).toHaveText("Corners: 4");
  await picture(page, "keys-outline", false);
  await press("Enter");
  await expect(dialog()).toContainText("Which label?");
  await press("1");
  await allSaved(page);
  await expect(page.locator(".finding")).toHaveCount(all + 1);
  const { outline } = await last();
  expect(outline[0][0]).toHaveLength(4);
  const [a, b, c] = outline[0][0] as [number, number][];
  const perPixel = (b?.[0] ?? 0) - (a?.[0] ?? 0);
  expect((c?.[1] ?? 0) - (b?.[1] ?? 0)).toBeCloseTo((perPixel * 2) / 3, -1);
});

test("it closes on the first corner, and Esc throws it away", async () => {
  const all = await page.locator(".finding").count();
  await press("d", "ArrowDown", "Space", ...times(2, "Shift+ArrowRight"), "Space");
  await press(...times(2, "Shift+ArrowDown"), "Space", ...times(2, "Shift+ArrowUp"));
  await press(...times(2, "Shift+ArrowLeft"), "Space");
  await expect(dialog()).toContainText("Which label?");
  await press("Escape", "Escape");
  await expect(page.locator(".tool-hint")).toHaveCount(0);
  await expect(page.locator(".crosshair")).toBeHidden();
  await expect(page.locator(".finding")).toHaveCount(all);
});

test("the cross at the border moves the slide", async () => {
  await press("0");
  await page.waitForTimeout(400);
  await press("+", "+");
  await page.waitForTimeout(500);
  const frame = page.locator(".overview .frame");
  const before = (await frame.boundingBox())?.x ?? 0;
  await press("d", "ArrowRight", ...times(16, "Shift+ArrowRight"));
  await expect.poll(async () => (await frame.boundingBox())?.x ?? 0).toBeGreaterThan(before + 2);
  await press("Escape", "0");
  await page.waitForTimeout(400);
});

test("a point, a stroke and a length too", async () => {
  const all = await page.locator(".finding").count();
  await press("p", "ArrowLeft", ...times(3, "Shift+ArrowLeft"), "Enter");
  await expect(dialog()).toContainText("Which label?");
  await press("2");
  await allSaved(page);
  await expect(page.locator(".finding")).toHaveCount(all + 1);

  await press("b", "ArrowUp", "Space");
  await expect(spoken()).toHaveText("Down");
  await press(...times(3, "Shift+ArrowUp"), "Space");
  await expect(spoken()).toHaveText("Up");
  await press("Enter");
  await expect(dialog()).toContainText("Which label?");
  await press("1");
  await allSaved(page);
  await expect(page.locator(".finding")).toHaveCount(all + 2);
  const ys = (await last()).outline[0][0].map((at: [number, number]) => at[1]);
  const perPixel = 20 / (await magnification(page));
  // A stroke of three steps of 48 pixels with a brush of 48 across.
  expect((Math.max(...ys) - Math.min(...ys)) / perPixel).toBeGreaterThan(150);

  await press("m", "ArrowUp", "Space", ...times(4, "Shift+ArrowRight"));
  const text = (await page.locator(".measured").textContent()) ?? "";
  const micrometres = Number.parseFloat(text) * (text.endsWith("mm") ? 1000 : 1);
  expect(micrometres / ((192 * 10) / (await magnification(page)))).toBeCloseTo(1, 1);
  await press("Escape");
});

test("a proposal is corrected by keys alone", async () => {
  const lesion = page.locator('.finding.diagnosis[data-state="proposed"]').first();
  const id = await lesion.getAttribute("data-finding");
  await lesion.focus();
  await press("Enter");
  await page.waitForTimeout(600);
  await press("c");
  await page.locator(".slide-map").focus();
  await press("PageDown");
  await expect(page.locator(".crosshair")).toBeVisible();
  await press("Space", ...times(3, "Shift+ArrowUp"), "Space", "Enter");
  await expect(dialog()).toContainText("Which label?");
  await press("1");
  await allSaved(page);
  await expect(page.locator(`[data-finding="${id}"]`)).toHaveAttribute("data-state", "corrected");
});

test("the help of keys is one key away", async () => {
  await press("?");
  await expect(dialog()).toContainText("Draw, with or without a mouse");
  await accessible(page);
  await picture(page, "keys", false);
  await press("Escape");
  await expect(dialog()).toHaveCount(0);
});

test("a conclusion and a reason outlive a reload; a refusal is said in the reader's language", async () => {
  const deferred = page.locator('.finding.diagnosis[data-state="proposed"]').first();
  await deferred.click();
  await press("l");
  await dialog().getByLabel("Other").fill("Ask about the second block.");
  await page.reload();
  await expect(page.locator(".finding.diagnosis").first()).toBeVisible();
  await page.locator('.finding.diagnosis[data-state="proposed"]').first().click();
  await press("l");
  await expect(dialog().getByLabel("Other")).toHaveValue("Ask about the second block.");
  await press("Escape");

  await page.goto(`${demo}/${here}/report`);
  const conclusion = page.getByLabel("Conclusion");
  await conclusion.fill("Adenoma, low grade.");
  await page.context().setOffline(true);
  await conclusion.fill("Adenoma, low grade. Margins free.");
  await page.context().setOffline(false);
  await page.reload();
  await expect(conclusion).toHaveValue("Adenoma, low grade. Margins free.");
  await page.goto(`${demo}/#/`);
  await page.goto(`${demo}/${here}/report`);
  await expect(conclusion).toHaveValue("Adenoma, low grade. Margins free.");

  await page.route("**/sign-out", (route) =>
    route.fulfill({
      status: 409,
      json: { title: "Look again", detail: "the case is signed: open it again, with a reason, to amend it" },
    }),
  );
  await page.getByRole("button", { name: "中文" }).click();
  const leave = page.getByLabel(/不纳入未判定项/);
  if (await leave.count()) await leave.check();
  await page.getByRole("button", { name: "签发" }).click();
  await dialog().getByRole("button", { name: "签发" }).click();
  await expect(page.getByRole("alert")).toContainText("病例已签发。请写明理由重新打开后再修改。");
  await page.unrouteAll({ behavior: "wait" });
  await page.getByRole("button", { name: "English" }).click();
  // Not signed: the words are still there.
  await expect(conclusion).toHaveValue("Adenoma, low grade. Margins free.");
});
