"""From other programs' coordinates to places in a grid."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .digest import digest
from .features import MAX_CELLS, Features, Grid
from .problem import Problem

EXACT = 0.5
"""Level-0 pixels that rounding alone may move a tile by."""


@dataclass
class Foreign:
    """What another program's file says of one slide."""

    name: str
    """The slide's name, without extension."""
    features: np.ndarray
    coordinates: np.ndarray
    """Left top corners (x, y)."""
    tile_px: int
    """Edge of a tile as it was encoded."""
    tile_level0: float
    """Edge of a tile in level-0 pixels."""
    step_level0: float
    """From one tile to the next, in level-0 pixels."""
    size: tuple[int, int] | None
    """Width and height of the slide in level-0 pixels, where the file states them."""
    magnification: float | None
    """Nominal power at level 0, where the file states it."""
    program: str
    facts: dict | None = None
    """The header of our own features file, where the other form was made of one."""


@dataclass
class Wishes:
    """What a person adds to what a file says."""

    encoder: str | None = None
    version: str | None = None
    licence: str | None = None
    mpp: float | None = None
    """Microns per level-0 pixel."""
    snap: float = 0.0
    """Level-0 pixels that a tile may be moved by to lie on a grid."""


def placed(foreign: Foreign, wishes: Wishes) -> tuple[Features, list[str]]:
    """The features as Bianque keeps them, and what a person should know."""
    notes = []
    if foreign.facts is not None:
        try:
            made = _came_back(foreign, wishes)
        except (ArithmeticError, AttributeError, KeyError, TypeError, ValueError) as error:
            raise Problem(f"{foreign.name}: the header that it carries is damaged: make the file again") from error
        if made is not None:
            return made, ["made by Bianque: encoder, licence and scale are those that it states"]
        notes.append("made by Bianque, other options are given: the header that it carries is not used")
    if wishes.encoder is None:
        raise Problem(f"{foreign.name}: the file names no encoder; say it with --encoder")
    mpp, source, confidence = _mpp(foreign, wishes, notes)
    coordinates = np.asarray(foreign.coordinates)
    _check(foreign, coordinates)
    size = foreign.size
    if size is None:
        size = tuple(int(edge) for edge in coordinates.max(axis=0) + round(foreign.tile_level0))
        notes.append("the file states no size of the slide: the tiles' extent is taken")
    grid, cells, moved = _grid(foreign, wishes, coordinates, size, mpp)
    if moved > EXACT:
        notes.append(f"tiles were moved by at most {moved:.0f} level-0 px to lie on a grid")
    _, kept = np.unique(cells, axis=0, return_index=True)
    if len(kept) < len(cells):
        notes.append(f"{len(cells) - len(kept)} tiles lay where another lies: left out")
    version = wishes.version or "unknown"
    encoder = {"name": wishes.encoder, "version": version}
    if wishes.licence:
        encoder["licence"] = wishes.licence
    recipe = f"{foreign.program} {wishes.encoder} {version} {foreign.tile_px} px"
    made = Features(
        slide=f"name:{foreign.name}",
        grid=grid,
        cells=cells[kept],
        values=np.asarray(foreign.features)[kept],
        encoder=encoder,
        recipe_digest=digest(recipe),
        mpp_source=source,
        mpp_confidence=confidence,
        program=foreign.program,
    )
    return made, notes


def _came_back(foreign: Foreign, wishes: Wishes) -> Features | None:
    """Our own features, unless a person says something else of them."""
    facts = foreign.facts
    encoder, mpp = facts["encoder"], facts["mpp"]
    said = {"name": wishes.encoder, "version": wishes.version, "licence": wishes.licence}
    if any(wish not in (None, encoder.get(key)) for key, wish in said.items()):
        return None
    if wishes.mpp is not None and not all(abs(wishes.mpp - mpp[axis]) < 1e-9 for axis in "xy"):
        return None
    coordinates = np.asarray(foreign.coordinates)
    _check(foreign, coordinates)
    if foreign.features.shape[1] != facts["dimension"]:
        raise Problem(f"{foreign.name}: its vectors have not the {facts['dimension']} values that its own header states")
    kept = ("tile_px", "mpp", "steps", "width", "height")
    grid = Grid(slide_mpp=(mpp["x"], mpp["y"]), **{name: facts["grid"][name] for name in kept})
    cells = np.rint(coordinates[:, ::-1] / (np.array(grid.tile)[::-1] / grid.steps)).astype(np.int64)
    if np.abs(grid.corners(cells) - coordinates).max() > EXACT:
        raise Problem(f"{foreign.name}: its tiles do not lie on the grid that its own header states")
    return Features.of_facts(facts, cells, np.asarray(foreign.features), foreign.name)


