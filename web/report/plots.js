// @ts-check
// What the pages of evaluations are drawn with. No network, no storage.
const Plots = (() => {
  "use strict";
  /** @type {any} */
  const data = JSON.parse(/** @type {HTMLElement} */ (document.getElementById("evaluation")).textContent || "{}");
  const at = (/** @type {string} */ id) => /** @type {any} */ (document.getElementById(id));
  const make = (/** @type {any} */ parent, /** @type {string} */ tag, text = "", kind = "") => {
    const element = document.createElement(tag);
    if (text) element.textContent = text;
    if (kind) element.className = kind;
    parent.append(element);
    return element;
  };
  const shape = (/** @type {any} */ parent, /** @type {string} */ tag, /** @type {any} */ attributes, text = "") => {
    const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
    Object.entries(attributes).forEach(([name, value]) => element.setAttribute(name, String(value)));
    if (text) element.textContent = text;
    parent.append(element);
    return element;
  };
  const figure = (/** @type {any} */ value, digits = 3) => (value === null || value === undefined ? "–" : Number(value).toFixed(digits));
  const interval = (/** @type {any} */ e) => (e.low === null || e.low === undefined ? "–" : `${figure(e.low)} to ${figure(e.high)}`);
  const COLORS = ["#14708f", "#c8303c", "#e0a030", "#4c8f6a", "#7048a0", "#785032", "#5c6b77"];
  const show = (/** @type {string} */ id) => { at(id).hidden = false; };

  /** Where bars begin: at one half where nothing lies below, so that what differs can be seen. */
  const start = (/** @type {any[]} */ estimates) => (estimates.every((e) => (e.low ?? e.value ?? 1) >= 0.5) ? 0.5 : 0);
  const ends = (/** @type {number} */ low, high = 1) => `${low} to ${high}`;
  /** A value and its interval as a line between two ends. */
  const bar = (/** @type {any} */ row, /** @type {any} */ e, low = 0, high = 1, mark = /** @type {any} */ (null)) => {
    const cell = make(row, "td", "", "spread");
    const svg = shape(cell, "svg", { viewBox: "0 0 200 18", "aria-hidden": "true" });
    const x = (/** @type {number} */ value) => 4 + (Math.min(high, Math.max(low, value)) - low) / (high - low) * 192;
    shape(svg, "line", { class: "axis", x1: 4, x2: 196, y1: 9, y2: 9 });
    if (mark !== null) shape(svg, "line", { class: "even", x1: x(mark), x2: x(mark), y1: 1, y2: 17 });
    if (typeof e.low === "number") shape(svg, "line", { x1: x(e.low), x2: x(e.high), y1: 9, y2: 9, stroke: COLORS[0], "stroke-width": 3 });
    if (typeof e.value === "number") shape(svg, "circle", { cx: x(e.value), cy: 9, r: 4.5, fill: COLORS[0] });
  };
  const table = (/** @type {any} */ parent, /** @type {string[]} */ heads) => {
    const element = make(parent, "table");
    const row = make(make(element, "thead"), "tr");
    heads.forEach((text) => make(row, "th", text));
    return make(element, "tbody");
  };
  /** A plot: an axis is a place from 0 to 1 for every value, and the values that are marked. */
  const axes = (/** @type {any} */ parent, /** @type {string} */ across, /** @type {string} */ up, /** @type {any} */ bottom, /** @type {any} */ side) => {
    const svg = shape(parent, "svg", { viewBox: "0 0 400 340", role: "img", "aria-label": `${up} by ${across}` });
    const x = (/** @type {number} */ v) => 44 + bottom.place(v) * 340;
    const y = (/** @type {number} */ v) => 300 - side.place(v) * 286;
    side.marks.forEach((/** @type {number} */ v) => {
      shape(svg, "line", { class: "axis", x1: 44, x2: 384, y1: y(v), y2: y(v) });
      shape(svg, "text", { x: 38, y: y(v) + 4, "text-anchor": "end" }, String(v));
    });
    bottom.marks.forEach((/** @type {number} */ v) => {
      shape(svg, "line", { class: "axis", x1: x(v), x2: x(v), y1: 300, y2: 14 });
      shape(svg, "text", { x: x(v), y: 316, "text-anchor": "middle" }, String(v));
    });
    shape(svg, "text", { x: 214, y: 334, "text-anchor": "middle" }, across);
    shape(svg, "text", { x: 12, y: 157, "text-anchor": "middle", transform: "rotate(-90 12 157)" }, up);
    return { svg, x, y };
  };
  const share = { place: (/** @type {number} */ v) => v, marks: [0, 0.25, 0.5, 0.75, 1] };
  /** A square from 0 to 1 on both axes. */
  const square = (/** @type {any} */ parent, /** @type {string} */ across, /** @type {string} */ up, even = true) => {
    const plot = axes(parent, across, up, share, share);
    if (even) shape(plot.svg, "line", { class: "even", x1: plot.x(0), x2: plot.x(1), y1: plot.y(0), y2: plot.y(1) });
    return plot;
  };
  const line = (/** @type {any} */ on, /** @type {any[]} */ points, /** @type {string} */ color) =>
    shape(on.svg, "polyline", { class: "curve", stroke: color, points: points.map(([a, b]) => `${on.x(a).toFixed(1)},${on.y(b).toFixed(1)}`).join(" ") });
  const key = (/** @type {any} */ legend, /** @type {string} */ text, /** @type {string} */ color) => {
    const entry = make(legend, "span");
    make(entry, "i").setAttribute("style", `background:${color}`);
    entry.append(text);
  };
  const warnings = () => {
    if (!data.warnings.length) return;
    show("warnings-section");
    data.warnings.forEach((/** @type {string} */ text) => make(at("warnings"), "li", text));
  };
  at("print").addEventListener("click", () => window.print());
  return { data, at, make, shape, figure, interval, COLORS, show, start, ends, bar, table, axes, share, square, line, key, warnings };
})();
