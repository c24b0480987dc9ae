// Other people's viewers open what the server serves: OpenSeadragon by Deep Zoom and IIIF,
// dicom-microscopy-viewer by DICOMweb. Each must draw tissue, not merely report that it opened.
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { type Browser, expect, type Page, test } from "@playwright/test";
import { demoServer as server, tissue } from "./steps";

const modules = resolve(import.meta.dirname, "../node_modules");
const types: Record<string, string> = {
  js: "text/javascript; charset=utf-8",
  wasm: "application/wasm",
  html: "text/html",
};

async function page(browser: Browser, body: string): Promise<Page> {
  const context = await browser.newContext({ viewport: { width: 660, height: 500 } });
  const made = await context.newPage();
  await made.route("**/__viewers/**", (route) => {
    const path = new URL(route.request().url()).pathname.split("/__viewers/")[1] ?? "";
    if (path === "page.html")
      return route.fulfill({
        contentType: "text/html",
        body: `<!doctype html><title>viewer</title><div id="viewer" style="width:640px;height:480px"></div>${body}`,
      });
    const type = types[path.split(".").pop() ?? ""] ?? "application/octet-stream";
    return route.fulfill({ contentType: type, body: readFileSync(resolve(modules, path)) });
  });
  // Where dicom-microscopy-viewer looks for its worker.
  await made.route("**/static/js/**", (route) => {
    const name = new URL(route.request().url()).pathname.split("/").pop() ?? "";
    const body = readFileSync(resolve(modules, "dicom-microscopy-viewer/dist/dynamic-import", name));
    return route.fulfill({ contentType: types[name.split(".").pop() ?? ""], body });
  });
  await made.goto(`${server}/__viewers/page.html`);
  return made;
}

async function key(made: Page): Promise<string> {
  const slides = (await (await made.request.get(`${server}/api/v1/slides`)).json()) as { id: string }[];
  return slides[0]?.id ?? "";
}

for (const [name, address] of [
  ["Deep Zoom", (id: string) => `/deepzoom/${id}.dzi`],
  ["IIIF", (id: string) => `/iiif/3/${id}/info.json`],
] as const)
  test(`OpenSeadragon draws a slide by ${name}`, async ({ browser }) => {
    const made = await page(
      browser,
      '<script src="openseadragon/build/openseadragon/openseadragon.js"></script>',
    );
    const source = address(await key(made));
    const size = await made.evaluate(
      (tileSources) =>
        new Promise<{ x: number; y: number }>((done, fail) => {
          const { OpenSeadragon } = window as unknown as { OpenSeadragon: (options: object) => never };
          const viewer = OpenSeadragon({
            id: "viewer",
            tileSources,
            drawer: "canvas",
            showNavigationControl: false,
          }) as unknown as {
            addOnceHandler: (event: string, act: (said: unknown) => void) => void;
            world: { getItemAt: (at: number) => { getContentSize: () => { x: number; y: number } } };
          };
          viewer.addOnceHandler("open-failed", () => fail(new Error("open failed")));
          viewer.addOnceHandler("open", () => done({ ...viewer.world.getItemAt(0).getContentSize() }));
        }),
      source,
    );
    expect([size.x, size.y]).toEqual([12000, 9000]);
    await expect.poll(() => tissue(made), { timeout: 30_000 }).toBeGreaterThan(0.15);
    await made.context().close();
  });

test("dicom-microscopy-viewer draws a slide by DICOMweb", async ({ browser }) => {
  const made = await page(
    browser,
    `<script src="dicomweb-client/build/dicomweb-client.js"></script>
     <script src="dicom-microscopy-viewer/dist/dynamic-import/dicomMicroscopyViewer.min.js"></script>`,
  );
  const faults: string[] = [];
  made.on("pageerror", (error) => faults.push(error.message));
  const levels = await made.evaluate(async (url) => {
    const { DICOMwebClient, dicomMicroscopyViewer } = window as unknown as {
      // biome-ignore lint/suspicious/noExplicitAny: libraries without types
      [name: string]: any;
    };
    const client = new DICOMwebClient.api.DICOMwebClient({ url });
    const studies = await client.searchForStudies();
    const study = studies[0]["0020000D"].Value[0];
    const series = (await client.searchForSeries({ studyInstanceUID: study }))[0]["0020000E"].Value[0];
    const metadata = await client.retrieveSeriesMetadata({
      studyInstanceUID: study,
      seriesInstanceUID: series,
    });
    const images = metadata
      .map((one: object) => new dicomMicroscopyViewer.metadata.VLWholeSlideMicroscopyImage({ metadata: one }))
      .filter((one: { ImageType: string[] }) => one.ImageType[2] === "VOLUME");
    const viewer = new dicomMicroscopyViewer.viewer.VolumeImageViewer({ client, metadata: images });
    viewer.render({ container: "viewer" });
    return images.length;
  }, `${server}/dicomweb`);
  expect(levels).toBeGreaterThanOrEqual(3);
  await expect.poll(() => tissue(made), { timeout: 60_000 }).toBeGreaterThan(0.1);
  expect(faults).toEqual([]);
  await made.context().close();
});
