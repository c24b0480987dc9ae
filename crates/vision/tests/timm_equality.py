"""Writes networks with random weights and what PyTorch makes of them.

    timm_equality.py DIRECTORY CASE...

For each case DIRECTORY/CASE gets recipe.json, weights.safetensors, tiles.bin (8-bit RGB) and
expected.bin (32-bit floats). References are timm's own models where timm has the family, and for
the rotary family (RuiPath, DINOv3) the formulation below, written from the published
specification and compared with timm's DINOv3 model on the way.

Cases with Hugging Face's names are also compared with its own models.

The committed fixtures are written by: timm_equality.py fixtures learned rotary
"""

import json
import math
import os
import re
import sys
import tempfile
from functools import partial
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


def write(folder, recipe, state, images, expected, half=False, wrap=None):
    """`wrap` makes a file of torch.save of the state: a dictionary around it."""
    folder.mkdir(parents=True, exist_ok=True)
    kind = torch.float16 if half else torch.float32
    # One tensor after the other, so that both precisions never stand in memory together.
    saved = {name: state.pop(name).detach().to(kind).contiguous() for name in list(state)}
    if wrap:
        recipe["weights"] = "weights.pth"
        torch.save(wrap(saved), folder / "weights.pth")
    else:
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


def timm_case(folder, model_name, *, size, vit, half=False, plain=False, class_row=False, names=None, wrap=None,
              judge=None, **arguments):
    """A timm model; `vit` holds the recipe's switches that are not read off the model, `names`
    renames its tensors, `judge` is another program's model of the same weights."""
    model = timm.create_model(model_name, pretrained=False, num_classes=0, dynamic_img_size=True, **arguments).eval()
    state = model.state_dict()
    randomise(state)
    if half:
        to_half(state)
    state = {name: tensor for name, tensor in state.items() if not name.startswith("fc_norm")}
    images = tiles(size)
    if class_row:
        # DINOv2 has a row of the table for the class token; timm adds it to the token.
        row = torch.randn_like(model.cls_token) / 2
        state["cls_token"] = model.cls_token.detach().clone()
        state["pos_embed"] = torch.cat([row, model.pos_embed.detach()], 1)
        model.cls_token += row
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
        kept = state["pos_embed"] if class_row else saved.detach()
        state = {**state, "pos_embed": kept}
    tokens = model.forward_features(normalised(images, IMAGENET))
    block = model.blocks[0]
    gated = vit.pop("gated", False)
    hidden = block.mlp.fc2.in_features
    rows = "class" if class_row else "none" if model.no_embed_class else "all"
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
    if names:
        state = names(state)
    if judge:
        judge(state, switches, size, normalised(images, IMAGENET), tokens)
    del model, block
    write(folder, recipe(folder.name, size, IMAGENET, **switches), state, images, expected, half, wrap)


def hugging_face(state, blocks, rules):
    """The tensors by Hugging Face's names, which has queries, keys and values apart."""
    renamed = {}
    for name, tensor in state.items():
        for pattern, by in rules:
            name = re.sub(pattern, by, name)
        name = re.sub(r"^blocks\.", blocks, name)
        if ".qkv." in name:
            for part, values in zip(("query", "key", "value"), tensor.chunk(3)):
                renamed[name.replace("qkv", part)] = values
        else:
            renamed[name] = tensor
    return renamed


EMBEDDINGS = [
    (r"^cls_token", "embeddings.cls_token"), (r"^pos_embed", "embeddings.position_embeddings"),
    (r"^(reg_token|storage_tokens)", "embeddings.register_tokens"), (r"^mask_token", "embeddings.mask_token"),
    (r"^patch_embed\.proj", "embeddings.patch_embeddings.projection"), (r"^norm\.", "layernorm."),
    (r"attn\.proj", "attention.output.dense"), (r"attn\.qkv", "attention.attention.qkv"),
]
HF_VIT = partial(hugging_face, blocks="encoder.layer.", rules=EMBEDDINGS + [
    (r"norm1\.", "layernorm_before."), (r"norm2\.", "layernorm_after."),
    (r"mlp\.fc1", "intermediate.dense"), (r"mlp\.fc2", "output.dense")])
SCALES = [(r"ls([12])\.gamma", r"layer_scale\1.lambda1")]


