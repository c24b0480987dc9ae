// Decisions improve the model: too few are said to be so, a real fit is measured, put into use and taken back.
// What a fit on two generated slides cannot give (a worse head, many decisions, a task without a head) is put
// before the page by a mocked answer; those tests say so in their names.
import { expect, type Page, test } from "@playwright/test";
import { accessible, cases, demo, desk, examined, picture, wide, workAs } from "./steps";

test.describe.configure({ mode: "serial" });

let page: Page;
let first: string;
let second: string;

const start = () => page.getByRole("button", { name: "Fit the head again" });
const dialog = () => page.getByRole("dialog");
const basis = () => page.locator(".basis");

interface Found {
  kind: string;
  outline: [number, number][][][] | null;
}

/** Draws a region as the page would; drawn regions are decisions, and the machine's own stay to be decided. */
async function draw(address: string, label: string, outline: unknown): Promise<void> {
  const { csrf } = await (await page.request.get(`${demo}/api/v1/session`)).json();
  const id = address.split("/").pop();
  const [slide] = (await (await page.request.get(`${demo}/api/v1/cases/${id}`)).json()).slides;
  const answer = await page.request.post(`${demo}/api/v1/cases/${id}/findings`, {
    headers: { "x-csrf-token": csrf },
    data: {
      key: `improvement-${label}-${id}`,
      slide: slide.id,
      label,
      outline,
      milliseconds: 900,
      viewed: [],
    },
  });
  if (!answer.ok()) throw new Error(await answer.text());
}

/**
 * The largest that the machine found on a case, as a generous hand draws it (what the head says already would teach
 * it nothing), and a frame of tissue around that.
 */
async function regions(address: string): Promise<{ lesion: unknown; around: unknown }> {
  const id = address.split("/").pop();
  const { findings } = await (await page.request.get(`${demo}/api/v1/cases/${id}/findings`)).json();
  const outlines = (findings as Found[]).flatMap((one) =>
    one.kind === "lesion-region" && one.outline ? [one.outline] : [],
  );
  const box = (outline: [number, number][][][]) => {
    const points = outline.flat(2);
    const [xs, ys] = [points.map(([x]) => x), points.map(([, y]) => y)];
    return [Math.min(...xs), Math.min(...ys), Math.max(...xs), Math.max(...ys)] as const;
  };
  const size = (outline: [number, number][][][]) => {
    const [left, top, right, bottom] = box(outline);
    return (right - left) * (bottom - top);
  };
  const largest = outlines.sort((a, b) => size(b) - size(a))[0];
  if (!largest) throw new Error("nothing was found on the slide");
  const [left, top, right, bottom] = box(largest);
  const rectangle = (by: number) => [
    [left - by, top - by],
    [right + by, top - by],
    [right + by, bottom + by],
    [left - by, bottom + by],
  ];
  return { lesion: [[rectangle(200)]], around: [[rectangle(900), rectangle(200)]] };
}

test.beforeAll(async ({ browser }) => {
  page = await desk(browser);
  await page.goto(`${demo}/#/`);
  await examined(page, 2);
  [first = "", second = ""] = await cases(page);
});

test.afterAll(() => page.context().close());

test("whoever may not see fits gets no link and no page; an administrator sees them and starts none", async () => {
  await workAs(page, "demo-technician");
  await expect(page.getByRole("link", { name: "Improvement" })).toHaveCount(0);
  await page.goto(`${demo}/#/improvement`);
  await expect(page.locator(".empty")).toHaveText("Your role does not open this page.");
  await workAs(page, "demo-administrator");
  await expect(basis()).toContainText("A pathologist has the head fitted");
  await expect(start()).toHaveCount(0);
  await accessible(page);
  await workAs(page, "demo-pathologist");
});

test("without a decision there is nothing to learn from; with too few that is said, and nothing changes", async () => {
  await page.getByRole("link", { name: "Improvement" }).click();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Improve the model with your decisions");
  await expect(basis()).toContainText("No decision about a region is on record yet");
  await expect(start()).toBeDisabled();
  await expect(page.locator(".in-use")).toContainText("The task's own head");
  await accessible(page);

  await draw(first, "tumour", (await regions(first)).lesion);
  await page.reload();
  await expect(basis().locator(".figures")).toContainText("About regions1");
  await start().click();
  await expect(basis()).toContainText("The last fit came to nothing.");
  await expect(basis()).toContainText(
    "Too few decisions, or too much alike. Usable decisions: 1; cases with such: 1",
  );
  await accessible(page);
  await picture(page, "improvement-too-few");
  await page.getByRole("button", { name: "中文" }).click();
  await expect(basis()).toContainText("判定过少或过于单一：可用判定 1 项，分布于 1 个病例");
  await accessible(page);
  await page.getByRole("button", { name: "English" }).click();
});

