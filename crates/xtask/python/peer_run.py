"""A slide to features in the usual way: OpenSlide, an Otsu mask, PyTorch's DataLoader, timm.

    peer_run.py SLIDE ENCODER-FOLDER OUR-FEATURES OUT THREADS WORKERS

Tissue is found on a picture at low power by Otsu's threshold on saturation after a median, as
public pipelines do without a network of their own. Its tiles are counted, and then exactly the
tiles of OUR-FEATURES are read and encoded, so that both sides do equal work: the same places, the
same microns per pixel, the same network with the same weights. Features are written as float16
with their coordinates. Prints one JSON document.
"""

import json
import struct
import sys
import time
from pathlib import Path

START = time.perf_counter()

import numpy as np
import openslide
import timm
import torch
from PIL import Image, ImageFilter
from safetensors.numpy import load_file, save_file
from torch.utils.data import DataLoader, Dataset

BATCH = 32
LOW_POWER_UM = 8.0


def layers(model):
    """(name in our weight file, convolution, batch norm) of an EfficientNet-Lite of timm."""
    yield "stem", model.conv_stem, model.bn1
    for s, stage in enumerate(model.blocks):
        for b, block in enumerate(stage):
            name = f"stages.{s}.blocks.{b}"
            if hasattr(block, "conv_pwl"):
                yield f"{name}.expand", block.conv_pw, block.bn1
                yield f"{name}.depthwise", block.conv_dw, block.bn2
                yield f"{name}.project", block.conv_pwl, block.bn3
            else:
                yield f"{name}.depthwise", block.conv_dw, block.bn1
                yield f"{name}.project", block.conv_pw, block.bn2
    yield "head", model.conv_head, model.bn2


def load_encoder(folder):
    """timm's network with our weights; their batch norms are folded, so timm's become plain biases."""
    recipe = json.loads((folder / "recipe.json").read_text())
    weights = load_file(folder / recipe["weights"])
    model = timm.create_model("tf_efficientnet_lite0", pretrained=False, num_classes=0)
    with torch.no_grad():
        for name, convolution, norm in layers(model):
            convolution.weight.copy_(torch.from_numpy(weights[f"{name}.weight"].astype(np.float32)))
            norm.weight.fill_(1.0)
            norm.bias.copy_(torch.from_numpy(weights[f"{name}.bias"].astype(np.float32)))
            norm.running_mean.fill_(0.0)
            norm.running_var.fill_(1.0 - norm.eps)
    return recipe, model.eval().to(memory_format=torch.channels_last)


def features_file(path):
    """Facts, corners and features of a Bianque features file."""
    with open(path, "rb") as file:
        header = json.loads(file.read(struct.unpack("<Q", file.read(8))[0]))
    facts = json.loads(header["__metadata__"]["bianque_features"])
    tensors = load_file(path)
    return facts, tensors["coordinates"], tensors["features"]


def otsu(values):
    """The threshold that parts a histogram best (Otsu 1979)."""
    histogram = np.bincount(values.ravel(), minlength=256).astype(np.float64)
    below = np.cumsum(histogram)
    sums = np.cumsum(histogram * np.arange(256))
    above = below[-1] - below
    with np.errstate(divide="ignore", invalid="ignore"):
        between = below * above * (sums / below - (sums[-1] - sums) / above) ** 2
    return int(np.nanargmax(between))


def tissue_tiles(slide, mpp, edge):
    """How many tiles of `edge` level-0 pixels lie on tissue by at least a third."""
    width, height = slide.dimensions
    step = max(LOW_POWER_UM / mpp, 1.0)
    picture = slide.get_thumbnail((int(width / step) + 1, int(height / step) + 1)).convert("HSV")
    saturation = np.asarray(picture.getchannel("S").filter(ImageFilter.MedianFilter(7)))
    mask = saturation > otsu(saturation)
    small = edge * mask.shape[1] / width
    count = 0
    for y in np.arange(0, mask.shape[0], small / 2):
        for x in np.arange(0, mask.shape[1], small / 2):
            tile = mask[int(y) : int(y + small), int(x) : int(x + small)]
            count += tile.size > 0 and tile.mean() >= 0.35
    return int(count)


class Tiles(Dataset):
    def __init__(self, path, corners, mpp, size, wanted, floor):
        self.path, self.corners, self.size, self.floor = path, corners, size, floor
        self.downsample = wanted / mpp
        self.slide = None

    def __len__(self):
        return len(self.corners)

    def __getitem__(self, index):
        if self.slide is None:
            self.slide = openslide.OpenSlide(self.path)
        level = self.slide.get_best_level_for_downsample(self.downsample * 1.01)
        edge = round(self.size * self.downsample / self.slide.level_downsamples[level])
        x, y = (int(value) for value in self.corners[index])
        image = self.slide.read_region((x, y), level, (edge, edge)).convert("RGB")
        if edge != self.size:
            image = image.resize((self.size, self.size), Image.Resampling.BILINEAR)
        values = torch.from_numpy(np.asarray(image).copy()).permute(2, 0, 1).float() / 255
        mean = values.mean(dim=(1, 2), keepdim=True)
        deviation = values.std(dim=(1, 2), keepdim=True, unbiased=False).clamp(min=self.floor)
        return (values - mean) / deviation


def main():
    path, encoder, ours, out = sys.argv[1:5]
    threads, workers = int(sys.argv[5]), int(sys.argv[6])
    torch.set_num_threads(threads)
    imported = time.perf_counter()
    recipe, model = load_encoder(Path(encoder))
    facts, corners, reference = features_file(ours)
    loaded = time.perf_counter()
    size, wanted = recipe["input"]["size"], recipe["input"]["mpp"]
    mpp = facts["mpp"]["x"]
    with openslide.OpenSlide(path) as slide:
        own_tiles = tissue_tiles(slide, mpp, size * wanted / mpp)
    tissue = time.perf_counter()
    data = Tiles(path, corners, mpp, size, wanted, recipe["input"]["normalise"]["floor"])
    features = []
    with torch.inference_mode():
        for batch in DataLoader(data, batch_size=BATCH, num_workers=workers):
            batch = batch.to(memory_format=torch.channels_last)
            features.append(model(batch).to(torch.float16).numpy())
    features = np.concatenate(features) if features else np.zeros((0, 1280), np.float16)
    save_file({"features": features, "coordinates": np.asarray(corners)}, out)
    done = time.perf_counter()
    a, b = features.astype(np.float32), reference.astype(np.float32)
    cosine = (a * b).sum(1) / np.maximum(np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1), 1e-9)
    print(
        json.dumps(
            {
                "import_seconds": imported - START,
                "load_seconds": loaded - imported,
                "tissue_seconds": tissue - loaded,
                "work_seconds": done - loaded,
                "tiles": len(features),
                "own_tissue_tiles": own_tiles,
                "median_cosine": float(np.median(cosine)) if len(cosine) else None,
            }
        )
    )


if __name__ == "__main__":
    main()
