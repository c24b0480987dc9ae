// Drawing on the slide: polygons, points, lengths, and changing an outline's corners.

import { altKeyOnly, singleClick } from "ol/events/condition";
import Feature from "ol/Feature";
import type Geometry from "ol/geom/Geometry";
import LineString from "ol/geom/LineString";
import MultiPolygon from "ol/geom/MultiPolygon";
import Point from "ol/geom/Point";
import type Polygon from "ol/geom/Polygon";
import Draw from "ol/interaction/Draw";
import type Interaction from "ol/interaction/Interaction";
import Modify from "ol/interaction/Modify";
import VectorLayer from "ol/layer/Vector";
import type OlMap from "ol/Map";
import type MapBrowserEvent from "ol/MapBrowserEvent";
import VectorSource from "ol/source/Vector";
import { Circle, Fill, Stroke, Style, Text } from "ol/style";
import type { Outline, Shape } from "../api/types";
import type { DraftTool } from "../offline/draft";
import { Brush } from "./brush";
import { area, fromMap, pointFromMap, pointToMap, toMap } from "./geometry";
import { lengthText } from "./scale";

export type Tool = "polygon" | "brush" | "point" | "measure" | "edit";

const pen = "#0b7fb3";
const halo = new Stroke({ color: "#ffffff", width: 5 });

const drawn = new Style({
  // Unseen: the stain under it keeps its colours, and a click inside is still a hit.
  fill: new Fill({ color: "rgba(0,0,0,0)" }),
  stroke: new Stroke({ color: pen, width: 2.5 }),
  image: new Circle({
    radius: 5,
    fill: new Fill({ color: "#fff" }),
    stroke: new Stroke({ color: pen, width: 2 }),
  }),
});

export interface Asked {
  /** The outline or point the person made, once they say it is done. */
  done: (shape: Shape) => void;
  changed: (tool: Tool | null) => void;
  /** What is drawn so far, at every corner, change and stroke; null when there is nothing left. */
  drafted: (tool: DraftTool, shape: Shape | null) => void;
  /** How many corners what is being drawn now has: said to whoever draws by keys. */
  cornered: (corners: number) => void;
  /** The length of the line being measured, in words. */
  measured: (length: string) => void;
  tooSmall: () => void;
}

/** A stroke is often followed by another: its outline is traced once the hand rests. */
const REST = 400;

