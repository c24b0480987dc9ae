"""CLAM's files: `h5_files/NAME.h5` with `features` [N, D] and `coords` [N, 2], `pt_files/NAME.pt`
with the features alone, and `patches/NAME.h5`, whose `coords` say how tiles were cut. Corners are
(x, y) in level-0 pixels; every piece of tissue has a grid of its own."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np

from . import header
from .features import Features
from .places import Foreign
from .problem import Problem
from .trident import EXACT


def _coords(path: Path) -> tuple[np.ndarray, dict]:
    try:
        with h5py.File(path, "r") as file:
            if not isinstance(file.get("coords"), h5py.Dataset):
                raise Problem(f"{path}: no dataset 'coords'")
            return file["coords"][:], dict(file["coords"].attrs)
    except OSError as error:
        raise Problem(f"{path}: no HDF5 file ({error})") from error


def read_pt(path: str | Path) -> np.ndarray:
    """The features of a .pt file; nothing in it is run."""
    try:
        import torch
    except ImportError as error:
        raise Problem("reading .pt needs PyTorch: pip install torch; or give the .h5") from error
    try:
        value = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        raise Problem(f"{path}: no plain tensor ({type(error).__name__})") from error
    if not isinstance(value, torch.Tensor):
        raise Problem(f"{path}: holds a {type(value).__name__}, not one tensor of features")
    return value.float().numpy()


def read(
    path: str | Path,
    patches: str | Path | None = None,
    tile_px: int | None = None,
    tile_level0: float | None = None,
) -> Foreign:
    """Reads features (.h5, or .pt with its .h5 in `h5_files` beside it).

    How tiles were cut is in the file of patches, or must be said.
    """
    path = Path(path)
    places = path if path.suffix != ".pt" else path.parent.parent / "h5_files" / f"{path.stem}.h5"
    if not places.is_file():
        raise Problem(f"{path}: a .pt has no coordinates, and there is no {places}")
    coordinates, attributes = _coords(places)
    if path.suffix == ".pt":
        features = read_pt(path)
    else:
        with h5py.File(path, "r") as file:
            if not isinstance(file.get("features"), h5py.Dataset):
                raise Problem(f"{path}: no dataset 'features'; give the file under h5_files")
            features = file["features"][:]
    facts = header.read(attributes, path)
    if patches is not None:
        own, attributes = _coords(Path(patches))
        same = len(own) == len(coordinates) and np.array_equal(own, coordinates)
        if not same:
            raise Problem(f"{path} and {patches}: other tiles; give the patches that these are of")
    if "patch_level" in attributes:
        downsample = _scale(attributes.get("downsample", 1), path)
        size = np.asarray(attributes["level_dim"], float) * downsample
        tile_level0 = float(attributes.get(EXACT, attributes["patch_size"] * downsample))
        tile_px = tile_px or int(attributes.get("target_patch_size", attributes["patch_size"]))
        extent = (round(size[0]), round(size[1]))
    elif tile_level0 is None or tile_px is None:
        raise Problem(
            f"{path}: it does not say how tiles were cut: give --patches with CLAM's patches folder, "
            "or --tile-px and --tile-level0"
        )
    else:
        extent = None
    step = float(attributes.get("step_size", 0)) or tile_level0
    return Foreign(
        name=path.stem,
        features=features,
        coordinates=coordinates,
        tile_px=tile_px,
        tile_level0=tile_level0,
        step_level0=step,
        size=extent,
        magnification=None,
        program="CLAM",
        facts=facts,
    )


def _scale(value: object, path: Path) -> float:
    scales = np.unique(np.round(np.asarray(value, float), 2))
    if len(scales) != 1:
        raise Problem(f"{path}: its level is scaled by {scales} along x and y; only squares are known")
    return float(np.mean(np.asarray(value, float)))


def write(features: Features, folder: str | Path, name: str) -> list[Path]:
    """Writes `h5_files/NAME.h5` and, where PyTorch is there, `pt_files/NAME.pt`."""
    folder, grid = Path(folder), features.grid
    tile = grid.tile[0]
    values = features.values.astype(np.float32)
    h5 = folder / "h5_files" / f"{name}.h5"
    h5.parent.mkdir(parents=True, exist_ok=True)
    part = h5.with_suffix(".part")
    with h5py.File(part, "w") as file:
        shape = (None, values.shape[1])
        file.create_dataset("features", data=values, maxshape=shape, chunks=(1, values.shape[1]))
        corners = features.coordinates.astype(np.int32)
        coords = file.create_dataset("coords", data=corners, maxshape=(None, 2), chunks=(1, 2))
        attributes = {
            "patch_size": round(tile),
            EXACT: tile,
            "patch_level": 0,
            "downsample": (1.0, 1.0),
            "level_dim": (grid.width, grid.height),
            "downsampled_level_dim": (grid.width, grid.height),
            "name": name,
            "save_path": str(h5.parent),
        } | header.attributes(features.facts())
        for key, value in attributes.items():
            coords.attrs[key] = value
    part.replace(h5)
    try:
        import torch
    except ImportError:
        return [h5]
    pt = folder / "pt_files" / f"{name}.pt"
    pt.parent.mkdir(parents=True, exist_ok=True)
    torch.save(torch.from_numpy(values), pt)
    return [h5, pt]
