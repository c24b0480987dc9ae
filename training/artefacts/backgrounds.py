"""Writes the clean low-power pictures (4 um a pixel) that artefacts are painted into for training.

    python training/artefacts/backgrounds.py --bianque BINARY --out backgrounds \
        CMU-1-Small-Region.svs tcga-cr-7395-01a-01-ts1.svs=0.25 camelyon.dcm=8

Generated slides are made by `bianque demo`. Real ones are given as FILE or FILE=MPP: the microns per
pixel that are assumed where a file states none, or where a picture at lower power serves for its
colours and shapes only. Give only slides that nothing is wrong with and whose licence permits it.
"""

import argparse
import json
import pathlib
import subprocess
import tempfile

UM = 4.0
# Seeds that no test and no benchmark uses.
SEEDS = range(301, 313)


def write(bianque, slide, mpp, out):
    facts = json.loads(subprocess.check_output([bianque, "info", "--json", slide]))
    own = float(mpp or facts["mpp"]["x"])
    size = [max(1, round(facts[side] * own / UM)) for side in ("width", "height")]
    subprocess.check_call([
        bianque, "region", slide, "--slide-mpp", str(own), "--mpp", str(UM), "--x", "0", "--y", "0",
        "--width", str(size[0]), "--height", str(size[1]), "--out", str(out), "--quiet"])


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bianque", required=True)
    parser.add_argument("--out", required=True, type=pathlib.Path)
    parser.add_argument("slides", nargs="*")
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    for seed in SEEDS:
        with tempfile.TemporaryDirectory() as folder:
            subprocess.check_call([
                arguments.bianque, "demo", "--slide-only", "--seed", str(seed), "--out", folder,
                "--quiet"])
            slide = next(pathlib.Path(folder).glob("*.svs"))
            write(arguments.bianque, slide, None, arguments.out / f"generated-{seed}.png")
    for given in arguments.slides:
        path, _, mpp = given.partition("=")
        write(arguments.bianque, path, mpp, arguments.out / (pathlib.Path(path).stem + ".png"))


if __name__ == "__main__":
    main()
