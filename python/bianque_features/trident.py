"""TRIDENT's HDF5 (0.3): `features` [N, D], and `coords` [N, 2] with attributes that say how tiles
were cut. Corners are (x, y) in level-0 pixels, column by column from the slide's corner."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np

from . import header
from .features import Features
from .places import Foreign
from .problem import Problem

NEEDED = ("patch_size", "patch_size_level0")
EXACT = "bianque_tile_level0"
"""Our own attribute: the edge of a tile where it is no whole number of level-0 pixels."""


def read(path: str | Path) -> Foreign:
    """Reads a file of features."""
    path = Path(path)
    try:
        file = h5py.File(path, "r")
    except OSError as error:
        raise Problem(f"{path}: no HDF5 file ({error})") from error
    with file:
        for name in ("features", "coords"):
            if not isinstance(file.get(name), h5py.Dataset):
                raise Problem(f"{path}: no dataset '{name}'; it has {', '.join(file) or 'nothing'}")
        features, attributes = file["features"][:], dict(file["coords"].attrs)
        coordinates = file["coords"][:]
    missing = [name for name in NEEDED if name not in attributes]
    if missing:
        raise Problem(
            f"{path}: 'coords' has no attribute {', '.join(missing)}: not of TRIDENT 0.3. Of CLAM? "
            "Then say from-clam"
        )
    if features.ndim == 3 and features.shape[0] == 1:
        features = features[0]
    tile_px, tile_level0 = int(attributes["patch_size"]), float(attributes["patch_size_level0"])
    tile_level0 = float(attributes.get(EXACT, tile_level0))
    overlap = float(attributes.get("overlap", 0)) * tile_level0 / tile_px
    if tile_px < 1 or not 0 <= overlap < tile_level0:
        raise Problem(f"{path}: tiles of {tile_px} px that overlap by {overlap:g} level-0 px")
    size = (attributes.get("level0_width"), attributes.get("level0_height"))
    return Foreign(
        name=path.stem,
        features=features,
        coordinates=coordinates,
        tile_px=tile_px,
        tile_level0=tile_level0,
        step_level0=tile_level0 - overlap,
        size=(int(size[0]), int(size[1])) if None not in size else None,
        magnification=_number(attributes.get("level0_magnification")),
        program="TRIDENT",
        facts=header.read(attributes, path),
    )


def _number(value: object) -> float | None:
    try:
        return float(value)
    except (TypeError, ValueError):
        return None


def write(features: Features, path: str | Path, name: str) -> None:
    """Writes features as TRIDENT does; magnifications are what resolutions amount to."""
    grid = features.grid
    (tile, height), (mpp, _) = grid.tile, grid.slide_mpp
    if abs(tile - height) > 1e-6:
        raise Problem(f"{name}: tiles of {tile:.2f} x {height:.2f} level-0 px; TRIDENT knows squares only")
    if grid.tile_px % grid.steps:
        raise Problem(f"{name}: tiles of {grid.tile_px} px in {grid.steps} steps have no whole overlap")
    attributes = {
        "patch_size": grid.tile_px,
        "patch_size_level0": round(tile),
        EXACT: tile,
        "level0_magnification": round(10 / mpp),
        "target_magnification": round(10 / grid.mpp, 3),
        "overlap": grid.tile_px - grid.tile_px // grid.steps,
        "name": name,
        "savetodir": str(Path(path).parent),
        "level0_width": grid.width,
        "level0_height": grid.height,
    } | header.attributes(features.facts())
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    part = Path(path).with_suffix(".part")
    with h5py.File(part, "w") as file:
        values = features.values.astype(np.float32)
        chunks = (1, values.shape[1])
        made = file.create_dataset("features", data=values, maxshape=(None, chunks[1]), chunks=chunks)
        made.attrs["name"], made.attrs["savetodir"] = name, attributes["savetodir"]
        corners = features.coordinates
        coords = file.create_dataset("coords", data=corners, maxshape=(None, 2), chunks=(1, 2))
        for key, value in attributes.items():
            coords.attrs[key] = value
    part.replace(path)
