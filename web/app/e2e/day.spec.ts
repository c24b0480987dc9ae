// The whole day of a department, with accounts: first start to verified audit.
import { expect, type Page, test } from "@playwright/test";
import {
  accessible,
  accounts,
  allSaved,
  desk,
  examined,
  logIn,
  magnification,
  picture,
  states,
} from "./steps";

test.describe.configure({ mode: "serial" });

const password = "correct horse battery";
let lin: Page;

async function makePerson(admin: Page, login: string, role: string, also: string[] = []): Promise<void> {
  await admin.getByRole("textbox", { name: "Name" }).fill(login);
  const form = admin.locator("form.row");
  await form.getByLabel("Pathologist").setChecked(role === "Pathologist" || also.includes("Pathologist"));
  if (role !== "Pathologist") await form.getByLabel(role).check();
  await form.getByRole("button", { name: "Create" }).click();
  const box = admin.getByRole("textbox", { name: "New password link" });
  await expect(admin.locator(".made strong")).toHaveText(login);
  const link = await box.inputValue();
  const page = await admin.context().browser()?.newContext({ locale: "en-GB" });
  const own = await page?.newPage();
  if (!own) throw new Error("no page");
  await own.goto(link.replace(/^https?:\/\/[^/]+/, accounts));
  await own.getByLabel("Password", { exact: true }).fill(password);
  await own.getByLabel("Password again").fill(password);
  await own.getByRole("button", { name: "Create" }).click();
  await expect(own.getByText("Done.")).toBeVisible();
  await own.context().close();
  if (role !== "Pathologist") await form.getByLabel(role).uncheck();
}

test("first start: a one-time link makes the administrator, who adds people and sets the site", async ({
  browser,
}) => {
  const admin = await desk(browser);
  await admin.goto(`${accounts}/#/first-administrator?token=${process.env.FIRST_TOKEN}`);
  await accessible(admin);
  await admin.getByLabel("Name").fill("admin");
  await admin.getByLabel("Password", { exact: true }).fill(password);
  await admin.getByLabel("Password again").fill(password);
  await admin.getByRole("button", { name: "Create" }).click();
  await admin.getByRole("button", { name: "Log in" }).click();
  await accessible(admin);
  await picture(admin, "login");
  await logIn(admin, "admin", password);
  await admin.getByRole("link", { name: "People" }).click();
  await expect(admin.getByRole("heading", { name: "People" })).toBeVisible();
  await makePerson(admin, "lin", "Pathologist");
  await makePerson(admin, "zhou", "Second reader");
  await makePerson(admin, "wang", "Pathologist");
  await accessible(admin);
  await picture(admin, "people");
  await admin.getByLabel("Read first, then show AI").check();
  await admin.locator("form.settings").getByRole("button", { name: "Save" }).click();
  await expect(admin.getByText("Saved.", { exact: true })).toBeVisible();
  // The link is used up.
  const late = await desk(browser);
  await late.goto(`${accounts}/#/first-administrator?token=${process.env.FIRST_TOKEN}`);
  await late.getByLabel("Name").fill("second");
  await late.getByLabel("Password", { exact: true }).fill(password);
  await late.getByLabel("Password again").fill(password);
  await late.getByRole("button", { name: "Create" }).click();
  await expect(late.getByRole("alert")).toBeVisible();
  await late.context().close();
  await admin.context().close();
});

test("a wrong password opens nothing", async ({ browser }) => {
  const page = await desk(browser);
  await page.goto(`${accounts}/#/`);
  await page.getByLabel("Name").fill("lin");
  await page.getByLabel("Password").fill("not this one at all");
  await page.getByRole("button", { name: "Log in" }).click();
  await expect(page.getByRole("alert")).toHaveText("Name or password is wrong.");
  await page.context().close();
});

