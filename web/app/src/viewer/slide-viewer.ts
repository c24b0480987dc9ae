// One slide in an OpenLayers map, with its layers, tools and what the reader sees of the scale.

import { defaults as controls } from "ol/control/defaults";
import Feature from "ol/Feature";
import MultiPolygon from "ol/geom/MultiPolygon";
import Point from "ol/geom/Point";
import { defaults as interactions } from "ol/interaction/defaults";
import ImageLayer from "ol/layer/Image";
import TileLayer from "ol/layer/Tile";
import VectorLayer from "ol/layer/Vector";
import OlMap from "ol/Map";
import type Projection from "ol/proj/Projection";
import ImageCanvasSource from "ol/source/ImageCanvas";
import VectorSource from "ol/source/Vector";
import View from "ol/View";
import type { Finding, Heatmap, Region, SeenView, SlideImage } from "../api/types";
import { Crosshair } from "./crosshair";
import { deepZoom, projectionOf } from "./deepzoom";
import { outlineOf, type Shown, styleOf } from "./finding-style";
import { boundsOf, pointToMap, shapeOf, toMap } from "./geometry";
import { HeatmapLayer } from "./heatmap";
import { ReadingsLayer } from "./readings";
import { magnificationAt } from "./scale";
import { SmallRegions, smallOf } from "./small-regions";
import { type Asked, Tools } from "./tools";
import { veil } from "./veil";
import { Coverage, tissueOf, Viewing } from "./viewing";

export interface ViewState {
  /** Level-0 pixels of a screen pixel. */
  resolution: number;
  magnification: number | null;
  rectangle: Region;
  /** Regions too small here for an outline: they are counted in cells. */
  counted: number;
}

export interface Ears extends Asked {
  moved: (state: ViewState) => void;
  picked: (finding: string) => void;
  covered: (share: number | null) => void;
  post: (views: SeenView[]) => Promise<void>;
  heatmapFailed: () => void;
  /** What became of the cross that keys move. */
  crossed: (what: "shown" | "down" | "up") => void;
}

const NEAREST = 1 / 4;

export class SlideViewer {
  readonly map: OlMap;
  readonly tools: Tools;
  readonly cross: Crosshair;
  readonly projection: Projection;
  readonly viewing: Viewing;
  readonly coverage: Coverage;
  readonly readings = new ReadingsLayer();
  private readonly findings = new VectorSource<Feature<MultiPolygon | Point>>();
  private readonly findingLayer: VectorLayer<VectorSource<Feature<MultiPolygon | Point>>>;
  private readonly small: SmallRegions;
  private readonly veil: ImageLayer<ImageCanvasSource>;
  private heat: HeatmapLayer | null = null;
  private heatUrl = "";

