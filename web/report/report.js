// @ts-check
// Draws the report from the JSON beside it. No network, no storage.
"use strict";
(() => {
  const texts = {
    en: {
      print: "Print", slide: "Slide", heat: "Heatmap", outlines: "Regions", tissueOutline: "Tissue",
      findings: "Proposed regions", noRegions: "No region reached the threshold.", warnings: "What to know",
      facts: "Slide facts", models: "What produced this", timings: "Time",
      notice: "For research use until a site validates it. Every region is a machine's proposal and unconfirmed.",
      exploratory: "Exploratory: the slide's organ was not stated, and this task was made for: ",
      footer: "Peak and mean are of the map, which is smoothed over neighbouring tiles; under a picture stands the calibrated probability of that tile alone. Calibrated on the training source's held-out part; see the model cards. Coordinates in the files are level-0 pixels.",
      evaluation: "Against known lesions", found: "Lesions found", of: "of", falsePositives: "Detections outside every lesion",
      froc: "FROC (CAMELYON16)", overlapTitle: "Overlap",
      unconfirmed: "unconfirmed", size: "Size", mpp: "Microns per pixel", unknown: "not stated", format: "Format",
      vendor: "Scanner's maker", magnification: "Objective", tissue: "Tissue", tiles: "Tiles analysed", task: "Task",
      encoder: "Encoder", head: "Head", licence: "licence", digest: "digest", created: "Made by", none: "none",
      area: "Area", mean: "mean", peak: "peak on the smoothed map", tileAlone: "this tile alone", second_encoder: "second encoder", tileCount: "tiles", proposed: "regions proposed",
      features_compute: "encoding tiles", features_waiting: "encoder waiting for tiles", features_files: "features files",
      open_and_digest: "opening, digest", besideIt: "meanwhile, summed over threads", decoding: "decoding", resizing: "resizing",
      attention: "Attention, not a lesion", attentionOf: "What the model looked at. No region comes of it. ",
      second: "Second look", secondText: "places judged again",
      pictures_and_files: "pictures and files", regions: "outlining",
      quality: "Quality", qualityPass: "Nothing to say.", leftOut: "tiles were left out of lesion finding.", check: "quality check",
      verdicts: { pass: "pass", "pass-marked": "pass, places marked", rescan: "rescan", restain: "restain", recut: "recut or remount", unreadable: "unreadable" },
      one: "region proposed", nothing: "no region proposed", other: "other", levels: "Levels", ink: "Ink",
      outside: "Outside of what the task was measured on: ", package: "Package", measuredOn: "Measured on",
      rules: { no_card: "the task has no card", no_paired_scanner: "no scanner is paired with it", scanner_not_stated: "the slide does not state its scanner",
        scanner_not_paired: "this scanner is not paired with it", resolution: "the resolution lies outside of its range", organ: "the organ is not stated, or another" },
      standing: { trusted: "signed, trusted here as", unknown_signer: "signed by a key that this site does not know:", unsigned: "not signed" },
      evidence: { none: "nothing", tile: "tiles alone", slide: "whole slides of one site", "multi-site": "whole slides of several sites" },
    },
    zh: {
      print: "打印", slide: "切片", heat: "热图", outlines: "区域", tissueOutline: "组织",
      findings: "提示区域", noRegions: "没有区域达到阈值。", warnings: "注意事项",
      facts: "切片信息", models: "由何产生", timings: "用时",
      notice: "在使用单位完成验证之前仅供研究使用。所有区域均为机器提示，未经确认。",
      exploratory: "探索性结果：未说明切片的器官，而该任务适用于：",
      footer: "峰值与平均值取自图谱，图谱经相邻图块平滑；图片下方为该图块单独的校准概率。依据训练来源中留出的部分校准，详见模型卡。文件中的坐标为第0层像素。",
      evaluation: "与已知病变对照", found: "找到的病变", of: "/", falsePositives: "病变以外的检出",
      froc: "FROC（CAMELYON16）", overlapTitle: "重叠",
      unconfirmed: "未确认", size: "尺寸", mpp: "每像素微米数", unknown: "未说明", format: "格式",
      vendor: "扫描仪厂商", magnification: "物镜", tissue: "组织", tiles: "分析图块", task: "任务",
      encoder: "编码器", head: "分类头", licence: "许可", digest: "摘要", created: "制作", none: "无",
      area: "面积", mean: "平均", peak: "平滑图谱上的峰值", tileAlone: "仅此图块", second_encoder: "第二编码器", tileCount: "图块", proposed: "个提示区域",
      features_compute: "图块编码", features_waiting: "编码器等待图块", features_files: "特征文件",
      open_and_digest: "打开与摘要", besideIt: "同时进行（各线程合计）", decoding: "解码", resizing: "缩放",
      attention: "注意力图，并非病变", attentionOf: "模型所关注之处，不产生任何区域。", second: "二次判读", secondText: "处经二次判读",
      pictures_and_files: "图片与文件", regions: "勾画区域",
      quality: "质量", qualityPass: "无异常。", leftOut: "个图块未参与病变查找。", check: "质量检查",
      verdicts: { pass: "合格", "pass-marked": "合格，有标记", rescan: "重新扫描", restain: "重新染色", recut: "重新切片或封片", unreadable: "无法读取" },
      one: "个提示区域", nothing: "无提示区域", other: "其他", levels: "层", ink: "墨迹",
      outside: "超出该任务的测量范围：", package: "任务包", measuredOn: "测量所用数据",
      rules: { no_card: "任务没有说明卡", no_paired_scanner: "没有与之配对的扫描仪", scanner_not_stated: "切片未注明扫描仪",
        scanner_not_paired: "该扫描仪未与之配对", resolution: "分辨率超出范围", organ: "器官未说明或不符" },
      standing: { trusted: "已签名，本单位信任：", unknown_signer: "由本单位未知的密钥签名：", unsigned: "未签名" },
      evidence: { none: "无", tile: "仅图块", slide: "单中心全切片", "multi-site": "多中心全切片" },
    },
  };
  /** @type {any} */
  const data = JSON.parse(/** @type {HTMLElement} */ (document.getElementById("report")).textContent || "{}");
  const report = data.report;
  let language = /^zh/i.test(navigator.language) ? "zh" : "en";
  const t = (/** @type {string} */ key) => /** @type {any} */ (texts)[language][key] ?? key;
  const at = (/** @type {string} */ id) => /** @type {any} */ (document.getElementById(id));
  const make = (/** @type {string} */ tag, /** @type {string} */ text = "", /** @type {string} */ kind = "") => {
    const element = document.createElement(tag);
    if (text) element.textContent = text;
    if (kind) element.className = kind;
    return element;
  };
  const rgb = (/** @type {number[]} */ color) => `rgb(${color.join(",")})`;
  const percent = (/** @type {number} */ share) => `${(100 * share).toFixed(0)}\u00a0%`;
  const label = (/** @type {string} */ name) => report.task.labels.find((/** @type {any} */ l) => l.name === name)
    ?? { name, title: name, color: [90, 90, 90] };
  const titled = (/** @type {any} */ l) => (language === "zh" && l.title_zh) || l.title || l.name;

  function drawStage() {
    at("thumbnail").src = data.images.thumbnail;
    at("heat").src = data.images.heat;
    const svg = at("outlines");
    svg.setAttribute("viewBox", `0 0 ${report.slide.width} ${report.slide.height}`);
    svg.setAttribute("preserveAspectRatio", "none");
    svg.replaceChildren();
    const path = (/** @type {number[][][]} */ rings) => rings.map((ring) =>
      `M${ring.map((p) => p.join(",")).join("L")}Z`).join("");
    const add = (/** @type {number[][][][]} */ polygons, /** @type {string} */ kind) => {
      const element = document.createElementNS("http://www.w3.org/2000/svg", "path");
      element.setAttribute("d", polygons.map(path).join(""));
      element.setAttribute("class", kind);
      element.setAttribute("fill-rule", "evenodd");
      svg.append(element);
      return element;
    };
    const tissue = add(report.tissue.polygons, "tissue");
    tissue.style.display = at("show-tissue").checked ? "" : "none";
    report.regions.forEach((/** @type {any} */ region, /** @type {number} */ index) => {
      const element = add(region.polygons, "lesion");
      element.style.stroke = rgb(label(region.label).color);
      element.dataset.index = String(index);
      element.addEventListener("click", () => choose(index, true));
    });
    drawScale();
  }

  function drawScale() {
    const scale = at("scale");
    scale.hidden = !report.slide.mpp;
    if (!report.slide.mpp) return;
    const width = at("thumbnail").clientWidth || 800;
    const micronsPerCssPixel = report.slide.width * report.slide.mpp.x / width;
    const nice = [10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000, 20000];
    const length = nice.filter((n) => n / micronsPerCssPixel < width / 5).pop() ?? nice[0];
    scale.querySelector("span").textContent = length >= 1000 ? `${length / 1000} mm` : `${length} µm`;
    scale.querySelector("i").style.width = `${length / micronsPerCssPixel}px`;
  }

  function choose(/** @type {number} */ index, /** @type {boolean} */ scroll) {
    document.querySelectorAll(".chosen").forEach((element) => element.classList.remove("chosen"));
    const item = at("regions").children[index];
    item?.classList.add("chosen");
    if (scroll) item?.scrollIntoView({ block: "nearest", behavior: "smooth" });
    at("outlines").querySelector(`[data-index="${index}"]`)?.classList.add("chosen");
  }

  function drawRegions() {
    const list = at("regions");
    list.replaceChildren();
    report.regions.forEach((/** @type {any} */ region, /** @type {number} */ index) => {
      const item = make("li", "", "region");
      item.style.setProperty("--class", rgb(label(region.label).color));
      item.tabIndex = 0;
      const heading = make("h3");
      heading.append(make("span", `${index + 1}. ${titled(label(region.label))}`), make("span", t("unconfirmed"), "state"));
      const area = region.area_mm2 == null ? "" : `${t("area")} ${region.area_mm2.toFixed(2)}\u00a0mm² · `;
      const line = make("p", `${area}${region.tiles}\u00a0${t("tileCount")} · ${t("peak")}\u00a0${percent(region.score)} · ${t("mean")}\u00a0${percent(region.mean_probability)}`);
      const bar = make("div", "", "bar");
      const fill = make("i");
      fill.style.width = `${100 * region.score}%`;
      bar.append(fill);
      const evidence = make("div", "", "evidence");
      region.evidence.forEach((/** @type {any} */ tile, /** @type {number} */ n) => {
        const image = data.images.evidence[index]?.[n];
        if (!image) return;
        const figure = make("figure");
        const picture = /** @type {HTMLImageElement} */ (make("img"));
        picture.src = image;
        picture.alt = `x ${tile.x}, y ${tile.y}`;
        figure.append(picture, make("figcaption", `${t("tileAlone")} ${percent(tile.probability)}`));
        evidence.append(figure);
      });
      item.append(heading, line, bar, evidence);
      item.addEventListener("click", () => choose(index, false));
      item.addEventListener("keydown", (event) => { if (event.key === "Enter") choose(index, false); });
      list.append(item);
    });
    at("finding-count").textContent = String(report.regions.length);
    at("no-regions").hidden = report.regions.length > 0;
  }

  function facts(/** @type {string} */ id, /** @type {[string, string][]} */ rows) {
    at(id).replaceChildren(...rows.filter((row) => row[1]).flatMap(([name, value]) => [make("dt", name), make("dd", value)]));
  }

  function drawFacts() {
    const slide = report.slide;
    const mpp = slide.mpp ? `${slide.mpp.x.toFixed(4)} × ${slide.mpp.y.toFixed(4)} (${slide.mpp.source}; ${slide.mpp.confidence})` : t("unknown");
    facts("facts", [
      [t("size"), `${slide.width} × ${slide.height} px`], [t("mpp"), mpp], [t("format"), slide.format],
      [t("vendor"), slide.vendor ?? ""], [t("magnification"), slide.magnification ? `${slide.magnification}×` : ""],
      [t("levels"), slide.levels.map((/** @type {any} */ l) => `${l.width}×${l.height}`).join(", ")],
      [t("tissue"), (report.tissue.area_mm2 == null ? "" : `${report.tissue.area_mm2.toFixed(2)}\u00a0mm², `) + percent(report.tissue.fraction)],
      [t("ink"), (report.tissue.ink ?? []).join(", ")], [t("tiles"), String(report.tiles.analysed)],
    ]);
    const producer = (/** @type {any} */ p) => `${p.name} ${p.version}, ${t("licence")} ${p.licence ?? "?"}, ${p.digest ?? ""}`;
    const signed = report.package.signature;
    facts("models", [
      [t("task"), `${titled(report.task)} (${report.task.name} ${report.task.version})`],
      [t("encoder"), producer(report.encoder)], [t("head"), producer(report.head)],
      [t("package"), [report.package.digest ?? "", t("standing")[signed.standing], signed.signer ?? signed.key ?? ""].filter(Boolean).join(" ")],
      [t("measuredOn"), t("evidence")[report.scope.evidence]],
      ...(report.second ? [[t("second"), `${producer(report.second.encoder)} · ${report.second.places.length} ${t("secondText")}`]] : []),
      [t("created"), `bianque ${report.program_version}`],
    ]);
    const names = Object.keys(report.timings.seconds);
    const total = names.reduce((sum, name) => sum + report.timings.seconds[name], 0) || 1;
    const hues = [200, 260, 150, 30, 330, 95];
    const split = make("div", "", "split");
    const list = make("dl");
    names.forEach((name, n) => {
      const seconds = report.timings.seconds[name];
      const part = make("i");
      part.style.cssText = `width:${100 * seconds / total}%;background:hsl(${hues[n % 6]} 45% 55%)`;
      part.title = `${t(name)}: ${seconds.toFixed(2)} s`;
      split.append(part);
      list.append(make("dt", t(name)), make("dd", `${seconds.toFixed(2)} s`));
    });
    const pass = report.timings.pass;
    const beside = make("p", `${t("besideIt")}: ${t("decoding")} ${pass.decode_seconds.toFixed(2)} s, ${t("resizing")} ${pass.resize_seconds.toFixed(2)} s`, "empty");
    at("timings").replaceChildren(split, list, beside);
  }

  function drawAttention() {
    const attention = report.attention;
    at("attention-section").hidden = !attention;
    if (!attention) return;
    at("attention-note").textContent = `${t("attentionOf")}(${attention.of})`;
    at("attention-slide").src = data.images.thumbnail;
    at("attention-layer").src = data.images.attention;
  }

  const verdictColors = /** @type {any} */ ({ pass: "#2e7d5a", "pass-marked": "#58823c", rescan: "#b86e06", restain: "#a03c8c",
    recut: "#c43830", unreadable: "#464c54" });

  function drawQuality() {
    const quality = report.quality;
    at("verdict").textContent = /** @type {any} */ (texts)[language].verdicts[quality.verdict];
    at("verdict").style.setProperty("--verdict", verdictColors[quality.verdict]);
    const flawed = report.tiles.flawed;
    at("quality-note").textContent = quality.findings.length === 0 ? t("qualityPass") : flawed > 0 ? `${flawed} ${t("leftOut")}` : "";
    at("quality-note").hidden = at("quality-note").textContent === "";
    at("faults").replaceChildren(...quality.findings.map((/** @type {any} */ finding, /** @type {number} */ index) => {
      const item = document.createElement("li");
      const crop = data.images.quality[index];
      if (crop) {
        const image = document.createElement("img");
        image.src = crop;
        image.alt = "";
        item.append(image);
      } else {
        item.className = "plain";
      }
      const words = make("div");
      const share = finding.tissue_share == null ? "" : ` · ${(100 * finding.tissue_share).toFixed(1)}\u00a0%`;
      words.append(make("strong", titled(finding) + share, finding.fails ? "fails" : ""), make("span", finding.note));
      item.append(words);
      return item;
    }));
  }

  function drawEvaluation() {
    const evaluation = report.evaluation;
    at("evaluation-section").hidden = !evaluation;
    if (!evaluation) return;
    const found = evaluation.lesions.filter((/** @type {any} */ l) => l.confidence != null).length;
    const three = (/** @type {number | null} */ value) => value == null ? "–" : value.toFixed(3);
    facts("evaluation", [
      [t("found"), `${found} ${t("of")} ${evaluation.lesions.length}`],
      [t("falsePositives"), String(evaluation.false_positives)],
      [t("froc"), `${three(evaluation.froc.score)} (¼ ½ 1 2 4 8: ${evaluation.froc.sensitivities.map(three).join(" ")})`],
      [t("overlapTitle"), `Dice ${three(evaluation.overlap.dice)}, IoU ${three(evaluation.overlap.iou)}`],
    ]);
  }

  function draw() {
    document.documentElement.lang = language === "zh" ? "zh-CN" : "en";
    document.querySelectorAll("[data-text]").forEach((element) => {
      element.textContent = t(/** @type {HTMLElement} */ (element).dataset.text ?? "");
    });
    at("language").textContent = language === "zh" ? "English" : "中文";
    document.title = `${report.slide.name} · Bianque`;
    at("slide-name").textContent = report.slide.name;
    const count = report.regions.length;
    const counted = count === 0 ? t("nothing") : `${count} ${t(count === 1 ? "one" : "proposed")}`;
    at("summary").textContent = `${titled(report.task)} · ${counted}`;
    at("exploratory").hidden = !report.exploratory;
    at("exploratory").textContent = t("exploratory") + report.task.organ;
    // The organ has a line of its own.
    const outside = report.scope.outside.filter((/** @type {any} */ out) => out.rule !== "organ");
    at("scope").hidden = outside.length === 0;
    at("scope").textContent = t("outside") + outside.map((/** @type {any} */ out) => t("rules")[out.rule]).join(language === "zh" ? "；" : "; ");
    at("scope").title = outside.map((/** @type {any} */ out) => out.text).join("\n");
    const legend = report.task.labels.filter((/** @type {any} */ l) => l.lesion).map((/** @type {any} */ l) => {
      const item = make("span", titled(l));
      const swatch = make("i");
      swatch.style.background = rgb(l.color);
      item.prepend(swatch);
      return item;
    });
    at("legend").replaceChildren(...legend);
    at("warnings-section").hidden = report.warnings.length === 0;
    at("warnings").replaceChildren(...report.warnings.map((/** @type {string} */ text) => make("li", text)));
    drawStage();
    drawRegions();
    drawFacts();
    drawQuality();
    drawEvaluation();
    drawAttention();
  }

  at("opacity").addEventListener("input", () => { at("heat").style.opacity = String(at("opacity").value / 100); });
  at("heat").style.opacity = "0.55";
  at("show-outlines").addEventListener("change", () => {
    at("outlines").querySelectorAll(".lesion").forEach((/** @type {any} */ path) => {
      path.style.display = at("show-outlines").checked ? "" : "none";
    });
  });
  at("show-tissue").addEventListener("change", () => {
    at("outlines").querySelector(".tissue").style.display = at("show-tissue").checked ? "" : "none";
  });
  at("language").addEventListener("click", () => { language = language === "zh" ? "en" : "zh"; draw(); });
  at("print").addEventListener("click", () => window.print());
  at("thumbnail").addEventListener("load", drawScale);
  window.addEventListener("resize", drawScale);
  draw();
})();
