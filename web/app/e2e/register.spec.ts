// Slides that came alone make one case, by keyboard and mouse, and come apart again; a case that chance has
// drawn is read before AI is shown.
import { expect, type Page, test } from "@playwright/test";
import { accessible, cases, desk, examined, picture, wide, workAs } from "./steps";

const site = process.env.TOGETHER ?? "";

test.describe.configure({ mode: "serial" });

let page: Page;
let slides = 0;

const alone = () => page.locator(".alone input[type=checkbox]");
const fill = (label: string, words: string) => page.getByLabel(label, { exact: true }).fill(words);

test.beforeAll(async ({ browser }) => {
  page = await desk(browser);
  await page.goto(`${site}/#/`);
  await expect(page.locator("a.case-link").first()).toBeVisible();
  slides = await page.locator("a.case-link").count();
  await examined(page, slides);
  await workAs(page, "demo-technician");
});

test.afterAll(() => page.context().close());

test("two slides are put together into one case", async () => {
  await page.getByRole("link", { name: "Register" }).click();
  await expect(alone()).toHaveCount(slides);
  await alone().first().focus();
  await page.keyboard.press("Space");
  await page.locator(".alone label").nth(1).click();
  await expect(page.getByRole("heading", { name: "One case of 2 slides" })).toBeVisible();
  await fill("Case", "H26-0042");
  await fill("Patient's pseudonym", "Zhang San");
  for (const organ of await page.getByLabel(/^Organ/).all()) await organ.fill("colon");
  await expect(page.getByLabel(/^Label/).nth(1)).toHaveValue("A1-2");
  await accessible(page);
  await page.getByRole("button", { name: "Put together into one case" }).click();
  await expect(page.getByRole("alert").last()).toContainText("pseudonym");
  // A refusal leaves what was typed.
  await fill("Patient's pseudonym", "P-0042");
  await picture(page, "register");
  await page.getByRole("button", { name: "Put together into one case" }).click();
  await expect(page.getByText("They are in case H26-0042 now.")).toBeVisible();
  await expect(alone()).toHaveCount(slides - 2);
});

test("the case shows its slides side by side", async () => {
  await workAs(page, "demo-pathologist");
  await page.goto(`${site}/#/`);
  await page.getByRole("link", { name: "H26-0042" }).click();
  const named = page.getByRole("group", { name: "Slides" });
  await expect(named.getByRole("button")).toHaveText(["A1-1", "A1-2"]);
  await page.getByRole("button", { name: "Side by side" }).click();
  await expect(page.locator(".slide-map canvas")).not.toHaveCount(0);
  await expect(page.locator(".slide-map")).toHaveCount(2);
});

test("slides are taken out again", async () => {
  await workAs(page, "demo-technician");
  await page.goto(`${site}/#/register`);
  await page.getByRole("button", { name: "Take out H26-0042 1" }).click();
  await expect(page.getByText("The slide is in a case of its own again.")).toBeVisible();
  // What is left is a case of one slide, too.
  await expect(alone()).toHaveCount(slides);
  await expect(page.getByRole("button", { name: /^Take out/ })).toHaveCount(0);
});

/** Sets the share and puts a slide into new cases until chance draws one for the pathologist. */
async function drawnCase(): Promise<string> {
  return page.evaluate(async () => {
    const json = async (path: string) => (await fetch(path)).json();
    let csrf = "";
    const send = async (method: string, path: string, body: unknown) => {
      const headers = { "content-type": "application/json", "x-csrf-token": csrf };
      const answer = await fetch(path, { method, headers, body: JSON.stringify(body) });
      return answer.status === 204 ? null : answer.json();
    };
    const be = async (login: string) => {
      csrf = (await json("/api/v1/session")).csrf;
      csrf = (await send("POST", "/api/v1/session", { login })).csrf;
    };
    await be("demo-administrator");
    const settings = await json("/api/v1/settings");
    await send("PUT", "/api/v1/settings", { ...settings, unaided_share: 0.5 });
    await be("demo-technician");
    const slide = (await json("/api/v1/unattached")).items[0].slide.id;
    for (let i = 10; i < 70; i++) {
      const place = { slide, specimen: "A", organ: "colon", block: "A1", label: "A1-1", stain: "HE" };
      const facts = { number: `D26-${i}`, patient: "P-0042", urgency: "routine", reading: "single" };
      await be("demo-technician");
      const { id } = await send("POST", "/api/v1/cases", { ...facts, slides: [place] });
      await be("demo-pathologist");
      if ((await json(`/api/v1/cases/${id}`)).drawn_unaided) return id;
    }
    throw new Error("chance draws nothing");
  });
}

