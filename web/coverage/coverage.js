/** @type {any} */
const data = JSON.parse(/** @type {HTMLElement} */ (document.getElementById("coverage")).textContent || "{}");
const levels = ["multi-site", "slide", "tile"];
let language = /^zh/i.test(navigator.language) ? "zh" : "en";
let region = "china";

const at = (/** @type {string} */ id) => /** @type {any} */ (document.getElementById(id));
const t = (/** @type {string} */ key) => /** @type {any} */ (texts)[language][key] ?? key;
const filled = (/** @type {string} */ key, /** @type {any} */ values) =>
  t(key).replace(/\{(\w+)\}/g, (/** @type {string} */ _, /** @type {string} */ name) => values[name]);
const make = (/** @type {string} */ tag, /** @type {string} */ text = "", /** @type {string} */ kind = "") => {
  const element = document.createElement(tag);
  if (text) element.textContent = text;
  if (kind) element.className = kind;
  return element;
};
const within = (/** @type {HTMLElement} */ parent, /** @type {HTMLElement[]} */ ...children) => {
  parent.append(...children);
  return parent;
};
const number = (/** @type {number} */ value) => value.toLocaleString(language === "zh" ? "zh-CN" : "en-GB");
const percent = (/** @type {number} */ share) => `${(100 * share).toFixed(1)} %`;
const named = (/** @type {any} */ row) => (language === "zh" ? [row.zh, row.en] : [row.en, row.zh]);
const source = (/** @type {any} */ figure) => {
  const place = data.sources.findIndex((/** @type {any} */ known) => known.key === figure.source);
  return make("sup", String(place + 1));
};

function drawShares() {
  const blocks = ["china", "world"].map((place) => {
    const share = data.shares[place];
    const covered = levels.reduce((sum, level) => sum + share.shares[level], 0);
    const slides = share.shares.slide + share.shares["multi-site"];
    const line = within(make("p"), make("span", t(place), "place"),
      make("strong", `${share.at_most ? `${t("atMost")} ` : ""}${percent(covered)}`),
      within(make("span", filled("of", { n: number(share.total.cases) }), "of"), source(share.total)),
      make("span", filled("measuredOn", { n: percent(slides) }), "of"));
    const track = make("div", "", "track");
    track.setAttribute("aria-hidden", "true");
    levels.forEach((level) => {
      const rows = data.rows.filter((/** @type {any} */ row) => row.evidence === level && row[place]);
      const partly = rows.length > 0 && rows.every((/** @type {any} */ row) => row.partly);
      const part = make("i", "", `${level}${partly ? " partly" : ""}`);
      part.style.width = `${100 * share.shares[level]}%`;
      track.append(part);
    });
    return within(make("div", "", "share"), line, track);
  });
  at("shares").replaceChildren(...blocks);
  const keys = [...levels, "none", "partly"].map((level) => {
    const swatch = make("i", "", level === "partly" ? "tile partly" : level);
    const item = make("li", t(level));
    item.prepend(swatch);
    return item;
  });
  at("legend").replaceChildren(...keys);
}

/** New cases in no row: the total less the rows. */
function restBar(/** @type {number} */ most) {
  const { rest, total } = data.shares[region];
  if (!rest) return [];
  const name = within(make("div", t("rest"), "name"), make("small", t("restHint")));
  const length = make("div", "", "length none");
  length.style.width = `${Math.min(100, 100 * rest / most)}%`;
  const cases = within(make("span", number(rest), "cases"), source(total));
  const room = within(make("div", "", "room"), length, within(make("div", "", "after"), cases));
  return [within(make("li", "", "bar"), name, within(make("div", "", "place"), room))];
}