test("a real fit is measured, changes nothing, is put into use by a person and taken back with a reason", async () => {
  await draw(first, "normal", (await regions(first)).around);
  const other = await regions(second);
  await draw(second, "tumour", other.lesion);
  await draw(second, "normal", other.around);
  await page.reload();
  await expect(basis().locator(".figures")).toContainText("About regions4");
  // What it learned and what it was judged by make up all that could be used.
  await start().click();
  await expect(page.locator(".said")).toContainText("The fit is done", { timeout: 60_000 });
  const fit = page.locator(".fit");
  await expect(fit.locator(".kinds tfoot tr").nth(0)).toHaveText("All decisions22");
  await expect(fit.locator(".kinds tfoot tr").nth(1)).toHaveText("Cases11");
  await expect(fit.locator(".compared tbody tr")).toHaveCount(3);
  await expect(fit.locator(".compared tbody tr").first()).toContainText(/[012] of 2/);
  // Two decisions never tell two heads apart, whatever came of them.
  await expect(fit.locator(".judged.better")).toHaveCount(0);
  await expect(fit.locator(".judged")).toContainText("All held-out decisions lie on one case");
  await expect(page.locator(".in-use")).toContainText("The task's own head");
  await expect(page.locator(".fits tbody tr")).toHaveCount(1);
  await expect(page.locator(".fits tbody tr")).toContainText("demo-pathologist");
  await accessible(page);
  await picture(page, "improvement-fit");

  await fit.getByRole("button", { name: "Put into use" }).click();
  await expect(dialog()).toContainText("Slides are examined by it from now on");
  await accessible(page);
  await page.keyboard.press("Escape");
  await expect(dialog()).toHaveCount(0);
  await expect(fit.getByRole("button", { name: "Put into use" })).toBeFocused();
  await page.keyboard.press("Enter");
  await dialog()
    .getByLabel(/^Reason/)
    .fill("Tried on the generated slides.");
  await page.keyboard.press("Enter");
  await expect(page.locator(".said")).toHaveText("This head is in use now.");
  await expect(page.locator(".in-use")).toContainText("Fit of");
  await expect(page.locator(".fits .tag.standing")).toHaveText("in use");
  await expect(fit.getByRole("button", { name: "Put into use" })).toHaveCount(0);

  // Another window learns of it by itself.
  const watching = await page.context().newPage();
  await watching.goto(`${demo}/#/improvement`);
  await expect(watching.locator(".in-use")).toContainText("Fit of");

  await page.getByRole("button", { name: "Go back to the task's own head" }).click();
  const back = dialog().getByRole("button", { name: "Go back" });
  await expect(back).toBeDisabled();
  await accessible(page);
  await dialog().getByLabel("Reason").fill("Back to what was validated.");
  await back.click();
  await expect(page.locator(".said")).toHaveText("The task's own head is in use again.");
  await expect(watching.locator(".in-use")).toContainText("The task's own head");
  await watching.close();
  await expect(page.locator(".uses li")).toHaveCount(2);
  await expect(page.locator(".uses li").first()).toContainText("Back to what was validated.");
  await expect(page.locator(".uses li").first()).toContainText("demo-pathologist");
  await accessible(page);
});

/** An answer of the server's form, with figures that two generated slides cannot give. */
function fits(more: object = {}) {
  const measures = (agrees: [number, number], mended: number, spoilt: number) => ({
    before: { agrees: agrees[0], of: 61, balanced: agrees[0] / 61, log_loss: 0.61 },
    after: { agrees: agrees[1], of: 61, balanced: agrees[1] / 61, log_loss: 0.42 },
    mended,
    spoilt,
    kinds: [
      { kind: "normal", learned: 80, held_out: 19 },
      { kind: "refused", learned: 71, held_out: 20 },
      { kind: "tumour", learned: 93, held_out: 22 },
    ],
    pull: 0.1,
    learned_cases: 48,
    held_out_cases: 12,
    learned_tiles: 11820,
    left_out: { no_features: 3, no_tile: 7, unknown_label: 0 },
    slides: 66,
    tiles: 402113,
    changed_tiles: 5210,
  });
  const head = (id: string, at: string, worse: boolean, measured: object) => ({
    id,
    weights: `blake3:${id.repeat(64)}`,
    asked_by: "01a2",
    role: "pathologist",
    at,
    active: false,
    worse,
    learned: 244,
    held_out: 61,
    measured,
  });
  return {
    task: "colon",
    obstacle: null,
    running: false,
    failed: null,
    in_use: `blake3:${"0".repeat(64)}`,
    active: null,
    heads: [
      head("c", "2026-11-27T16:20:00Z", false, measures([44, 56], 14, 2)),
      head("b", "2026-11-26T16:20:00Z", false, measures([44, 46], 5, 3)),
      head("a", "2026-11-25T16:20:00Z", true, measures([44, 41], 2, 5)),
    ],
    history: [],
    ...more,
  };
}

async function mocked(on: Page, answer: () => object): Promise<void> {
  await on.route("**/api/v1/improvement", (route) =>
    route.request().method() === "GET" ? route.fulfill({ json: answer() }) : route.continue(),
  );
  // The second fit was compared with another head than the one in use.
  await on.route("**/api/v1/improvement/heads/*", (route) => {
    const id = route.request().url().split("/").pop() ?? "";
    const compared = `blake3:${(id === "b" ? "f" : "0").repeat(64)}`;
    const one = fits().heads.find((head) => head.id === id);
    return route.fulfill({ json: { ...one, pulled_to: compared, compared_with: compared } });
  });
}

