"""Writes EfficientNet-Lite models of timm as Bianque weight files, with the features timm computes.

    convnet_equality.py lite0 DIR SIZE   random tf_efficientnet_lite0: recipe, weights, tiles, features
    convnet_equality.py tiny DIR         the small network of tests/fixtures/convnet-tiny
    convnet_equality.py bench THREADS TILES   prints tiles/s and CPU-ms a tile of timm

`fold_to_safetensors` is the export: trained models are written with the same function.

Tensor names, each with `.weight` and `.bias`, in PyTorch's shapes:

    stem                              [channels, 3, 3, 3]
    stages.S.blocks.B.expand          [middle, in, 1, 1]       absent where the block does not widen
    stages.S.blocks.B.depthwise       [middle, 1, kernel, kernel]
    stages.S.blocks.B.project         [out, middle, 1, 1]
    head                              [features, in, 1, 1]
"""

import json
import sys
import time
from functools import partial
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file


def fold_batch_norm(convolution, norm):
    """The weight and bias of a convolution that does what convolution and batch norm do in turn."""
    with torch.no_grad():
        scale = norm.weight.double() / torch.sqrt(norm.running_var.double() + norm.eps)
        weight = convolution.weight.double() * scale.reshape(-1, 1, 1, 1)
        bias = norm.bias.double() - norm.running_mean.double() * scale
        if convolution.bias is not None:
            bias = bias + convolution.bias.double() * scale
    return weight, bias


def convolutions(model):
    """(name, convolution, batch norm) of every convolution of an EfficientNet-Lite of timm."""
    yield "stem", model.conv_stem, model.bn1
    for s, stage in enumerate(model.blocks):
        for b, block in enumerate(stage):
            name = f"stages.{s}.blocks.{b}"
            kind = type(block).__name__
            if kind == "DepthwiseSeparableConv":
                yield f"{name}.depthwise", block.conv_dw, block.bn1
                yield f"{name}.project", block.conv_pw, block.bn2
            elif kind == "InvertedResidual":
                yield f"{name}.expand", block.conv_pw, block.bn1
                yield f"{name}.depthwise", block.conv_dw, block.bn2
                yield f"{name}.project", block.conv_pwl, block.bn3
            else:
                raise ValueError(f"{name} is a {kind}, which the engine does not know")
            if not isinstance(block.se, torch.nn.Identity):
                raise ValueError(f"{name} has squeeze and excitation, which the engine does not know")
    yield "head", model.conv_head, model.bn2


def fold_to_safetensors(model, path, dtype=torch.float16):
    """Writes the encoder part of `model` with its batch norms folded; the classifier is left out.

    Weights in `dtype`, biases in float32 (they are few, and folding can make them large).
    """
    tensors = {}
    for name, convolution, norm in convolutions(model):
        weight, bias = fold_batch_norm(convolution, norm)
        tensors[f"{name}.weight"] = weight.to(dtype).contiguous().cpu()
        tensors[f"{name}.bias"] = bias.float().contiguous().cpu()
    for name, tensor in tensors.items():
        if not torch.isfinite(tensor).all():
            raise ValueError(f"{name} has values that {dtype} cannot hold")
    save_file(tensors, str(path))


def architecture(model):
    """The recipe's `architecture` for a model of timm."""
    stages = []
    for stage in model.blocks:
        first = stage[0]
        widens = hasattr(first, "conv_pwl")
        inside = (first.conv_pw if widens else first.conv_dw).in_channels
        expand, left = divmod(first.conv_dw.out_channels, inside)
        if left:
            raise ValueError("a block widens by a factor that is no whole number")
        stages.append(
            {
                "kernel": first.conv_dw.kernel_size[0],
                "stride": first.conv_dw.stride[0],
                "expand": expand,
                "channels": (first.conv_pwl if widens else first.conv_pw).out_channels,
                "blocks": len(stage),
            }
        )
    return {
        "kind": "conv_net",
        "stem": model.conv_stem.out_channels,
        "stages": stages,
        "head": model.conv_head.out_channels,
    }


def recipe(model, name, size, normalise):
    return {
        "schema": 1,
        "name": name,
        "version": "0",
        "licence": "CC0-1.0",
        "source": "random numbers",
        "weights": "weights.safetensors",
        "input": {"size": size, "mpp": 0.5, "filter": "bilinear", "normalise": normalise},
        "architecture": architecture(model),
    }


def randomise(model, seed):
    """Random weights whose activations stay in a trained network's range, ReLU6 cutting both ways."""
    generator = torch.Generator().manual_seed(seed)
    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.weight.data.uniform_(0.6, 1.8, generator=generator)
            module.bias.data.uniform_(-0.5, 1.5, generator=generator)
            module.momentum = None
    model.train()
    with torch.no_grad():
        for _ in range(2):
            model.forward_features(torch.randn(4, 3, 96, 96, generator=generator))
    model.eval()


