"""Writes networks with random weights and what PyTorch makes of them.

    timm_equality.py DIRECTORY CASE...

For each case DIRECTORY/CASE gets recipe.json, weights.safetensors, tiles.bin (8-bit RGB) and
expected.bin (32-bit floats). References are timm's own models where timm has the family, and for
the rotary family (RuiPath, DINOv3) the formulation below, written from the published
specification and compared with timm's DINOv3 model on the way.

The committed fixtures are written by: timm_equality.py fixtures learned rotary
"""

import json
import math
import sys
from pathlib import Path

import timm
import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from timm.layers import SwiGLUPacked, resample_abs_pos_embed

IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
RUIPATH = ((0.637, 0.464, 0.602), (0.21, 0.196, 0.184))


def tiles(size, count=3):
    """Noise, a smooth gradient with structure, and blank glass."""
    noise = torch.randint(0, 256, (1, size, size, 3), dtype=torch.uint8)
    y, x = torch.meshgrid(torch.arange(size), torch.arange(size), indexing="ij")
    smooth = torch.stack([128 + 90 * torch.sin(x / 9), 2 * y % 256, 128 + 60 * torch.cos((x + y) / 5)], -1)
    blank = torch.full((1, size, size, 3), 244, dtype=torch.uint8)
    return torch.cat([noise, smooth.clamp(0, 255).to(torch.uint8)[None], blank])[:count]


def normalised(images, constants):
    mean, std = (torch.tensor(values).view(1, 3, 1, 1) for values in constants)
    return (images.permute(0, 3, 1, 2).float() / 255 - mean) / std


def randomise(state):
    """Weights large enough that every part of the network shows in the output."""
    for name, tensor in state.items():
        if not tensor.is_floating_point() or name.endswith(("periods", "bias_mask")):
            continue
        last = name.split(".")[-1]
        if "gamma" in name:
            tensor.uniform_(0.1, 0.4)
        elif "norm" in name and last == "weight":
            tensor.normal_(1.0, 0.1)
        elif last == "bias":
            tensor.normal_(0.0, 0.1)
        elif last == "weight":
            tensor.normal_(0.0, 1 / math.sqrt(tensor[0].numel()))
        else:
            tensor.normal_(0.0, 0.5)


def to_half(state):
    """Rounds weights to what a 16-bit file holds."""
    for tensor in state.values():
        if tensor.is_floating_point():
            tensor.copy_(tensor.half().float())


def write(folder, recipe, state, images, expected, half=False):
    folder.mkdir(parents=True, exist_ok=True)
    kind = torch.float16 if half else torch.float32
    # One tensor after the other, so that both precisions never stand in memory together.
    saved = {name: state.pop(name).detach().to(kind).contiguous() for name in list(state)}
    save_file(saved, folder / "weights.safetensors")
    (folder / "recipe.json").write_text(json.dumps(recipe, indent=2) + "\n")
    (folder / "tiles.bin").write_bytes(images.numpy().tobytes())
    expected = expected.detach().float().contiguous()
    assert torch.isfinite(expected).all()
    (folder / "expected.bin").write_bytes(expected.numpy().tobytes())


def recipe(name, size, constants, **vit):
    return {
        "schema": 1,
        "name": name,
        "version": "random",
        "licence": "CC0-1.0",
        "source": f"random weights, timm {timm.__version__}, PyTorch {torch.__version__}",
        "weights": "weights.safetensors",
        "input": {
            "size": size,
            "mpp": 0.5,
            "filter": "bicubic",
            "normalise": {"kind": "fixed", "mean": constants[0], "std": constants[1]},
        },
        "architecture": {"kind": "vit", **vit},
    }


def learned_positions(rows, resample="antialiased"):
    return {"kind": "learned", "prefix_rows": rows, "resample": resample}


def pooled(tokens, prefix, pooling):
    cls, mean = tokens[:, 0], tokens[:, prefix:].mean(1)
    return {"class": cls, "mean": mean, "class_and_mean": torch.cat([cls, mean], -1)}[pooling]