def _mpp(foreign: Foreign, wishes: Wishes, notes: list[str]) -> tuple[float, dict, str]:
    if wishes.mpp is not None:
        if not 0.02 <= wishes.mpp <= 500:
            raise Problem(f"--mpp {wishes.mpp}: no light microscope's (0.02 to 500 um/px)")
        return wishes.mpp, {"kind": "user"}, "high"
    if not foreign.magnification:
        raise Problem(
            f"{foreign.name}: the file states no scale; say the slide's microns per level-0 pixel "
            "with --mpp (`bianque info SLIDE` prints it)"
        )
    mpp = 10 / foreign.magnification
    notes.append(f"{mpp:.3f} um/px is derived from the power {foreign.magnification:g}; --mpp is better")
    return mpp, {"kind": "magnification", "field": "level0_magnification"}, "low"


def _check(foreign: Foreign, coordinates: np.ndarray) -> None:
    """Refuses coordinates that cannot be left top corners in level-0 pixels."""
    name, features = foreign.name, foreign.features
    if features.ndim != 2 or not len(features):
        raise Problem(f"{name}: features of shape {features.shape}; expected one vector a tile")
    if coordinates.shape != (len(features), 2):
        raise Problem(f"{name}: {len(features)} features, coordinates of shape {coordinates.shape}")
    if (coordinates < 0).any():
        raise Problem(f"{name}: a coordinate is negative: these are no level-0 corners")
    if foreign.size is not None:
        width, height = foreign.size
        x, y = coordinates.max(axis=0)
        if x >= width or y >= height:
            swapped = x < height and y < width
            why = "x and y seem exchanged" if swapped else "they are not in level-0 pixels"
            raise Problem(f"{name}: tiles lie at {x}, {y}, the slide is {width} x {height} px: {why}")


def _grid(
    foreign: Foreign, wishes: Wishes, coordinates: np.ndarray, size: tuple[int, int], mpp: float
) -> tuple[Grid, np.ndarray, float]:
    """The coarsest grid on which all tiles lie; on which they lie nearly, where that was allowed."""
    tile_mpp = foreign.tile_level0 * mpp / foreign.tile_px
    overlap = foreign.tile_level0 / foreign.step_level0
    wanted = [round(overlap)] if abs(overlap - round(overlap)) < 1e-3 else []
    best = None
    for steps in [*wanted, 1, 2, 4, 8, 16]:
        if not 1 <= steps <= 16:
            continue
        grid = Grid(foreign.tile_px, tile_mpp, steps, *size, slide_mpp=(mpp, mpp))
        if grid.columns * grid.rows > MAX_CELLS:
            break
        cells = np.rint(coordinates[:, ::-1] / (np.array(grid.tile)[::-1] / steps)).astype(np.int64)
        # What lies half a step beyond the last place belongs to it.
        cells = np.minimum(cells, (grid.rows - 1, grid.columns - 1))
        moved = float(np.abs(grid.corners(cells) - coordinates).max())
        if best is None or moved < best[2]:
            best = grid, cells, moved
        if moved <= EXACT:
            break
    if best is None:
        raise Problem(f"{foreign.name}: {size[0]} x {size[1]} px are too many tiles")
    if best[2] > max(EXACT, wishes.snap):
        raise Problem(
            f"{foreign.name}: its tiles lie on no regular grid from the slide's corner (CLAM begins "
            f"one at every piece of tissue); the nearest needs moves of {best[2]:.0f} level-0 px. "
            f"Where that does not matter, as for heads of slides, allow it with --snap {np.ceil(best[2]):.0f}"
        )
    return best
