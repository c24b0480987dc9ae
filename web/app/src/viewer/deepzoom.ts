// The slide as a source of Deep Zoom tiles. Drawn on a plain canvas: a desk whose WebGL is barred
// still reads slides.

import Projection from "ol/proj/Projection";
import ImageTile from "ol/source/ImageTile";
import TileGrid from "ol/tilegrid/TileGrid";
import type { SlideImage } from "../api/types";

export function projectionOf(image: SlideImage): Projection {
  return new Projection({
    code: `slide-${image.width}x${image.height}`,
    units: "pixels",
    extent: [0, -image.height, image.width, 0],
  });
}

/** Loads one picture; aborted tiles free the line for those now looked at. */
async function picture(url: string, signal: AbortSignal): Promise<ImageBitmap> {
  const response = await fetch(url, { signal, credentials: "same-origin" });
  if (!response.ok) throw new Error(`tile: ${response.status}`);
  return createImageBitmap(await response.blob());
}

export function deepZoom(image: SlideImage, projection: Projection): ImageTile {
  const resolutions = Array.from(
    { length: image.dzi_levels + 1 },
    (_, level) => 2 ** (image.dzi_levels - level),
  );
  const edge = image.tile_edge;
  const grid = new TileGrid({
    extent: [0, -image.height, image.width, 0],
    origin: [0, 0],
    resolutions,
    tileSize: edge,
  });
  return new ImageTile({
    projection,
    tileGrid: grid,
    interpolate: true,
    wrapX: false,
    transition: 0,
    loader: async (level, column, row, { signal }) => {
      const url = image.tiles
        .replace("{level}", String(level))
        .replace("{column}", String(column))
        .replace("{row}", String(row));
      const tile = await picture(url, signal);
      if (tile.width === edge && tile.height === edge) return tile;
      // Tiles at the right and lower border are smaller; a full tile would stretch them.
      const canvas = document.createElement("canvas");
      canvas.width = edge;
      canvas.height = edge;
      canvas.getContext("2d")?.drawImage(tile, 0, 0);
      tile.close();
      return canvas;
    },
  });
}
