"""One way to fit: model by name, backend by name, a named sampler, and a gate before anybody believes the draws.

PyMC models are sampled by nutpie, NumPyro models by NumPyro's NUTS in double precision. A fit that the gate refuses
is run again with smaller steps, at its n-th try with n times the tuning and n^2 times the draws; if the third is
refused too, it says so.
"""

from __future__ import annotations

import importlib.metadata
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import arviz as az
import jax
import numpy as np
import numpyro
import nutpie
import pytensor
import xarray as xr
from numpyro.infer import MCMC, NUTS, init_to_median

from mmresearch.models import numpyro as numpyro_models
from mmresearch.models import pymc as pymc_models
from mmresearch.models.centring import Parameterisation
from mmresearch.models.data import EvidenceError
from mmresearch.models.features import FeatureEvidence
from mmresearch.models.gate import Gate, gate
from mmresearch.models.series import SeriesEvidence
from mmresearch.models.starts import start_of
from mmresearch.tape.evidence import Evidence

Backend = Literal["pymc", "numpyro"]
#: draws, tune, chains, seed, progress, target of acceptance -> draws.
Sampler = Callable[[int, int, int, int, bool, float], xr.DataTree]
SAMPLERS: Mapping[str, str] = {"pymc": "nutpie", "numpyro": "numpyro"}
ACCEPT, ACCEPT_AGAIN = 0.98, 0.995
#: How often a fit is run before it is said to be refused.
TRIES = 3
QUICK_DRAWS, QUICK_TUNE = 1000, 800
_EXTRA = ("energy", "num_steps", "accept_prob", "potential_energy", "diverging")
#: What is reported of each asset, in the catalogue's units, and what it is made of.
_BY_ASSET = (
    "kappa", "A", "alpha_touch", "spread_floor_bps", "hawkes_mu", "hawkes_alpha", "hawkes_beta", "branching",
    "kalman_q", "kalman_r", "bocpd_hazard_rate", "microprice_decay", "lead_sd_bps", "sigma_bps_per_sqrt_s",
    "momentum_normalizer_bps", "proactive_skew_sensitivity", "predictive_bias_sensitivity", "toxic_hour_gamma_mult",
    "cascade_oi_threshold", "regime_sticky_diagonal", "move_scale_bps", "order_rate", "walk_probability", "noise_scale",
)  # fmt: skip
#: Chains of a fit; NumPyro runs each on a device of its own.
CHAINS = 4
#: A CPU counts as one device unless this is said before JAX first computes; a GPU is not concerned.
numpyro.set_host_device_count(CHAINS)
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
#: Parameters whose posterior has several modes, so that NumPyro's chains begin about the highest that was found.
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
    **options
        Passed to the model, such as ``window_effect=False``.

    Returns
    -------
    Fit

    Raises
    ------
    FitError
        If there is no such model or backend.
    EvidenceError
        If the evidence is not what the model reads.
    """
    start = time.perf_counter()
    _check(parameter, backend)
    if quick:
        draws, tune = QUICK_DRAWS, QUICK_TUNE
    if parameter in MODELLED and not isinstance(evidence, Evidence):
        raise EvidenceError(f"{parameter} reads the evidence of fills, got {type(evidence).__name__}")
    model = getattr(pymc_models if backend == "pymc" else numpyro_models, OF_SERIES.get(parameter, parameter))
    built = model(evidence, parameterisation=parameterisation, **options)
    run = _pymc_sampler(built) if backend == "pymc" else _numpyro_sampler(built, evidence.assets, parameter in OF_MODES)
    found = run(draws, tune, chains, seed, progress, ACCEPT)
    judged, tries = gate(found), 1
    while not judged.passed and tries < TRIES:
        tries += 1
        found = run(tries**2 * draws, tries * tune, chains, seed + tries - 1, progress, ACCEPT_AGAIN)
        judged = gate(found)
    seconds = time.perf_counter() - start
    versions = {p: importlib.metadata.version(p) for p in _PACKAGES}
    told = ", ".join(f"{name}={value!r}" for name, value in sorted(options.items()))
    return Fit(
        parameter, backend, SAMPLERS[backend], parameterisation, found, judged, seconds, seed, versions, tries, told
    )


def _check(parameter: str, backend: str) -> None:
    """Refuse unknown names."""
    if backend not in SAMPLERS:
        raise FitError(f"unknown backend {backend!r}; there are {', '.join(SAMPLERS)}")
    known = (*MODELLED, *OF_SERIES, *OF_FEATURES)
    if parameter not in known:
        raise FitError(f"no reference model for {parameter!r}; there are {', '.join(known)}")


def _pymc_sampler(model: Any) -> Sampler:
    """Compile once, so that a second run costs its draws only.

    Without fast-math: with it a program loaded from PyTensor's cache rounds otherwise than one that was just compiled.
    """
    with pytensor.config.change_flags(numba__fastmath=False):
        compiled = nutpie.compile_pymc_model(model, backend="numba")

    def run(draws: int, tune: int, chains: int, seed: int, progress: bool, accept: float) -> xr.DataTree:
        found = nutpie.sample(
            compiled, draws=draws, tune=tune, chains=chains, seed=seed, progress_bar=progress, target_accept=accept,
            cores=min(chains, os.cpu_count() or 1),
        )  # fmt: skip
        return _kept(found)

    return run


def _numpyro_sampler(model: Any, assets: tuple[str, ...], of_modes: bool = False) -> Sampler:
    def run(draws: int, tune: int, chains: int, seed: int, progress: bool, accept: float) -> xr.DataTree:
        keep_compiled()
        with jax.enable_x64(True):
            start = start_of(model, chains, seed) if of_modes else None
            # NumPyro adds 1e-5 to adapted variances by default; a scale of 5e-4 among the others would drown in it.
            metric = {"inverse_mass_matrix": start.metric, "regularize_mass_matrix": False} if start else {}
            kernel = NUTS(model, target_accept_prob=accept, init_strategy=init_to_median, **metric)
            mcmc = MCMC(
                kernel, num_warmup=tune, num_samples=draws, num_chains=chains, chain_method=_chain_method(chains),
                progress_bar=progress,
            )  # fmt: skip
            positions = start.positions if start else None
            mcmc.run(jax.random.PRNGKey(seed), extra_fields=_EXTRA, init_params=positions)
            posterior = {k: np.asarray(v) for k, v in mcmc.get_samples(group_by_chain=True).items()}
            stats = {k: np.asarray(v) for k, v in mcmc.get_extra_fields(group_by_chain=True).items()}
        dims = {name: ["asset"] for name in _BY_ASSET if name in posterior}
        groups = {"posterior": posterior, "sample_stats": stats}
        return _kept(az.from_dict(groups, coords={"asset": list(assets)}, dims=dims))

    return run


def _chain_method(chains: int) -> str:
    """Run chains side by side, one a device; where JAX has too few (a GPU, or a session begun before), as one batch."""
    return "parallel" if jax.local_device_count() >= chains else "vectorized"


def _kept(found: xr.DataTree) -> xr.DataTree:
    """Keep the two groups that are read, in memory, so that a fit can cross processes."""
    groups = {name: found[name].to_dataset().load() for name in ("posterior", "sample_stats")}
    groups["posterior"] = groups["posterior"].drop_vars(
        [v for v in groups["posterior"].data_vars if str(v).endswith("__")], errors="ignore"
    )
    return xr.DataTree.from_dict(groups)


def keep_compiled() -> None:
    """Let JAX keep compiled programs between runs, unless MMRESEARCH_NO_CACHE is set.

    They lie in ``$XDG_CACHE_HOME/mmresearch/jax``, by default under ``~/.cache``.
    """
    if os.environ.get("MMRESEARCH_NO_CACHE"):
        return
    root = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache"))
    jax.config.update("jax_compilation_cache_dir", str(root / "mmresearch" / "jax"))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.3)
