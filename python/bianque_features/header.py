"""What other programs' forms have no place for, as attributes of our own beside theirs: such a file
comes back as what it was."""

from __future__ import annotations

import json
import math

import numpy as np

from .problem import Problem

FACTS = "bianque_facts"
"""The whole header of a features file (docs/features.md), as JSON."""
READABLE = ("encoder", "encoder_version", "encoder_digest", "licence", "recipe_digest", "mpp", "slide")
"""Of these a reader in another program need not know JSON."""


def attributes(facts: dict) -> dict:
    """Attributes for `coords`."""
    encoder, mpp = facts["encoder"], facts["mpp"]
    values = {
        "encoder": encoder["name"],
        "encoder_version": encoder["version"],
        "encoder_digest": encoder.get("digest"),
        "licence": encoder.get("licence"),
        "recipe_digest": facts["recipe_digest"],
        "mpp": np.array([mpp["x"], mpp["y"]]),
        "slide": facts["slide"],
    }
    made = {f"bianque_{name}": values[name] for name in READABLE if values[name] is not None}
    # HDF5 keeps at most 64 KiB in attributes; tiles that were left out are nothing a form needs.
    return made | {FACTS: json.dumps(facts | {"left_out": []})}


def read(attributes: dict, path: object) -> dict | None:
    """The header that a file of ours carries."""
    text = attributes.get(FACTS)
    if text is None:
        return None
    try:
        facts = json.loads(text.decode() if isinstance(text, bytes) else str(text))
        for name in ("name", "version"):
            facts["encoder"][name]
        for name in ("recipe_digest", "slide", "dimension", "grid"):
            facts[name]
        scale = (float(facts["mpp"]["x"]), float(facts["mpp"]["y"]))
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise Problem(f"{path}: its attribute {FACTS} is damaged ({error!r}): make the file again") from error
    if not all(math.isfinite(edge) and 0.02 <= edge <= 500 for edge in scale):
        raise Problem(f"{path}: its attribute {FACTS} states {scale} um/px: make the file again")
    return facts
