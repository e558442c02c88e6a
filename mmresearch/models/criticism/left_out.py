"""Leave-one-out by importance sampling, and the probability of each value under the fit that did not see its row.

    elpd = sum over rows of ln p(row | the others),   weights of draws 1/p(row | draw), smoothed (PSIS)

Of a series one factor is left out: p(y_t | y_1..t-1, draw) is scored by draws that did not use that factor, though
those of later values still contain y_t. It tells misfit and influence, not how well the future is foretold; for that
fit a beginning and score the rest. A k-hat above .7 says that a row holds too much of the posterior for its weights to
be trusted. PIT values are the weighted mean over draws of P(Y <= y | draw), randomised for counts; they are about
uniform where the model is right.

Sources: Vehtari, Gelman and Gabry 2017; Vehtari et al. 2024; Gelfand, Dey and Chang 1992.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from arviz_stats.base import array_stats
from scipy import special

from mmresearch.models.criticism.rows import AssetRows, FloatArray, Part

KHAT = 0.7
#: Rows whose weights are smoothed at once.
_CHUNK = 2000
#: Nats of which a row's draws may differ and count as one.
_SAME = 1e-9


@dataclass(frozen=True)
class LeftOut:
    """Leave-one-out of an asset.

    Attributes
    ----------
    elpd : ndarray, shape (rows,)
        Log density of each row given the others.
    khat : ndarray, shape (rows,)
        Pareto shape of its weights.
    penalty : float
        What is lost against draws that saw the row: the effective number of parameters.
    log_weight : ndarray, shape (rows, S)
        Of draws for each row, normalised.
    """

    elpd: FloatArray
    khat: FloatArray
    penalty: float
    log_weight: FloatArray


def left_out(rows: AssetRows) -> LeftOut:
    """Leave each row out.

    Parameters
    ----------
    rows : AssetRows
        Of one asset.
    """
    density = rows.log_density().T
    # A row of which every draw says the same weighs no draw against another.
    telling = np.flatnonzero(np.ptp(density, axis=1) > _SAME)
    weight, khat = np.zeros_like(density), np.zeros(len(density))
    for i in range(0, telling.size, _CHUNK):
        some = telling[i : i + _CHUNK]
        weight[some], khat[some] = array_stats.psislw(density[some])
    weight -= special.logsumexp(weight, axis=1, keepdims=True)
    elpd = special.logsumexp(density + weight, axis=1)
    seen = special.logsumexp(density, axis=1) - np.log(density.shape[1])
    return LeftOut(elpd, khat, float((seen - elpd).sum()), weight)


def pit(part: Part, log_weight: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Probability of a smaller value than each, under the fit that did not see its row; shape (uncensored values,).

    Parameters
    ----------
    part : Part
        Values of one kind.
    log_weight : ndarray, shape (rows, S)
        From `left_out`.
    rng : Generator
        Randomises counts.
    """
    known = np.isfinite(part.upto).all(axis=0)
    weight = np.exp(log_weight[part.row[known]]).T
    below = (part.below[:, known] * weight).sum(axis=0)
    if part.below is part.upto:
        return below
    return below + rng.random(below.size) * ((part.upto[:, known] * weight).sum(axis=0) - below)
