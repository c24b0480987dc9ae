"""Holds out whole colour clusters of every class: the nearest that tiles without slide names come to
another laboratory's stain.

    python training/colon/split.py --tiles TILES --out split.csv

Per class, tiles are described by mean and deviation of their three channels' optical density and
clustered (k-means, k = 6, seed 0); the cluster farthest from the class's centre whose size is between
8 and 30 % of the class is held out. One line a tile: `file,part`. Of the held-out tiles every other
one is `validation` (the head's strength and temperature), the rest `test`; all others are `train`.
"""

import argparse
import pathlib

import numpy as np
from PIL import Image
from sklearn.cluster import KMeans

CLASSES = ["H", "AC", "S", "T", "V"]


def colour(path):
    pixels = np.asarray(Image.open(path).convert("RGB").resize((56, 56)), float).reshape(-1, 3)
    density = -np.log(np.maximum(pixels, 1) / 255)
    return np.concatenate([density.mean(0), density.std(0)])


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tiles", required=True)
    parser.add_argument("--out", required=True)
    arguments = parser.parse_args()
    with open(arguments.out, "w") as out:
        out.write("file,part\n")
        for name in CLASSES:
            paths = sorted((pathlib.Path(arguments.tiles) / name).iterdir())
            features = np.stack([colour(path) for path in paths])
            features = (features - features.mean(0)) / features.std(0)
            cluster = KMeans(6, n_init=4, random_state=0).fit_predict(features)
            far = {c: np.linalg.norm(features[cluster == c].mean(0)) for c in range(6)}
            share = {c: (cluster == c).mean() for c in range(6)}
            held = max((c for c in range(6) if 0.08 <= share[c] <= 0.30), key=far.get)
            print(name, "held out", (cluster == held).sum(), "of", len(paths), {c: (round(far[c], 2), round(share[c], 2)) for c in far})
            held_out = 0
            for path, c in zip(paths, cluster):
                part = "train" if c != held else ["validation", "test"][held_out % 2]
                held_out += c == held
                out.write(f"{name}/{path.name},{part}\n")


if __name__ == "__main__":
    main()
