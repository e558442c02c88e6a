"""mmresearch: every learned number of a market maker gets a certificate.

The flat API of a notebook, loaded lazily:

    tapes = mm.example()                      # bundled tapes, eight assets with known truths
    tape = mm.read("my_BTC")                  # Parquet tape, vendor file, or stem of a CSV pair
    evidence = mm.evidence(tapes)             # sufficient statistics by asset and window
    model = mm.models.pymc.kappa(evidence)    # a plain pm.Model
    fit = mm.fit("kappa", evidence)           # draws and gate; mm.criticise(fit, evidence) holds it to its data
    certificate = mm.certify(learner, tapes=tapes, seed=1)
    mm.quotes(mm.Model(sigma=0.3, A=0.9, k=0.3, gamma=0.01), q=0)  # exact GLFT quotes

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
    from mmresearch.learn.bank.bank import Bank
    from mmresearch.learn.contract import load_learner
    from mmresearch.models.features import feature_evidence
    from mmresearch.models.fit import fit
    from mmresearch.models.marginal.fits import marginal_fit, marginal_fits
    from mmresearch.models.nested import nested_versions
    from mmresearch.models.series import series_evidence
    from mmresearch.quote.derived_table import derived_table
    from mmresearch.quote.glft.model import Model
    from mmresearch.quote.glft.moments import moments
    from mmresearch.quote.glft.policy import policy
    from mmresearch.quote.glft.quotes import quotes
    from mmresearch.quote.glft.regret import regret_map
    from mmresearch.report.criticism import criticise
    from mmresearch.report.learning import learning_table
    from mmresearch.report.prior_predictive import prior_predictive
    from mmresearch.sim.bundle import example, example_truths
    from mmresearch.sim.paths.simulate import compare_policies, simulate_paths
    from mmresearch.sim.worlds import simulate
    from mmresearch.tape.evidence import evidence
    from mmresearch.tape.read import read
    from mmresearch.tape.schema import Tape
    from mmresearch.tape.validate import validate

__version__ = "0.1.0"

_ROOMS = ("audit", "belief", "learn", "models", "quote", "report", "sim", "tape")
_NAMES = {
    "Bank": ("mmresearch.learn.bank.bank", "Bank"),
    "Model": ("mmresearch.quote.glft.model", "Model"),
    "Tape": ("mmresearch.tape.schema", "Tape"),
    "catalogue": ("mmresearch.belief.catalogue", "catalogue_table"),
    "certify": ("mmresearch.audit.certify", "certify"),
    "compare_policies": ("mmresearch.sim.paths.simulate", "compare_policies"),
    "criticise": ("mmresearch.report.criticism", "criticise"),
    "derived_table": ("mmresearch.quote.derived_table", "derived_table"),
    "evidence": ("mmresearch.tape.evidence", "evidence"),
    "example": ("mmresearch.sim.bundle", "example"),
    "example_truths": ("mmresearch.sim.bundle", "example_truths"),
    "feature_evidence": ("mmresearch.models.features", "feature_evidence"),
    "fit": ("mmresearch.models.fit", "fit"),
    "learning_table": ("mmresearch.report.learning", "learning_table"),
    "load_learner": ("mmresearch.learn.contract", "load_learner"),
    "marginal_fit": ("mmresearch.models.marginal.fits", "marginal_fit"),
    "marginal_fits": ("mmresearch.models.marginal.fits", "marginal_fits"),
    "moments": ("mmresearch.quote.glft.moments", "moments"),
    "nested_versions": ("mmresearch.models.nested", "nested_versions"),
    "parameter": ("mmresearch.belief.catalogue", "parameter"),
    "policy": ("mmresearch.quote.glft.policy", "policy"),
    "prior": ("mmresearch.belief.catalogue", "prior"),
    "prior_predictive": ("mmresearch.report.prior_predictive", "prior_predictive"),
    "quotes": ("mmresearch.quote.glft.quotes", "quotes"),
    "read": ("mmresearch.tape.read", "read"),
    "regret_map": ("mmresearch.quote.glft.regret", "regret_map"),
    "series_evidence": ("mmresearch.models.series", "series_evidence"),
    "simulate": ("mmresearch.sim.worlds", "simulate"),
    "simulate_paths": ("mmresearch.sim.paths.simulate", "simulate_paths"),
    "validate": ("mmresearch.tape.validate", "validate"),
}

__all__ = [
    "Bank",
    "Model",
    "Tape",
    "audit",
    "belief",
    "catalogue",
    "certify",
    "compare_policies",
    "criticise",
    "derived_table",
    "evidence",
    "example",
    "example_truths",
    "feature_evidence",
    "fit",
    "learn",
    "learning_table",
    "load_learner",
    "marginal_fit",
    "marginal_fits",
    "models",
    "moments",
    "nested_versions",
    "parameter",
    "policy",
    "prior",
    "prior_predictive",
    "quote",
    "quotes",
    "read",
    "regret_map",
    "report",
    "series_evidence",
    "sim",
    "simulate",
    "simulate_paths",
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
