// What is signed of a case: the clinician who asked reads it, a researcher once the patient agrees; and what comes
// after the signature is a question until somebody closes it.
import { readFileSync } from "node:fs";
import { type Browser, expect, type Page, test } from "@playwright/test";
import type { Case, Finding, Reader } from "../src/api/types";
import { objects } from "./objects";
import {
  accessible,
  ask,
  cases,
  desk,
  dress,
  examined,
  logIn,
  picture,
  readers,
  readersPassword,
  wide,
} from "./steps";

test.describe.configure({ mode: "serial" });

const roles = ["pathologist", "second-reader", "technician", "clinician", "researcher"] as const;
const pages = {} as Record<(typeof roles)[number], Page>;
let one: Case;

const as = async (browser: Browser, login: string): Promise<Page> => {
  const own = await desk(browser);
  await logIn(own, login, readersPassword, readers);
  return own;
};

/** A proposal out of a file, as late as now. */
async function propose(page: Page, key: string): Promise<void> {
  const { csrf } = await ask<{ csrf: string }>(page, "GET", "session");
  const [slide] = one.slides;
  const about = `key=${key}&label=nuclei&classes=a`;
  const answer = await page.request.post(
    `${readers}/api/v1/cases/${one.id}/slides/${slide?.id}/annotations?${about}`,
    {
      headers: { "x-csrf-token": csrf, "content-type": "application/octet-stream" },
      data: objects(500, slide?.image?.width ?? 0, slide?.image?.height ?? 0, 1),
    },
  );
  if (!answer.ok()) throw new Error(await answer.text());
}

test.beforeAll(async ({ browser }) => {
  for (const role of roles) pages[role] = await as(browser, role);
  const { pathologist, technician } = pages;
  await examined(pathologist, 2);
  const id = (await cases(pathologist)).at(-1)?.split("/").pop() ?? "";
  one = await ask(pathologist, "GET", `cases/${id}`);
  const clinician = (await ask<Reader[]>(technician, "GET", "readers")).find(
    ({ login }) => login === "clinician",
  );
  await ask(technician, "PUT", `cases/${id}/requester`, { clinician: clinician?.id });
  const { findings } = await ask<{ findings: Finding[] }>(pathologist, "GET", `cases/${id}/findings`);
  const regions = findings.filter(({ kind }) => kind === "lesion-region");
  for (const [i, region] of regions.entries())
    await ask(pathologist, "POST", `findings/${region.id}/decision`, {
      key: crypto.randomUUID(),
      ...(i === 0 ? { verdict: "refuse", reason: "artefact" } : { verdict: "accept" }),
    });
});

test.afterAll(async () => {
  for (const role of roles) await pages[role].context().close();
});

test("before the signature a clinician and a researcher see nothing", async () => {
  for (const page of [pages.clinician, pages.researcher]) {
    await expect(page.getByRole("heading", { name: "Signed cases" })).toBeVisible();
    await expect(page.getByText("There are none.")).toBeVisible();
    await accessible(page);
    await page.goto(`${readers}/#/signed/${one.id}`);
    await expect(page.getByRole("alert")).toBeVisible();
    await expect(page.locator(".report")).toHaveCount(0);
    await page.goto(`${readers}/#/case/${one.id}`);
    await expect(page.locator(".finding")).toHaveCount(0);
    await page.goto(`${readers}/#/discrepancies`);
    await expect(page.getByText("Your role does not open this page.")).toBeVisible();
    await page.goto(`${readers}/#/`);
  }
  await picture(pages.clinician, "signed-none", false);
  const sign = { conclusion: "Adenocarcinoma, moderately differentiated.", leave_out_undecided: true };
  await ask(pages.pathologist, "POST", `cases/${one.id}/sign-out`, sign);
});

test("the clinician reads, takes along and writes down what the patient agrees to", async () => {
  const page = pages.clinician;
  await page.reload();
  await expect(page.locator("a.case-link")).toHaveText([one.number]);
  await accessible(page);
  await picture(page, "signed-clinician");
  await page.locator("a.case-link").focus();
  await page.keyboard.press("Enter");
  await expect(page.locator(".conclusion")).toHaveText("Adenocarcinoma, moderately differentiated.");
  await expect(page.locator(".stamp.signed")).toContainText("Version 1");
  // Confirmed findings only, and the staff by role.
  await expect(page.locator(".report tbody tr")).not.toHaveCount(0);
  await expect(page.locator(".report")).not.toContainText("artefact");
  await expect(page.locator(".report tbody tr").first()).toContainText("Pathologist ·");
  const file = page.waitForEvent("download");
  await page.getByRole("link", { name: "Outlines (GeoJSON)" }).click();
  const { features } = JSON.parse(readFileSync(await (await file).path(), "utf8"));
  expect(features).toHaveLength(await page.locator(".report tbody tr").count());
  expect((await page.pdf({ format: "A4" })).length).toBeGreaterThan(10_000);
  await accessible(page);
  await picture(page, "signed-report");
  await page.getByRole("button", { name: "Agrees: Research" }).click();
  await expect(page.getByRole("button", { name: "Takes it back: Research" })).toBeEnabled();
  await accessible(page);
  await picture(page, "signed-consent", false);
});

