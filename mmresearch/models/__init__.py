"""Reference models fitted by MCMC: hierarchical across assets, in PyMC and in NumPyro.

``models.pymc.kappa(evidence)`` is a plain ``pm.Model``; ``models.numpyro.kappa(evidence)`` a plain callable.
"""

from __future__ import annotations

import importlib
from types import ModuleType

__all__ = ["cluster", "nested", "numpyro", "pymc"]


def __getattr__(name: str) -> ModuleType:
    """Import a module of the room when it is first asked for: each is heavy, and few need all."""
    if name in __all__:
        return importlib.import_module(f"mmresearch.models.{name}")
    raise AttributeError(f"module 'mmresearch.models' has no attribute {name!r}")
