"""Features between Bianque and other programs, on the command line."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from . import annotated, clam, ruipath, trident
from .features import Features
from .places import Wishes, placed
from .problem import Problem


def _inputs(given: list[Path], endings: tuple[str, ...]) -> list[Path]:
    """Files as they are named, and those of named folders."""
    found = []
    for path in given:
        if path.is_dir():
            inside = sorted(p for p in path.iterdir() if p.suffix in endings)
            runs = sorted(path.glob("*/features.safetensors")) if ".safetensors" in endings else []
            found += inside + runs
        elif path.is_file():
            found.append(path)
        else:
            raise Problem(f"{path}: no such file or folder")
    if not found:
        raise Problem(f"{', '.join(map(str, given))}: no file that ends in {' or '.join(endings)}")
    return found


def _name(path: Path) -> str:
    """The slide's name of a features file, as `bianque train slide` finds it."""
    if path.name == "features.safetensors":
        return path.parent.name.removesuffix(".bianque")
    return path.stem


def _from(options: argparse.Namespace) -> int:
    wishes = Wishes(options.encoder, options.version, options.licence, options.mpp, options.snap)
    failed = 0
    for path in _inputs(options.input, (".h5", ".pt") if options.verb == "from-clam" else (".h5",)):
        try:
            if options.verb == "from-clam":
                patches = options.patches / f"{path.stem}.h5" if options.patches else None
                foreign = clam.read(path, patches, options.tile_px, options.tile_level0)
            else:
                foreign = trident.read(path)
            made, notes = placed(foreign, wishes)
            made.write(options.out / f"{foreign.name}.safetensors")
        except Problem as problem:
            failed += 1
            print(f"error: {problem}", file=sys.stderr)
            continue
        text = "".join(f"; {note}" for note in notes)
        print(f"{foreign.name}: {len(made.cells)} tiles of {made.values.shape[1]} values{text}")
    return 1 if failed else 0


def _to(options: argparse.Namespace) -> int:
    for path in _inputs(options.input, (".safetensors",)):
        features, name = Features.read(path), _name(path)
        if options.verb == "to-trident":
            trident.write(features, options.out / f"{name}.h5", name)
        elif options.verb == "to-clam":
            clam.write(features, options.out, name)
        else:
            annotated.write(features, options.out / f"{name}.h5ad", name)
        print(f"{name}: {len(features.cells)} tiles")
    return 0


def _cut(options: argparse.Namespace) -> int:
    passed = ["--tile", str(options.tile), "--mpp", str(options.mpp)]
    passed += ["--most", str(options.most)] if options.most else []
    table = ruipath.cut(options.input, options.out, passed, options.bianque)
    count = sum(bundle.count for bundle in ruipath.read_manifest(table, options.out))
    print(f"wrote {table}: {count} tiles of {len(options.input)} slides")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="bianque-features", description=__doc__)
    verbs = parser.add_subparsers(dest="verb", required=True)

    def verb(name: str, text: str, work) -> argparse.ArgumentParser:
        own = verbs.add_parser(name, help=text, description=text)
        own.add_argument("input", type=Path, nargs="+", help="files, or folders of them")
        own.add_argument("--out", type=Path, required=True, help="folder to write into")
        own.set_defaults(work=work)
        return own

    for program in ("trident", "clam"):
        own = verb(f"from-{program}", f"features of {program.upper()} as Bianque keeps them", _from)
        own.add_argument("--encoder", help="the encoder's name, such as uni_v1; files of Bianque name it")
        own.add_argument("--version", help="the encoder's version [unknown]")
        own.add_argument("--licence", help="the encoder's licence, as an SPDX expression")
        own.add_argument("--mpp", type=float, help="the slides' microns per level-0 pixel")
        own.add_argument("--snap", type=float, default=0.0, help="level-0 pixels a tile may be moved")
        if program == "clam":
            own.add_argument("--patches", type=Path, help="CLAM's folder of patches")
            own.add_argument("--tile-px", type=int, help="edge of a tile as it was encoded")
            own.add_argument("--tile-level0", type=float, help="edge of a tile in level-0 pixels")
    verb("to-trident", "Bianque's features as TRIDENT writes them", _to)
    verb("to-clam", "Bianque's features as CLAM writes them", _to)
    verb("to-anndata", "Bianque's features as AnnData's .h5ad", _to)
    own = verb("ruipath", "slides as RuiPath's training bundles", _cut)
    own.add_argument("--tile", type=int, default=224, help="edge of a tile in pixels")
    own.add_argument("--mpp", type=float, default=0.5, help="microns per pixel of a tile")
    own.add_argument("--most", type=int, help="most tiles of a slide")
    own.add_argument("--bianque", default="bianque", help="the program")
    return parser


def main(arguments: list[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    try:
        return options.work(options)
    except Problem as problem:
        print(f"error: {problem}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
