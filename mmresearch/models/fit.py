"""One way to fit: model by name, backend by name, a named sampler, and a gate before anybody believes the draws.

A fit that the gate refuses is run again with smaller steps, at its n-th try with n times the tuning, and with n^2 times
the draws unless divergences were all that was wrong; if the third is refused too, it says so.
"""

from __future__ import annotations

import importlib.metadata
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import xarray as xr

from mmresearch.models import numpyro as numpyro_models
from mmresearch.models import pymc as pymc_models
from mmresearch.models.centring import Parameterisation
from mmresearch.models.data import EvidenceError
from mmresearch.models.features import FeatureEvidence
from mmresearch.models.gate import Gate, gate
from mmresearch.models.samplers import CHAINS, numpyro_sampler, pymc_sampler
from mmresearch.models.series import SeriesEvidence
from mmresearch.tape.evidence import Evidence

Backend = Literal["pymc", "numpyro"]
SAMPLERS: Mapping[str, str] = {"pymc": "nutpie", "numpyro": "numpyro"}
#: Target of acceptance of a first run, and of one after the gate refused a run.
ACCEPT, ACCEPT_AGAIN = 0.98, 0.995
#: Of a first run on series by nutpie: their thousands of points leave a posterior that is nearly Normal, so that larger
#: steps halve the time; larger still for those of `OF_MODES`, whose chains begin within it. NumPyro's adaptation takes
#: steps that are too large then, and some diverge.
ACCEPT_SERIES, ACCEPT_MODES = 0.9, 0.8
#: How often a fit is run before it is said to be refused.
TRIES = 3
QUICK_DRAWS, QUICK_TUNE = 1000, 800
_PACKAGES = ("arviz", "jax", "numpyro", "nutpie", "pymc")


#: Parameters whose reference model reads the evidence of fills and market orders, and is named for them.
MODELLED = ("alpha_touch", "kappa", "spread_floor_bps")
#: Parameters whose reference model reads series, and its name: one model may teach several.
OF_SERIES: Mapping[str, str] = {
    "bocpd_hazard_rate": "bocpd_hazard_rate",
    "hawkes_alpha": "hawkes",
    "hawkes_beta": "hawkes",
    "hawkes_mu": "hawkes",
    "kalman_q": "local_level",
    "kalman_r": "local_level",
    "microprice_decay": "microprice_decay",
    "regime_sticky_diagonal": "regime_sticky_diagonal",
}
#: Numbers whose reference model reads moves, costs and falls, and is named for them.
OF_FEATURES = (
    "sigma_bps_per_sqrt_s",
    "momentum_normalizer_bps",
    "proactive_skew_sensitivity",
    "predictive_bias_sensitivity",
    "toxic_hour_gamma_mult",
    "cascade_oi_threshold",
)
#: Parameters whose posterior has several modes, so that chains begin about the highest that was found.
OF_MODES = ("regime_sticky_diagonal",)


class FitError(ValueError):
    """A fit that was asked for in a way that cannot be answered."""


@dataclass(frozen=True)
class Fit:
    """A fitted reference model.

    Attributes
    ----------
    parameter, backend, sampler, parameterisation : str
        What was fitted and how.
    posterior : xarray.DataTree
        Groups ``posterior`` and ``sample_stats``, for ArviZ.
    gate : Gate
        Whether the draws may serve as a reference.
    seconds : float
        Wall time, compilation and further runs included.
    seed : int
        Seed of the sampler.
    versions : mapping
        Package versions.
    tries : int
        More than 1 if the gate refused a run, so that these are the draws of a later, longer one.
    options : str
        What the model was told beyond its defaults, as in a call; empty for nothing.
    """

    parameter: str
    backend: str
    sampler: str
    parameterisation: str
    posterior: xr.DataTree
    gate: Gate
    seconds: float
    seed: int
    versions: Mapping[str, str]
    tries: int = 1
    options: str = ""


def fit(
    parameter: str,
    evidence: Evidence | SeriesEvidence | FeatureEvidence,
    backend: Backend = "pymc",
    *,
    parameterisation: Parameterisation = "auto",
    draws: int = 1000,
    tune: int = 1000,
    chains: int = CHAINS,
    seed: int = 0,
    progress: bool = True,
    quick: bool = False,
    accept: float | None = None,
    **options: Any,
) -> Fit:
    """Fit the reference model of a parameter.

    Parameters
    ----------
    parameter : str
        Which: one of `MODELLED`, of `OF_SERIES`, or of `OF_FEATURES`.
    evidence : Evidence, SeriesEvidence or FeatureEvidence
        One entry per asset; of series for those of `OF_SERIES`, of features for those of `OF_FEATURES`.
    backend : {"pymc", "numpyro"}
        Which implementation.
    parameterisation : {"auto", "centred", "noncentred"}
        Form of the asset effects.
    draws, tune, chains : int
        Kept and discarded draws per chain, and chains.
    seed : int
        Seed of the sampler.
    progress : bool
        Show the sampler's progress.
    quick : bool
        1000 draws and only 800 tuning draws; the gate stays as it is.
    accept : float, optional
        Target of acceptance of the first run, in (0, 1): higher is slower, and diverges less. By default it depends on
        parameter and backend.
    **options
        Passed to the model, such as ``window_effect=False``.

    Returns
    -------
    Fit

    Raises
    ------
    FitError
        If there is no such model or backend, or the target of acceptance is none.
    EvidenceError
        If the evidence is not what the model reads.
    """
    start = time.perf_counter()
    _check(parameter, backend)
    if accept is not None and not 0 < accept < 1:
        raise FitError(f"accept is a target of acceptance, in (0, 1), got {accept}")
    if quick:
        draws, tune = QUICK_DRAWS, QUICK_TUNE
    if parameter in MODELLED and not isinstance(evidence, Evidence):
        raise EvidenceError(f"{parameter} reads the evidence of fills, got {type(evidence).__name__}")
    model = getattr(pymc_models if backend == "pymc" else numpyro_models, OF_SERIES.get(parameter, parameter))
    built = model(evidence, parameterisation=parameterisation, **options)
    modes = parameter in OF_MODES
    run = pymc_sampler(built, modes) if backend == "pymc" else numpyro_sampler(built, evidence.assets, modes)
    found = run(draws, tune, chains, seed, progress, accept or _acceptance(parameter, backend))
    judged, tries, times = gate(found), 1, 1
    while not judged.passed and tries < TRIES:
        tries += 1
        times = times if judged.only_diverged else tries**2
        found = run(times * draws, tries * tune, chains, seed + tries - 1, progress, ACCEPT_AGAIN)
        judged = gate(found)
    seconds = time.perf_counter() - start
    versions = {p: importlib.metadata.version(p) for p in _PACKAGES}
    told = ", ".join(f"{name}={value!r}" for name, value in sorted(options.items()))
    return Fit(
        parameter, backend, SAMPLERS[backend], parameterisation, found, judged, seconds, seed, versions, tries, told
    )


def _acceptance(parameter: str, backend: Backend) -> float:
    """Target of a first run."""
    if backend == "numpyro" or parameter not in OF_SERIES:
        return ACCEPT
    return ACCEPT_MODES if parameter in OF_MODES else ACCEPT_SERIES


def _check(parameter: str, backend: str) -> None:
    """Refuse unknown names."""
    if backend not in SAMPLERS:
        raise FitError(f"unknown backend {backend!r}; there are {', '.join(SAMPLERS)}")
    known = (*MODELLED, *OF_SERIES, *OF_FEATURES)
    if parameter not in known:
        raise FitError(f"no reference model for {parameter!r}; there are {', '.join(known)}")