def timm_case(folder, model_name, *, size, vit, half=False, plain=False, **arguments):
    """A timm model; `vit` holds the recipe's switches that are not read off the model."""
    model = timm.create_model(model_name, pretrained=False, num_classes=0, dynamic_img_size=True, **arguments).eval()
    state = model.state_dict()
    randomise(state)
    if half:
        to_half(state)
    state = {name: tensor for name, tensor in state.items() if not name.startswith("fc_norm")}
    images = tiles(size)
    if plain:
        # Hugging Face's Dinov2 resamples its table without antialiasing.
        prefix = 0 if model.no_embed_class else model.num_prefix_tokens
        table = model.pos_embed[:, prefix:]
        edge, grid = math.isqrt(table.shape[1]), size // model.patch_embed.patch_size[0]
        table = table.reshape(1, edge, edge, -1).permute(0, 3, 1, 2)
        table = F.interpolate(table, size=(grid, grid), mode="bicubic", align_corners=False)
        saved = model.pos_embed
        table = torch.cat([saved[:, :prefix], table.flatten(2).transpose(1, 2)], 1)
        model.set_input_size((size, size))
        model.pos_embed = torch.nn.Parameter(table)
        state = {**state, "pos_embed": saved.detach()}
    tokens = model.forward_features(normalised(images, IMAGENET))
    block = model.blocks[0]
    gated = vit.pop("gated", False)
    hidden = block.mlp.fc2.in_features
    rows = "none" if model.no_embed_class else "all"
    switches = {
        "patch": model.patch_embed.patch_size[0],
        "dim": model.embed_dim,
        "depth": len(model.blocks),
        "heads": block.attn.num_heads,
        "ffn": {"kind": "swi_glu" if gated else "gelu", "hidden": hidden},
        "position": learned_positions(rows, "plain" if plain else "antialiased"),
        "registers": model.num_reg_tokens,
        "layer_scale": "blocks.0.ls1.gamma" in state,
        "norm_eps": block.norm1.eps,
        "pooling": "class",
        **vit,
    }
    expected = pooled(tokens, model.num_prefix_tokens, switches["pooling"])
    del model, block
    write(folder, recipe(folder.name, size, IMAGENET, **switches), state, images, expected, half)


def rotary_state(dim, depth, patch, registers, hidden, gated, qkv_bias):
    """Tensors by DINOv3's own names."""
    shapes = {
        "cls_token": (1, 1, dim),
        "storage_tokens": (1, registers, dim),
        "mask_token": (1, dim),
        "patch_embed.proj.weight": (dim, 3, patch, patch),
        "patch_embed.proj.bias": (dim,),
        "norm.weight": (dim,),
        "norm.bias": (dim,),
        "local_cls_norm.weight": (dim,),
        "local_cls_norm.bias": (dim,),
    }
    for index in range(depth):
        block = {
            "norm1.weight": (dim,), "norm1.bias": (dim,),
            "attn.qkv.weight": (3 * dim, dim),
            "attn.proj.weight": (dim, dim), "attn.proj.bias": (dim,),
            "ls1.gamma": (dim,), "ls2.gamma": (dim,),
            "norm2.weight": (dim,), "norm2.bias": (dim,),
        }
        if qkv_bias:
            block["attn.qkv.bias"] = (3 * dim,)
        layers = {"w1": (hidden, dim), "w2": (hidden, dim), "w3": (dim, hidden)} if gated else {
            "fc1": (hidden, dim), "fc2": (dim, hidden)}
        for layer, shape in layers.items():
            block[f"mlp.{layer}.weight"] = shape
            block[f"mlp.{layer}.bias"] = shape[:1]
        shapes.update({f"blocks.{index}.{name}": shape for name, shape in block.items()})
    state = {name: torch.empty(shape) for name, shape in shapes.items()}
    randomise(state)
    return state


