"""Features of slides between Bianque and other programs."""

from .features import Features, Grid
from .problem import Problem

__all__ = ["Features", "Grid", "Problem"]