test("mocked answer: better, not distinguishable and worse are said as such, and a reason is asked where it must be", async ({
  browser,
}) => {
  const own = await desk(browser);
  await mocked(own, fits);
  let sent: unknown;
  await own.route("**/api/v1/improvement/active", (route) => {
    sent = route.request().postDataJSON();
    return route.fulfill({
      status: 409,
      contentType: "application/problem+json",
      json: { title: "Look again", status: 409, detail: "this head is in use already" },
    });
  });
  await own.goto(`${demo}/#/improvement`);
  const judged = own.locator(".judged");
  await expect(judged).toContainText("The new head is better on the held-out decisions.");
  await expect(judged).toContainText("in less than 1% of comparisons");
  await expect(own.locator(".compared")).toContainText("56 of 61");
  await expect(own.locator(".compared")).toContainText("92% (82%–96%)");
  await expect(own.locator(".fit")).toContainText("3 left out: no features of their slide are kept.");
  await expect(own.locator(".fit")).not.toContainText("does not know their label");
  await picture(own, "improvement-better");

  const use = own.locator(".fit").getByRole("button", { name: "Put into use" });
  const ask = own.getByRole("dialog");
  const act = ask.getByRole("button", { name: "Put into use" });
  await use.click();
  await expect(act).toBeEnabled();
  await act.click();
  await expect(ask.getByRole("alert")).toHaveText("This head is in use already.");
  expect(sent).toEqual({ head: "c" });
  await own.keyboard.press("Escape");

  const row = (id: string) => own.locator(`[data-head="${id}"]`).getByRole("button");
  await row("b").click();
  await expect(own.locator("#fit-title")).toBeFocused();
  await expect(judged).toContainText("not distinguishable from the other");
  await expect(judged).toContainText("in 73% of comparisons");
  await use.click();
  await expect(ask).toContainText("compared with another head than the one in use now");
  await expect(act).toBeDisabled();
  await own.keyboard.press("Escape");

  await row("a").click();
  await expect(judged).toContainText("The new head is worse");
  await expect(judged).toContainText("only with a reason");
  await use.click();
  await expect(ask).toContainText("It is worse on the held-out decisions");
  await expect(act).toBeDisabled();
  await ask.getByLabel("Reason").fill("It finds the serrated ones.");
  await act.click();
  expect(sent).toEqual({ head: "a", reason: "It finds the serrated ones." });
  await accessible(own);
  await own.context().close();
});

test("mocked answer: a fit that runs is said to run, and its end is heard or asked for", async ({
  browser,
}) => {
  const own = await desk(browser);
  let answer: object = fits({ running: true });
  await mocked(own, () => answer);
  await own.goto(`${demo}/#/improvement`);
  await expect(own.locator(".fitting")).toContainText("The head is being fitted.");
  await expect(own.getByRole("button", { name: "Fit the head again" })).toBeDisabled();
  await accessible(own);
  answer = fits();
  await expect(own.locator(".said")).toContainText("The fit is done");
  await own.context().close();
});

test("mocked answer: a head of kept examples cannot be fitted, in both languages", async ({ browser }) => {
  const obstacle =
    "the head of the task colon is made of kept examples: it has no weights that could be refitted. Train it " +
    "anew with more examples, or use a task with a linear head";
  const own = await desk(browser, { language: "zh", theme: "dark" });
  await mocked(own, () => fits({ heads: [], obstacle }));
  await own.goto(`${demo}/#/improvement`);
  await expect(own.locator(".caution")).toContainText("任务 colon 的分类头由保留的样例构成");
  await expect(own.getByRole("button", { name: "重新拟合分类头" })).toBeDisabled();
  await accessible(own);
  await own.getByRole("button", { name: "English" }).click();
  await expect(own.locator(".caution")).toContainText("The head of the task colon is made of kept examples");
  await own.context().close();
});

const looks = [
  { name: "at twice the zoom", theme: "light", language: "en", width: 720, height: 450 },
  { name: "in the dark room, in Chinese", theme: "dark", language: "zh", width: 1440, height: 900 },
] as const;

for (const look of looks)
  test(`mocked answer: the page passes axe ${look.name}, and fits the screen`, async ({ browser }) => {
    const own = await desk(browser, look);
    await own.setViewportSize({ width: look.width, height: look.height });
    await mocked(own, fits);
    await own.goto(`${demo}/#/improvement`);
    await expect(own.locator(".fit")).toBeVisible();
    await accessible(own);
    expect(await wide(own)).toBeLessThanOrEqual(0);
    await own.locator(".fit .acts button").click();
    await expect(own.getByRole("dialog")).toBeVisible();
    await accessible(own);
    expect(await wide(own)).toBeLessThanOrEqual(0);
    await own.context().close();
  });
