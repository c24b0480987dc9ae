"""Prints what OpenSlide says of each slide named on the command line, as one JSON object."""

import json
import sys

import openslide

facts = {}
for path in sys.argv[1:]:
    with openslide.OpenSlide(path) as slide:
        facts[path] = {
            "levels": [list(size) for size in slide.level_dimensions],
            "downsamples": list(slide.level_downsamples),
            "tiles": [
                [int(slide.properties[f"openslide.level[{level}].tile-{side}"]) for side in ("width", "height")]
                for level in range(slide.level_count)
            ],
            "associated": {name: list(image.size) for name, image in slide.associated_images.items()},
            "properties": dict(slide.properties),
        }
json.dump(facts, sys.stdout)
