// The layer of many objects: WebGL for those that can be told apart, cells of counts from afar.

import Layer from "ol/layer/Layer";
import type { FrameState } from "ol/Map";
import Source from "ol/source/Source";
import type { Order } from "./points.worker";
import { type Index, inView, type Run } from "./points-index";

/** Fewer screen pixels than this for each object in view, and a screen cannot hold them apart. */
const ROOM = 16;

const vertexShader = `#version 300 es
in vec2 at; in float kind;
uniform vec2 middle; uniform vec2 scale; uniform float size; uniform vec3 colors[16];
out vec3 color;
void main() {
  gl_Position = vec4((at - middle) * scale, 0.0, 1.0);
  gl_PointSize = size;
  color = colors[int(kind) % 16];
}`;
const fragmentShader = `#version 300 es
precision highp float; // as in the other shader, which shares a uniform with this one
in vec3 color; uniform float size; out vec4 paint;
void main() {
  float far = length(gl_PointCoord - 0.5) * 2.0;
  float edge = size < 4.0 ? 1.0 : 1.0 - smoothstep(1.0 - 2.5 / size, 1.0, far);
  float alpha = 0.8 * edge;
  paint = vec4(color * alpha, alpha);
}`;

function program(gl: WebGL2RenderingContext): WebGLProgram {
  const made = gl.createProgram();
  for (const [kind, text] of [
    [gl.VERTEX_SHADER, vertexShader],
    [gl.FRAGMENT_SHADER, fragmentShader],
  ] as const) {
    const shader = gl.createShader(kind);
    if (!shader) throw new Error("no shader");
    gl.shaderSource(shader, text);
    gl.compileShader(shader);
    gl.attachShader(made, shader);
  }
  gl.linkProgram(made);
  if (!gl.getProgramParameter(made, gl.LINK_STATUS))
    throw new Error(gl.getProgramInfoLog(made) ?? "no program");
  return made;
}

export class PointsLayer extends Layer<Source> {
  private readonly box = document.createElement("div");
  /** Started at once, so that it is up when the objects are here. */
  private readonly worker = new Worker(new URL("./points.worker.ts", import.meta.url), { type: "module" });
  private readonly near = document.createElement("canvas");
  private readonly far = document.createElement("canvas");
  /** None where the desk's WebGL is barred or fails: then cells are drawn at every zoom. */
  private gl: WebGL2RenderingContext | null;
  private uniform: Record<string, WebGLUniformLocation | null> = {};
  private pictures: HTMLCanvasElement[] = [];
  private index: Index | null = null;

  constructor(
    private readonly slide: { width: number; height: number },
    private readonly colors: [number, number, number][],
    /** How wide an object is, in level-0 pixels. */
    private readonly diameter: number,
  ) {
    super({ source: new Source({}), zIndex: 3 });
    this.box.className = "points-layer";
    this.box.append(this.far, this.near);
    this.gl = this.near.getContext("webgl2", { antialias: false, premultipliedAlpha: true });
  }

  load(buffer: ArrayBuffer): Promise<number> {
    const { worker } = this;
    const order: Order = { buffer, ...this.slide, colors: this.colors, diameter: this.diameter };
    return new Promise<number>((resolve, reject) => {
      worker.onerror = () => reject(new Error("annotations could not be sorted"));
      worker.onmessage = ({ data }: MessageEvent<{ index?: Index; fault?: string }>) => {
        if (!data.index) return reject(new Error(data.fault));
        this.take(data.index);
        resolve(data.index.count);
      };
      worker.postMessage(order, [buffer]);
    }).finally(() => worker.terminate());
  }

  private take(index: Index): void {
    this.index = index;
    this.pictures = index.cells.map((level) => {
      const canvas = document.createElement("canvas");
      canvas.width = level.columns;
      canvas.height = level.rows;
      canvas.getContext("2d")?.putImageData(new ImageData(level.rgba, level.columns, level.rows), 0, 0);
      return canvas;
    });
    try {
      if (this.gl) this.upload(this.gl, index);
    } catch (error) {
      console.warn(error);
      this.gl = null;
    }
    this.changed();
  }

