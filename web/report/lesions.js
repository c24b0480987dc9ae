// @ts-check
// Draws an evaluation of lesions from the JSON beside it, with `plots.js`.
(() => {
  "use strict";
  const { data, at, make, shape, figure, interval, COLORS, show, bar, table, axes, share, line, key, warnings } = Plots;
  const froc = data.froc;
  const FALSE_POSITIVES = [0.25, 0.5, 1, 2, 4, 8];
  const SHOWN = 20;
  /** A measure with its interval, where there is one. */
  const estimate = (/** @type {any} */ value, /** @type {any} */ own) => ({ low: null, high: null, ...own, value });

  const found = data.lesions.filter((/** @type {any} */ l) => l.confidence !== null).length;
  at("summary").textContent = `${found} of ${froc.lesions} lesions found on ${froc.slides} slides; ${data.false_positives} of ${data.detections} detections lie outside every lesion`;
  at("over").textContent = data.intervals ? "95 % intervals over slides" : "";
  at("notice").textContent = data.notice;
  const rounds = data.intervals ? ` ${data.settings.rounds} resampled sets of slides, seed ${data.settings.seed}.` : "";
  at("footer").textContent = `Bianque ${data.program}.${rounds} Numbers: evaluation.json.`;

  const measures = table(at("measures"), ["", "value", "interval", "0 to 1"]);
  const add = (/** @type {string} */ text, /** @type {any} */ e) => {
    const row = make(measures, "tr");
    [text, figure(e.value), interval(e)].forEach((cell) => make(row, "td", cell));
    bar(row, e);
  };
  add("FROC score", estimate(froc.score, data.intervals?.score));
  const at_each = FALSE_POSITIVES.map((_, index) => estimate(froc.sensitivities[index], data.intervals?.sensitivities[index]));
  FALSE_POSITIVES.forEach((fp, index) => add(`Sensitivity at ${fp} a slide`, at_each[index]));
  add("Dice of the shared area", estimate(data.overlap.dice, data.intervals?.dice));
  add("IoU of the shared area", estimate(data.overlap.iou, null));

  // False positives by powers of two, from 1/8 to 16; fewer lie on the left edge.
  const place = (/** @type {number} */ v) => Math.min(1, (Math.log2(Math.max(v, 0.125)) + 3) / 7);
  const plot = axes(at("froc"), "false positives a slide", "sensitivity", { place, marks: FALSE_POSITIVES }, share);
  const last = froc.curve.at(-1)?.sensitivity ?? 0;
  const points = froc.curve.map((/** @type {any} */ p) => [p.false_positives, p.sensitivity]);
  line(plot, [[0, 0], ...points, [16, last]], COLORS[0]);
  FALSE_POSITIVES.forEach((fp, index) => {
    const e = at_each[index];
    if (e.low !== null) shape(plot.svg, "line", { x1: plot.x(fp), x2: plot.x(fp), y1: plot.y(e.low), y2: plot.y(e.high), stroke: COLORS[0], "stroke-width": 3, "stroke-opacity": 0.45 });
    shape(plot.svg, "circle", { cx: plot.x(fp), cy: plot.y(e.value), r: 4, fill: COLORS[0] });
  });
  key(at("froc-legend"), `score ${figure(froc.score)}: the mean of the six sensitivities`, COLORS[0]);

  const sizes = table(at("sizes"), ["", "found", "recall", "interval", "0 to 1"]);
  data.by_size.forEach((/** @type {any} */ size, /** @type {number} */ index) => {
    const row = make(sizes, "tr");
    const e = estimate(size.recall, data.intervals?.recall_by_size[index]);
    [size.name.replace("mm2", "mm²"), `${size.found} of ${size.lesions}`, figure(e.value), interval(e)].forEach((cell) => make(row, "td", cell));
    bar(row, e);
  });

  const missed = data.lesions.filter((/** @type {any} */ l) => l.confidence === null).sort((/** @type {any} */ a, /** @type {any} */ b) => b.area - a.area);
  if (missed.length) {
    show("missed-section");
    const mpp = data.settings.mpp;
    const rows = table(at("missed"), ["slide", "lesion", mpp ? "mm²" : "level-0 px", "covered"]);
    missed.slice(0, SHOWN).forEach((/** @type {any} */ l) => {
      const row = make(rows, "tr");
      const area = mpp ? figure(l.area * mpp * mpp / 1e6, 2) : figure(l.area, 0);
      [l.slide, String(l.lesion + 1), area, `${figure(100 * l.covered, 0)} %`].forEach((cell) => make(row, "td", cell));
    });
    if (missed.length > SHOWN) make(at("missed"), "p", `and ${missed.length - SHOWN} more: evaluation.json`, "empty");
  }

  warnings();
})();