def rotary_periods(base, head):
    return base ** (2 * torch.arange(head // 4, dtype=torch.float32) / (head // 2))


def rotary_angles(grid, head, base):
    """Per patch: 2 pi * coordinate / period; vertical, horizontal, and both again."""
    centre = (torch.arange(grid, dtype=torch.float32) + 0.5) / grid * 2 - 1
    rows = []
    for y in range(grid):
        for x in range(grid):
            both = torch.cat([2 * math.pi * centre[axis] / rotary_periods(base, head) for axis in (y, x)])
            rows.append(torch.cat([both, both]))
    return torch.stack(rows)


def rotary_forward(state, pixels, *, depth, heads, patch, base, eps, gated):
    """The DINOv3 forward pass up to the last norm."""
    dim = state["cls_token"].shape[-1]
    grid = pixels.shape[-1] // patch
    head = dim // heads
    embedded = F.conv2d(pixels, state["patch_embed.proj.weight"], state["patch_embed.proj.bias"], stride=patch)
    count = len(pixels)
    x = torch.cat([state["cls_token"].expand(count, -1, -1), state["storage_tokens"].expand(count, -1, -1),
                   embedded.flatten(2).transpose(1, 2)], 1)
    prefix = 1 + state["storage_tokens"].shape[1]
    angles = rotary_angles(grid, head, base)

    def turned(t):
        patches = t[:, :, prefix:]
        first, second = patches.chunk(2, -1)
        patches = patches * angles.cos() + torch.cat([-second, first], -1) * angles.sin()
        return torch.cat([t[:, :, :prefix], patches], 2)

    for index in range(depth):
        w = {name.removeprefix(f"blocks.{index}."): t for name, t in state.items() if name.startswith(f"blocks.{index}.")}
        y = F.layer_norm(x, (dim,), w["norm1.weight"], w["norm1.bias"], eps)
        y = F.linear(y, w["attn.qkv.weight"], w.get("attn.qkv.bias"))
        q, k, v = y.reshape(count, -1, 3, heads, head).permute(2, 0, 3, 1, 4)
        q, k = turned(q), turned(k)
        y = (q @ k.transpose(-2, -1) / math.sqrt(head)).softmax(-1) @ v
        y = F.linear(y.transpose(1, 2).reshape(count, -1, dim), w["attn.proj.weight"], w["attn.proj.bias"])
        x = x + y * w["ls1.gamma"]
        y = F.layer_norm(x, (dim,), w["norm2.weight"], w["norm2.bias"], eps)

        def layer(name, value):
            return F.linear(value, w[f"mlp.{name}.weight"], w[f"mlp.{name}.bias"])

        y = layer("w3", F.silu(layer("w1", y)) * layer("w2", y)) if gated else layer("fc2", F.gelu(layer("fc1", y)))
        x = x + y * w["ls2.gamma"]
    return F.layer_norm(x, (dim,), state["norm.weight"], state["norm.bias"], eps)


def agrees_with_timm(state, pixels, depth, **arguments):
    """The formulation above against timm's DINOv3 ViT-L, whose keys have no bias."""
    model = timm.create_model("vit_large_patch16_dinov3_qkvb", pretrained=False, num_classes=0, depth=depth,
                              img_size=pixels.shape[-1]).eval()
    state = {name: tensor.clone() for name, tensor in state.items()}
    renamed = {}
    for name, tensor in state.items():
        name = name.replace("storage_tokens", "reg_token").replace("ls1.gamma", "gamma_1").replace("ls2.gamma", "gamma_2")
        if name.endswith("attn.qkv.bias"):
            q, k, v = tensor.chunk(3)
            k.zero_()
            renamed[name.replace("qkv.bias", "q_bias")] = q
            renamed[name.replace("qkv.bias", "v_bias")] = v
        renamed[name] = tensor
    own = model.state_dict()
    model.load_state_dict({name: renamed.get(name, tensor) for name, tensor in own.items()})
    missing = [name for name in own if name not in renamed and not name.endswith(("k_bias", "periods"))]
    assert not missing, f"timm's model has {missing}"
    ours = rotary_forward(state, pixels, depth=depth, **arguments)
    difference = (model.forward_features(pixels) - ours).abs().max().item()
    assert difference < 1e-4, f"the formulation differs from timm's DINOv3 by {difference}"


def rotary_case(folder, *, size, dim, depth, heads, patch, registers, hidden, gated, qkv_bias=True,
                eps=1e-5, half=False, pooling="class", check=False, names="dinov3"):
    state = rotary_state(dim, depth, patch, registers, hidden, gated, qkv_bias)
    if half:
        to_half(state)
    images = tiles(size)
    pixels = normalised(images, RUIPATH)
    form = dict(depth=depth, heads=heads, patch=patch, base=100.0, eps=eps, gated=gated)
    if check:
        agrees_with_timm(state, pixels, **form)
    tokens = rotary_forward(state, pixels, **form)
    expected = pooled(tokens, 1 + registers, pooling)
    switches = {
        "patch": patch, "dim": dim, "depth": depth, "heads": heads,
        "ffn": {"kind": "swi_glu" if gated else "gelu", "hidden": hidden},
        "position": {"kind": "rope", "base": 100.0},
        "registers": registers, "layer_scale": True, "norm_eps": eps, "qkv_bias": qkv_bias, "pooling": pooling,
    }
    state["rope_embed.periods"] = rotary_periods(100.0, dim // heads)
    if names == "teacher":
        state = {f"backbone.{name}": tensor for name, tensor in state.items()}
        state["dino_head.last_layer.weight"] = torch.zeros(4, 4)
    write(folder, recipe(folder.name, size, RUIPATH, **switches), state, images, expected, half)


GIANT = dict(size=224, vit={"gated": True}, img_size=224, depth=2)

CASES = {
    # Committed: small, so that the engine is proven without Python.
    "learned": lambda f: timm_case(
        f, "vit_small_patch16_224", size=48, half=True, img_size=40, patch_size=8, embed_dim=48, depth=2, num_heads=3,
        init_values=1e-5, reg_tokens=2, vit={"pooling": "class_and_mean"}),
    "rotary": lambda f: rotary_case(
        f, size=48, dim=48, depth=2, heads=3, patch=8, registers=4, hidden=72, gated=True, half=True, names="teacher"),
    # Written anew by each run of the tests.
    "vit-small": lambda f: timm_case(f, "vit_small_patch16_224", size=224, vit={}),
    "vit-large": lambda f: timm_case(f, "vit_large_patch16_224", size=224, half=True, init_values=1e-5, vit={}),
    "vit-giant": lambda f: timm_case(f, "vit_giant_patch14_reg4_dinov2", **GIANT),
    "virchow": lambda f: timm_case(
        f, "vit_huge_patch14_224", size=224, depth=2, init_values=1e-5, reg_tokens=4, mlp_ratio=5.3375,
        mlp_layer=SwiGLUPacked, act_layer=torch.nn.SiLU, vit={"gated": True, "pooling": "class_and_mean"}),
    "larger-input": lambda f: timm_case(f, "vit_small_patch16_224", size=336, depth=3, vit={"pooling": "mean"}),
    "smaller-input": lambda f: timm_case(f, "vit_small_patch14_reg4_dinov2", size=224, img_size=518, depth=3, vit={}),
    "plain-resample": lambda f: timm_case(
        f, "vit_small_patch14_dinov2", size=224, img_size=518, depth=2, plain=True, vit={"pooling": "mean"}),
    "ruipath": lambda f: rotary_case(
        f, size=224, dim=1024, depth=4, heads=16, patch=16, registers=4, hidden=4096, gated=False, check=True),
    "rotary-gated": lambda f: rotary_case(
        f, size=160, dim=384, depth=3, heads=6, patch=16, registers=4, hidden=1024, gated=True, qkv_bias=False,
        pooling="class_and_mean"),
}


def main():
    directory, names = Path(sys.argv[1]), sys.argv[2:]
    for name in names:
        torch.manual_seed(20261123)
        with torch.inference_mode():
            CASES[name](directory / name)


if __name__ == "__main__":
    main()