def hf_dinov2(state, gated=False):
    packed = [(r"mlp\.fc1", "mlp.weights_in"), (r"mlp\.fc2", "mlp.weights_out")] if gated else []
    state = state | {"mask_token": torch.zeros(1, state["cls_token"].shape[-1])}
    return hugging_face(state, "encoder.layer.", EMBEDDINGS + SCALES + packed)


def hf_dinov3(state):
    """Keys have no bias there, and queries, keys and values other names."""
    rules = EMBEDDINGS + SCALES + [
        (r"layernorm\.", "norm."), (r"patch_embeddings\.projection", "patch_embeddings"),
        (r"attention\.output\.dense", "attention.o_proj"), (r"attention\.attention\.", "attention."),
        (r"mlp\.(fc1|w2)", "mlp.up_proj"), (r"mlp\.(fc2|w3)", "mlp.down_proj"), (r"mlp\.w1", "mlp.gate_proj")]
    renamed = hugging_face(state, "layer.", rules)
    parts = {".query.": ".q_proj.", ".key.": ".k_proj.", ".value.": ".v_proj."}
    for old, new in parts.items():
        renamed = {name.replace(old, new): tensor for name, tensor in renamed.items()}
    renamed["embeddings.mask_token"] = renamed["embeddings.mask_token"].reshape(1, 1, -1)
    dropped = ("k_proj.bias", "rope_embed.periods", "local_cls_norm.weight", "local_cls_norm.bias")
    return {name: tensor for name, tensor in renamed.items() if not name.endswith(dropped)}


def timm_dinov3(state):
    """timm's Eva: keys have no bias, queries and values theirs apart."""
    renamed = {}
    for name, tensor in state.items():
        name = name.replace("storage_tokens", "reg_token")
        name = re.sub(r"ls([12])\.gamma", r"gamma_\1", name)
        name = name.replace("mlp.w1", "mlp.fc1_g").replace("mlp.w2", "mlp.fc1_x").replace("mlp.w3", "mlp.fc2")
        if name.endswith("attn.qkv.bias"):
            renamed[name.replace("qkv.bias", "q_bias")], _, renamed[name.replace("qkv.bias", "v_bias")] = tensor.chunk(3)
        elif not name.startswith(("mask_token", "local_cls_norm", "rope_embed")):
            renamed[name] = tensor
    return renamed


def dinov2(state, chunk=None):
    """DINOv2's own names; it may keep blocks in chunks of some, and counts them through."""
    renamed = {}
    for name, tensor in state.items():
        name = name.replace("reg_token", "register_tokens")
        name = re.sub(r"^blocks\.(\d+)", lambda m: f"blocks.{int(m[1]) // chunk}.{m[1]}" if chunk else m[0], name)
        renamed[name] = tensor
    renamed["mask_token"] = torch.zeros(1, state["cls_token"].shape[-1])
    return renamed


def dinov2_gated(state, chunk=None):
    renamed = dinov2(state, chunk)
    return {name.replace("mlp.fc1", "mlp.w12").replace("mlp.fc2", "mlp.w3"): t for name, t in renamed.items()}


def torchscale(state):
    """torchscale's multiway names, with a branch for text that nobody needs."""
    names = [(r"^cls_token", "vision_embed.cls_token"), (r"^patch_embed\.", "vision_embed."), (r"^norm\.", "encoder.layer_norm.A."),
             (r"^blocks\.", "encoder.layers."), (r"norm1\.", "self_attn_layer_norm.A."), (r"norm2\.", "final_layer_norm.A."),
             (r"attn\.norm\.", "self_attn.inner_attn_ln.A."), (r"attn\.proj\.", "self_attn.out_proj.A."),
             (r"mlp\.norm\.", "ffn.A.ffn_layernorm."), (r"mlp\.", "ffn.A.")]
    renamed = {"beit3.text_embed.weight": torch.zeros(8, 4), "beit3.vision_embed.mask_token": torch.zeros(1, 1, 4),
               "vision_head.weight": torch.zeros(4, 4), "logit_scale": torch.zeros(())}
    for name, tensor in state.items():
        if name == "pos_embed":
            # Places are counted from 2.
            renamed["beit3.encoder.embed_positions.A.weight"] = torch.cat([torch.full((2, tensor.shape[-1]), 9.0), tensor[0]])
            renamed["beit3.encoder.embed_positions.B.weight"] = torch.zeros(6, tensor.shape[-1])
            continue
        for pattern, by in names:
            name = re.sub(pattern, by, name)
        if ".attn.qkv." in name:
            for part, values in zip("qkv", tensor.chunk(3)):
                renamed["beit3." + name.replace("attn.qkv.", f"self_attn.{part}_proj.A.")] = values
        else:
            renamed["beit3." + name] = tensor
    text = {name.replace(".A.", ".B."): torch.zeros(2) for name in renamed if ".layers." in name}
    return renamed | text


