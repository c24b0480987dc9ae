// What a reader's hand does beside deciding: outlines, points, lengths, later, handing out, two slides.
import { expect, type Page, test } from "@playwright/test";
import { putObjects } from "./objects";
import {
  accessible,
  allSaved,
  cases,
  changed,
  demo,
  desk,
  examined,
  magnification,
  picture,
  tissue,
} from "./steps";

test.describe.configure({ mode: "serial" });

let page: Page;
let here: string;
let other: string;

/** Clicks on the slide, counted from its upper left corner. */
async function clicks(places: readonly (readonly [number, number])[]): Promise<void> {
  const box = await page.locator(".slide-map").first().boundingBox();
  if (!box) throw new Error("no map");
  for (const [x, y] of places) {
    await page.mouse.click(box.x + x, box.y + y, { delay: 30 });
    // Two clicks close together are a double click, which ends a drawing.
    await page.waitForTimeout(350);
  }
}

const dialog = () => page.getByRole("dialog");

test.beforeAll(async ({ browser }) => {
  page = await desk(browser);
  await page.goto(`${demo}/#/`);
  await examined(page, 2);
  [other = "", here = ""] = await cases(page);
  await page.goto(`${demo}/${here}`);
  await expect(page.locator(".finding.diagnosis").first()).toBeVisible();
});

test.afterAll(() => page.context().close());

test("an outline is not lost when its label is not chosen", async () => {
  const all = await page.locator(".finding").count();
  await page.keyboard.press("d");
  await clicks([
    [300, 500],
    [420, 500],
    [420, 600],
  ]);
  await page.keyboard.press("Enter");
  await expect(dialog()).toContainText("Which label?");
  await page.keyboard.press("Escape");
  await expect(dialog()).toHaveCount(0);
  await expect(page.locator(".toast")).toContainText("The outline is kept");
  await expect(page.locator(".tool-hint")).toContainText("Drag a corner");
  await page.keyboard.press("Enter");
  await dialog().getByRole("button", { name: "Cancel" }).click();
  await expect(page.locator(".tool-hint")).toContainText("Drag a corner");
  await page.locator(".slide-map").focus();
  await page.keyboard.press("Enter");
  await expect(dialog()).toContainText("Which label?");
  await page.keyboard.press("1");
  await allSaved(page);
  await expect(page.locator(".finding")).toHaveCount(all + 1);
  // Thrown away only where that is said.
  await page.keyboard.press("d");
  await clicks([
    [300, 300],
    [420, 300],
    [420, 400],
  ]);
  await page.keyboard.press("Escape");
  await expect(page.locator(".tool-hint")).toHaveCount(0);
  await expect(page.locator(".finding")).toHaveCount(all + 1);
});

/** The window is closed in the middle of the work, and the case opened in another. */
async function closeAndOpenAgain(): Promise<void> {
  const context = page.context();
  await page.close();
  page = await context.newPage();
  await page.goto(`${demo}/${here}`);
  await expect(page.locator(".toast")).toContainText("Your unfinished outline is back");
}

test("an outline being drawn outlives a closed window", async () => {
  const all = await page.locator(".finding").count();
  await page.keyboard.press("d");
  await clicks([
    [300, 300],
    [420, 300],
    [420, 400],
    [360, 440],
  ]);
  await closeAndOpenAgain();
  // The same tool, with the same corners: one is taken back, one is set, and it is finished.
  await expect(page.locator(".tool-hint")).toContainText("Enter finishes");
  await page.keyboard.press("u");
  const map = await page.locator(".slide-map").boundingBox();
  await clicks([[(map?.width ?? 0) / 2 - 90, (map?.height ?? 0) / 2 + 150]]);
  await picture(page, "outline-back", false);
  await page.locator(".slide-map").focus();
  await page.keyboard.press("Enter");
  await expect(dialog()).toContainText("Which label?");
  // Not even while its label is asked.
  await closeAndOpenAgain();
  await expect(page.locator(".tool-hint")).toContainText("Drag a corner");
  await page.locator(".slide-map").focus();
  await page.keyboard.press("Enter");
  await page.keyboard.press("1");
  await allSaved(page);
  await expect(page.locator(".finding")).toHaveCount(all + 1);
  const { findings } = await (
    await page.request.get(`${demo}/api/v1/cases/${here.split("/").pop()}/findings`)
  ).json();
  expect(findings.filter((one: { by_person: boolean }) => one.by_person).at(-1).outline[0][0]).toHaveLength(
    4,
  );
  await page.reload();
  await expect(page.locator(".finding")).toHaveCount(all + 1);
  await page.waitForTimeout(1000);
  await expect(page.locator(".tool-hint")).toHaveCount(0);
});

