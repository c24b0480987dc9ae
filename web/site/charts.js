// @ts-check
// Draws one chart: of days, of single slides, or small.
/** @type {any} */
const data = JSON.parse(/** @type {HTMLElement} */ (document.getElementById("site")).textContent || "{}");
let language = /^zh/i.test(navigator.language) ? "zh" : "en";
let chosen = "";
let view = "days";
/** @type {Set<number>} */
const opened = new Set();
const t = (/** @type {string} */ key) => /** @type {any} */ (texts)[language][key] ?? key;
const at = (/** @type {string} */ id) => /** @type {any} */ (document.getElementById(id));
const make = (/** @type {string} */ tag, /** @type {string} */ text = "", /** @type {string} */ kind = "") => {
  const element = document.createElement(tag);
  if (text) element.textContent = text;
  if (kind) element.className = kind;
  return element;
};
/** @returns {any} */
const shape = (/** @type {any} */ parent, /** @type {string} */ tag, /** @type {any} */ attributes, /** @type {string} */ text = "") => {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  Object.entries(attributes).forEach(([name, value]) => element.setAttribute(name, String(value)));
  if (text) element.textContent = text;
  parent.append(element);
  return element;
};
const canvas = (/** @type {number} */ width, /** @type {number} */ height, /** @type {string} */ label) => {
  const svg = shape(document.createElement("div"), "svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": label });
  return svg;
};
const key = (/** @type {any} */ group) => `${group.kind}/${group.name}`;
const groupName = (/** @type {any} */ group) => `${t(group.kind)} ${group.name || t("unnamed")}`;
const measureName = (/** @type {string} */ name) => /** @type {any} */ (measures)[name]?.[language === "zh" ? 1 : 0] ?? name;
const share = (/** @type {string} */ measure) => /_share$|\.share$|_tint$/.test(measure);
const unit = (/** @type {string} */ measure) => share(measure) ? " %" : /_um$/.test(measure) ? " µm" : /_mm2$/.test(measure) ? " mm²" : /_od$/.test(measure) ? " OD" : "";
const figure = (/** @type {string} */ measure, /** @type {number} */ value) => {
  const shown = share(measure) ? 100 * value : value;
  const size = Math.abs(shown);
  return shown === 0 ? "0" : size >= 1e6 || size < 1e-4 ? shown.toExponential(1) : shown.toFixed(Math.min(6, Math.max(0, 2 - Math.floor(Math.log10(size)))));
};
const quantity = (/** @type {string} */ measure, /** @type {number} */ value) => figure(measure, value) + unit(measure);
/** Without the zeros at the end: for settings and limits, which are exact. */
const plain = (/** @type {string} */ measure, /** @type {number} */ value) => Number(((share(measure) ? 100 : 1) * value).toPrecision(4)) + unit(measure);
const DAY = 86400000;
const start = data.span ? Date.parse(`${data.span[0]}T00:00:00Z`) : 0;
const length = data.span ? Math.round((Date.parse(`${data.span[1]}T00:00:00Z`) - start) / DAY) : 0;
const offset = (/** @type {string} */ day) => Math.round((Date.parse(`${day}T00:00:00Z`) - start) / DAY);
const date = (/** @type {string | number} */ day, year = false) => new Date(typeof day === "number" ? start + day * DAY : Date.parse(`${day}T00:00:00Z`))
  .toLocaleDateString(language === "zh" ? "zh-CN" : "en-GB", { day: "numeric", month: language === "zh" ? "numeric" : "short", year: year ? "numeric" : undefined, timeZone: "UTC" });
const number = (/** @type {number} */ n) => n.toLocaleString("en");
const shown = (/** @type {any} */ group) => !chosen || key(group) === chosen;

/** Round ticks: about `count` from `low` to `high`. */
function ticks(/** @type {number} */ low, /** @type {number} */ high, /** @type {number} */ count) {
  const rough = (high - low) / count || 1;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 2.5, 5, 10].map((n) => n * power).find((n) => n >= rough) ?? 10 * power;
  const all = [];
  for (let n = Math.ceil(low / step); n * step <= high + 1e-9 * step && all.length < 20; n += 1) all.push(n * step);
  return all;
}

