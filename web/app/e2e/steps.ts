// What the tests do again and again.
import { join } from "node:path";
import AxeBuilder from "@axe-core/playwright";
import { type Browser, expect, type Locator, type Page, test } from "@playwright/test";

export const accounts = process.env.ACCOUNTS ?? "";
export const demo = process.env.DEMO ?? "";
/** A site with readers, a clinician and a researcher, each named by role. */
export const readers = process.env.READERS ?? "";
export const readersPassword = process.env.READERS_PASSWORD ?? "";
/** The server itself, for pages that are not the app's: its addresses must hold without it. */
export const demoServer = process.env.DEMO_SERVER ?? "";

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

export async function logIn(page: Page, login: string, password: string, site = accounts): Promise<void> {
  await page.goto(`${site}/#/`);
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

/** Waits until the slides are examined, which takes what the machine takes. */
export async function examined(page: Page, cases: number): Promise<void> {
  const patience = 400_000;
  test.info().setTimeout(test.info().timeout + patience);
  await expect(page.locator(".examination-done")).toHaveCount(cases, { timeout: patience });
}

export async function magnification(page: Page): Promise<number> {
  return Number(await page.locator(".magnification").first().getAttribute("data-magnification"));
}

export const states = (page: Page) =>
  page.locator(".finding").evaluateAll((all) => all.map((one) => (one as HTMLElement).dataset.state));

/** The share of pixels of a part of the screen whose colour is such. */
export async function share(
  page: Page,
  part: Page | Locator,
  such: (red: number, green: number, blue: number) => boolean,
): Promise<number> {
  const shot = await part.screenshot({ type: "jpeg", quality: 80 });
  const pixels = await page.evaluate(async (bytes) => {
    const raw = Uint8Array.from(atob(bytes), (one) => one.charCodeAt(0));
    const bitmap = await createImageBitmap(new Blob([raw], { type: "image/jpeg" }));
    // Every second pixel is enough to judge a share, and travels faster.
    const canvas = new OffscreenCanvas(Math.ceil(bitmap.width / 2), Math.ceil(bitmap.height / 2));
    const context = canvas.getContext("2d");
    if (!context) return [];
    context.imageSmoothingEnabled = false;
    context.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
    return [...context.getImageData(0, 0, canvas.width, canvas.height).data];
  }, shot.toString("base64"));
  let count = 0;
  for (let i = 0; i < pixels.length; i += 4)
    if (such(pixels[i] as number, pixels[i + 1] as number, pixels[i + 2] as number)) count++;
  return count / Math.max(1, pixels.length / 4);
}

/** The share of pixels of a part of the screen that are no longer as they were in a picture of it. */
export async function changed(page: Page, part: Locator, before: Buffer): Promise<number> {
  const now = await part.screenshot();
  return page.evaluate(
    async (shots) => {
      const [a, b] = await Promise.all(
        shots.map(async (bytes) => {
          const raw = Uint8Array.from(atob(bytes), (one) => one.charCodeAt(0));
          const bitmap = await createImageBitmap(new Blob([raw], { type: "image/png" }));
          const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
          const context = canvas.getContext("2d");
          context?.drawImage(bitmap, 0, 0);
          return context?.getImageData(0, 0, bitmap.width, bitmap.height).data ?? [];
        }),
      );
      if (!a || !b) return 0;
      let count = 0;
      for (let i = 0; i < a.length; i += 4)
        if ([0, 1, 2].some((k) => Math.abs((a[i + k] ?? 0) - (b[i + k] ?? 0)) > 24)) count++;
      return count / Math.max(1, a.length / 4);
    },
    [before.toString("base64"), now.toString("base64")],
  );
}

/** The share of a part of the screen that is coloured as stained tissue is. */
export const tissue = (page: Page, part: Page | Locator = page) =>
  share(page, part, (red, green, blue) => red > green + 25 && blue > green + 10);

/** The addresses of the cases, in the order of the list. */
export async function cases(page: Page): Promise<string[]> {
  return page.locator("a.case-link").evaluateAll((all) => all.map((one) => one.getAttribute("href") ?? ""));
}

/** Asks the server as the page's person would; what it answers, if it is JSON. */
export async function ask<T>(page: Page, method: string, path: string, body?: unknown): Promise<T> {
  return page.evaluate(
    async ([method, path, body]) => {
      const { csrf } = await (await fetch("/api/v1/session")).json();
      const headers = { "content-type": "application/json", "x-csrf-token": csrf };
      const answer = await fetch(`/api/v1/${path}`, {
        method,
        headers,
        body: method === "GET" ? undefined : JSON.stringify(body ?? {}),
      });
      if (!answer.ok) throw new Error(`${path}: ${await answer.text()}`);
      return answer.status === 204 ? null : answer.json();
    },
    [method, path, body] as const,
  );
}

/** In the demo one works as whom one likes. */
export async function workAs(page: Page, login: string): Promise<void> {
  const who = page.getByRole("combobox", { name: /Work as|身份/ });
  await who.selectOption(login);
  await expect(who).toHaveValue(login);
}

/** How far the page reaches over the screen's right edge. */
export const wide = (page: Page) =>
  page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);

export async function dress(page: Page, language: string, theme: string): Promise<void> {
  await page.getByRole("button", { name: language }).click();
  await page.getByRole("combobox", { name: /Light of the room|室内光线/ }).selectOption(theme);
}

/** Where PICTURES names a folder, the page is kept there: in English and light, in Chinese and dark. */
export async function picture(page: Page, name: string, both = true): Promise<void> {
  const folder = process.env.PICTURES;
  if (!folder) return;
  const keep = (look: string) =>
    page.screenshot({ path: join(folder, `${name}-${look}.png`), fullPage: true });
  await page.waitForTimeout(700);
  await keep("en");
  if (!both) return;
  await dress(page, "中文", "dark");
  await page.waitForTimeout(700);
  await keep("zh-dark");
  await dress(page, "English", "light");
  await page.waitForTimeout(700);
}