def transformers_model(name, state, switches, size, pixels, tokens, **more):
    """Holds what Hugging Face's own model makes of the same file against the tokens."""
    os.environ["HF_HUB_OFFLINE"] = "1"
    import transformers

    transformers.utils.logging.disable_progress_bar()
    config = getattr(transformers, name.replace("Model", "Config"))(
        hidden_size=switches["dim"], num_hidden_layers=switches["depth"], num_attention_heads=switches["heads"],
        intermediate_size=switches["ffn"]["hidden"], patch_size=switches["patch"], layer_norm_eps=switches["norm_eps"],
        **{"image_size": size, **more})
    with tempfile.TemporaryDirectory() as folder:
        config.save_pretrained(folder)
        save_file({name: tensor.detach().contiguous() for name, tensor in state.items()}, folder + "/model.safetensors",
                  metadata={"format": "pt"})
        arguments = {"add_pooling_layer": False} if name == "ViTModel" else {}
        model, report = getattr(transformers, name).from_pretrained(folder, output_loading_info=True, **arguments)
    assert not any(report[kind] for kind in ("missing_keys", "mismatched_keys", "unexpected_keys")), report
    difference = (model.eval()(pixels).last_hidden_state - tokens).abs().max().item()
    print(f"Hugging Face's {name} differs by {difference:.2e}")
    assert difference < 2e-4, f"Hugging Face's {name} differs by {difference}"