  constructor(
    readonly target: HTMLElement,
    readonly slide: string,
    readonly image: SlideImage,
    private readonly ears: Ears,
    look: number,
  ) {
    this.projection = projectionOf(image);
    const extent = [0, -image.height, image.width, 0];
    const base = new TileLayer({
      source: deepZoom(image, this.projection),
      preload: 2,
      cacheSize: 512,
      zIndex: 0,
    });
    this.coverage = new Coverage(image.width, image.height, look);
    this.veil = new ImageLayer({
      visible: false,
      zIndex: 1,
      source: new ImageCanvasSource({
        projection: this.projection,
        ratio: 1,
        interpolate: false,
        canvasFunction: (at, resolution, ratio, size) => veil(this.coverage, at, resolution, ratio, size),
      }),
    });
    this.small = new SmallRegions(this.projection);
    this.findingLayer = new VectorLayer({
      source: this.findings,
      zIndex: 5,
      style: (feature, resolution) => {
        const shown = feature.get("shown") as Shown;
        const counted = !shown.selected && this.small.counts(feature.get("size") as number, resolution);
        return counted ? undefined : styleOf(shown);
      },
      updateWhileAnimating: true,
      updateWhileInteracting: true,
    });
    this.map = new OlMap({
      target,
      layers: [base, this.veil, this.small.layer, this.findingLayer, this.readings.layer],
      controls: controls({ zoom: false, rotate: false, attribution: false }),
      interactions: interactions({ altShiftDragRotate: false, pinchRotate: false, keyboard: false }),
      view: new View({
        projection: this.projection,
        extent,
        showFullExtent: true,
        constrainOnlyCenter: true,
        smoothExtentConstraint: true,
        minResolution: NEAREST,
        maxResolution: Math.max(image.width, image.height) / 180,
        center: [image.width / 2, -image.height / 2],
        resolution: image.width / 800,
      }),
    });
    this.viewing = new Viewing(slide, ears.post, (view) => {
      this.coverage.add(view);
      this.veil.getSource()?.changed();
      ears.covered(this.coverage.share());
    });
    this.cross = new Crosshair(this.map, ears.crossed);
    this.tools = new Tools(this.map, image, {
      ...ears,
      changed: (tool) => {
        if (tool === null) this.cross.hide();
        ears.changed(tool);
      },
    });
    this.map.on("moveend", () => this.rest());
    this.map.getView().on("change", () => ears.moved(this.state()));
    this.map.on("singleclick", (event) => {
      if (this.tools.active) return;
      const hit = this.map.forEachFeatureAtPixel(event.pixel, (feature) => feature, { hitTolerance: 6 });
      const shown = hit?.get("shown") as Shown | undefined;
      if (shown) ears.picked(shown.finding.id);
    });
    this.whole(0);
    this.map.on("change:size", ({ oldValue }) => this.resized(oldValue as number[] | undefined));
  }

  state(): ViewState {
    const view = this.map.getView();
    const resolution = view.getResolution() ?? 1;
    const size = this.map.getSize() ?? [0, 0];
    const [left = 0, bottom = 0, right = 0, top = 0] = view.calculateExtent(size);
    const x = Math.max(0, left);
    const y = Math.max(0, -top);
    return {
      resolution,
      magnification: magnificationAt(this.image, resolution),
      counted: this.small.countedAt(resolution),
      rectangle: {
        x,
        y,
        width: Math.max(0, Math.min(this.image.width, right) - x),
        height: Math.max(0, Math.min(this.image.height, -bottom) - y),
      },
    };
  }

  private rest(): void {
    const { rectangle, magnification } = this.state();
    this.ears.moved(this.state());
    const round = Math.round;
    this.viewing.rest(
      magnification === null || rectangle.width < 1 || rectangle.height < 1
        ? null
        : {
            x: round(rectangle.x),
            y: round(rectangle.y),
            width: round(rectangle.width),
            height: round(rectangle.height),
            magnification: round(magnification * 100) / 100,
          },
    );
  }

  show(all: Shown[]): void {
    const outlined = all
      .map((shown) => {
        const outline = outlineOf(shown.finding);
        return { shown, outline, small: smallOf(outline, shown.color) };
      })
      .filter(({ outline }) => outline.length > 0);
    this.small.show(outlined.flatMap(({ shown, small }) => (small && !shown.selected ? [small] : [])));
    this.findings.clear(true);
    this.findings.addFeatures(
      outlined.map(({ shown, outline, small }) => {
        const feature = new Feature<MultiPolygon | Point>(new MultiPolygon(toMap(outline)));
        feature.set("shown", shown, true);
        feature.set("size", small?.size ?? Infinity, true);
        return feature;
      }),
    );
    this.findings.addFeatures(all.flatMap((shown) => this.markOf(shown)));
    this.ears.moved(this.state());
  }

  private markOf(shown: Shown): Feature<MultiPolygon | Point>[] {
    if (!shown.finding.point) return [];
    const feature = new Feature<MultiPolygon | Point>(new Point(pointToMap(shown.finding.point)));
    feature.set("shown", shown, true);
    feature.set("size", Infinity, true);
    return [feature];
  }