  private upload(gl: WebGL2RenderingContext, index: Index): void {
    const made = program(gl);
    gl.useProgram(made);
    for (const [name, data, size, type] of [
      ["at", index.xy, 2, gl.FLOAT],
      ["kind", index.classes, 1, gl.UNSIGNED_BYTE],
    ] as const) {
      gl.bindBuffer(gl.ARRAY_BUFFER, gl.createBuffer());
      gl.bufferData(gl.ARRAY_BUFFER, data, gl.STATIC_DRAW);
      const place = gl.getAttribLocation(made, name);
      gl.enableVertexAttribArray(place);
      gl.vertexAttribPointer(place, size, type, false, 0, 0);
    }
    for (const name of ["middle", "scale", "size"]) this.uniform[name] = gl.getUniformLocation(made, name);
    const flat = Array.from({ length: 16 }, (_, i) => this.colors[i % this.colors.length] ?? [0, 0, 0]);
    gl.uniform3fv(
      gl.getUniformLocation(made, "colors"),
      flat.flat().map((value) => value / 255),
    );
    gl.enable(gl.BLEND);
    gl.blendFunc(gl.ONE, gl.ONE_MINUS_SRC_ALPHA);
  }

  override getSourceState(): "ready" {
    return "ready";
  }

  override render(frame: FrameState): HTMLElement {
    const [width, height] = frame.size.map((edge) => Math.round(edge * frame.pixelRatio)) as [number, number];
    for (const canvas of [this.near, this.far])
      if (canvas.width !== width || canvas.height !== height) {
        canvas.width = width;
        canvas.height = height;
      }
    const { center, resolution } = frame.viewState;
    const perPixel = resolution / frame.pixelRatio;
    const [x, y] = [center[0] as number, -(center[1] as number)];
    const [w, h] = [width * perPixel, height * perPixel];
    const runs = this.index ? inView(this.index, x - w / 2, y - h / 2, x + w / 2, y + h / 2) : [];
    const many = !this.gl || runs.reduce((sum, run) => sum + run.count, 0) * ROOM > width * height;
    this.near.hidden = many;
    this.far.hidden = !many;
    if (many) this.drawCells(x - w / 2, y - h / 2, perPixel);
    else this.drawPoints(runs, x, y, width, height, perPixel);
    return this.box;
  }

  private drawPoints(
    runs: Run[],
    x: number,
    y: number,
    width: number,
    height: number,
    perPixel: number,
  ): void {
    const gl = this.gl;
    if (!gl || !this.index) return;
    gl.viewport(0, 0, width, height);
    gl.clearColor(0, 0, 0, 0);
    gl.clear(gl.COLOR_BUFFER_BIT);
    gl.uniform2f(this.uniform.middle ?? null, x, y);
    gl.uniform2f(this.uniform.scale ?? null, 2 / (width * perPixel), -2 / (height * perPixel));
    gl.uniform1f(this.uniform.size ?? null, Math.min(Math.max(this.diameter / perPixel, 2), 64));
    for (const run of runs) gl.drawArrays(gl.POINTS, run.from, run.count);
  }

  private drawCells(left: number, top: number, perPixel: number): void {
    const context = this.far.getContext("2d");
    if (!context || !this.index) return;
    context.clearRect(0, 0, this.far.width, this.far.height);
    // The finest cells that are still a pixel wide; coarser ones lose places, finer ones lose counts.
    const cells = this.index.cells;
    const level = Math.max(
      0,
      cells.findIndex((one) => one.edge >= perPixel),
    );
    const pick = cells.some((one) => one.edge >= perPixel) ? level : cells.length - 1;
    const one = cells[pick];
    const picture = this.pictures[pick];
    if (!one || !picture) return;
    const scale = one.edge / perPixel;
    context.imageSmoothingEnabled = false;
    context.drawImage(picture, -left / perPixel, -top / perPixel, one.columns * scale, one.rows * scale);
  }

  protected override disposeInternal(): void {
    this.worker.terminate();
    this.gl?.getExtension("WEBGL_lose_context")?.loseContext();
    super.disposeInternal();
  }
}