test("worklist by keyboard, read first, then reveal", async ({ browser }) => {
  lin = await desk(browser);
  await logIn(lin, "lin", password);
  await examined(lin, 2);
  await accessible(lin);
  await picture(lin, "worklist");
  await lin.keyboard.press("j");
  await lin.keyboard.press("j");
  await lin.keyboard.press("k");
  await expect(lin.locator("a.case-link").first()).toBeFocused();
  const asked: string[] = [];
  lin.on("request", (request) => asked.push(request.url()));
  await lin.keyboard.press("Enter");
  await expect(lin.locator(".kept-back")).toBeVisible();
  await expect(lin.locator(".overview img")).toBeVisible();
  await lin.waitForTimeout(1500);
  // Before it is asked for, the machine's work is not even on the line.
  expect(asked.filter((url) => /heatmap|annotations/.test(url))).toEqual([]);
  await expect(lin.locator(".finding.diagnosis")).toHaveCount(0);
  await accessible(lin);
  await picture(lin, "case-read-first");

  const far = await magnification(lin);
  await lin.keyboard.press("+");
  await lin.waitForTimeout(400);
  const near = await magnification(lin);
  expect(near).toBeGreaterThan(far * 1.5);
  const map = lin.locator(".slide-map").first();
  await map.focus();
  const frame = lin.locator(".overview .frame");
  const before = await frame.boundingBox();
  await lin.keyboard.press("ArrowRight");
  await lin.waitForTimeout(400);
  expect((await frame.boundingBox())?.x).toBeGreaterThan(before?.x ?? 0);
  const box = await map.boundingBox();
  if (!box) throw new Error("no map");
  await lin.mouse.move(box.x + 500, box.y + 300);
  await lin.mouse.down();
  await lin.mouse.move(box.x + 300, box.y + 300, { steps: 5 });
  await lin.mouse.up();

  await lin.keyboard.press("h");
  await expect(lin.getByRole("dialog")).toBeVisible();
  await accessible(lin);
  await lin.getByRole("dialog").getByRole("button", { name: "Show AI" }).click();
  await expect(lin.locator(".finding.diagnosis").first()).toBeVisible();
  expect(await lin.locator(".finding.diagnosis").count()).toBeGreaterThanOrEqual(3);
  await picture(lin, "case-revealed");
});

test("accept, correct by drawing, refuse, undo, draw: one key each", async () => {
  await lin.keyboard.press("n");
  const first = lin.locator('.finding[aria-current="true"]');
  await expect(first).toBeVisible();
  const all = await lin.locator(".finding").count();

  // Accepted, taken back within the grace, accepted again.
  const id = await first.getAttribute("data-finding");
  await lin.keyboard.press("a");
  await expect(lin.locator(`[data-finding="${id}"]`)).toHaveAttribute("data-state", "sending");
  await lin.keyboard.press("u");
  await expect(lin.locator(`[data-finding="${id}"]`)).toHaveAttribute("data-state", "proposed");
  await lin.keyboard.press("a");
  await allSaved(lin);
  await expect(lin.locator(`[data-finding="${id}"]`)).toHaveAttribute("data-state", "accepted");

  // Corrected: a corner is moved, and the label chosen by its number.
  const lesion = lin.locator('.finding.diagnosis[data-state="proposed"]').first();
  const lesionId = await lesion.getAttribute("data-finding");
  await lesion.click();
  await lin.waitForTimeout(600);
  await lin.keyboard.press("c");
  await expect(lin.locator(".tool-hint")).toContainText("Drag a corner");
  await lin.keyboard.press("b");
  await expect(lin.locator(".tool-hint")).toContainText("Drag paints");
  const box = await lin.locator(".slide-map").first().boundingBox();
  if (!box) throw new Error("no map");
  const middle = [box.x + box.width / 2, box.y + box.height / 2] as const;
  await lin.mouse.move(middle[0], middle[1]);
  await lin.mouse.down();
  await lin.mouse.move(middle[0] + 260, middle[1] - 40, { steps: 12 });
  await lin.mouse.up();
  await picture(lin, "case-brush", false);
  await lin.keyboard.press("Enter");
  await expect(lin.getByRole("dialog")).toContainText("Which label?");
  await accessible(lin);
  await picture(lin, "case-label", false);
  await lin.keyboard.press("1");
  await allSaved(lin);
  await expect(lin.locator(`[data-finding="${lesionId}"]`)).toHaveAttribute("data-state", "corrected");

  // Refused with a reason from the list.
  const other = lin.locator('.finding.diagnosis[data-state="proposed"]').first();
  const otherId = await other.getAttribute("data-finding");
  await other.click();
  await lin.keyboard.press("r");
  await lin.keyboard.press("1");
  await allSaved(lin);
  await expect(lin.locator(`[data-finding="${otherId}"]`)).toHaveAttribute("data-state", "refused");

  // Drawn anew.
  await lin.keyboard.press("0");
  await lin.waitForTimeout(500);
  await lin.keyboard.press("d");
  for (const [x, y] of [
    [300, 500],
    [420, 500],
    [420, 600],
    [330, 620],
  ] as const)
    await lin.mouse.click(box.x + x, box.y + y, { delay: 30 });
  await lin.waitForTimeout(350);
  await lin.keyboard.press("Enter");
  await expect(lin.getByRole("dialog")).toBeVisible();
  await lin.keyboard.press("2");
  await allSaved(lin);
  await expect(lin.locator(".finding")).toHaveCount(all + 1);

  // Measured in micrometres or millimetres.
  await lin.keyboard.press("m");
  await expect(lin.locator(".tool-hint")).toContainText("Click to measure");
  await lin.keyboard.press("Escape");

  // What is left is accepted.
  const open = async () => (await states(lin)).filter((state) => state === "proposed").length;
  for (let left = await open(); left > 0; left = await open()) {
    await lin.keyboard.press("n");
    await lin.keyboard.press("a");
    // A second key on the same finding would ask why the decision is changed.
    await expect.poll(open).toBeLessThan(left);
    await allSaved(lin);
  }
  await expect(lin.locator(".all-decided")).toBeVisible();
  await accessible(lin);
  await picture(lin, "case-decided");
});

