"""mmresearch: every learned number of a market maker gets a certificate.

The flat API of a notebook, loaded lazily:

    tapes = mm.example()                      # bundled tapes, eight assets with known truths
    tape = mm.read("my_BTC")                  # Parquet tape, vendor file, or stem of a CSV pair
    evidence = mm.evidence(tapes)             # sufficient statistics by asset and window
    model = mm.models.pymc.kappa(evidence)    # a plain pm.Model
    certificate = mm.certify(learner, tapes=tapes, seed=1)

Rooms, in the order in which data flow: tape, belief, learn, models, quote, sim, audit, report.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mmresearch import audit, belief, learn, models, quote, report, sim, tape
    from mmresearch.audit.certify import certify
    from mmresearch.belief.catalogue import catalogue_table as catalogue
    from mmresearch.belief.catalogue import parameter, prior
    from mmresearch.learn.contract import load_learner
    from mmresearch.models.series import series_evidence
    from mmresearch.sim.bundle import example, example_truths
    from mmresearch.sim.worlds import simulate
    from mmresearch.tape.evidence import evidence
    from mmresearch.tape.read import read
    from mmresearch.tape.schema import Tape
    from mmresearch.tape.validate import validate

__version__ = "0.1.0"

_ROOMS = ("audit", "belief", "learn", "models", "quote", "report", "sim", "tape")
_NAMES = {
    "Tape": ("mmresearch.tape.schema", "Tape"),
    "catalogue": ("mmresearch.belief.catalogue", "catalogue_table"),
    "certify": ("mmresearch.audit.certify", "certify"),
    "evidence": ("mmresearch.tape.evidence", "evidence"),
    "example": ("mmresearch.sim.bundle", "example"),
    "example_truths": ("mmresearch.sim.bundle", "example_truths"),
    "load_learner": ("mmresearch.learn.contract", "load_learner"),
    "parameter": ("mmresearch.belief.catalogue", "parameter"),
    "prior": ("mmresearch.belief.catalogue", "prior"),
    "read": ("mmresearch.tape.read", "read"),
    "series_evidence": ("mmresearch.models.series", "series_evidence"),
    "simulate": ("mmresearch.sim.worlds", "simulate"),
    "validate": ("mmresearch.tape.validate", "validate"),
}

__all__ = [
    "Tape",
    "audit",
    "belief",
    "catalogue",
    "certify",
    "evidence",
    "example",
    "example_truths",
    "learn",
    "load_learner",
    "models",
    "parameter",
    "prior",
    "quote",
    "read",
    "report",
    "series_evidence",
    "sim",
    "simulate",
    "tape",
    "validate",
]


def __getattr__(name: str) -> Any:
    """Import a room or a name of the flat API when it is first asked for."""
    if name in _ROOMS:
        return importlib.import_module(f"mmresearch.{name}")
    if name in _NAMES:
        module, attribute = _NAMES[name]
        return getattr(importlib.import_module(module), attribute)
    raise AttributeError(f"module 'mmresearch' has no attribute {name!r}")


def __dir__() -> list[str]:
    """Names of the flat API."""
    return sorted(__all__)