test("a correction by brush outlives a closed window, and is gone when it is thrown away", async () => {
  const lesion = page.locator('.finding.diagnosis[data-state="proposed"]').first();
  const id = await lesion.getAttribute("data-finding");
  const same = () => page.locator(`[data-finding="${id}"]`);
  await lesion.click();
  await page.waitForTimeout(600);
  await page.keyboard.press("c");
  await page.keyboard.press("b");
  const box = await page.locator(".slide-map").boundingBox();
  if (!box) throw new Error("no map");
  await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2);
  await page.mouse.down();
  await page.mouse.move(box.x + box.width / 2 + 200, box.y + box.height / 2 - 40, { steps: 8 });
  await page.mouse.up();
  // At once: the hand has not rested yet.
  await closeAndOpenAgain();
  await expect(page.locator(".tool-hint")).toContainText("Drag paints");
  await expect(same()).toHaveAttribute("aria-current", "true");
  await page.locator(".slide-map").focus();
  await page.keyboard.press("Enter");
  await expect(dialog()).toContainText("Which label?");
  await page.keyboard.press("Escape");
  await page.keyboard.press("Escape");
  await expect(page.locator(".tool-hint")).toHaveCount(0);
  await expect(same()).toHaveAttribute("data-state", "proposed");
  await page.reload();
  await expect(same()).toBeVisible();
  await page.waitForTimeout(1000);
  await expect(page.locator(".tool-hint")).toHaveCount(0);
});

test("a point is a finding of its own", async () => {
  const all = await page.locator(".finding").count();
  const points = page.locator(".finding", { hasText: "point" });
  const before = await points.count();
  await page.keyboard.press("p");
  await expect(page.locator(".tool-hint")).toContainText("Click the place");
  await clicks([[500, 420]]);
  await expect(dialog()).toContainText("Which label?");
  await page.keyboard.press("2");
  await allSaved(page);
  await expect(page.locator(".finding")).toHaveCount(all + 1);
  await expect(points).toHaveCount(before + 1);
});

test("lengths are micrometres and millimetres of the slide", async () => {
  const inMicrometres = async () => {
    const text = (await page.locator(".measured").textContent()) ?? "";
    return Number.parseFloat(text) * (text.endsWith("mm") ? 1000 : 1);
  };
  const measure = async () => {
    await page.keyboard.press("m");
    await clicks([
      [300, 300],
      [500, 300],
    ]);
    await page.keyboard.press("Enter");
    const said = await inMicrometres();
    // Ten micrometres a screen pixel at 1×, as scanners name magnifications.
    const expected = (200 * 10) / (await magnification(page));
    expect(Math.abs(said - expected) / expected).toBeLessThan(0.02);
    await picture(page, "measure", false);
    await page.keyboard.press("Escape");
    await expect(page.locator(".measured")).toHaveCount(0);
  };
  await page.keyboard.press("0");
  await page.waitForTimeout(500);
  await measure();
  for (let i = 0; i < 4; i++) {
    await page.keyboard.press("+");
    await page.waitForTimeout(350);
  }
  await measure();
  await page.keyboard.press("0");
});

test("what is decided later stays to be decided", async () => {
  const lesion = page.locator('.finding.diagnosis[data-state="proposed"]').first();
  const id = await lesion.getAttribute("data-finding");
  await lesion.click();
  await page.keyboard.press("l");
  await expect(dialog()).toContainText("Why later?");
  await page.keyboard.press("1");
  await allSaved(page);
  await expect(page.locator(`[data-finding="${id}"]`)).toHaveAttribute("data-state", "deferred");
  await page.locator(`[data-finding="${id}"]`).click();
  await page.keyboard.press("a");
  await allSaved(page);
  await expect(page.locator(`[data-finding="${id}"]`)).toHaveAttribute("data-state", "accepted");
});

test("a case is handed out: how soon, and to whom", async () => {
  await page.getByRole("combobox", { name: "Urgency" }).selectOption("urgent");
  await expect(page.getByRole("combobox", { name: "Urgency" })).toHaveClass(/urgency-urgent/);
  await page.getByRole("combobox", { name: "Reader" }).selectOption({ label: "demo-pathologist" });
  await accessible(page);
  await page.getByRole("link", { name: "Worklist", exact: true }).first().click();
  const line = page.locator(".worklist tbody tr").first();
  await expect(line.locator(`a[href="${here}"]`)).toBeVisible();
  await expect(line).toContainText("Urgent");
  await expect(line).toContainText("demo-pathologist");
  await page.getByRole("button", { name: "Mine" }).click();
  await expect(page.locator(".worklist tbody tr")).toHaveCount(1);
});

