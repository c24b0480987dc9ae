"""RuiPath's training bundles: a table `h5_path,patch_count,cum_sum` (CSV, or TSV by its ending) and
for every slide an HDF5 file with `patches`, 8-bit RGB [N, H, W, 3]. The tiles are cut by
`bianque tiles`, so that every format that Bianque reads can be trained on."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np

from .features import write_whole
from .problem import Problem

COLUMNS = ["h5_path", "patch_count", "cum_sum"]
AT_ONCE = 256


@dataclass(frozen=True)
class Bundle:
    """A slide in a table of bundles."""

    path: str
    """Of its HDF5 file, from the table's root."""
    count: int
    """Tiles that are sampled of it."""


def cut(slides: list[Path], out: Path, options: list[str], program: str = "bianque") -> Path:
    """Cuts slides into bundles below `out` and writes `out/manifest.csv`."""
    table = out / "manifest.csv"
    if table.exists():
        raise Problem(f"{table} is there already: give another folder")
    names = [slide.stem for slide in slides]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise Problem(f"several slides are called {', '.join(twice)}: bundles bear the slide's name")
    bundles = []
    for slide in slides:
        path = out / f"{slide.stem}.h5"
        with tempfile.TemporaryDirectory() as folder:
            array = Path(folder) / "tiles.npy"
            run = [program, "--quiet", "tiles", str(slide), "--out", str(array), *options]
            try:
                done = subprocess.run(run, capture_output=True, text=True, check=False)
            except FileNotFoundError as error:
                raise Problem(f"no program '{program}': name it with --bianque") from error
            if not array.is_file():
                raise Problem(f"{slide}: {done.stderr.strip() or done.returncode}")
            facts = json.loads(array.with_suffix(".json").read_text())
            count = pack(np.load(array, mmap_mode="r"), facts, path)
        bundles.append(Bundle(path.name, count))
    write_manifest(bundles, table)
    return table


def pack(tiles: np.ndarray, facts: dict, path: Path) -> int:
    """Writes one slide's tiles; gives their number."""
    if tiles.ndim != 4 or tiles.shape[3] != 3 or tiles.dtype != np.uint8 or not len(tiles):
        raise Problem(f"{path}: tiles of {tiles.dtype} {tiles.shape}; expected 8-bit RGB, one at least")
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    with h5py.File(part, "w") as file:
        patches = file.create_dataset("patches", tiles.shape, np.uint8, chunks=(1, *tiles.shape[1:]))
        for first in range(0, len(tiles), AT_ONCE):
            patches[first : first + AT_ONCE] = tiles[first : first + AT_ONCE]
        file.create_dataset("coords", data=np.asarray(facts["coordinates"], np.int64))
        for key in ("slide", "slide_name", "tile_px", "tile_mpp"):
            file.attrs[key] = facts[key]
    part.replace(path)
    return len(tiles)


def write_manifest(bundles: list[Bundle], path: Path) -> None:
    """Writes a table: comma-separated, or by tabs where the name ends in .tsv."""
    text = io.StringIO()
    writer = csv.writer(text, delimiter=_separator(path), lineterminator="\n")
    writer.writerow(COLUMNS)
    total = 0
    for bundle in bundles:
        total += bundle.count
        writer.writerow([bundle.path, bundle.count, total])
    write_whole(path, text.getvalue().encode())


def read_manifest(path: Path, root: Path | None = None) -> list[Bundle]:
    """Reads and checks a table; with a root the bundles too."""
    with open(path, newline="", encoding="utf-8-sig") as file:
        reader = csv.DictReader(file, delimiter=_separator(path))
        missing = [name for name in COLUMNS if name not in (reader.fieldnames or [])]
        if missing:
            raise Problem(f"{path}: no column {', '.join(missing)}")
        bundles, total = [], 0
        for line, row in enumerate(reader, start=2):
            try:
                count, stated = int(row["patch_count"]), int(row["cum_sum"])
            except (TypeError, ValueError) as error:
                raise Problem(f"{path}, line {line}: a count is no whole number") from error
            total += count
            if not row["h5_path"] or count < 0 or stated != total:
                raise Problem(f"{path}, line {line}: cum_sum {stated}, expected {total}; or no h5_path")
            bundles.append(Bundle(row["h5_path"].strip(), count))
    if total == 0:
        raise Problem(f"{path}: no tile is listed")
    for bundle in bundles if root is not None else []:
        with h5py.File(root / bundle.path, "r") as file:
            patches = file.get("patches")
            if not isinstance(patches, h5py.Dataset) or patches.ndim != 4 or not len(patches):
                raise Problem(f"{root / bundle.path}: no tiles 'patches' [N, H, W, 3]")
    return bundles


def _separator(path: Path) -> str:
    return "\t" if path.suffix.lower() == ".tsv" else ","