def rotary_state(dim, depth, patch, registers, hidden, gated, qkv_bias, channels=3):
    """Tensors by DINOv3's own names."""
    shapes = {
        "cls_token": (1, 1, dim),
        "storage_tokens": (1, registers, dim),
        "mask_token": (1, dim),
        "patch_embed.proj.weight": (dim, channels, patch, patch),
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


def rotary_angles(grid, head, base, kind=torch.float32):
    """Per patch: 2 pi * coordinate / period; vertical, horizontal, and both again."""
    centre = torch.arange(0.5, grid, dtype=kind) / grid
    centre = 2.0 * centre - 1.0
    rows = []
    for y in range(grid):
        for x in range(grid):
            both = torch.cat([2 * math.pi * centre[axis] / rotary_periods(base, head).to(kind) for axis in (y, x)])
            rows.append(torch.cat([both, both]))
    return torch.stack(rows)


def rotary_forward(state, pixels, *, depth, heads, patch, base, eps, gated, kind=torch.float32):
    """The DINOv3 forward pass up to the last norm; angles and rotation in the given type."""
    dim = state["cls_token"].shape[-1]
    grid = pixels.shape[-1] // patch
    head = dim // heads
    embedded = F.conv2d(pixels, state["patch_embed.proj.weight"], state["patch_embed.proj.bias"], stride=patch)
    count = len(pixels)
    x = torch.cat([state["cls_token"].expand(count, -1, -1), state["storage_tokens"].expand(count, -1, -1),
                   embedded.flatten(2).transpose(1, 2)], 1)
    prefix = 1 + state["storage_tokens"].shape[1]
    angles = rotary_angles(grid, head, base, kind)

    def turned(t):
        patches = t[:, :, prefix:].to(kind)
        first, second = patches.chunk(2, -1)
        patches = patches * angles.cos() + torch.cat([-second, first], -1) * angles.sin()
        return torch.cat([t[:, :, :prefix], patches.to(t.dtype)], 2)

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
                eps=1e-5, half=False, pooling="class", check=False, names="dinov3", each=False, low=False):
    state = rotary_state(dim, depth, patch, registers, hidden, gated, qkv_bias, 1 if each else 3)
    if names in ("hf", "timm"):
        for name, tensor in state.items():
            if name.endswith("qkv.bias"):
                tensor[dim : 2 * dim] = 0
    if half:
        to_half(state)
    images = tiles(size)
    pixels = normalised(images, RUIPATH)
    form = dict(depth=depth, heads=heads, patch=patch, base=100.0, eps=eps, gated=gated)
    if low:
        form["kind"] = torch.bfloat16
    if check:
        agrees_with_timm(state, pixels, **form)
    if each:
        vectors = [pooled(rotary_forward(state, pixels[:, c : c + 1], **form), 1 + registers, pooling) for c in range(3)]
        expected = torch.cat(vectors, -1)
    else:
        tokens = rotary_forward(state, pixels, **form)
        expected = pooled(tokens, 1 + registers, pooling)
    switches = {
        "patch": patch, "dim": dim, "depth": depth, "heads": heads,
        "ffn": {"kind": "swi_glu" if gated else "gelu", "hidden": hidden},
        "position": {"kind": "rope", "base": 100.0},
        "registers": registers, "layer_scale": True, "norm_eps": eps, "qkv_bias": qkv_bias, "pooling": pooling,
    }
    if each:
        switches["channels"] = "each"
    if low:
        switches["position"]["precision"] = "bf16"
    state["rope_embed.periods"] = rotary_periods(100.0, dim // heads)
    if names == "hf":
        state = hf_dinov3(state)
        transformers_model("DINOv3ViTModel", state, switches, size, pixels, tokens, use_gated_mlp=gated, hidden_act="silu" if gated else "gelu",
                           num_register_tokens=registers)
    if names == "timm":
        state = timm_dinov3(state)
    if names == "teacher":
        state = {f"backbone.{name}": tensor for name, tensor in state.items()}
        state["dino_head.last_layer.weight"] = torch.zeros(4, 4)
    write(folder, recipe(folder.name, size, RUIPATH, **switches), state, images, expected, half)


class Pooler(torch.nn.Module):
    """CoCa's attentional pooling of one query, with PyTorch's attention or with bare layers."""

    def __init__(self, dim, context, heads, kind):
        super().__init__()
        self.kind, self.heads = kind, heads
        self.query = torch.nn.Parameter(torch.empty(1, dim))
        self.ln_q, self.ln_k = torch.nn.LayerNorm(dim), torch.nn.LayerNorm(context)
        if kind == "torch":
            self.attn = torch.nn.MultiheadAttention(dim, heads, kdim=context, vdim=context, batch_first=True)
        else:
            self.to_q = torch.nn.Linear(dim, dim, bias=False)
            self.to_kv = torch.nn.Linear(context, 2 * dim, bias=False)
            self.to_out = torch.nn.Linear(dim, dim, bias=False)

    def forward(self, tokens):
        x, q = self.ln_k(tokens), self.ln_q(self.query).expand(len(tokens), -1, -1)
        if self.kind == "torch":
            return self.attn(q, x, x, need_weights=False)[0][:, 0]
        k, v = self.to_kv(x).chunk(2, -1)
        q, k, v = (t.unflatten(-1, (self.heads, -1)).transpose(1, 2) for t in (self.to_q(q), k, v))
        return self.to_out(F.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2))[:, 0]


def tower_case(folder, *, kind, dim, heads, prefix, beside, **arguments):
    """An image tower: a timm trunk without LayerScale or with it, and a pooler beside it."""
    trunk = timm.create_model("vit_small_patch16_224", num_classes=0, img_size=96, embed_dim=96, depth=2, num_heads=3,
                              **arguments).eval()
    tower = torch.nn.ModuleDict({
        "trunk": trunk, "attn_pool_contrast": Pooler(dim, 96, heads, kind), "ln_contrast": torch.nn.LayerNorm(dim)}).eval()
    state = tower.state_dict()
    randomise(state)
    images = tiles(96)
    tokens = trunk.forward_features(normalised(images, IMAGENET))
    expected = tower["ln_contrast"](tower["attn_pool_contrast"](tokens))
    switches = {
        "patch": 16, "dim": 96, "depth": 2, "heads": 3, "ffn": {"kind": "gelu", "hidden": 384},
        "position": learned_positions("all"), "layer_scale": "init_values" in arguments, "norm_eps": 1e-6,
        "pooling": {"attentional": {"dim": dim, "heads": heads, "norm_eps": 1e-5, "weights": kind}},
    }
    state = {prefix + name: tensor for name, tensor in state.items()} | beside
    write(folder, recipe(folder.name, 96, IMAGENET, **switches), state, images, expected,
          wrap=lambda state: {"state_dict": state})


