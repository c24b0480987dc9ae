// @ts-check
// The page: choices, lists and cards. words.js and charts.js stand before it in one function.
function driftLine(/** @type {any} */ chart) {
  const drift = chart.drift;
  const moves = chart.constant ? t("changed") : t(drift.side);
  const show = chart.constant ? plain : quantity;
  const values = `${show(drift.measure, drift.baseline)} → ${show(drift.measure, drift.now)}`;
  const ended = drift.level === "over" ? ` ${t("until")} ${date(drift.until)}` : "";
  return language === "zh" ? `自${date(drift.since)}${ended ? ` 至${date(drift.until)}` : "起"}${moves} · ${values} · ${t("noticed")}${date(drift.noticed)}`
    : `${moves} ${t("since")} ${date(drift.since)}${ended} · ${values} · ${t("noticed")} ${date(drift.noticed)}`;
}

function card(/** @type {any} */ chart, /** @type {number} */ index) {
  const element = make("article", "", `chart ${chart.drift?.level ?? ""}`);
  element.id = `chart-${index}`;
  const heading = make("h3");
  heading.append(make("span", `${measureName(chart.measure)} · ${groupName(chart.group)}`));
  if (chart.drift) heading.append(make("span", t(chart.drift.level), "state"));
  const sent = (chart.sent_back_at ?? []).map((/** @type {number} */ v) => plain(chart.measure, v)).join(language === "zh" ? "、" : " and ");
  const told = chart.drift ? driftLine(chart) : chart.constant ? `${plain(chart.measure, chart.constant.value)}, ${t("fixed")}` : `${number(chart.slides)} ${t("slideCount")}`;
  const rules = chart.signals.reduce((/** @type {any} */ sums, /** @type {any} */ s) => ({ ...sums, [s.rule]: (sums[s.rule] ?? 0) + s.times }), {});
  const hits = ["one-beyond-three", "two-of-three-beyond-two", "four-of-five-beyond-one", "eight-on-one-side"].filter((r) => rules[r]).map((r) => `${t(r)}: ${number(rules[r])}`).join(" · ");
  const line2 = view === "slides" ? `${t("hits")}: ${hits || t("none")}` : told + (sent ? ` · ${t("sentBackAt")} ${sent}` : "");
  element.append(heading, make("p", line2), view === "slides" ? slideChart(chart) : dayChart(chart));
  return element;
}

function tiny(/** @type {any} */ chart, /** @type {number} */ index) {
  const element = make("button", "", "chart tiny");
  element.setAttribute("type", "button");
  const heading = make("h3");
  const latest = chart.daily.points[chart.daily.points.length - 1];
  heading.append(make("span", measureName(chart.measure)), make("b", latest ? quantity(chart.measure, chart.constant ? latest[2] : latest[3]) : ""));
  element.append(heading, make("p", groupName(chart.group)), sparkline(chart));
  element.addEventListener("click", () => { opened.add(index); drawCharts(); });
  return element;
}

function drawCharts() {
  const charts = data.charts.map((/** @type {any} */ chart, /** @type {number} */ index) => ({ chart, index })).filter((/** @type {any} */ c) => shown(c.chart.group));
  const moved = charts.filter((/** @type {any} */ c) => c.chart.drift);
  const steady = charts.filter((/** @type {any} */ c) => !c.chart.drift);
  at("moved").replaceChildren(...moved.map((/** @type {any} */ c) => card(c.chart, c.index)));
  at("steady").replaceChildren(...steady.map((/** @type {any} */ c) => {
    if (!opened.has(c.index)) return tiny(c.chart, c.index);
    const element = card(c.chart, c.index);
    element.classList.add("wide");
    element.addEventListener("click", () => { opened.delete(c.index); drawCharts(); });
    return element;
  }));
  at("moved-count").textContent = String(moved.length);
  at("steady-count").textContent = String(steady.length);
  ["moved-heading", "chart-key"].forEach((id) => { at(id).hidden = moved.length === 0; });
  ["steady-heading", "steady-hint"].forEach((id) => { at(id).hidden = steady.length === 0; });
  ["days", "slides"].forEach((name) => at(`view-${name}`).setAttribute("aria-pressed", String(view === name)));
  drawKey();
}

