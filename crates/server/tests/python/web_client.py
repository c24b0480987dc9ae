"""Opens a served slide by wsidicom's web client and holds its pixels against the file's."""

import io
import sys
import urllib.request

import numpy as np
import openslide
from PIL import Image
from wsidicom import WsiDicom, WsiDicomWebClient

base, key, path = sys.argv[1:]
client = WsiDicomWebClient.create_client(f"{base}/dicomweb")
studies = client._client.search_for_studies()
assert len(studies) == 1, studies
study = studies[0]["0020000D"]["Value"][0]
series = client._client.search_for_series(study)[0]["0020000E"]["Value"][0]
with WsiDicom.open_web(client, study, series) as slide, openslide.OpenSlide(path) as file:
    assert (slide.size.width, slide.size.height) == file.dimensions
    assert len(slide.levels) == file.level_count, (slide.levels, file.level_count)
    # A whole tile: its bytes are the file's, so one decoder must give the same pixels.
    tile = np.asarray(slide.read_region((256, 512), 0, (256, 256)).convert("RGB"))
    highest = max(file.dimensions).bit_length() if max(file.dimensions) & (max(file.dimensions) - 1) else max(file.dimensions).bit_length() - 1
    raw = urllib.request.urlopen(f"{base}/deepzoom/{key}_files/{highest}/1_2.jpeg").read()
    same = np.asarray(Image.open(io.BytesIO(raw)).convert("RGB"))
    difference = np.abs(tile.astype(int) - same.astype(int)).max()
    assert difference == 0, f"a frame differs from the file's tile by {difference}"
    # A region over tiles' borders, against OpenSlide's own decoder.
    region = np.asarray(slide.read_region((300, 200), 0, (500, 400)).convert("RGB")).astype(int)
    truth = np.asarray(file.read_region((300, 200), 0, (500, 400)).convert("RGB")).astype(int)
    difference = np.abs(region - truth)
    assert difference.max() <= 8 and difference.mean() < 0.6, (difference.max(), difference.mean())
print("opened", study)
