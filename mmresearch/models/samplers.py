"""The two samplers: PyMC models by nutpie, NumPyro models by NumPyro's NUTS in double precision.

A sampler takes draws, tuning draws, chains, seed, whether to show progress, and the target of acceptance, and returns
draws of one run; a model is compiled once for all its runs. A posterior with several modes is searched before its
chains begin, see `mmresearch.models.starts`.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import arviz as az
import jax
import jax.numpy as jnp
import numpy as np
import numpyro
import nutpie
import pymc as pm
import pytensor
import xarray as xr
from jax.flatten_util import ravel_pytree
from numpyro.infer import MCMC, NUTS, init_to_median, init_to_uniform
from numpyro.infer.util import initialize_model

from mmresearch.models.starts import TRIES, FloatArray, Start, layout_of, start_of

#: draws, tune, chains, seed, progress, target of acceptance -> draws.
Sampler = Callable[[int, int, int, int, bool, float], xr.DataTree]
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


def pymc_sampler(model: pm.Model, of_modes: bool = False) -> Sampler:
    """Compile a PyMC model for nutpie.

    Without fast-math: with it a program loaded from PyTensor's cache rounds otherwise than one that was just compiled.

    Parameters
    ----------
    model : pymc.Model
        A reference model.
    of_modes : bool
        Whether its posterior has several modes, so that a search says where chains begin; else nutpie scatters them
        about the prior's centre.
    """
    with pytensor.config.change_flags(numba__fastmath=False):
        compiled = nutpie.compile_pymc_model(model, backend="numba")

    def run(draws: int, tune: int, chains: int, seed: int, progress: bool, accept: float) -> xr.DataTree:
        begun = compiled
        if of_modes:
            begun = dataclasses.replace(compiled, initial_point_func=pymc_start(compiled, model, seed).position)
        found = nutpie.sample(
            begun, draws=draws, tune=tune, chains=chains, seed=seed, progress_bar=progress, target_accept=accept,
            cores=min(chains, os.cpu_count() or 1),
        )  # fmt: skip
        return _kept(found)

    return run


def pymc_start(compiled: Any, model: pm.Model, seed: int) -> Start:
    """Search a compiled PyMC model for where its chains begin."""

    def potential(z: FloatArray) -> tuple[float, FloatArray]:
        value, slope = compiled.logp_func(z)
        return -float(value), -np.asarray(slope)

    points = [compiled.initial_point_func(each) for each in np.random.SeedSequence(seed).generate_state(TRIES)]
    names, _, shapes = compiled.shape_info
    free = dict(list(zip(names, map(tuple, shapes), strict=True))[: len(model.free_RVs)])
    return start_of(potential, points, layout_of(free, len(model.coords["asset"])))


def numpyro_sampler(model: Callable[[], None], assets: tuple[str, ...], of_modes: bool = False) -> Sampler:
    """Prepare a NumPyro model for NUTS.

    Parameters
    ----------
    model : callable
        A reference model.
    assets : tuple of str
        Whom it is about.
    of_modes : bool
        Whether its posterior has several modes, so that a search says where chains begin, and with which metric.
    """

    def run(draws: int, tune: int, chains: int, seed: int, progress: bool, accept: float) -> xr.DataTree:
        keep_compiled()
        with jax.enable_x64(True):
            positions, metric = numpyro_start(model, len(assets), chains, seed) if of_modes else (None, {})
            kernel = NUTS(model, target_accept_prob=accept, init_strategy=init_to_median, **metric)
            mcmc = MCMC(
                kernel, num_warmup=tune, num_samples=draws, num_chains=chains, chain_method=_chain_method(chains),
                progress_bar=progress,
            )  # fmt: skip
            mcmc.run(jax.random.PRNGKey(seed), extra_fields=_EXTRA, init_params=positions)
            posterior = {k: np.asarray(v) for k, v in mcmc.get_samples(group_by_chain=True).items()}
            stats = {k: np.asarray(v) for k, v in mcmc.get_extra_fields(group_by_chain=True).items()}
        dims = {name: ["asset"] for name in _BY_ASSET if name in posterior}
        groups = {"posterior": posterior, "sample_stats": stats}
        return _kept(az.from_dict(groups, coords={"asset": list(assets)}, dims=dims))

    return run


def numpyro_start(
    model: Callable[[], None], assets: int, chains: int, seed: int
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Search a NumPyro model for where its chains begin, and how NUTS is told of the metric there.

    NumPyro adds 1e-5 to adapted variances unless told not to; a scale of 5e-4 among the others would drown in it.

    Parameters
    ----------
    model : callable
        A NumPyro model without arguments.
    assets, chains : int
        How many there are.
    seed : int
        Of the random starts of the search, and of the scatter of chains about its end.

    Returns
    -------
    positions, options : dict
        Unconstrained values by variable, the first axis over chains; arguments of NUTS.
    """
    keys = jax.random.split(jax.random.PRNGKey(seed), TRIES)
    infos = [initialize_model(key, model, init_strategy=init_to_uniform) for key in keys]
    shapes = {name: jnp.shape(value) for name, value in sorted(infos[0].param_info.z.items())}
    unravel = ravel_pytree(infos[0].param_info.z)[1]
    compiled = jax.jit(jax.value_and_grad(lambda z: infos[0].potential_fn(unravel(z))))

    def potential(z: FloatArray) -> tuple[float, FloatArray]:
        value, slope = compiled(z)
        return float(value), np.asarray(slope, dtype=float)

    points = [np.asarray(ravel_pytree(info.param_info.z)[0]) for info in infos]
    start = start_of(potential, points, layout_of(shapes, assets))
    at = np.array([start.position(each) for each in np.random.SeedSequence(seed).generate_state(chains)])
    metric = {tuple(shapes): np.diag(start.covariance)}
    return jax.vmap(unravel)(jnp.asarray(at)), {"inverse_mass_matrix": metric, "regularize_mass_matrix": False}


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