function drawKey() {
  const marks = view === "days"
    ? [["circle", { class: "day", cx: 13, cy: 6, r: 3.2 }, "mean"], ["path", { class: "ewma", d: "M1,6H25" }, "ewma"],
      ["rect", { class: "band", x: 1, y: 1, width: 24, height: 10 }, "watchLimit"], ["path", { class: "limit far", d: "M1,6H25" }, "actLimit"]]
    : [["circle", { class: "slide", cx: 13, cy: 6, r: 3 }, "slide"], ["circle", { class: "slide out", cx: 13, cy: 6, r: 3.4 }, "out"],
      ["path", { class: "limit", d: "M1,6H25" }, "sigmas"]];
  at("chart-key").replaceChildren(...marks.map(([tag, attributes, name]) => {
    const item = make("span", "", "key");
    const svg = canvas(26, 12, "");
    shape(svg, /** @type {string} */ (tag), attributes);
    item.append(svg, make("span", t(/** @type {string} */ (name))));
    return item;
  }));
}

function drawVerdicts() {
  const scanner = chosen.startsWith("scanner/") ? chosen.slice("scanner/".length) : null;
  const width = length > 130 ? 7 : 1;
  /** @type {Map<number, number[]>} */
  const days = new Map();
  data.verdicts.filter((/** @type {any} */ v) => scanner === null || v.scanner === scanner).forEach((/** @type {any} */ v) => {
    const place = Math.floor(offset(v.day) / width);
    const sums = days.get(place) ?? verdicts.map(() => 0);
    days.set(place, sums.map((sum, n) => sum + v.counts[n]));
  });
  const svg = canvas(760, 300, t("verdicts"));
  const box = { left: 44, right: 752, top: 8, bottom: 188 };
  const low = { top: 214, bottom: 270 };
  const sum = (/** @type {number[]} */ counts) => counts.reduce((a, b) => a + b, 0);
  const most = Math.max(1, ...[...days.values()].map(sum));
  const bar = Math.min(40, (box.right - box.left) / (Math.floor(length / width) + 1));
  const x = (/** @type {number} */ n) => box.left + bar * n;
  const y = (/** @type {number} */ count) => box.bottom - (box.bottom - box.top) * count / most;
  ticks(0, most, Math.min(4, most)).filter(Number.isInteger).forEach((count) => {
    shape(svg, "line", { class: "axis", x1: box.left, x2: box.right, y1: y(count), y2: y(count) });
    shape(svg, "text", { x: box.left - 8, y: y(count) + 4, "text-anchor": "end" }, number(count));
  });
  const back = (/** @type {number[]} */ counts) => sum(counts.slice(2)) / Math.max(1, sum(counts));
  const worst = Math.max(0.05, ...[...days.values()].map(back));
  const z = (/** @type {number} */ part) => low.bottom - (low.bottom - low.top) * part / worst;
  [0, worst].forEach((part) => {
    shape(svg, "line", { class: "axis", x1: box.left, x2: box.right, y1: z(part), y2: z(part) });
    shape(svg, "text", { x: box.left - 8, y: z(part) + 4, "text-anchor": "end" }, `${(100 * part).toFixed(0)} %`);
  });
  shape(svg, "text", { class: "tag", x: box.left + 2, y: low.top - 6 }, t("sentBack"));
  days.forEach((counts, place) => {
    let bottom = 0;
    const group = shape(svg, "g", {});
    shape(group, "title", {}, `${date(place * width, true)}: ${counts.map((count, n) => count ? `${t(verdicts[n])} ${count}` : "").filter(Boolean).join(", ")}`);
    counts.forEach((count, n) => {
      if (!count) return;
      shape(group, "rect", { x: x(place) + bar * 0.1, width: bar * 0.8, y: y(bottom + count), height: y(bottom) - y(bottom + count), fill: `var(--${verdicts[n]})` });
      bottom += count;
    });
    const height = low.bottom - z(back(counts));
    if (height > 0) shape(group, "rect", { x: x(place) + bar * 0.1, width: bar * 0.8, y: low.bottom - height, height, fill: "var(--recut)", opacity: 0.8 });
  });
  dateTicks(8).forEach((n) => shape(svg, "text", { x: x(n / width) + bar / 2, y: 290, "text-anchor": n ? "middle" : "start" }, date(n)));
  at("verdicts").replaceChildren(svg);
  const totals = verdicts.map((_, n) => sum([...days.values()].map((counts) => counts[n])));
  at("verdict-count").textContent = `${(100 * back(totals)).toFixed(1)} % ${t("sentBack")}${width > 1 ? `, ${t("weekly")}` : ""}`;
  at("verdict-legend").replaceChildren(...verdicts.flatMap((name, n) => {
    if (!totals[n]) return [];
    const item = make("span", `${t(name)} ${number(totals[n])}`);
    const swatch = make("i");
    swatch.style.background = `var(--${name})`;
    item.prepend(swatch);
    return [item];
  }));
}

