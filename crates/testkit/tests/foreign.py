"""Opens slides with tifffile and OpenSlide and prints what they see as JSON."""

import json
import sys

import numpy
import openslide
import tifffile


def with_tifffile(path):
    with tifffile.TiffFile(path) as file:
        pages = []
        for page in file.pages:
            pixels = page.asarray()
            pages.append(
                {
                    "width": page.imagewidth,
                    "height": page.imagelength,
                    "tiled": page.is_tiled,
                    "compression": int(page.compression),
                    "photometric": int(page.photometric),
                    "predictor": int(page.predictor),
                    "mean": [float(v) for v in pixels.reshape(-1, page.samplesperpixel).mean(axis=0)],
                    "first": [int(v) for v in numpy.atleast_1d(pixels[0, 0])],
                    "last": [int(v) for v in numpy.atleast_1d(pixels[-1, -1])],
                }
            )
        return {"big": file.is_bigtiff, "order": file.byteorder, "svs": file.is_svs, "pages": pages}


def with_openslide(path):
    slide = openslide.OpenSlide(path)
    region = numpy.asarray(slide.read_region((0, 0), 0, (64, 64)).convert("RGB"))
    return {
        "vendor": slide.properties["openslide.vendor"],
        "levels": slide.level_dimensions,
        "mpp": slide.properties.get("openslide.mpp-x"),
        "power": slide.properties.get("openslide.objective-power"),
        "associated": {name: image.size for name, image in slide.associated_images.items()},
        "first": [int(v) for v in region[0, 0]],
        "last": [int(v) for v in region[-1, -1]],
    }


judge = {"tifffile": with_tifffile, "openslide": with_openslide}[sys.argv[1]]
print(json.dumps(judge(sys.argv[2])))
