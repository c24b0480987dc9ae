"""What timm makes of the patches of a fixture's tiles: tokens after the last norm, and the class
token's attention in the last block.

    tokens_reference.py FIXTURE OUT

Writes OUT/tokens.bin and OUT/attention.bin (32-bit floats, tile after tile).
"""

import json
import math
import sys
from pathlib import Path

import torch
from safetensors.torch import load_file
from timm.models.vision_transformer import VisionTransformer


def main():
    fixture, out = Path(sys.argv[1]), Path(sys.argv[2])
    recipe = json.loads((fixture / "recipe.json").read_text())
    vit, size = recipe["architecture"], recipe["input"]["size"]
    weights = {name: tensor.float() for name, tensor in load_file(fixture / "weights.safetensors").items()}
    # The table may be of another size than the tiles; timm then resamples it.
    rows = weights["pos_embed"].shape[1] - 1 - vit["registers"]
    model = VisionTransformer(
        img_size=math.isqrt(rows) * vit["patch"],
        dynamic_img_size=True,
        patch_size=vit["patch"],
        embed_dim=vit["dim"],
        depth=vit["depth"],
        num_heads=vit["heads"],
        mlp_ratio=vit["ffn"]["hidden"] / vit["dim"],
        init_values=1.0 if vit["layer_scale"] else None,
        reg_tokens=vit["registers"],
        num_classes=0,
    ).eval()
    model.load_state_dict(weights, strict=True)
    pixels = torch.frombuffer(bytearray((fixture / "tiles.bin").read_bytes()), dtype=torch.uint8)
    pixels = pixels.reshape(-1, size, size, 3).permute(0, 3, 1, 2).float() / 255
    mean, std = (torch.tensor(recipe["input"]["normalise"][k]).view(1, 3, 1, 1) for k in ("mean", "std"))
    seen = {}
    last = model.blocks[-1].attn
    last.register_forward_hook(lambda module, inputs, output: seen.update(x=inputs[0]))
    with torch.no_grad():
        tokens = model.forward_features((pixels - mean) / std)
        x = seen["x"]
        qkv = last.qkv(x).reshape(x.shape[0], x.shape[1], 3, last.num_heads, -1).permute(2, 0, 3, 1, 4)
        query, key = qkv[0], qkv[1]
        scores = (query @ key.transpose(-2, -1)) * query.shape[-1] ** -0.5
        attention = scores.softmax(-1)[:, :, 0].mean(1)
    prefix = model.num_prefix_tokens
    (out / "tokens.bin").write_bytes(tokens[:, prefix:].contiguous().numpy().tobytes())
    (out / "attention.bin").write_bytes(attention[:, prefix:].contiguous().numpy().tobytes())


if __name__ == "__main__":
    main()
