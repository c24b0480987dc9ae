"""The features of one slide as Bianque keeps them.

A safetensors file with the tensors `grid` (row and column of each tile, U32, N x 2), `coordinates`
(its left top corner in level-0 pixels, I64, N x 2) and `features` (F16, N x dimension), tiles in
raster order; its header carries everything that must be known to use them as JSON under the key
`bianque_features`.
"""

from __future__ import annotations

import json
import math
import os
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from safetensors import safe_open
from safetensors.numpy import save

from .problem import Problem

KEY = "bianque_features"
MAX_CELLS = 8 << 20


@dataclass(frozen=True)
class Grid:
    """Where tiles may lie: one every `tile / steps` level-0 pixels from the left top corner."""

    tile_px: int
    """Edge of a tile in its own pixels."""
    mpp: float
    """Microns per pixel of a tile."""
    steps: int
    """Positions along a tile's edge: 1 tiles meet, 2 they overlap by half."""
    width: int
    """Of the slide in level-0 pixels."""
    height: int
    slide_mpp: tuple[float, float]
    """Microns per level-0 pixel."""

    @property
    def tile(self) -> tuple[float, float]:
        """Width and height of a tile in level-0 pixels."""
        edge = float(self.tile_px) * self.mpp
        return edge / self.slide_mpp[0], edge / self.slide_mpp[1]

    @property
    def columns(self) -> int:
        return self._count(self.width, self.tile[0])

    @property
    def rows(self) -> int:
        return self._count(self.height, self.tile[1])

    def _count(self, extent: int, tile: float) -> int:
        return max(1, math.ceil(float(extent) * float(self.steps) / tile))

    def corners(self, cells: np.ndarray) -> np.ndarray:
        """Left top corners (x, y) of cells (row, column), to the nearest level-0 pixel."""
        step = np.array(self.tile) / self.steps
        # Rounded half away from zero, as Bianque rounds; nothing here is negative.
        return np.floor(cells[:, ::-1] * step + 0.5).astype(np.int64)

    def document(self) -> dict:
        return {
            "tile": list(self.tile),
            "tile_px": self.tile_px,
            "mpp": self.mpp,
            "steps": self.steps,
            "columns": self.columns,
            "rows": self.rows,
            "width": self.width,
            "height": self.height,
        }


@dataclass
class Features:
    """The features of one slide's tiles, in raster order."""

    slide: str
    """The slide's digest, or what else names its content."""
    grid: Grid
    cells: np.ndarray
    """Row and column of each tile."""
    values: np.ndarray
    """A vector a tile, half precision."""
    encoder: dict
    """`name`, `version`, and where known `digest` and `licence`."""
    recipe_digest: str
    """Names how tiles were cut and encoded: only equal ones belong together."""
    mpp_source: dict = field(default_factory=lambda: {"kind": "user"})
    mpp_confidence: str = "high"
    tissue: float = 0.0
    program: str = "bianque_features"
    left_out: list = field(default_factory=list)

    def __post_init__(self) -> None:
        cells, values = np.asarray(self.cells, np.uint32), np.asarray(self.values)
        if cells.ndim != 2 or cells.shape[1] != 2 or values.ndim != 2 or len(cells) != len(values):
            raise Problem(f"{self.slide}: cells {cells.shape} and features {values.shape} do not fit")
        if self.grid.columns * self.grid.rows > MAX_CELLS:
            raise Problem(f"{self.slide}: {self.grid.columns} x {self.grid.rows} places are too many")
        if len(cells) and (cells.max(axis=0) >= (self.grid.rows, self.grid.columns)).any():
            raise Problem(f"{self.slide}: a tile lies outside the slide")
        order = np.lexsort((cells[:, 1], cells[:, 0]))
        cells, values = cells[order], values[order]
        if len(cells) > 1 and (cells[1:] == cells[:-1]).all(axis=1).any():
            raise Problem(f"{self.slide}: two tiles lie at the same place")
        with np.errstate(over="ignore"):
            half = values.astype(np.float16)
        if not np.isfinite(half).all():
            raise Problem(f"{self.slide}: a feature is no number, or beyond 65,504 (half precision)")
        self.cells, self.values = cells, half

    @property
    def coordinates(self) -> np.ndarray:
        """Left top corners (x, y) in level-0 pixels."""
        return self.grid.corners(self.cells)

    def facts(self) -> dict:
        x, y = self.grid.slide_mpp
        mpp = {"x": x, "y": y, "source": self.mpp_source, "confidence": self.mpp_confidence}
        return {
            "schema": 1,
            "slide": self.slide,
            "mpp": mpp,
            "grid": self.grid.document(),
            "tissue": self.tissue,
            "encoder": self.encoder,
            "recipe_digest": self.recipe_digest,
            "dimension": self.values.shape[1],
            "program": self.program,
            "left_out": self.left_out,
        }

    def write(self, path: str | Path) -> None:
        """Writes the file whole or not at all."""
        tensors = {
            "grid": np.ascontiguousarray(self.cells),
            "coordinates": np.ascontiguousarray(self.coordinates),
            "features": np.ascontiguousarray(self.values),
        }
        write_whole(path, save(tensors, {KEY: json.dumps(self.facts())}))

    @classmethod
    def read(cls, path: str | Path) -> Features:
        """Reads and checks a file."""
        try:
            with safe_open(path, framework="numpy") as file:
                text = (file.metadata() or {}).get(KEY)
                if text is None:
                    raise Problem(f"{path}: no features of Bianque (its header has no '{KEY}')")
                tensors = {n: file.get_tensor(n) for n in ("grid", "coordinates", "features")}
        except Problem:
            raise
        except Exception as error:
            raise Problem(f"{path}: {error}") from error
        made = cls.of_facts(json.loads(text), tensors["grid"], tensors["features"], path)
        if not np.array_equal(made.coordinates, tensors["coordinates"]):
            raise Problem(f"{path}: its coordinates contradict its grid")
        return made

    @classmethod
    def of_facts(cls, facts: dict, cells: np.ndarray, values: np.ndarray, path: str | Path) -> Features:
        """From what a header says."""
        if facts.get("schema") != 1:
            raise Problem(f"{path}: schema {facts.get('schema')} is not known")
        own, mpp = facts["grid"], facts["mpp"]
        kept = ("tile_px", "mpp", "steps", "width", "height")
        grid = Grid(slide_mpp=(mpp["x"], mpp["y"]), **{name: own[name] for name in kept})
        if grid.document() != own:
            raise Problem(f"{path}: its grid contradicts its microns per pixel")
        return cls(
            slide=facts["slide"],
            grid=grid,
            cells=cells,
            values=values,
            encoder=facts["encoder"],
            recipe_digest=facts["recipe_digest"],
            mpp_source=mpp["source"],
            mpp_confidence=mpp["confidence"],
            tissue=facts["tissue"],
            program=facts["program"],
            left_out=facts.get("left_out", []),
        )


def write_whole(path: str | Path, data: bytes) -> None:
    """Writes beside the place and moves there: no reader ever sees half of a file."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        part.write_bytes(data)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
