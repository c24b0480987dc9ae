"""Writes a trained encoder as `weights.safetensors` and `recipe.json`.

    python training/colon/export_encoder.py --network encoder.pt --out models/encoders/bianque-lite
"""

import argparse
import json
import pathlib
import sys

import blake3
import torch

sys.path.insert(0, str(pathlib.Path(__file__).parents[2] / "crates/vision/tests"))
from convnet_equality import fold_to_safetensors, recipe  # noqa: E402
from train_encoder import NORMALISE_FLOOR, load_network  # noqa: E402


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--network", required=True)
    parser.add_argument("--out", required=True)
    parser.add_argument("--version", default="1.0.0")
    arguments = parser.parse_args()
    network = load_network("")
    network.load_state_dict(torch.load(arguments.network, map_location="cpu"))
    network.eval()
    out = pathlib.Path(arguments.out)
    out.mkdir(parents=True, exist_ok=True)
    weights = out / "weights.safetensors"
    fold_to_safetensors(network, weights)
    normalise = {"kind": "per_tile", "floor": NORMALISE_FLOOR}
    described = recipe(network, "bianque-lite", 224, normalise)
    described["version"] = arguments.version
    described["licence"] = "GPL-3.0-or-later"
    described["source"] = (
        "EfficientNet-Lite0 from its public ImageNet weights (Apache-2.0), trained on colon tiles of "
        "the public repository Flagy/Colorectal_Carcinoma_Classifier (GPL-3.0); see CARD.md")
    described["digest"] = "blake3:" + blake3.blake3(weights.read_bytes()).hexdigest()
    described["input"]["mpp"] = 1.0
    (out / "recipe.json").write_text(json.dumps(described, indent=2) + "\n")
    print(f"wrote {weights} ({weights.stat().st_size} bytes), {described['digest']}")


if __name__ == "__main__":
    main()
