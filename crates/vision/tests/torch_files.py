"""Writes one state dictionary in the ways in which people save models.

    torch_files.py WEIGHTS.safetensors DIRECTORY

Files called good- hold the same values and must be read, files called bad- must be refused with
the rest of their name in the message, files called found- have something wrong that is named.
"""

import argparse
import collections
import pickle
import sys
from pathlib import Path

import numpy
import torch
from safetensors.torch import load_file, save_file


class Harmless:
    """Any class of somebody's own."""


def main():
    state = {name: tensor.float() for name, tensor in load_file(sys.argv[1]).items()}
    folder = Path(sys.argv[2])

    def save(name, value, **arguments):
        torch.save(value, folder / name, **arguments)
        print(name)

    half = {name: tensor.half() for name, tensor in state.items()}
    assert all((half[name].float() == state[name]).all() for name in state), "the fixture is in half precision"
    save("good-f32.pth", state)
    save("good-f16.pth", half)
    save("good-ordered.pth", collections.OrderedDict(state))
    save("good-protocol-4.pth", state, pickle_protocol=4)
    save("good-protocol-5.pth", state, pickle_protocol=5)
    save("good-state-dict.pth", {"epoch": 3, "best": 0.5, "name": "x", "state_dict": state, "done": True, "none": None})
    save("good-model.pth", {"model": {"module." + name: tensor for name, tensor in state.items()}})
    save("good-parameters.pth", {name: torch.nn.Parameter(tensor) for name, tensor in state.items()})
    # Views: transposed, one storage for all, more stored than shown.
    turned = {name: t.transpose(-1, -2).contiguous().transpose(-1, -2) if t.dim() > 1 else t for name, t in state.items()}
    assert not turned["blocks.0.attn.qkv.weight"].is_contiguous()
    save("good-turned.pth", turned)
    flat = torch.cat([t.flatten() for t in state.values()])
    parts = flat.split([t.numel() for t in state.values()])
    save("good-flat.pth", {name: part.view(t.shape) for (name, t), part in zip(state.items(), parts)})
    save("good-steps.pth", {name: t.repeat_interleave(2, -1)[..., ::2] for name, t in state.items()})
    metadata = collections.OrderedDict(state)
    metadata._metadata = collections.OrderedDict([("", {"version": 1})])
    save("good-metadata.pth", metadata)
    brains = {name: tensor.bfloat16() for name, tensor in state.items()}
    save("brains.pth", brains)
    save_file(brains, folder / "brains.safetensors")

    save("bad-argparse.Namespace.pth", {"state_dict": state, "args": argparse.Namespace(lr=1)})
    save("bad-Harmless.pth", {"state_dict": state, "extra": Harmless()})
    save("bad-numpy.pth", {"state_dict": state, "best": numpy.float64(0.5)})
    save("bad-torch.nn.modules.linear.Linear.pth", torch.nn.Linear(2, 2))
    save("bad-_rebuild_tensor_v3.pth", {"a": torch.zeros(2, dtype=torch.uint16)})
    save("bad-bare pickle.pth", state, _use_new_zipfile_serialization=False)
    with open(folder / "bad-pickle.pth", "wb") as file:
        pickle.dump({"a": 1}, file)
    print("bad-pickle.pth")
    script = torch.jit.script(torch.nn.Linear(2, 2))
    script.save(folder / "bad-TorchScript.pth")
    print("bad-TorchScript.pth")
    save("bad-no tensor.pth", [1, 2, 3])

    nan = {name: tensor.clone() for name, tensor in state.items()}
    nan["blocks.1.mlp.fc2.bias"][3] = float("nan")
    save("found-nan.pth", nan)
    other = {name: tensor for name, tensor in state.items() if name != "norm.bias"}
    other["cls_token"] = torch.zeros(1, 1, 7)
    other["norm.weight"] = other["norm.weight"].long()
    other["blocks.2.norm1.weight"] = torch.ones(48)
    save("found-other.pth", other)
    save("found-two.pth", {"left": state, "right": state})
    save("found-none.pth", {"weight": torch.zeros(2)})


if __name__ == "__main__":
    main()
