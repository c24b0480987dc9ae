// @ts-check
// Draws an evaluation of slides or tiles from the JSON beside it, with `plots.js`.
(() => {
  "use strict";
  const { data, at, make, shape, figure, interval, COLORS, show, start, ends, bar, table, square, line, key, warnings } = Plots;
  const NAMES = /** @type {any} */ ({ auroc: "AUROC", auprc: "AUPRC", balanced_accuracy: "Balanced accuracy", weighted_f1: "Weighted F1",
    quadratic_kappa: "Quadratic kappa", accuracy: "Accuracy", mean_absolute_error: "Mean absolute error", r2: "R²", pearson: "Pearson's r", c_index: "C-index" });
  const name = (/** @type {string} */ measure) => NAMES[measure] ?? measure;

  const chance = (/** @type {any} */ p) => (p === null || p === undefined ? "p –" : p < 0.001 ? "p < 0.001" : `p ${figure(p)}`);

  // Tiles are measured as slides are: what counts is said.
  const { items, groups } = data.unit ?? { items: "slides", groups: "patients" };
  const alone = items === groups;
  at("title").textContent = `How good the model is on these ${items}`;
  at("summary").textContent = alone ? `${data.slides} ${items}` : `${data.slides} ${items} of ${data.patients} ${groups}`;
  const { model } = data;
  const stated = (/** @type {any} */ value) => value ?? "not stated";
  if (model) {
    const encoder = model.encoder;
    document.title = `${model.name}: Bianque evaluation${encoder ? ` (${encoder.name} ${encoder.version})` : ""}`;
    const rests = encoder ? `${encoder.name} ${encoder.version}, licence ${stated(encoder.licence)}, ${stated(encoder.digest)}` : "not stated";
    at("model").textContent = `${model.kind} ${model.name}, licence ${stated(model.licence)} · encoder ${rests}`;
  }
  at("over").textContent = `95 % intervals over ${groups}${alone ? ", each taken alone" : ""}`;
  at("counted").textContent = `${items}; rows are the truth`;
  at("notice").textContent = data.notice;
  at("footer").textContent = `Bianque ${data.program}. ${data.settings.rounds} resampled cohorts, seed ${data.settings.seed}. Numbers: evaluation.json.`;

  // An error has no best value to be drawn towards, and R² no lower end.
  const drawable = (/** @type {any} */ m) => !["mean_absolute_error", "r2"].includes(m.name);
  const from = start(data.measures.filter(drawable));
  const measures = table(at("measures"), ["", "value", "interval", data.measures.some(drawable) ? ends(from) : ""]);
  data.measures.forEach((/** @type {any} */ m) => {
    const row = make(measures, "tr");
    [name(m.name), figure(m.value), interval(m)].forEach((text) => make(row, "td", text));
    if (drawable(m)) bar(row, m, from); else make(row, "td");
  });

  if (data.groups.length) {
    show("groups-section");
    const firsts = data.groups.map((/** @type {any} */ g) => g.measures[0]);
    const drawn = drawable(firsts[0]);
    const from = start(firsts);
    const rows = table(at("groups"), ["", items, name(firsts[0].name), "interval", drawn ? ends(from) : ""]);
    data.groups.forEach((/** @type {any} */ g) => {
      const row = make(rows, "tr");
      [`${g.group} ${g.name}`, String(g.slides), figure(g.measures[0].value), interval(g.measures[0])].forEach((text) => make(row, "td", text));
      if (drawn) bar(row, g.measures[0], from); else make(row, "td");
    });
  }

  const curves = data.curves.filter((/** @type {any} */ c) => c.points.length);
  const drawn = data.classes.length === 2 ? curves.slice(-1) : curves;
  if (drawn.length) {
    show("roc-section"); show("pr-section");
    const roc = square(at("roc"), "1 - specificity", "sensitivity");
    const pr = square(at("pr"), "recall", "precision", false);
    drawn.forEach((/** @type {any} */ c, /** @type {number} */ index) => {
      const color = COLORS[index % COLORS.length];
      line(roc, [[0, 0], ...c.points.map((/** @type {any} */ p) => [1 - p.specificity, p.sensitivity])], color);
      line(pr, c.points.map((/** @type {any} */ p) => [p.sensitivity, p.precision]), color);
      key(at("roc-legend"), `${c.class}: AUROC ${figure(c.auroc)}, AUPRC ${figure(c.auprc)} (${c.slides} ${items})`, color);
    });
  }

  if (data.confusion.length) {
    show("confusion-section");
    const rows = table(at("confusion"), ["", ...data.classes]);
    at("confusion").querySelectorAll("th:not(:first-child)").forEach((/** @type {any} */ head) => { head.className = "cell"; });
    data.confusion.forEach((/** @type {number[]} */ counts, /** @type {number} */ truth) => {
      const row = make(rows, "tr");
      make(row, "td", data.classes[truth]);
      const all = Math.max(1, counts.reduce((sum, n) => sum + n, 0));
      counts.forEach((n, said) => {
        const cell = make(row, "td", String(n), "cell");
        cell.setAttribute("style", `background:${said === truth ? "rgba(20,112,143," : "rgba(200,48,60,"}${(0.45 * n / all).toFixed(2)})`);
      });
    });
  }

  if (data.calibration) {
    show("calibration-section");
    const plot = square(at("calibration"), "claimed probability", "share right");
    [["given", "as it is"], ["temperature", "by temperature"], ["isotonic", "isotonic"]].forEach(([kind, text], index) => {
      const own = data.calibration[kind];
      const color = COLORS[index];
      line(plot, own.bins.map((/** @type {any} */ b) => [b.claimed, b.right]), color);
      own.bins.forEach((/** @type {any} */ b) => {
        const dot = shape(plot.svg, "circle", { cx: plot.x(b.claimed), cy: plot.y(b.right), r: 2 + 8 * Math.sqrt(b.slides / data.slides), fill: color, "fill-opacity": 0.45 });
        shape(dot, "title", {}, `${b.slides} ${items}, claimed ${figure(b.claimed)}, right ${figure(b.right)}`);
      });
      key(at("calibration-legend"), `${text}: ECE ${figure(own.ece)}, log loss ${figure(own.log_loss)}`, color);
    });
  }

  if (data.values.length) {
    show("values-section");
    const all = data.values.flat();
    const [low, high] = [Math.min(...all), Math.max(...all)];
    const scaled = (/** @type {number} */ v) => (v - low) / (high - low || 1);
    const plot = square(at("values"), `true value (${figure(low, 2)} to ${figure(high, 2)})`, "predicted, same scale");
    data.values.forEach((/** @type {number[]} */ [truth, said]) => shape(plot.svg, "circle", { cx: plot.x(scaled(truth)), cy: plot.y(scaled(said)), r: 3, fill: COLORS[0], "fill-opacity": 0.5 }));
  }

  /** Covered, decided and wrong of every group, against what is promised. */
  const kept = (/** @type {string} */ place, /** @type {string} */ text, /** @type {any[]} */ groups, /** @type {number} */ promised) => {
    if (!groups.length) return;
    const from = start(groups.map((g) => ({ low: g.interval[0] })));
    const rows = table(at(place), [text, "covered", "decided", "wrong", ends(from)]);
    groups.forEach((g) => {
      const row = make(rows, "tr", "", g.broken ? "broken" : "");
      [g.group === "all" ? `all ${items}` : `${g.group} ${g.name}`, figure(g.coverage), `${g.decided} of ${g.slides}`, String(g.wrong)].forEach((cell) => make(row, "td", cell));
      bar(row, { value: g.coverage, low: g.interval[0], high: g.interval[1] }, from, 1, promised);
    });
  };

  if (data.abstention_as_shipped) {
    show("abstention-section"); show("shipped-note");
    const s = data.abstention_as_shipped;
    const share = (/** @type {number} */ part) => `${(100 * part).toFixed(0)} %`;
    const unlike = s.unlike === null ? "" : ` No class is named of ${s.unlike} ${items} unlike the training slides; they are not counted below.`;
    at("shipped-note").textContent = `As shipped: the task's own thresholds, put to each of its ${s.heads} heads, learned of ${s.calibrated_on} held-out slides of its training; nothing was fitted here. The true class remains possible in at least ${share(1 - s.most)}, in ${share(1 - s.alpha)} where the heads agree.${unlike}`;
    kept("shipped", "as shipped", s.groups, 1 - s.most);
  }

  if (data.abstention) {
    show("abstention-section");
    const promised = 1 - data.abstention.alpha;
    const byOne = model?.kind === "run" && !data.abstention_as_shipped ? " Each slide was judged by one head; what the vote of all heads comes to is measured on other slides (evaluate slides --run)." : "";
    at("abstention-note").textContent = `${data.abstention_as_shipped ? "Fitted again on these slides, to compare: one" : "One"} class is said only where the others can be excluded; the true class is to remain possible in ${(100 * promised).toFixed(0)} % of ${items}. Red: the promise is broken beyond chance.${byOne}`;
    [["other_patients", `calibrated on other ${groups}`], ["other_sites", "calibrated on the other sites only"]].forEach(([kind, text]) => {
      kept("abstention", text, data.abstention[kind], promised);
    });
  }

  if (data.site_shift) {
    show("shift-section");
    const shift = data.site_shift;
    const rows = table(at("shift"), ["", "value", "interval", ends(0)]);
    const row = make(rows, "tr");
    const e = shift.balanced_accuracy ?? {};
    [`Balanced accuracy, ${shift.sites.length} sites`, figure(e.value), interval(e)].forEach((text) => make(row, "td", text));
    bar(row, e, 0, 1, shift.chance);
    make(at("shift"), "p", `Guessing reaches ${figure(shift.chance)}. The further above, the more a head could learn the hospital instead of the disease.`, "empty");
  }

  if (data.novelty || data.site_novelty.length) {
    show("novelty-section");
    at("novelty-note").textContent = "Distance of a slide's mean features from other slides (Mahalanobis). The limit is what 19 of 20 of those keep within. AUROC 0.5: the distance tells nothing; near 1: other stain, scanner or tissue, and the model's probabilities may mean nothing.";
    const distances = (/** @type {string} */ text, /** @type {any[]} */ groups) => {
      if (!groups.length) return;
      const rows = table(at("novelty"), [text, "beyond the limit", "AUROC", ends(0)]);
      groups.forEach((g) => {
        const row = make(rows, "tr");
        [g.name === "all" ? "all slides" : g.name, `${g.beyond} of ${g.slides}`, figure(g.auroc)].forEach((cell) => make(row, "td", cell));
        bar(row, { value: g.auroc }, 0, 1, 0.5);
      });
    };
    if (data.novelty) distances(`from the ${data.novelty.training_slides} training slides`, data.novelty.groups);
    distances("each site from the others", data.site_novelty);
  }

  if (data.comparison) {
    show("comparison-section");
    const c = data.comparison;
    const rows = table(at("comparison"), ["", "first", "second", "difference", "interval", ""]);
    c.measures.forEach((/** @type {any} */ m) => {
      const row = make(rows, "tr");
      [name(m.name), figure(m.first), figure(m.second), figure(m.difference), interval(m), chance(m.p)].forEach((text) => make(row, "td", text));
    });
    c.delong.forEach((/** @type {any} */ d) => make(at("comparison"), "p", `DeLong, ${d.class}: difference ${figure(d.difference)}, ${chance(d.p)}.`, "empty"));
    if (c.mcnemar) make(at("comparison"), "p", `McNemar: ${c.mcnemar.only_first} slides right by the first only, ${c.mcnemar.only_second} by the second only, ${chance(c.mcnemar.p)}.`, "empty");
    c.warnings.forEach((/** @type {string} */ text) => make(at("comparison"), "p", text, "empty"));
  }

  if (data.stain_robustness) {
    show("stain-section");
    const rows = table(at("stain"), ["strength", "balanced accuracy", "AUROC", "verdicts changed"]);
    data.stain_robustness.steps.forEach((/** @type {any} */ step) => {
      const row = make(rows, "tr");
      [figure(step.sigma, 2), figure(step.balanced_accuracy), figure(step.auroc), figure(step.changed)].forEach((text) => make(row, "td", text));
    });
  }

  warnings();
})();
