// What the tests do again and again.
import AxeBuilder from "@axe-core/playwright";
import { type Browser, expect, type Page } from "@playwright/test";
import { accountsPort, demoPort } from "./site";

export const accounts = `http://127.0.0.1:${accountsPort}`;
export const demo = `http://127.0.0.1:${demoPort}`;

/** A browser of its own: own cookies, own IndexedDB, English, and every complaint of it a failure. */
export async function desk(
  browser: Browser,
  more: { theme?: string; language?: string } = {},
): Promise<Page> {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, locale: "en-GB" });
  await context.addInitScript(
    ([theme, language]) => {
      localStorage.setItem("theme", theme as string);
      localStorage.setItem("language", language as string);
    },
    [more.theme ?? "light", more.language ?? "en"],
  );
  const page = await context.newPage();
  page.on("pageerror", (error) => {
    throw error;
  });
  page.on("console", (message) => {
    if (/content security policy/i.test(message.text())) throw new Error(message.text());
  });
  return page;
}

export async function logIn(page: Page, login: string, password: string): Promise<void> {
  await page.goto(`${accounts}/#/`);
  await page.getByLabel("Name").fill(login);
  await page.getByLabel("Password").fill(password);
  await page.getByRole("button", { name: "Log in" }).click();
  await expect(page.getByRole("button", { name: "Log out" })).toBeVisible();
}

export async function accessible(page: Page): Promise<void> {
  const { violations } = await new AxeBuilder({ page })
    .withTags(["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"])
    .analyze();
  expect(
    violations.map((one) => `${one.id}: ${one.nodes.map((node) => node.target.join(" ")).join(", ")}`),
  ).toEqual([]);
}

/** Waits until nothing is waiting to be sent. */
export async function allSaved(page: Page): Promise<void> {
  await expect(page.locator(".saved")).toHaveAttribute("data-pending", "0");
}

export async function examined(page: Page, cases: number): Promise<void> {
  await expect(page.locator(".examination-done")).toHaveCount(cases, { timeout: 110_000 });
}

export async function magnification(page: Page): Promise<number> {
  return Number(await page.locator(".magnification").first().getAttribute("data-magnification"));
}

export const states = (page: Page) =>
  page.locator(".finding").evaluateAll((all) => all.map((one) => (one as HTMLElement).dataset.state));