test("the case is signed from confirmed findings only, and prints", async () => {
  await lin.getByRole("link", { name: "Report", exact: true }).click();
  await expect(lin.locator(".report tbody tr").first()).toBeVisible();
  await expect(lin.locator(".report")).toContainText("Refused proposals, not in this report: 1");
  await expect(lin.locator(".report")).toContainText("corrected by the reader");
  await accessible(lin);
  await picture(lin, "report-draft");
  await lin.getByLabel("Conclusion").fill("Adenocarcinoma. <img src=x onerror=\"document.title='owned'\">");
  await lin.getByRole("button", { name: "Sign out" }).click();
  await lin.getByRole("dialog").getByRole("button", { name: "Sign out" }).click();
  await expect(lin.locator(".stamp.signed")).toBeVisible();
  await expect(lin.locator(".conclusion")).toContainText("<img src=x");
  expect(await lin.title()).not.toBe("owned");
  await expect(lin.locator(".signature")).toContainText("lin");
  await accessible(lin);
  const pdf = await lin.pdf({ format: "A4" });
  expect(pdf.subarray(0, 5).toString()).toBe("%PDF-");
  expect(pdf.length).toBeGreaterThan(10_000);
  const number = (await lin.locator(".case-number").textContent()) ?? "";
  await lin.getByRole("link", { name: "Worklist" }).click();
  await lin.getByRole("button", { name: "Signed" }).click();
  await expect(lin.locator("a.case-link", { hasText: number })).toBeVisible();

  // A barcode reader types the number and Enter: the case is found in whatever state it is.
  await lin.getByRole("button", { name: "Open", exact: true }).click();
  await lin.keyboard.press("/");
  await lin.keyboard.type("no such number");
  await expect(lin.locator(".empty")).toHaveText("No case here has this in its number.");
  await accessible(lin);
  await lin.getByRole("searchbox", { name: "Find a case" }).fill("");
  // A part of a number opens nothing: it may be another patient's.
  await lin.getByRole("button", { name: "Signed" }).click();
  await lin.keyboard.press("/");
  await lin.keyboard.type(number.slice(0, -1));
  await lin.keyboard.press("Enter");
  await expect(lin.locator("a.case-link")).toHaveText([number]);
  await lin.waitForTimeout(600);
  await expect(lin.locator("a.case-link")).toHaveText([number]);
  await lin.getByRole("button", { name: "Open", exact: true }).click();
  await lin.getByRole("searchbox", { name: "Find a case" }).fill("");
  await lin.keyboard.type(number.toLowerCase());
  await lin.keyboard.press("Enter");
  await expect(lin.getByRole("heading", { level: 1 })).toHaveText(number);
  await lin.getByRole("navigation").getByRole("link", { name: "Worklist" }).click();
});