function dateTicks(/** @type {number} */ most) {
  const step = [1, 2, 7, 14, 28, 56, 91, 182, 364].find((n) => length / n <= most) ?? 728;
  const all = [];
  for (let n = 0; n <= length; n += step) all.push(n);
  return all;
}

/** Axes and scales of a chart; `dates` false numbers slides instead. */
function frame(/** @type {any} */ svg, /** @type {any} */ box, /** @type {string} */ measure, /** @type {number} */ low, /** @type {number} */ high) {
  const factor = share(measure) ? 100 : 1;
  const pad = (high - low) * 0.07 || Math.abs(high) * 0.05 || 1;
  const [from, to] = [(low - pad) * factor, (high + pad) * factor];
  const y = (/** @type {number} */ value) => box.bottom - (value * factor - from) / (to - from) * (box.bottom - box.top);
  const steps = ticks(from, to, 4);
  const decimals = Math.min(6, Math.max(0, ...steps.map((n) => (String(Number(n.toPrecision(6))).split(".")[1] ?? "").length)));
  steps.forEach((value) => {
    const place = y(value / factor);
    shape(svg, "line", { class: "axis", x1: box.left, x2: box.right, y1: place, y2: place });
    shape(svg, "text", { x: box.left - 8, y: place + 4, "text-anchor": "end" }, value.toFixed(decimals));
  });
  return y;
}

function dayAxis(/** @type {any} */ svg, /** @type {any} */ box, /** @type {(n: number) => number} */ x) {
  dateTicks(9).forEach((n) => shape(svg, "text", { x: x(n), y: box.bottom + 18, "text-anchor": "middle" }, date(n)));
}

const line = (/** @type {[number, number][]} */ points) => points.map(([a, b], n) => `${n ? "L" : "M"}${a.toFixed(1)},${b.toFixed(1)}`).join("");

function dayChart(/** @type {any} */ chart) {
  const svg = canvas(720, 250, measureName(chart.measure));
  const box = { left: 58, right: 708, top: 20, bottom: 218 };
  const { centre, points } = chart.daily;
  const x = (/** @type {number} */ n) => box.left + 8 + (box.right - box.left - 16) * n / Math.max(1, length);
  const far = data.settings.act;
  const values = points.flatMap((/** @type {any} */ p) => [p[2], p[3], centre + far * p[4], centre - far * p[4]]);
  let [low, high] = [Math.min(...values), Math.max(...values)];
  const sent = (chart.sent_back_at ?? []).filter((/** @type {number} */ v) => v > low - (high - low) * 0.6 && v < high + (high - low) * 0.6);
  [low, high] = [Math.min(low, ...sent), Math.max(high, ...sent)];
  const from = offset(chart.baseline[0]);
  shape(svg, "rect", { class: "base", x: x(from), width: x(offset(chart.baseline[1])) - x(from), y: box.top, height: box.bottom - box.top });
  const y = frame(svg, box, chart.measure, low, high);
  shape(svg, "text", { class: "tag", x: x(from), y: box.top - 6 }, t("baseline"));
  dayAxis(svg, box, x);
  const edge = (/** @type {number} */ times) => points.map((/** @type {any} */ p) => [x(p[0]), y(centre + times * p[4])]);
  if (!chart.constant) {
    const watch = data.settings.watch;
    shape(svg, "path", { class: "band", d: `${line([...edge(watch), ...edge(-watch).reverse()])}Z` });
    [far, -far].forEach((n) => shape(svg, "path", { class: "limit far", d: line(edge(n)) }));
  }
  shape(svg, "line", { class: "centre", x1: box.left, x2: box.right, y1: y(centre), y2: y(centre) });
  sent.forEach((/** @type {number} */ v) => {
    shape(svg, "line", { class: "sent", x1: box.left, x2: box.right, y1: y(v), y2: y(v) });
    shape(svg, "text", { class: "tag", x: box.right - 4, y: y(v) - 5, "text-anchor": "end" }, t("sentBack"));
  });
  if (chart.drift) {
    const place = x(offset(chart.drift.since));
    shape(svg, "line", { class: "since", x1: place, x2: place, y1: box.top, y2: box.bottom });
    const right = place > 560;
    shape(svg, "text", { class: "tag strong", x: place + (right ? -5 : 5), y: box.top - 6, "text-anchor": right ? "end" : "start" }, `${t("since")} ${date(chart.drift.since)}`);
  }
  points.forEach((/** @type {any} */ p) => {
    const dot = shape(svg, "circle", { class: "day", cx: x(p[0]), cy: y(p[2]), r: 2.4 });
    shape(dot, "title", {}, `${date(p[0], true)}: ${quantity(chart.measure, p[2])}, ${p[1]} ${t("slideCount")}`);
  });
  if (!chart.constant) {
    shape(svg, "path", { class: "ewma", d: line(points.map((/** @type {any} */ p) => [x(p[0]), y(p[3])])) });
    points.forEach((/** @type {any} */ p) => {
      const away = Math.abs(p[3] - centre) / (p[4] || 1);
      if (p[0] <= offset(chart.baseline[1]) || away <= data.settings.watch) return;
      shape(svg, "circle", { class: `dot ${away > far ? "act" : "watch"}`, cx: x(p[0]), cy: y(p[3]), r: 4 });
    });
  }
  return svg;
}

