"""Changes of the market's state, in NumPyro: how often changepoints come.

The same models as `mmresearch.models.pymc.changes`, written independently: that the two log densities agree is the test
of both.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import numpyro
import numpyro.distributions as dist
from jax import Array, lax

from mmresearch.models.centring import Parameterisation, fixed, spreads
from mmresearch.models.numpyro.effects import effect
from mmresearch.models.numpyro.populations import population
from mmresearch.models.priors import of_kind
from mmresearch.models.segments import RunLengths, Runs, marginalised, runs_of
from mmresearch.models.series import ChangeCounts, SeriesEvidence, of_series, require_any
from mmresearch.models.series_centring import hazard_weights, run_weights
from mmresearch.models.series_priors import HazardPriors, SegmentPriors


def bocpd_hazard_rate(
    evidence: SeriesEvidence,
    *,
    parameterisation: Parameterisation = "auto",
    censoring: bool = True,
    pooling: bool = True,
    priors: HazardPriors | None = None,
    runs: RunLengths = "reported",
    segments: SegmentPriors | None = None,
) -> Callable[[], None]:
    """Hierarchical model of the rate of changepoints.

    Parameters
    ----------
    evidence : SeriesEvidence
        Changepoints and exposure by asset.
    parameterisation : {"auto", "centred", "noncentred"}
        Form of the asset effects; "auto" centres each as far as its data are sharp.
    censoring : bool
        Count the seconds of the last run, which is still going on; without it that run is dropped, which makes runs
        look shorter than they are. Reported runs only.
    pooling : bool
        Let assets share a population.
    priors : HazardPriors, optional
        Hyperpriors.
    runs : {"reported", "marginalised"}
        Count the changepoints that are reported, or sum out where they may be in the returns.
    segments : SegmentPriors, optional
        What a segment looks like, where runs are marginalised.

    Returns
    -------
    callable
        A model without arguments, with ``bocpd_hazard_rate`` (asset), 1/s.

    Raises
    ------
    EvidenceError
        If no tape reports changepoints (or has returns), or the evidence is not of series.
    ValueError
        If `runs` is unknown, `segments` are given for reported runs, or a run is to be dropped where runs are
        marginalised.
    """
    series, p = of_series(evidence), of_kind(HazardPriors, priors)
    spread = spreads(pooling, p.h)
    if marginalised(runs, segments, censoring):
        found = runs_of(series.regimes, of_kind(SegmentPriors, segments))
        weight, observe = run_weights(found, *spread), _unreported(found)
    else:
        weight, observe = hazard_weights(evidence, *spread), _reported(series.changes, censoring)
    weight = fixed(parameterisation, weight)

    def model() -> None:
        m_h, tau_h = population("h", p.h, pooling)
        with numpyro.plate("asset", weight.size):
            h = numpyro.deterministic("bocpd_hazard_rate", jnp.exp(effect("log_h", m_h, tau_h, weight)))
        observe(h)

    return model


def _reported(counts: tuple[ChangeCounts, ...], censoring: bool) -> Callable[[Array], None]:
    watched = [c.watched_s(censoring) for c in counts]
    require_any(watched, "reports of changepoints")
    observed = [(i, round(counts[i].changes), s) for i, s in enumerate(watched) if s > 0]
    place, changes, exposure = (np.array(column) for column in zip(*observed, strict=True))

    def observe(h: Array) -> None:
        with numpyro.plate("asset_seen", place.size):
            numpyro.sample("changes", dist.Poisson(h[place] * exposure), obs=changes)

    return observe


def _unreported(runs: Sequence[Runs]) -> Callable[[Array], None]:
    likelihood = run_log_likelihood(runs)

    def observe(h: Array) -> None:
        numpyro.factor("returns", likelihood(h).sum())

    return observe


def run_log_likelihood(runs: Sequence[Runs]) -> Callable[[Array], Array]:
    """Return the log likelihood of each asset as a function of the rates of changepoints, run lengths summed out.

    Less the offsets of the runs. The derivative is carried along with the value: there is one parameter an asset, and
    going back through time would keep every step.

    Parameters
    ----------
    runs : sequence of Runs
        One per asset.
    """
    width = max(r.gap_s.size for r in runs)
    like, gap = np.zeros((width, len(runs), width)), np.full((width, len(runs)), np.inf)
    for i, r in enumerate(runs):
        like[: r.gap_s.size, i, : r.gap_s.size], gap[: r.gap_s.size, i] = r.like, r.gap_s
        like[r.gap_s.size :, i, 0] = 1.0  # what is filled up starts anew each time, and is certain
    rows = like, np.isinf(gap), np.where(np.isinf(gap), 1.0, gap)

    def value(h: Array) -> Array:
        def step(run: Array, row: Any) -> tuple[Array, Array]:
            density, starts, seconds = row
            kept = jnp.where(starts, 0.0, jnp.exp(-h * seconds))[:, None]
            joint = density * jnp.concatenate([1 - kept, kept * run[:, :-1]], axis=1)
            total = joint.sum(axis=1, keepdims=True)
            return joint / total, jnp.log(total[:, 0])

        _, terms = lax.scan(step, jnp.zeros((len(runs), width)), rows)
        return terms.sum(axis=0)

    @jax.custom_vjp
    def carried(h: Array) -> Array:
        return value(h)

    def forward(h: Array) -> tuple[Array, Array]:
        return jax.jvp(value, (h,), (jnp.ones_like(h),))

    carried.defvjp(forward, lambda slope, cotangent: (cotangent * slope,))
    return carried
