"""Tiles of a slide, and what torchvision makes of them.

    torch_transforms.py FOLDER SLIDE COUNT

For each filter and size, FOLDER/EDGE.bin gets COUNT tiles with tissue (8-bit RGB), and
FOLDER/FILTER-EDGE-SIZE.bin those tiles after torchvision's Resize and CenterCrop, as transforms of
timm and of the published encoders use them on pictures.
"""

import sys
from pathlib import Path

import numpy
import openslide
from torchvision.transforms import CenterCrop, Compose, InterpolationMode, Resize

FILTERS = {"bilinear": InterpolationMode.BILINEAR, "bicubic": InterpolationMode.BICUBIC}
SIZES = [(256, 224), (512, 448), (224, 256)]


def tissue(slide, edge, count):
    """Tiles along a grid whose colours are spread as tissue's are, not glass."""
    width, height = slide.dimensions
    step = edge * 2
    found = []
    for y in range(edge, height - edge, step):
        for x in range(edge, width - edge, step):
            tile = slide.read_region((x, y), 0, (edge, edge)).convert("RGB")
            pixels = numpy.asarray(tile, dtype=numpy.int16)
            if (pixels.max(2) - pixels.min(2)).mean() > 40:
                found.append(tile)
            if len(found) == count:
                return found
    sys.exit(f"the slide has only {len(found)} tiles of {edge} px with tissue")


def main():
    folder, slide, count = Path(sys.argv[1]), openslide.OpenSlide(sys.argv[2]), int(sys.argv[3])
    for edge, size in SIZES:
        tiles = tissue(slide, edge, count)
        (folder / f"{edge}.bin").write_bytes(b"".join(tile.tobytes() for tile in tiles))
        for name, mode in FILTERS.items():
            transform = Compose([Resize(size, interpolation=mode), CenterCrop(size)])
            made = b"".join(transform(tile).tobytes() for tile in tiles)
            (folder / f"{name}-{edge}-{size}.bin").write_bytes(made)


if __name__ == "__main__":
    main()