function slideChart(/** @type {any} */ chart) {
  const svg = canvas(720, 250, measureName(chart.measure));
  const box = { left: 58, right: 708, top: 20, bottom: 218 };
  const { centre, sigma, points } = chart.individuals;
  const values = points.map((/** @type {any} */ p) => p[1]);
  const y = frame(svg, box, chart.measure, Math.min(centre - 3.2 * sigma, ...values), Math.max(centre + 3.2 * sigma, ...values));
  const x = (/** @type {number} */ n) => box.left + 8 + (box.right - box.left - 16) * n / Math.max(1, points.length - 1);
  [1, 2, 3].forEach((n) => [n, -n].forEach((times) => {
    const place = y(centre + times * sigma);
    shape(svg, "line", { class: n === 3 ? "limit far" : "limit", x1: box.left, x2: box.right, y1: place, y2: place, opacity: n === 3 ? 1 : 0.45 });
  }));
  shape(svg, "line", { class: "centre", x1: box.left, x2: box.right, y1: y(centre), y2: y(centre) });
  let written = -1e9;
  points.forEach((/** @type {any} */ p, /** @type {number} */ n) => {
    if ((n === 0 || points[n - 1][0] !== p[0]) && x(n) - written > 62) {
      written = x(n);
      shape(svg, "text", { x: written, y: box.bottom + 18, "text-anchor": n ? "middle" : "start" }, date(p[0]));
    }
    const dot = shape(svg, "circle", { class: p[2] ? "slide out" : "slide", cx: x(n), cy: y(p[1]), r: p[2] ? 2.8 : 2 });
    shape(dot, "title", {}, `${date(p[0], true)}: ${quantity(chart.measure, p[1])}`);
  });
  return svg;
}

function sparkline(/** @type {any} */ chart) {
  const svg = canvas(260, 46, measureName(chart.measure));
  const { centre, points } = chart.daily;
  const watch = data.settings.watch;
  const reach = Math.max(1e-12, ...points.flatMap((/** @type {any} */ p) => [1.15 * watch * p[4], 1.05 * Math.abs(p[3] - centre)]));
  const x = (/** @type {number} */ n) => 3 + 254 * n / Math.max(1, length);
  const y = (/** @type {number} */ value) => 23 - 21 * (value - centre) / reach;
  const edge = (/** @type {number} */ times) => points.map((/** @type {any} */ p) => [x(p[0]), y(centre + times * p[4])]);
  shape(svg, "path", { class: "band", d: `${line([...edge(watch), ...edge(-watch).reverse()])}Z` });
  shape(svg, "line", { class: "centre", x1: 3, x2: 257, y1: 23, y2: 23 });
  shape(svg, "path", { class: "ewma", "stroke-width": 1.6, d: line(points.map((/** @type {any} */ p) => [x(p[0]), chart.constant ? 23 : y(p[3])])) });
  return svg;
}
