"""What another DICOM reader sees: facts as JSON on the standard output, pixels or frames as files.

Usage: dicom_judge.py openslide|wsidicom|pydicom PATH OUT
"""

import json
import pathlib
import sys
import warnings

warnings.filterwarnings("ignore")


def with_openslide(path, out):
    import openslide

    slide = openslide.OpenSlide(path)
    properties = dict(slide.properties)
    for number, size in enumerate(slide.level_dimensions):
        region = slide.read_region((0, 0), number, size).convert("RGB")
        (out / f"level-{number}.rgb").write_bytes(region.tobytes())
    for name, image in slide.associated_images.items():
        (out / f"{name}.rgb").write_bytes(image.convert("RGB").tobytes())
    tile = lambda number, side: int(properties[f"openslide.level[{number}].tile-{side}"])
    return {
        "levels": slide.level_dimensions,
        "tiles": [[tile(n, "width"), tile(n, "height")] for n in range(slide.level_count)],
        "downsamples": slide.level_downsamples,
        "mpp": [float(properties[f"openslide.mpp-{axis}"]) for axis in "xy"],
        "power": float(properties.get("openslide.objective-power", 0)),
        "icc": int(properties.get("openslide.icc-size", 0)),
        "associated": {name: image.size for name, image in slide.associated_images.items()},
    }


def with_wsidicom(path, out):
    from wsidicom import WsiDicom

    with WsiDicom.open(path) as slide:
        levels = list(slide.levels)
        for number, level in enumerate(levels):
            size = (level.size.width, level.size.height)
            region = slide.read_region((0, 0), level.level, size).convert("RGB")
            (out / f"level-{number}.rgb").write_bytes(region.tobytes())
        return {
            "levels": [[level.size.width, level.size.height] for level in levels],
            "mpp": [slide.mpp.width, slide.mpp.height],
            "labels": len(slide.labels) if slide.labels else 0,
            "overviews": len(slide.overviews) if slide.overviews else 0,
        }


def with_pydicom(path, out):
    import pydicom
    from pydicom.encaps import generate_frames

    data_set = pydicom.dcmread(path)
    frames = int(data_set.get("NumberOfFrames", 1))
    if data_set["PixelData"].is_undefined_length:
        coded = list(generate_frames(data_set.PixelData, number_of_frames=frames))
    else:
        size = data_set.Rows * data_set.Columns * data_set.SamplesPerPixel
        coded = [data_set.PixelData[n * size : (n + 1) * size] for n in range(frames)]
    for number, frame in enumerate(coded):
        (out / f"frame-{number}").write_bytes(frame)
    return {
        "frames": frames,
        "manufacturer": data_set.get("Manufacturer"),
        "series": data_set.SeriesInstanceUID,
    }


judge = {"openslide": with_openslide, "wsidicom": with_wsidicom, "pydicom": with_pydicom}
print(json.dumps(judge[sys.argv[1]](sys.argv[2], pathlib.Path(sys.argv[3]))))
