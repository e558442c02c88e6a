"""Changes of the market's state, in PyMC: how often changepoints come.

    changes_i ~ Poisson(h_i E_i),   log h_i ~ N(m_h, tau_h)

with E_i the seconds under observation. It is the likelihood of exponential runs between changepoints, h e^{-h run}
each, the last one right-censored, e^{-h run}: they multiply to h^changes e^{-h E}, so counts and exposure suffice.

So much for changepoints that a detector reports. Without one, the same hierarchy reads the newest thousand returns,
Normal in each segment with a mean and a variance of its own, and sums out the length of the run at each second (see
`mmresearch.models.segments`). Its changepoints are those of the returns, a change of volatility or the end of a drift
among them, which a detector may not mean: where both can be had, the rates need not agree.
Source: Adams and MacKay 2007.
"""

from __future__ import annotations

import numpy as np
import pymc as pm
from numpy.typing import NDArray
from pytensor.graph.basic import Variable
from pytensor.tensor import TensorVariable

from mmresearch.models.centring import Parameterisation, fixed, spreads
from mmresearch.models.priors import of_kind
from mmresearch.models.pymc.effects import effect
from mmresearch.models.pymc.populations import population
from mmresearch.models.pymc.recursions import log_likelihood
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
) -> pm.Model:
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
    pymc.Model
        With ``bocpd_hazard_rate`` (asset), 1/s.

    Raises
    ------
    EvidenceError
        If no tape reports changepoints (or has returns), or the evidence is not of series.
    ValueError
        If `runs` is unknown, `segments` are given for reported runs, or a run is to be dropped where runs are
        marginalised.
    """
    series, p = of_series(evidence), of_kind(HazardPriors, priors)
    summed_out = marginalised(runs, segments, censoring)
    found = runs_of(series.regimes, of_kind(SegmentPriors, segments)) if summed_out else ()
    if not summed_out:
        require_any([c.watched_s(censoring) for c in series.changes], "reports of changepoints")
    spread = spreads(pooling, p.h)
    weights = run_weights(found, *spread) if summed_out else hazard_weights(evidence, *spread)
    weight = fixed(parameterisation, weights)
    with pm.Model(coords={"asset": list(evidence.assets)}) as model:
        log_h = effect("log_h", *population("h", p.h, pooling), weight)
        h = pm.Deterministic("bocpd_hazard_rate", pm.math.exp(log_h), dims="asset")
        if summed_out:
            pm.Potential("returns", run_log_likelihood(h, found))
        else:
            _reports(h, series.changes, censoring)
    return model


def run_log_likelihood(h: TensorVariable, runs: tuple[Runs, ...]) -> Variable:
    """Return the log likelihood of all assets together, run lengths summed out, less the offsets of the runs.

    Parameters
    ----------
    h : TensorVariable, shape (assets,)
        Rate of changepoints, 1/s.
    runs : tuple of Runs
        One per asset.
    """
    width = max(r.gap_s.size for r in runs)
    like = np.concatenate([_as_wide(r.like, width) for r in runs])
    gap, start = np.concatenate([r.gap_s for r in runs]), np.cumsum([0, *(r.gap_s.size for r in runs)])
    return log_likelihood("run_lengths", h, like, gap, start)


def _as_wide(table: NDArray[np.float64], width: int) -> NDArray[np.float64]:
    return np.pad(table, [(0, 0), (0, width - table.shape[1])])


def _reports(h: TensorVariable, counts: tuple[ChangeCounts, ...], censoring: bool) -> None:
    """Observe the reported changepoints of the assets that have a detector."""
    exposure = np.array([c.watched_s(censoring) for c in counts])
    seen = np.flatnonzero(exposure > 0)
    changes = np.rint([counts[i].changes for i in seen]).astype(int)
    pm.Poisson("changes", h[seen] * exposure[seen], observed=changes)
