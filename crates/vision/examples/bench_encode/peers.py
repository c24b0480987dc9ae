"""The other side of `bench_encode`: PyTorch and ONNX Runtime, a process for each engine.

    peers.py prepare FOLDER MODEL
    peers.py ENGINE FOLDER MODEL THREADS BATCH

`prepare` writes FOLDER/MODEL.safetensors and FOLDER/MODEL.onnx with random weights. An engine prints
one line when it is ready, the versions of its libraries; then, for each line `time TILES` that it
reads, wall and processor seconds; and after `end` its greatest memory in MiB.
"""

import sys
import threading
import time
from pathlib import Path

# Peers get their tiles as the floats that they compute with: cutting and normalising is not timed
# on their side, on ours it is.


def prepare(folder, name):
    import timm
    import torch
    from safetensors.torch import save_file

    torch.manual_seed(1)
    model = timm.create_model(name, pretrained=False, num_classes=0).eval()
    save_file(model.state_dict(), folder / f"{name}.safetensors")
    with torch.inference_mode():
        torch.onnx.export(
            model, torch.rand(2, 3, 224, 224), str(folder / f"{name}.onnx"), input_names=["pixels"],
            output_names=["features"], dynamic_axes={"pixels": {0: "n"}, "features": {0: "n"}}, dynamo=False)


def model_of(folder, name):
    """The network with its weights in memory once."""
    import timm
    import torch
    from safetensors.torch import load_file

    with torch.device("meta"):
        model = timm.create_model(name, pretrained=False, num_classes=0)
    model.load_state_dict(load_file(folder / f"{name}.safetensors"), assign=True)
    return model.eval()


def pytorch(folder, name, threads, batch):
    import timm
    import torch

    torch.set_num_threads(threads)
    model = model_of(folder, name)
    pixels = torch.rand(batch, 3, 224, 224)

    def encode(tiles):
        with torch.inference_mode():
            for _ in range(tiles // batch):
                model(pixels)

    return f"PyTorch {torch.__version__}, timm {timm.__version__}", encode


def pytorch_cuda(folder, name, threads, batch):
    """bfloat16, fused attention (timm calls it), compiled; tiles already on the device."""
    import torch

    if not torch.cuda.is_available():
        sys.exit("PyTorch finds no CUDA device")
    torch.set_num_threads(threads)
    model = torch.compile(model_of(folder, name).to("cuda", torch.bfloat16), mode="max-autotune")
    pixels = torch.rand(batch, 3, 224, 224, device="cuda", dtype=torch.bfloat16)

    def encode(tiles):
        with torch.inference_mode():
            for _ in range(tiles // batch):
                model(pixels)
        torch.cuda.synchronize()

    return f"PyTorch {torch.__version__}, {torch.cuda.get_device_name()}", encode


def session_of(folder, name, threads):
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    path = str(folder / f"{name}.onnx")
    return onnxruntime, onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def onnxruntime_own_threads(folder, name, threads, batch):
    import numpy

    library, session = session_of(folder, name, threads)
    pixels = numpy.random.rand(batch, 3, 224, 224).astype(numpy.float32)

    def encode(tiles):
        for _ in range(tiles // batch):
            session.run(None, {"pixels": pixels})

    return f"ONNX Runtime {library.__version__}", encode


def onnxruntime_session_a_core(folder, name, threads, batch):
    """One session with one thread for each core, tiles shared out among them."""
    import numpy

    made = [session_of(folder, name, 1) for _ in range(threads)]
    pixels = numpy.random.rand(batch, 3, 224, 224).astype(numpy.float32)

    def encode(tiles):
        batches = [tiles // batch // threads] * threads
        for extra in range(tiles // batch % threads):
            batches[extra] += 1

        def work(session, count):
            for _ in range(count):
                session.run(None, {"pixels": pixels})

        workers = [threading.Thread(target=work, args=(session, n)) for (_, session), n in zip(made, batches)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()

    return f"ONNX Runtime {made[0][0].__version__}", encode


ENGINES = {
    "pytorch": pytorch,
    "pytorch-cuda": pytorch_cuda,
    "onnxruntime": onnxruntime_own_threads,
    "onnxruntime-session-a-core": onnxruntime_session_a_core,
}


def peak_memory():
    """MiB of this process at its largest; on a GPU, of the device."""
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available():
        return torch.cuda.max_memory_reserved() / 2**20
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024


def main():
    engine, folder, name = sys.argv[1], Path(sys.argv[2]), sys.argv[3]
    if engine == "prepare":
        return prepare(folder, name)
    batch = int(sys.argv[5])
    versions, encode = ENGINES[engine](folder, name, int(sys.argv[4]), batch)
    encode(batch)
    print(versions, flush=True)
    for line in sys.stdin:
        command, *arguments = line.split()
        if command == "end":
            break
        wall, processor = time.perf_counter(), time.process_time()
        encode(int(arguments[0]))
        print(time.perf_counter() - wall, time.process_time() - processor, flush=True)
    print(peak_memory(), flush=True)


if __name__ == "__main__":
    main()