export class Tools {
  private tool: Tool | null = null;
  private interactions: Interaction[] = [];
  private readonly source = new VectorSource<Feature<Geometry>>();
  private readonly layer: VectorLayer<VectorSource<Feature<Geometry>>>;
  private readonly lengths = new VectorSource<Feature<LineString>>();
  private readonly lengthLayer: VectorLayer<VectorSource<Feature<LineString>>>;
  private before: (MultiPolygon | Point)[] = [];
  private brush: Brush | null = null;
  private resting: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly map: OlMap,
    private readonly slide: { width: number; height: number; mpp: { x: number; y: number } | null },
    private readonly asked: Asked,
  ) {
    this.layer = new VectorLayer({ source: this.source, zIndex: 9, style: drawn });
    this.lengthLayer = new VectorLayer({
      source: this.lengths,
      zIndex: 8,
      style: (feature) => this.lengthStyle(feature.getGeometry() as LineString),
    });
    map.addLayer(this.lengthLayer);
    map.addLayer(this.layer);
  }

  get active(): Tool | null {
    return this.tool;
  }

  start(tool: Tool, from: Shape | null = null): void {
    this.stop();
    this.tool = tool;
    if (tool === "brush") {
      this.brush = new Brush(this.map, this.slide, from?.outline ?? null, () => this.stroked());
      addEventListener("pagehide", this.traced);
    } else if (tool === "edit") {
      if (!from) {
        this.stop();
        return;
      }
      const geometry = from.outline
        ? new MultiPolygon(toMap(from.outline))
        : new Point(pointToMap(from.point));
      this.source.addFeature(new Feature(geometry));
      const modify = new Modify({
        source: this.source,
        deleteCondition: (event: MapBrowserEvent) => altKeyOnly(event) && singleClick(event),
        pixelTolerance: 12,
      });
      modify.on("modifystart", () => this.before.push(geometry.clone()));
      modify.on("modifyend", () => this.asked.drafted("edit", this.current()));
      this.use(modify);
    } else {
      const type = tool === "polygon" ? "Polygon" : tool === "point" ? "Point" : "LineString";
      const draw = new Draw({
        type,
        source: tool === "measure" ? (this.lengths as VectorSource) : undefined,
        style: tool === "measure" ? (feature) => this.sketchLength(feature.getGeometry() as Geometry) : drawn,
        stopClick: true,
      });
      if (tool === "measure")
        draw.on("drawstart", ({ feature }) => {
          const line = feature.getGeometry() as LineString;
          let before = 0;
          line.on("change", () => {
            this.asked.measured(this.length(line));
            const corners = line.getCoordinates().length - 1;
            if (corners !== before) this.asked.cornered(corners);
            before = corners;
          });
        });
      else
        draw.on("drawend", ({ feature }) => {
          const geometry = feature.getGeometry();
          // The next turn of the loop: the interaction is still ending here.
          setTimeout(() => this.give(tool, geometry as Geometry));
        });
      if (tool === "polygon")
        draw.on("drawstart", ({ feature }) => this.watchCorners(feature.getGeometry() as Polygon));
      this.use(draw);
      const outline = tool === "polygon" ? from?.outline : undefined;
      const corners = outline ? toMap(outline)[0]?.[0]?.slice(0, -1) : undefined;
      if (corners) draw.appendCoordinates(corners);
    }
    const element = this.map.getTargetElement();
    if (element) element.dataset.tool = tool;
    this.asked.changed(tool);
  }

  private use(interaction: Interaction): void {
    this.map.addInteraction(interaction);
    this.interactions.push(interaction);
  }

  /** The geometry changes with every move of the hand; only a corner more or less is worth keeping. */
  private watchCorners(polygon: Polygon): void {
    let before = 0;
    polygon.on("change", () => {
      // The last but one is where the hand is, the last closes the ring.
      const corners = polygon.getCoordinates()[0]?.slice(0, -2) ?? [];
      if (corners.length === before) return;
      before = corners.length;
      this.asked.cornered(before);
      this.asked.drafted("polygon", corners.length < 3 ? null : { outline: fromMap([[corners]]) });
    });
  }

  private stroked(): void {
    clearTimeout(this.resting);
    this.resting = setTimeout(this.traced, REST);
  }

  private readonly traced = () => {
    clearTimeout(this.resting);
    if (!this.brush?.touched) return;
    const outline = this.brush.outline();
    this.asked.drafted("brush", outline.length > 0 ? { outline } : null);
  };

  private give(tool: Tool, geometry: Geometry): void {
    if (this.tool !== tool) return;
    if (tool === "point") {
      this.end({ point: pointFromMap((geometry as Point).getCoordinates()) });
      return;
    }
    this.finish(fromMap([(geometry as Polygon).getCoordinates()]));
  }

  /** Enter: what is drawn so far is the outline. */
  confirm(): void {
    if (this.tool === "edit") {
      const shape = this.current();
      if (shape?.outline) this.finish(shape.outline);
      else if (shape) this.end(shape);
    } else if (this.tool === "brush") {
      this.finish(this.brush?.outline() ?? []);
    } else for (const one of this.interactions) if (one instanceof Draw) one.finishDrawing();
  }

  private finish(outline: Outline): void {
    const least = 4;
    if (area(outline) < least) {
      this.asked.tooSmall();
      return;
    }
    this.end({ outline });
  }

  private end(shape: Shape): void {
    this.stop();
    this.asked.done(shape);
  }

  /** U: the last corner, stroke or change is taken back. False when there is none. */
  undo(): boolean {
    if (this.tool === "brush") {
      if (!this.brush?.undo()) return false;
      this.stroked();
      return true;
    }
    if (this.tool === "edit") {
      const geometry = this.before.pop();
      if (!geometry) return false;
      const now = this.source.getFeatures()[0]?.getGeometry();
      if (now instanceof MultiPolygon && geometry instanceof MultiPolygon)
        now.setCoordinates(geometry.getCoordinates());
      if (now instanceof Point && geometry instanceof Point) now.setCoordinates(geometry.getCoordinates());
      this.asked.drafted("edit", this.current());
      return true;
    }
    for (const one of this.interactions)
      if (one instanceof Draw) {
        one.removeLastPoint();
        return true;
      }
    return false;
  }

  brushSize(step: number): void {
    this.brush?.resize(step);
  }

  /** What is being changed as it now is, for going on with the brush. */
  current(): Shape | null {
    const geometry = this.source.getFeatures()[0]?.getGeometry();
    if (geometry instanceof Point) return { point: pointFromMap(geometry.getCoordinates()) };
    return geometry instanceof MultiPolygon ? { outline: fromMap(geometry.getCoordinates()) } : null;
  }

  /** The corners of what is being changed, or the point that it is, in the map's coordinates. */
  corners(): number[][] {
    const geometry = this.source.getFeatures()[0]?.getGeometry();
    if (this.tool !== "edit") return [];
    if (geometry instanceof Point) return [geometry.getCoordinates()];
    if (!(geometry instanceof MultiPolygon)) return [];
    return geometry.getCoordinates().flatMap((part) => part.flatMap((ring) => ring.slice(0, -1)));
  }

  stop(): void {
    if (this.tool === "measure") this.lengths.clear();
    for (const one of this.interactions) this.map.removeInteraction(one);
    this.interactions = [];
    this.source.clear();
    this.before = [];
    clearTimeout(this.resting);
    removeEventListener("pagehide", this.traced);
    this.brush?.remove();
    this.brush = null;
    this.tool = null;
    const element = this.map.getTargetElement();
    if (element) delete element.dataset.tool;
    this.asked.changed(null);
  }

  private sketchLength(geometry: Geometry): Style | Style[] {
    return geometry instanceof LineString ? this.lengthStyle(geometry) : drawn;
  }

  private length(line: LineString): string {
    const { mpp } = this.slide;
    let micrometres = 0;
    line.forEachSegment(([x1 = 0, y1 = 0], [x2 = 0, y2 = 0]) => {
      micrometres += Math.hypot((x2 - x1) * (mpp?.x ?? 1), (y2 - y1) * (mpp?.y ?? 1));
    });
    return mpp ? lengthText(micrometres) : `${Math.round(micrometres)} px`;
  }

  private lengthStyle(line: LineString): Style[] {
    return [
      new Style({ stroke: halo }),
      new Style({
        stroke: new Stroke({ color: pen, width: 2.5 }),
        text: new Text({
          text: this.length(line),
          font: "600 14px system-ui, sans-serif",
          fill: new Fill({ color: "#0d3a4f" }),
          stroke: new Stroke({ color: "#ffffff", width: 4 }),
          offsetY: -14,
          placement: "point",
          overflow: true,
        }),
      }),
    ];
  }
}