def tiles(count, size):
    """Made-up tiles; the formula is also in the Rust tests."""
    t, y, x, c = np.ogrid[:count, :size, :size, :3]
    values = x * 7 + y * 13 + c * 29 + (x * y + t * 5) % 31 * 3 + (x // 9 + y // 11) % 2 * 60 + t * 17
    return (values % 256).astype(np.uint8)


def normalised(pixels, normalise):
    """uint8 NHWC tiles as the network's float NCHW input."""
    values = torch.from_numpy(pixels).double().permute(0, 3, 1, 2) / 255
    if normalise["kind"] == "fixed":
        mean = torch.tensor(normalise["mean"]).double().reshape(1, 3, 1, 1)
        std = torch.tensor(normalise["std"]).double().reshape(1, 3, 1, 1)
    else:
        mean = values.mean(dim=(2, 3), keepdim=True)
        std = values.std(dim=(2, 3), keepdim=True, unbiased=False).clamp(min=normalise["floor"])
    return ((values - mean) / std).float()


def features(model, pixels, normalise):
    with torch.no_grad():
        return model.forward_head(
            model.forward_features(normalised(pixels, normalise)), pre_logits=True
        ).numpy()


def lite0(directory, size):
    import timm

    torch.manual_seed(1)
    model = timm.create_model("tf_efficientnet_lite0", pretrained=False)
    randomise(model, 2)
    pixels = tiles(3, size)
    for name, normalise, dtype in [
        ("float32", {"kind": "fixed", "mean": [0.7, 0.55, 0.7], "std": [0.2, 0.25, 0.2]}, torch.float32),
        ("float16", {"kind": "per_tile", "floor": 0.05}, torch.float16),
    ]:
        to = directory / name
        to.mkdir(parents=True, exist_ok=True)
        (to / "recipe.json").write_text(json.dumps(recipe(model, "lite0", size, normalise), indent=2))
        fold_to_safetensors(model, to / "weights.safetensors", dtype)
        features(model, pixels, normalise).astype("<f4").tofile(to / "features.f32")


def tiny(directory):
    from timm.models._efficientnet_builder import decode_arch_def
    from timm.layers import BatchNormAct2d
    from timm.models.efficientnet import EfficientNet

    torch.manual_seed(3)
    model = EfficientNet(
        decode_arch_def(
            [["ds_r1_k3_s1_e1_c8"], ["ir_r2_k3_s2_e3_c16"], ["ir_r2_k5_s2_e2_c12"], ["ir_r1_k5_s1_e2_c20"]]
        ),
        stem_size=8,
        num_features=24,
        fix_stem=True,
        num_classes=0,
        pad_type="same",
        round_chs_fn=lambda channels, **_: channels,
        act_layer=torch.nn.ReLU6,
        norm_layer=partial(BatchNormAct2d, eps=1e-3),
    )
    randomise(model, 4)
    normalise = {"kind": "fixed", "mean": [0.7, 0.55, 0.7], "std": [0.2, 0.25, 0.2]}
    directory.mkdir(parents=True, exist_ok=True)
    size = 36
    (directory / "recipe.json").write_text(
        json.dumps(recipe(model, "tiny", size, normalise), indent=2) + "\n"
    )
    path = directory / "weights.safetensors"
    fold_to_safetensors(model, path)
    rounded(model)
    rows = features(model, tiles(2, size), normalise)
    rows = [[float(f"{value:.7g}") for value in row] for row in rows.tolist()]
    (directory / "features.json").write_text(json.dumps(rows) + "\n")


def rounded(model):
    """Puts the values that the file holds back into the model, so that only arithmetic can differ."""
    for _, convolution, norm in convolutions(model):
        weight, bias = fold_batch_norm(convolution, norm)
        convolution.weight.data = weight.half().float()
        norm.weight.data.fill_(1.0)
        norm.running_var.fill_(1.0 - norm.eps)
        norm.running_mean.zero_()
        norm.bias.data = bias.float()


def bench(threads, count):
    """Tiles per second of tf_efficientnet_lite0, normalisation included, in PyTorch's best layout."""
    import timm

    torch.set_num_threads(threads)
    model = timm.create_model("tf_efficientnet_lite0", pretrained=False, num_classes=0).eval()
    model = model.to(memory_format=torch.channels_last)
    pixels = torch.from_numpy(tiles(count, 224))
    best, least = 0.0, float("inf")
    with torch.inference_mode():
        for batch in [8, 32]:
            for _ in range(3):
                start, before = time.perf_counter(), time.process_time()
                for first in range(0, count, batch):
                    values = pixels[first : first + batch].permute(0, 3, 1, 2).float()
                    model(values.div_(255).sub_(0.5).div_(0.25))
                best = max(best, count / (time.perf_counter() - start))
                least = min(least, (time.process_time() - before) / count * 1e3)
    print(best, least)


if __name__ == "__main__":
    torch.set_num_threads(2)
    if len(sys.argv) == 4 and sys.argv[1] == "lite0":
        lite0(Path(sys.argv[2]), int(sys.argv[3]))
    elif len(sys.argv) == 3 and sys.argv[1] == "tiny":
        tiny(Path(sys.argv[2]))
    elif len(sys.argv) == 4 and sys.argv[1] == "bench":
        bench(int(sys.argv[2]), int(sys.argv[3]))
    else:
        sys.exit(__doc__)