test("two readers differ, a third settles it, nothing is averaged", async ({ browser }) => {
  await lin.getByRole("button", { name: "Open", exact: true }).click();
  await lin.locator("a.case-link").first().click();
  await lin.getByRole("button", { name: "Second reader" }).click();
  await lin.getByRole("dialog").getByRole("button", { name: "Second reader" }).click();
  const link = lin.getByRole("link", { name: "Two readers" });
  await expect(link).toBeVisible();
  const address = lin.url();

  const read = async (page: Page, refuseFirst: boolean) => {
    await page.goto(address);
    await expect(page.locator(".kept-back")).toBeVisible();
    await page.keyboard.press("h");
    await page.getByRole("dialog").getByRole("button", { name: "Show AI" }).click();
    const lesions = page.locator(".finding.diagnosis");
    await expect(lesions.first()).toBeVisible();
    for (let i = 0; i < (await lesions.count()); i++) {
      await lesions.nth(i).click();
      if (i === 0 && refuseFirst) {
        await page.keyboard.press("r");
        await page.keyboard.press("1");
      } else await page.keyboard.press("a");
      await allSaved(page);
    }
  };
  await read(lin, false);
  const zhou = await desk(browser);
  await logIn(zhou, "zhou", password);
  await read(zhou, true);
  await zhou.context().close();

  const wang = await desk(browser);
  await logIn(wang, "wang", password);
  await wang.goto(`${address}/compare`);
  // The third reads before settling, as the others did.
  await expect(wang.locator(".dispute")).toHaveCount(1);
  await expect(wang.getByRole("button", { name: "Settle: Accept" })).toHaveCount(0);
  await wang.getByRole("link", { name: /Look at the case/ }).click();
  await expect(wang.locator(".kept-back")).toBeVisible();
  await wang.keyboard.press("h");
  await wang.getByRole("dialog").getByRole("button", { name: "Show AI" }).click();
  await expect(wang.locator(".finding.diagnosis").first()).toBeVisible();
  await wang.getByRole("link", { name: "Two readers" }).click();
  await expect(wang.getByRole("heading", { name: "To settle" })).toBeVisible();
  await expect(wang.locator(".dispute")).toHaveCount(1);
  await expect(wang.locator("tr.differs")).toHaveCount(1);
  await accessible(wang);
  await picture(wang, "two-readers");
  await expect(wang.getByRole("button", { name: "Settle: Accept" })).toBeVisible();
  // Neither is right: the third draws an outline of his own.
  await wang.getByRole("link", { name: "Neither: decide on the slide" }).click();
  await expect(wang.locator(".settling")).toContainText("What you decide here settles it");
  const disputed = wang.locator('.finding[data-state="disputed"]');
  await expect(disputed).toHaveAttribute("aria-current", "true");
  const finding = await disputed.getAttribute("data-finding");
  const looked = wang.locator(".slide-map");
  await expect(looked).toBeVisible();
  await disputed.click();
  await wang.waitForTimeout(700);
  await wang.keyboard.press("c");
  await wang.keyboard.press("b");
  await looked.focus();
  for (const key of ["ArrowUp", "Space", "Shift+ArrowRight", "Shift+ArrowUp", "Shift+ArrowUp", "Enter"])
    await wang.keyboard.press(key);
  await expect(wang.getByRole("dialog")).toContainText("Which label?");
  await wang.keyboard.press("1");
  await allSaved(wang);
  await expect(wang.locator(`[data-finding="${finding}"]`)).toHaveAttribute("data-state", "corrected");
  const decisions = await (await wang.request.get(`${accounts}/api/v1/findings/${finding}/decisions`)).json();
  const settled = decisions.find((one: { manner: string }) => one.manner === "adjudication");
  expect(settled.verdict).toBe("correct");
  expect(settled.outline.length).toBeGreaterThan(0);
  expect(decisions.filter((one: { manner: string }) => one.manner === "reading")).toHaveLength(2);
  await wang.goto(`${address}/compare`);
  await expect(wang.getByText("Nothing is disputed.")).toBeVisible();
  await wang.goto(`${accounts}/#/cost`);
  await expect(wang.locator("tbody tr").first()).toBeVisible();
  await accessible(wang);
  await picture(wang, "cost");
  await wang.context().close();
});

test("a signed case is opened again with a reason, and signed anew", async () => {
  await lin.goto(`${accounts}/#/`);
  await lin.getByRole("button", { name: "Signed" }).click();
  await lin.locator("a.case-link").first().click();
  await lin.getByRole("link", { name: "Report", exact: true }).click();
  await expect(lin.locator(".stamp.signed")).toContainText("Version 1");
  await lin.getByRole("button", { name: "Reopen" }).click();
  await accessible(lin);
  await lin.getByRole("dialog").getByLabel("Reason").fill("The conclusion names the wrong side.");
  await lin.getByRole("dialog").getByRole("button", { name: "Save" }).click();
  await expect(lin.locator(".stamp")).toHaveText("Draft, not signed");
  await lin.getByLabel("Conclusion").fill("Adenocarcinoma, left.");
  await lin.getByRole("button", { name: "Sign out" }).click();
  await lin.getByRole("dialog").getByRole("button", { name: "Sign out" }).click();
  await expect(lin.locator(".stamp.signed")).toContainText("Version 2");
  await expect(lin.locator(".conclusion")).toHaveText("Adenocarcinoma, left.");
  await picture(lin, "report-signed");
  await lin.emulateMedia({ media: "print" });
  await picture(lin, "report-printed", false);
  await lin.emulateMedia({ media: null });
});

test("the audit is whole", async ({ browser }) => {
  const admin = await desk(browser);
  await logIn(admin, "admin", password);
  await admin.getByRole("link", { name: "Audit" }).click();
  await expect(admin.locator("table.audit tbody tr").first()).toBeVisible();
  await admin.getByRole("button", { name: "Verify the chain" }).click();
  await expect(admin.locator(".verdict.whole")).toContainText("The chain is whole");
  await accessible(admin);
  await picture(admin, "audit");
  await admin.context().close();
  await lin.context().close();
});