test("two slides side by side move together, and apart when they shall", async () => {
  // Cases of several slides come with orders from elsewhere: here the other case's slide is lent to this one.
  const id = here.split("/").pop();
  const lender = await page.request.get(`${demo}/api/v1/cases/${other.split("/").pop()}`);
  const lent = (await lender.json()).slides[0];
  await page.route(`**/api/v1/cases/${id}`, async (route) => {
    const one = await (await route.fetch()).json();
    one.slides.push({ ...lent, label: "A1-2" });
    await route.fulfill({ json: one });
  });
  await page.route(`**/slides/${lent.id}/**`, (route) => route.fulfill({ json: { views: [], sets: [] } }));
  await page.goto(`${demo}/${here}`);
  await expect(page.locator(".finding").first()).toBeVisible();
  await page.getByRole("button", { name: "Side by side" }).click();
  const panes = page.locator(".pane");
  await expect(panes).toHaveCount(2);
  // Nothing of the first slide is cut off by the second.
  await page.waitForTimeout(500);
  const part = await page.locator(".overview .frame").first().boundingBox();
  const whole = await page.locator(".overview").first().boundingBox();
  expect(part?.width).toBeGreaterThan((whole?.width ?? 0) * 0.95);
  await page.keyboard.press("0");
  for (const pane of await panes.all())
    await expect.poll(() => tissue(page, pane), { timeout: 30_000 }).toBeGreaterThan(0.05);
  const power = (at: number) =>
    page
      .locator(".magnification")
      .nth(at)
      .getAttribute("data-magnification")
      .then((text) => Number(text));
  const left = (at: number) =>
    page
      .locator(".overview .frame")
      .nth(at)
      .boundingBox()
      .then((box) => box?.x ?? 0);
  await page.locator(".slide-map").first().focus();
  const before = await power(1);
  await page.keyboard.press("+");
  await page.waitForTimeout(500);
  expect(await power(0)).toBeGreaterThan(before * 1.5);
  expect((await power(1)) / (await power(0))).toBeCloseTo(1, 2);
  await page.keyboard.press("+");
  await page.waitForTimeout(500);
  const [l0, l1] = [await left(0), await left(1)];
  await page.locator(".slide-map").nth(1).focus();
  await page.keyboard.press("ArrowRight");
  await page.waitForTimeout(400);
  expect((await left(0)) - l0).toBeGreaterThan(2);
  expect((await left(1)) - l1).toBeGreaterThan(2);
  await accessible(page);
  await picture(page, "side-by-side");

  await page.getByLabel("Move together").uncheck();
  const alone = await power(0);
  await page.locator(".slide-map").nth(1).focus();
  await page.keyboard.press("+");
  await page.waitForTimeout(500);
  expect(await power(0)).toBeCloseTo(alone, 3);
  expect(await power(1)).toBeGreaterThan(alone * 1.5);
  await page.getByRole("button", { name: "Side by side" }).click();
  await expect(panes).toHaveCount(1);
  await page.unrouteAll({ behavior: "wait" });
});

test("objects by the hundred thousand are drawn, far and near", async () => {
  await putObjects(page, other, 300_000);
  await page.goto(`${demo}/${other}`);
  const tick = page.getByLabel(/Objects/);
  await expect(tick).toBeChecked();
  await page.waitForFunction(() => performance.getEntriesByName("objects-shown").length > 0);
  const map = page.locator(".slide-map");
  /** How much of the screen is not as it is without them. */
  const drawn = async () => {
    await tick.uncheck();
    await page.waitForTimeout(600);
    const without = await map.screenshot();
    await tick.check();
    await page.waitForTimeout(600);
    return changed(page, map, without);
  };
  await page.keyboard.press("0");
  await page.waitForTimeout(1000);
  await expect.poll(drawn).toBeGreaterThan(0.2);
  for (let i = 0; i < 4; i++) {
    await page.keyboard.press("+");
    await page.waitForTimeout(400);
  }
  await page.waitForTimeout(1000);
  await expect.poll(drawn).toBeGreaterThan(0.01);
  await picture(page, "objects", false);
  // The finding that stands for them all is named in the reader's language.
  await expect(page.locator(".finding .title", { hasText: "300,000 points" })).toBeVisible();
  await page.getByRole("button", { name: "中文" }).click();
  await expect(page.locator(".finding .title", { hasText: "300,000 个点" })).toBeVisible();
  await page.getByRole("button", { name: "English" }).click();
});
