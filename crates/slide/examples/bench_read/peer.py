"""The openslide-python side of the reading benchmark.

Takes one JSON command a line on standard input and answers each with one line of JSON:
{"seconds": wall time, "processor": process time}. Slides are opened anew for each command, so
that every measurement begins with an empty cache.
"""

import json
import sys
import threading
import time

import openslide
from PIL import Image


def read(slide, regions, _):
    for x, y, width, height in regions:
        slide.read_region((x, y), 0, (width, height))


def halve(slide, regions, _):
    """The usual way to a resolution between two levels: read the finer one, resize."""
    for x, y, width, height in regions:
        pixels = slide.read_region((x, y), 0, (width, height)).convert("RGB")
        pixels.resize((width // 2, height // 2), Image.BILINEAR)


def in_threads(work, slide, regions, threads):
    parts = [regions[index::threads] for index in range(threads)]
    running = [threading.Thread(target=work, args=(slide, part, None)) for part in parts]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join()


def peak_memory():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM:"))


def run(path, command):
    kind = command["do"]
    if kind == "memory":
        return {"kilobytes": peak_memory(), "version": openslide.__library_version__}
    wall, processor = time.perf_counter(), time.process_time()
    if kind == "open":
        for _ in range(command["times"]):
            openslide.OpenSlide(path).close()
    else:
        work = {"read": read, "halve": halve}[kind]
        with openslide.OpenSlide(path) as slide:
            in_threads(work, slide, command["regions"], command["threads"])
    return {
        "seconds": time.perf_counter() - wall,
        "processor": time.process_time() - processor,
    }


def main():
    for line in sys.stdin:
        print(json.dumps(run(sys.argv[1], json.loads(line))), flush=True)


main()