test("a researcher sees it by pseudonym, until the patient takes it back", async () => {
  const page = pages.researcher;
  await page.reload();
  await expect(page.locator("a.case-link")).toHaveText([one.patient]);
  await expect(page.locator("main")).not.toContainText(one.number);
  await accessible(page);
  await picture(page, "signed-researcher");
  await page.locator("a.case-link").click();
  await expect(page.locator(".conclusion")).toBeVisible();
  await expect(page.locator("main")).not.toContainText(one.number);
  await expect(page.getByRole("heading", { name: "Consent" })).toHaveCount(0);
  const file = page.waitForEvent("download");
  await page.getByRole("link", { name: "Outlines (GeoJSON)" }).click();
  const text = readFileSync(await (await file).path(), "utf8");
  expect(text).not.toContain(one.number);
  await accessible(page);
  await picture(page, "signed-research-report", false);

  const { clinician } = pages;
  await clinician.getByRole("button", { name: "Takes it back: Research" }).click();
  await expect(clinician.getByRole("button", { name: "Takes it back: Research" })).toBeDisabled();
  await clinician.getByText("Everything that was written down").click();
  await picture(clinician, "signed-consent-taken", false);
  await page.reload();
  await expect(page.getByRole("alert")).toBeVisible();
  await expect(page.locator(".conclusion")).toHaveCount(0);
  await picture(page, "signed-refused", false);
  await page.getByRole("link", { name: "Signed cases" }).first().click();
  await expect(page.getByText("There are none.")).toBeVisible();
});

test("what comes after the signature is looked at and closed with a reason", async () => {
  const page = pages.pathologist;
  await page.getByRole("link", { name: "Discrepancies" }).click();
  await expect(page.getByText("None is open.")).toBeVisible();
  await accessible(page);
  await propose(page, "nuclei-late-1");
  await propose(page, "nuclei-late-2");
  await page.reload();
  const lines = page.locator("tbody tr");
  await expect(lines).toHaveCount(2);
  await expect(lines.first()).toContainText(one.number);
  await accessible(page);
  await picture(page, "discrepancies");

  // Who may read and not sign sees the questions, and closes none.
  const { technician } = pages;
  await technician.goto(`${readers}/#/discrepancies`);
  await expect(technician.locator("tbody tr")).toHaveCount(2);
  await expect(technician.getByRole("button", { name: /^Close/ })).toHaveCount(0);
  // A second reader is not told of a case that is read once.
  const second = pages["second-reader"];
  await second.goto(`${readers}/#/discrepancies`);
  await expect(second.getByText("None is open.")).toBeVisible();

  await page
    .getByRole("link", { name: /Look at it/ })
    .first()
    .click();
  const chosen = page.locator('.finding[aria-current="true"]');
  await expect(chosen).toContainText("500");
  await page.goBack();
  await page
    .getByRole("button", { name: /^Close/ })
    .first()
    .focus();
  await page.keyboard.press("Enter");
  const dialog = page.getByRole("dialog");
  await expect(dialog.getByRole("button", { name: "Save" })).toBeDisabled();
  await accessible(page);
  await picture(page, "discrepancy-close", false);
  await dialog.getByLabel("Reason").fill("Seen: they change nothing in the conclusion.");
  await page.keyboard.press("Enter");
  await expect(lines).toHaveCount(1);
  // Still signed as it was.
  const report = await ask<Case>(page, "GET", `cases/${one.id}`);
  expect(report.status).toBe("signed");
});

for (const look of [
  { name: "at twice the zoom", dark: false, width: 720, height: 450 },
  { name: "in the dark room, in Chinese", dark: true, width: 1440, height: 900 },
])
  test(`these pages pass axe ${look.name}, and fit the screen`, async ({ browser }) => {
    for (const [login, path] of [
      ["pathologist", "discrepancies"],
      ["clinician", "signed"],
      ["clinician", `signed/${one.id}`],
      ["researcher", "signed"],
    ] as const) {
      const own = await as(browser, login);
      if (look.dark) await dress(own, "中文", "dark");
      await own.setViewportSize(look);
      await own.goto(`${readers}/#/${path}`);
      await expect(own.locator(login === "researcher" ? ".empty" : "tbody tr").first()).toBeVisible();
      await own.waitForTimeout(300);
      expect(await wide(own), path).toBeLessThanOrEqual(0);
      await accessible(own);
      await picture(
        own,
        `${login}-${path.slice(0, 6)}${path.length > 13 ? "-one" : ""}-${look.width}`,
        false,
      );
      await own.context().close();
    }
  });