function drawDrifts() {
  /** One entry a machine and family of measures, as `stain`: one cause moves them together.
   * @type {Map<string, any[]>} */
  const entries = new Map();
  let open = 0;
  data.charts.forEach((/** @type {any} */ chart, /** @type {number} */ index) => {
    if (!chart.drift || !shown(chart.group)) return;
    const name = `${key(chart.group)} ${chart.drift.level === "over"} ${chart.measure.split(".")[0]}`;
    entries.set(name, [...entries.get(name) ?? [], { ...chart, index }]);
    if (chart.drift.level !== "over") open += 1;
  });
  at("drifts").replaceChildren(...[...entries.values()].map(([chart, ...others]) => {
    const item = make("li", "", `drift ${chart.drift.level}`);
    item.tabIndex = 0;
    const heading = make("h3");
    heading.append(make("span", `${measureName(chart.measure)} · ${groupName(chart.group)}`), make("span", t(chart.drift.level), "state"));
    item.append(heading, make("p", driftLine(chart)));
    if (others.length) item.append(make("p", `${t("also")} ${others.map((other) => measureName(other.measure).replace(/^.*[:：] ?/, "")).join(language === "zh" ? "、" : ", ")}`));
    const go = () => {
      document.querySelectorAll(".chosen").forEach((element) => element.classList.remove("chosen"));
      at(`chart-${chart.index}`)?.classList.add("chosen");
      at(`chart-${chart.index}`)?.scrollIntoView({ block: "center", behavior: "smooth" });
    };
    item.addEventListener("click", go);
    item.addEventListener("keydown", (event) => { if (event.key === "Enter") go(); });
    return item;
  }));
  at("drift-count").textContent = String(open);
  at("no-drifts").hidden = entries.size > 0;
  at("no-drifts").textContent = t(data.charts.length ? "noDrifts" : "noCharts");
}

function drawGroups() {
  const found = new Map([...data.charts, ...data.waiting].map((/** @type {any} */ c) => [key(c.group), c.group]));
  const groups = [...found.values()].sort((a, b) => key(a) < key(b) ? -1 : 1);
  const button = (/** @type {string} */ name, /** @type {string} */ value) => {
    const element = make("button", name);
    element.setAttribute("type", "button");
    element.setAttribute("aria-pressed", String(chosen === value));
    element.addEventListener("click", () => { chosen = value; draw(); });
    return element;
  };
  at("groups").replaceChildren(button(t("all"), ""), ...groups.map((group) => button(groupName(group), key(group))));
  at("groups").hidden = groups.length < 2;
  const count = (/** @type {string} */ kind) => {
    const n = groups.filter((group) => group.kind === kind && group.name).length;
    return n ? [`${n} ${t(n === 1 ? `${kind}sOne` : `${kind}s`)}`] : [];
  };
  const span = data.span ? [[...new Set(data.span)].map((day) => date(/** @type {string} */ (day), true)).join(" – ")] : [];
  at("summary").textContent = [...span, `${number(data.slides)} ${t(data.slides === 1 ? "slideOne" : "slideCount")}`, ...count("scanner"), ...count("stainer")].join(" · ");
}

function drawRest() {
  at("waiting-section").hidden = data.waiting.length === 0;
  at("waiting").replaceChildren(...data.waiting.flatMap((/** @type {any} */ w) => [
    make("dt", groupName(w.group) + (w.measure ? ` · ${measureName(w.measure)}` : "")),
    make("dd", `${number(w.slides)} ${t("slideCount")} · ${w.days} ${t("atDays")}`)]));
  const notes = [[data.damaged, t("gone")], [data.left_out, t("leftOut")]].filter(([count]) => count);
  at("file-section").hidden = notes.length === 0;
  at("file").replaceChildren(...notes.map(([count, text]) => make("li", `${number(count)} ${text}`)));
  at("footer").textContent = `${t("footer")} λ ${data.settings.lambda}, ${data.settings.watch} σ / ${data.settings.act} σ. Bianque ${data.program_version}.`;
}

function draw() {
  document.documentElement.lang = language === "zh" ? "zh-CN" : "en";
  document.querySelectorAll("[data-text]").forEach((element) => {
    element.textContent = t(/** @type {HTMLElement} */ (element).dataset.text ?? "");
  });
  at("language").textContent = language === "zh" ? "English" : "中文";
  document.title = `${t("title")} · Bianque`;
  drawGroups();
  drawDrifts();
  drawVerdicts();
  drawCharts();
  drawRest();
}

at("language").addEventListener("click", () => { language = language === "zh" ? "en" : "zh"; draw(); });
at("print").addEventListener("click", () => window.print());
at("view-days").addEventListener("click", () => { view = "days"; drawCharts(); });
at("view-slides").addEventListener("click", () => { view = "slides"; drawCharts(); });
draw();