test("a drawn case is read and the reading fixed before AI is shown", async () => {
  const id = await drawnCase();
  await page.goto(`${site}/#/case/${id}`);
  await page.reload();
  await expect(page.locator(".kept-back")).toContainText("Chance has drawn this case");
  await expect(page.locator(".finding.diagnosis")).toHaveCount(0);
  await page.getByRole("button", { name: "Fix my reading" }).click();
  await page.getByLabel("Your conclusion so far").fill("No carcinoma seen.");
  await page.keyboard.press("Enter");
  await expect(page.locator(".kept-back")).toContainText("Your reading is fixed");
  await page.keyboard.press("h");
  await page.getByRole("dialog").getByRole("button", { name: "Show AI" }).click();
  await expect(page.locator(".finding.diagnosis").first()).toBeVisible();
  await page.goto(`${site}/#/cost`);
  await expect(page.getByRole("note")).toContainText("Too few to compare");
  await accessible(page);
  // From here on nothing is drawn any more.
  await workAs(page, "demo-administrator");
  await page.goto(`${site}/#/people`);
  await page.getByLabel(/^Share of cases/).fill("0");
  await page.locator("form.settings button[type=submit]").click();
  await expect(page.getByText("Saved.", { exact: true })).toBeVisible();
});

test("the clinician who asked sees what is signed, and writes down what the patient agrees to", async () => {
  await workAs(page, "demo-technician");
  await page.goto(`${site}/#/`);
  await page.locator("a.case-link").first().click();
  const number = await page.getByRole("heading", { level: 1 }).textContent();
  await page.getByRole("link", { name: "Consent" }).click();
  await page.getByRole("combobox", { name: "Asked for by" }).selectOption("demo-clinician");
  await expect(page.getByRole("combobox", { name: "Asked for by" })).not.toHaveValue("");
  await accessible(page);
  const id = /case\/(\w+)/.exec(page.url())?.[1];
  await workAs(page, "demo-pathologist");
  await page.goto(`${site}/#/case/${id}/report`);
  await page.getByRole("textbox", { name: "Conclusion" }).fill("Nothing malignant.");
  await page.getByRole("checkbox").check();
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Sign out" }).click();
  await expect(page.locator(".stamp.signed")).toBeVisible();

  await workAs(page, "demo-clinician");
  await page.goto(`${site}/#/`);
  await expect(page.getByRole("heading", { name: "Signed cases" })).toBeVisible();
  await expect(page.locator("a.case-link")).toHaveText([number ?? ""]);
  await accessible(page);
  await page.locator("a.case-link").click();
  await expect(page.locator(".conclusion")).toHaveText("Nothing malignant.");
  const file = page.waitForEvent("download");
  await page.getByRole("link", { name: "Whole version (JSON)" }).click();
  await file;
  await page.getByLabel("Holds until (empty: for good)").fill("2999-12-31");
  await page.getByRole("button", { name: "Agrees: Research" }).click();
  await expect(page.getByText("agreed until 2999-12-31")).toBeVisible();
  await accessible(page);
  await page.getByRole("button", { name: "Takes it back: Research" }).click();
  await expect(page.getByRole("button", { name: "Takes it back: Research" })).toBeDisabled();
});

test("an administrator gives a program a token, once, and takes it back", async () => {
  await workAs(page, "demo-administrator");
  await page.goto(`${site}/#/people`);
  await page.getByLabel("Program's account (made if there is none)").fill("viewer-1");
  await page.getByLabel("What for").fill("slide viewer");
  await page.getByRole("button", { name: "Issue a token" }).click();
  await expect(page.getByLabel("Token", { exact: true })).not.toHaveValue("");
  await accessible(page);
  await page.getByRole("button", { name: "Revoke: slide viewer" }).click();
  await expect(page.getByText(/^revoked /)).toBeVisible();
});

for (const look of [
  { name: "at twice the zoom", theme: "light", language: "en", width: 720, height: 450 },
  { name: "in the dark room, in Chinese", theme: "dark", language: "zh", width: 1440, height: 900 },
])
  test(`these pages pass axe ${look.name}, and fit the screen`, async ({ browser }) => {
    const own = await desk(browser, look);
    await own.setViewportSize({ width: look.width, height: look.height });
    const check = async (login: string, address: string, there: string) => {
      await own.goto(`${site}/#/`);
      await workAs(own, login);
      await own.goto(`${site}/#/${address}`);
      await expect(own.locator(there).first()).toBeVisible();
      await own.waitForTimeout(300);
      expect(await wide(own), address).toBeLessThanOrEqual(0);
      await accessible(own);
    };
    await check("demo-technician", "register", ".alone");
    await own.locator(".alone input").first().check();
    await accessible(own);
    expect(await wide(own)).toBeLessThanOrEqual(0);
    await check("demo-pathologist", "discrepancies", "h1");
    await check("demo-pathologist", "cost", "p[role=note]");
    await own.goto(`${site}/#/`);
    await expect(own.locator("a.case-link").first()).toBeVisible();
    const [first = ""] = await cases(own);
    await check("demo-technician", `${first.replace("#/", "")}/patient`, ".until");
    await check("demo-clinician", "signed", ".case-link");
    await own.locator("a.case-link").first().click();
    await expect(own.locator(".conclusion")).toBeVisible();
    expect(await wide(own)).toBeLessThanOrEqual(0);
    await accessible(own);
    await check("demo-administrator", "people", "form.settings");
    await own.context().close();
  });
