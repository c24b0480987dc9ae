"""AnnData's .h5ad: X the features, a row a tile; obs where it lies; obsm['spatial'] the tiles'
middles in level-0 pixels, as squidpy and scanpy read them; uns['bianque'] where all is from."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from .features import Features
from .problem import Problem


def _anndata():
    try:
        import anndata
    except ImportError as error:
        raise Problem("AnnData's files need the package anndata: pip install anndata") from error
    return anndata


def write(features: Features, path: str | Path, name: str) -> None:
    """Writes a .h5ad file."""
    anndata = _anndata()
    import pandas

    corners, cells = features.coordinates, features.cells.astype(np.int64)
    obs = pandas.DataFrame(
        {
            "slide": pandas.Categorical([name] * len(cells)),
            "x": corners[:, 0],
            "y": corners[:, 1],
            "row": cells[:, 0],
            "column": cells[:, 1],
        },
        index=[f"{name}:{x}:{y}" for x, y in corners],
    )
    made = anndata.AnnData(X=features.values.astype(np.float32), obs=obs)
    made.var_names = [f"f{i}" for i in range(made.n_vars)]
    made.obsm["spatial"] = corners + np.array(features.grid.tile) / 2
    x, y = features.grid.slide_mpp
    made.uns["bianque"] = {
        "facts": json.dumps(features.facts()),
        "slide": features.slide,
        "encoder": features.encoder["name"],
        "encoder_version": features.encoder["version"],
        "recipe_digest": features.recipe_digest,
        "mpp": np.array([x, y]),
        "tile_level0": np.array(features.grid.tile),
        "notice": "Research use only.",
    }
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    part = Path(path).with_suffix(".part.h5ad")
    made.write_h5ad(part)
    part.replace(path)


def read(path: str | Path) -> Features:
    """Reads a .h5ad file that [`write`] made."""
    made = _anndata().read_h5ad(path)
    if "bianque" not in made.uns:
        raise Problem(f"{path}: not made here: uns has no 'bianque', which says where tiles lie")
    cells = made.obs[["row", "column"]].to_numpy()
    return Features.of_facts(json.loads(str(made.uns["bianque"]["facts"])), cells, np.asarray(made.X), path)
