"""ONNX models for the tests, with what our engine needs to compute the same.

    onnx_models.py FOLDER

Writes FOLDER/small as timm_equality.py does; small.onnx, the same network; tokens.onnx, whose output
is not one vector; elsewhere.onnx, whose weights are in
another file; truncated.onnx and noise.onnx. Prints the path of ONNX Runtime's library.
"""

import sys
from pathlib import Path

import onnx
import onnxruntime
import timm
import torch
from safetensors.torch import load_file
from timm_equality import TINY, timm_case

SIZE = 96


def export(model, path):
    torch.onnx.export(model, torch.rand(1, 3, SIZE, SIZE), str(path), input_names=["pixels"],
                      output_names=["features"], dynamic_axes={"pixels": {0: "n"}}, dynamo=False)


class Tokens(torch.nn.Module):
    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, pixels):
        return self.model.forward_features(pixels)


def main():
    folder = Path(sys.argv[1])
    torch.manual_seed(20261128)
    with torch.inference_mode():
        timm_case(folder / "small", "vit_small_patch16_224", size=SIZE, img_size=SIZE, vit={}, **TINY)
        model = timm.create_model("vit_small_patch16_224", num_classes=0, img_size=SIZE, **TINY).eval()
        model.load_state_dict(load_file(folder / "small/weights.safetensors"), strict=False)
        export(model, folder / "small.onnx")
        export(Tokens(model), folder / "tokens.onnx")
    whole = (folder / "small.onnx").read_bytes()
    (folder / "truncated.onnx").write_bytes(whole[: len(whole) // 2])
    onnx.save_model(onnx.load(folder / "small.onnx"), folder / "elsewhere.onnx", save_as_external_data=True,
                    location="elsewhere.bin", size_threshold=0)
    (folder / "noise.onnx").write_bytes(bytes(range(256)) * 64)
    names = ("libonnxruntime.", "onnxruntime.dll")
    libraries = (Path(onnxruntime.__file__).parent / "capi").iterdir()
    print(next(path for path in libraries if path.name.startswith(names)))


if __name__ == "__main__":
    main()