  showFindings(visible: boolean): void {
    this.findingLayer.setVisible(visible);
    this.heat?.layer.setVisible(visible && this.heatOn);
  }

  private heatOn = false;

  heatmap(heatmap: Heatmap | null, on: boolean, opacity: number, threshold: number): void {
    this.heatOn = on;
    if (heatmap && on && this.heatUrl !== heatmap.url) {
      if (this.heat) this.map.removeLayer(this.heat.layer);
      this.heat = new HeatmapLayer(heatmap, this.projection);
      this.heatUrl = heatmap.url;
      this.map.addLayer(this.heat.layer);
      this.heat.load(threshold).catch(() => this.ears.heatmapFailed());
    }
    this.heat?.layer.setVisible(on && heatmap !== null);
    this.heat?.layer.setOpacity(opacity);
    this.heat?.from(threshold);
  }

  /** The veil over tissue that nobody looked at near enough. */
  showVeil(visible: boolean): void {
    this.veil.setVisible(visible);
    this.veil.getSource()?.changed();
  }

  async readTissue(thumbnail: string): Promise<void> {
    const response = await fetch(thumbnail, { credentials: "same-origin" });
    if (!response.ok) return;
    const bitmap = await createImageBitmap(await response.blob());
    const canvas = document.createElement("canvas");
    canvas.width = bitmap.width;
    canvas.height = bitmap.height;
    const context = canvas.getContext("2d");
    if (!context) return;
    context.drawImage(bitmap, 0, 0);
    const picture = context.getImageData(0, 0, bitmap.width, bitmap.height);
    this.coverage.tissue = tissueOf(picture, this.coverage.columns, this.coverage.rows);
    this.veil.getSource()?.changed();
    this.ears.covered(this.coverage.share());
  }

  addSeen(views: SeenView[]): void {
    for (const view of views) this.coverage.add(view);
    this.veil.getSource()?.changed();
    this.ears.covered(this.coverage.share());
  }

  /** The window changed: whoever saw the whole slide sees it whole again. */
  private resized(before: number[] | undefined): void {
    if (!before) return;
    const [left = 0, bottom = 0, right = 0, top = 0] = this.map.getView().calculateExtent(before);
    const { width, height } = this.image;
    if (left <= 0 && right >= width && top >= 0 && bottom <= -height) this.whole(0);
  }

  whole(duration = 200): void {
    this.map.updateSize();
    this.map
      .getView()
      .fit([0, -this.image.height, this.image.width, 0], { padding: [24, 24, 24, 24], duration });
  }

  to(region: Region, duration = 250): void {
    // A small window keeps most of itself for the region.
    const margin = Math.min(90, ...(this.map.getSize() ?? []).map((length) => length / 6));
    this.map.getView().fit([region.x, -region.y - region.height, region.x + region.width, -region.y], {
      padding: [margin, margin, margin, margin],
      minResolution: 1,
      duration,
    });
  }

  toFinding(finding: Finding): void {
    const shape = shapeOf(finding);
    const at = shape ? boundsOf([shape]) : finding.quality?.reasons.find((one) => one.region)?.region;
    if (at) this.to(at);
  }

  zoom(step: number): void {
    const view = this.map.getView();
    view.animate({ zoom: (view.getZoom() ?? 0) + step, duration: 150 });
  }

  pan(right: number, down: number): void {
    const view = this.map.getView();
    const [width = 0, height = 0] = this.map.getSize() ?? [];
    const [x = 0, y = 0] = view.getCenter() ?? [];
    const resolution = view.getResolution() ?? 1;
    view.animate({
      center: [x + (right * width * resolution) / 4, y - (down * height * resolution) / 4],
      duration: 120,
    });
  }

  centre(x: number, y: number): void {
    this.map.getView().setCenter([x, -y]);
  }

  remove(): void {
    this.viewing.stop();
    this.tools.stop();
    this.map.setTarget(undefined);
    this.map.dispose();
  }
}
