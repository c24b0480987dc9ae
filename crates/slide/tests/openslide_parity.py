"""Reads random regions of a slide with OpenSlide and writes them to standard output.

First a line of JSON: {"opens": bool, "why": str} or {"opens": true, "levels": [[width, height]]}.
Then for every associated image a line of JSON (associated, width, height) and for every region
one (level, x, y, width, height in that level's pixels), each followed by its RGBA bytes.
"""

import json
import random
import sys

import openslide


def line(value):
    sys.stdout.buffer.write(json.dumps(value).encode() + b"\n")


def regions(slide, level, count, chance):
    """Regions whose corner is a whole level-0 pixel and a whole level pixel.

    OpenSlide places a level by its mean downsample; where that is no whole number only the
    origin is on both grids.
    """
    width, height = slide.level_dimensions[level]
    downsample = slide.level_downsamples[level]
    whole = abs(downsample - round(downsample)) < 1e-9
    for index in range(count):
        wide, high = chance.randint(1, 700), chance.randint(1, 700)
        if not whole:
            yield 0, 0, min(1500, wide * (index + 1)), min(1500, high * (index + 1))
        elif index == 0:
            yield -20, -10, min(width + 40, 1000), min(height + 30, 1000)
        elif index == 1:
            yield max(0, width - 300), max(0, height - 300), 330, 350
        else:
            yield chance.randint(-30, width - 1), chance.randint(-30, height - 1), wide, high


def main():
    path, count, seed = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    try:
        slide = openslide.OpenSlide(path)
    except openslide.OpenSlideError as error:
        line({"opens": False, "why": str(error)})
        return
    line({"opens": True, "levels": slide.level_dimensions})
    for name, pixels in slide.associated_images.items():
        line({"associated": name, "width": pixels.width, "height": pixels.height})
        sys.stdout.buffer.write(pixels.tobytes())
    chance = random.Random(seed)
    for level in range(slide.level_count):
        downsample = slide.level_downsamples[level]
        for x, y, width, height in regions(slide, level, count, chance):
            corner = (round(x * downsample), round(y * downsample))
            pixels = slide.read_region(corner, level, (width, height))
            line({"level": level, "x": x, "y": y, "width": width, "height": height})
            sys.stdout.buffer.write(pixels.tobytes())


main()
