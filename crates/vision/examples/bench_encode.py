"""PyTorch's side of `bench_encode`: writes random weights, then times timm on request.

    bench_encode.py DIRECTORY THREADS

Reads lines from standard input. `weights MODEL` writes DIRECTORY/MODEL.safetensors; `time MODEL
TILES` encodes that many tiles in batches of 8 and answers with wall and processor seconds; `product
SIZE` answers with the wall seconds of one SIZE x SIZE x SIZE matrix product.
"""

import sys
import time
from pathlib import Path

import timm
import torch
from safetensors.torch import save_file

BATCH = 8


def timed(work):
    wall, processor = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - wall, time.process_time() - processor


def main():
    folder = Path(sys.argv[1])
    torch.set_num_threads(int(sys.argv[2]))
    torch.manual_seed(1)
    models = {}
    with torch.inference_mode():
        for line in sys.stdin:
            command, *arguments = line.split()
            if command == "weights":
                name = arguments[0]
                models[name] = timm.create_model(name, pretrained=False, num_classes=0).eval()
                save_file(models[name].state_dict(), folder / f"{name}.safetensors")
                print(torch.__version__, timm.__version__, flush=True)
            elif command == "time":
                model, tiles = models[arguments[0]], int(arguments[1])
                batch = torch.rand(BATCH, 3, 224, 224)
                wall, processor = timed(lambda: [model(batch) for _ in range(tiles // BATCH)])
                print(wall, processor, flush=True)
            elif command == "product":
                size = int(arguments[0])
                a, b = torch.rand(size, size), torch.rand(size, size)
                print(*timed(lambda: a @ b), flush=True)


if __name__ == "__main__":
    main()