def teacher_and_student(state):
    """A checkpoint as training leaves it."""
    teacher = {f"backbone.{name}": tensor for name, tensor in state.items()}
    student = {name: torch.nn.Parameter(tensor.half()) for name, tensor in teacher.items()}
    head = {"dino_head.mlp.0.weight": torch.zeros(4, 4)}
    return {"iteration": 7, "teacher": teacher | head, "student": student | head,
            "optimizer": {"state": {0: {"exp_avg": torch.zeros(3)}}, "param_groups": [{"lr": 1e-3, "params": [0]}]}}


TINY = dict(embed_dim=96, depth=2, num_heads=3)
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
    # One for each form and each way of naming tensors that a recipe has, small.
    "patch-8": lambda f: timm_case(f, "vit_small_patch8_224", size=224, depth=1, vit={}),
    "gigapath": lambda f: timm_case(
        f, "vit_giant_patch14_dinov2", size=96, img_size=96, patch_size=16, embed_dim=192, depth=2, num_heads=3,
        mlp_ratio=5.33334, vit={"gated": True}),
    "phikon": lambda f: timm_case(
        f, "vit_base_patch16_224", size=96, img_size=96, norm_layer=partial(torch.nn.LayerNorm, eps=1e-12), vit={},
        names=HF_VIT, judge=partial(transformers_model, "ViTModel"), **TINY),
    "phikon-v2": lambda f: timm_case(
        f, "vit_large_patch16_224", size=96, img_size=96, init_values=1e-5, vit={}, names=hf_dinov2,
        judge=partial(transformers_model, "Dinov2Model"), **TINY),
    "midnight": lambda f: timm_case(
        f, "vit_giant_patch14_dinov2", size=84, img_size=112, plain=True, names=partial(hf_dinov2, gated=True), mlp_ratio=16 / 3,
        vit={"gated": True, "pooling": "class_and_mean"},
        judge=partial(transformers_model, "Dinov2Model", use_swiglu_ffn=True, image_size=112), **TINY),
    "hibou": lambda f: timm_case(
        f, "vit_giant_patch14_reg4_dinov2", size=84, img_size=84, class_row=True, names=partial(hf_dinov2, gated=True), mlp_ratio=16 / 3,
        vit={"gated": True}, judge=partial(transformers_model, "Dinov2WithRegistersModel", use_swiglu_ffn=True,
                                           num_register_tokens=4), **TINY),
    "openmidnight": lambda f: timm_case(
        f, "vit_giant_patch14_reg4_dinov2", size=84, img_size=84, class_row=True, names=dinov2_gated, mlp_ratio=16 / 3,
        vit={"gated": True}, wrap=lambda state: state, **TINY),
    "gpfm": lambda f: timm_case(
        f, "vit_large_patch14_dinov2", size=84, img_size=84, vit={}, names=partial(dinov2, chunk=2),
        wrap=teacher_and_student, **{**TINY, "depth": 5}),
    "dinov3-hugging-face": lambda f: rotary_case(
        f, size=96, dim=96, depth=2, heads=3, patch=16, registers=4, hidden=192, gated=False, names="hf"),
    "dinov3-hugging-face-gated": lambda f: rotary_case(
        f, size=96, dim=96, depth=2, heads=3, patch=16, registers=4, hidden=192, gated=True, names="hf"),
    "dinov3-timm": lambda f: rotary_case(
        f, size=96, dim=96, depth=2, heads=3, patch=16, registers=4, hidden=192, gated=True, names="timm"),
    "genbio": lambda f: rotary_case(
        f, size=224, dim=192, depth=3, heads=3, patch=16, registers=4, hidden=256, gated=True, qkv_bias=False, eps=1e-6,
        each=True, low=True),
    "conch": lambda f: tower_case(
        f, kind="torch", dim=64, heads=8, prefix="visual.",
        beside={"text.cls_emb": torch.zeros(4), "visual.proj_contrast": torch.zeros(64, 64), "logit_scale": torch.zeros(())}),
    "conch-v1.5": lambda f: tower_case(
        f, kind="linear", dim=64, heads=8, prefix="", beside={}, init_values=1.0),
    "musk": lambda f: timm_case(
        f, "beit3_large_patch16_224", size=96, img_size=96, global_pool="token", vit={"sub_norm": True}, names=torchscale, **TINY),
    "beit3-timm": lambda f: timm_case(
        f, "beit3_large_patch16_224", size=64, img_size=96, global_pool="token", depth=2,
        vit={"sub_norm": True, "pooling": "class_and_mean"}),
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
