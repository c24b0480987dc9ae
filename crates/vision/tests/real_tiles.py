"""Tiles of a slide with tissue, as raw 8-bit RGB.

    real_tiles.py FOLDER SLIDE EDGE COUNT

writes FOLDER/tiles.bin.
"""

import sys
from pathlib import Path

import numpy
import openslide


def main():
    folder, slide = Path(sys.argv[1]), openslide.OpenSlide(sys.argv[2])
    edge, count = int(sys.argv[3]), int(sys.argv[4])
    width, height = slide.dimensions
    found = []
    for y in range(edge, height - edge, 5 * edge):
        for x in range(edge, width - edge, 5 * edge):
            tile = numpy.asarray(slide.read_region((x, y), 0, (edge, edge)).convert("RGB"), dtype=numpy.uint8)
            # Tissue is coloured, glass is grey.
            if len(found) < count and numpy.ptp(tile.astype(int), axis=2).mean() > 40:
                found.append(tile.tobytes())
    (folder / "tiles.bin").write_bytes(b"".join(found))


if __name__ == "__main__":
    main()