function drawBars() {
  const with_figure = data.rows.filter((/** @type {any} */ row) => row[region]);
  with_figure.sort((/** @type {any} */ a, /** @type {any} */ b) => b[region].cases - a[region].cases);
  const most = with_figure[0]?.[region].cases ?? 1;
  at("bars").replaceChildren(...with_figure.map((/** @type {any} */ row) => {
    const [first, second] = named(row);
    const name = within(make("div", first, "name"), make("small", `${second} · ${row.icd10}`));
    const length = make("div", "", `length ${row.evidence}${row.partly ? " partly" : ""}`);
    length.style.width = `${100 * row[region].cases / most}%`;
    const cases = within(make("span", number(row[region].cases), "cases"), source(row[region]));
    const tasks = row.tasks.map((/** @type {any} */ task) => task.name).join(", ");
    const after = within(make("div", "", "after"), cases);
    if (tasks) after.append(make("span", `${tasks} · ${t(row.evidence)}`, "by"));
    const room = within(make("div", "", "room"), length, after);
    return within(make("li", "", "bar"), name, within(make("div", "", "place"), room));
  }), ...restBar(most));
  const without = data.rows.filter((/** @type {any} */ row) => !row[region]);
  at("without-figure").hidden = without.length === 0;
  at("unknown-count").textContent = String(without.length);
  at("unknown").replaceChildren(...without.map((/** @type {any} */ row) =>
    within(make("li", named(row)[0], row.tasks.length ? "covered" : ""), make("small", row.icd10))));
  at("by-china").setAttribute("aria-pressed", String(region === "china"));
  at("by-world").setAttribute("aria-pressed", String(region === "world"));
}

/** One line a measure: name, value, and its interval on a line from 0 to 1. */
function measures(/** @type {any} */ site) {
  const table = make("table");
  site.values.forEach((/** @type {any} */ value) => {
    const [low, middle, high] = [value.low, value.value, value.high];
    const line = make("span");
    if (low >= 0 && high <= 1) {
      const range = make("i");
      range.style.left = `${100 * low}%`;
      range.style.width = `${100 * (high - low)}%`;
      const point = make("b");
      point.style.left = `${100 * middle}%`;
      line.append(range, point);
    }
    table.append(within(make("tr"), make("td", value.name),
      make("td", middle.toFixed(3), "number"), make("td", `${low.toFixed(3)} – ${high.toFixed(3)}`, "number"),
      make("td", `n = ${number(value.count)}`, "number"), within(make("td", "", "interval"), line)));
  });
  return table;
}

function drawTasks() {
  const shown = data.rows.flatMap((/** @type {any} */ row) => row.tasks.map((/** @type {any} */ task) => ({ row, task })));
  at("no-tasks").hidden = shown.length > 0;
  at("tasks").replaceChildren(...shown.map((/** @type {any} */ { row, task }) => {
    const origin = task.origin === "shipped" ? t("shipped") : `${t("from")} ${task.origin}`;
    const block = within(make("div", "", "task"), within(make("h3", `${task.name} ${task.version}`),
      make("span", t(task.evidence), "level"), make("small", origin)));
    block.append(make("p", `${named(row)[0]}${task.only ? `, ${t("only")}: ${task.only}` : ""}`));
    task.metrics.forEach((/** @type {any} */ site) => {
      block.append(make("p", `${site.site}: ${number(site.count)} ${t("units")[site.unit]}; ${t(site.external ? "external" : "internal")}; ${site.held_out}.`),
        measures(site), make("p", `${t("intervals")}: ${site.interval}.`));
    });
    return block;
  }));
}

function drawSources() {
  at("sources").replaceChildren(...data.sources.map((/** @type {any} */ known) => {
    const item = make("li", `${known.title}. ${known.publisher}, ${known.version}: ${known.place}. `);
    const link = make("a", known.address);
    if (/^https?:\/\//.test(known.address)) link.setAttribute("href", known.address);
    return within(item, link);
  }));
}

function draw() {
  document.documentElement.lang = language === "zh" ? "zh-CN" : "en";
  document.querySelectorAll("[data-text]").forEach((element) => {
    element.textContent = t(/** @type {HTMLElement} */ (element).dataset.text ?? "");
  });
  at("language").textContent = language === "zh" ? "English" : "中文";
  document.title = `${t("title")} · Bianque`;
  const covered = data.rows.filter((/** @type {any} */ row) => row.evidence !== "none").length;
  at("summary").textContent = filled("summary", { rows: data.rows.length, covered, year: data.year });
  at("year").textContent = String(data.year);
  at("footer").textContent = `${t("footer")} ${filled("page", { version: data.program_version })}`;
  drawShares();
  drawBars();
  drawTasks();
  drawSources();
}

at("language").addEventListener("click", () => { language = language === "zh" ? "en" : "zh"; draw(); });
at("print").addEventListener("click", () => window.print());
at("by-china").addEventListener("click", () => { region = "china"; drawBars(); });
at("by-world").addEventListener("click", () => { region = "world"; drawBars(); });
draw();
