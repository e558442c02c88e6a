"""Events at the touch, row by row: labels of a window, moves of a window.

alpha_touch        k_w ~ BetaBinomial (or Binomial) of the window's labels
spread_floor_bps   x_wj given the window's moves before it, effect of the window integrated out:
                   N(AS + c^2 S_j/(1 + j c^2), s^2 (1 + c^2/(1 + j c^2))),  S_j the sum of (x - AS) over the j before;
                   or Student-t, all alike. The moves of a window multiply to the law of its mean and its squares.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from mmresearch.models.criticism.laws import beta_binomial, binomial, normal, stacked, student_t
from mmresearch.models.criticism.rows import AssetRows, Draws, FloatArray, Part
from mmresearch.models.priors import AlphaPriors
from mmresearch.tape.evidence import Evidence, LabelCounts, MarkoutMoments


def labels(
    draws: Draws, evidence: Evidence, rng: np.random.Generator, priors: AlphaPriors | None = None, **_: Any
) -> Iterator[AssetRows]:
    """Windows of labels.

    Parameters
    ----------
    draws : Draws
        Of alpha_touch; with ``rho`` if labels of a window are alike.
    evidence : Evidence
        Label counts.
    rng : Generator
        Not used.
    priors : AlphaPriors, optional
        Those of the fit: they hold the least correlation.
    **_
        Not used.
    """
    floor = (priors or AlphaPriors()).rho_floor
    strength = (1 - draws["rho"]) / (draws["rho"] + floor) if "rho" in draws else None
    alpha = draws["alpha_touch"]
    for i, counts in enumerate(evidence.alpha_touch):
        theta = counts.false_positive + alpha[:, i] * (1 - counts.false_positive)
        yield _label_rows(counts, theta, strength)


def _label_rows(counts: LabelCounts, theta: FloatArray, strength: FloatArray | None) -> AssetRows:
    used = counts.total > 0
    k, n = counts.informed[used], counts.total[used]
    if strength is None:
        law = binomial(k, n, theta[:, None])
    else:
        a, b = theta * strength, (1 - theta) * strength
        each = [beta_binomial(float(x), float(m), a, b) for x, m in zip(k, n, strict=True)]
        law = stacked(each, theta.size)
    part = Part("labels", np.arange(k.size), *law, checks=("dispersion", "autocorrelation"))
    return AssetRows(counts.asset, "labels of a window", k.size, (part,))


def moves(draws: Draws, evidence: Evidence, rng: np.random.Generator, **_: Any) -> Iterator[AssetRows]:
    """Windows of moves after touch fills.

    Parameters
    ----------
    draws : Draws
        Of spread_floor_bps; with ``c`` for an effect of windows, with ``nu_minus_two`` for Student-t moves.
    evidence : Evidence
        Moves by window.
    rng : Generator
        Not used.
    **_
        Not used.
    """
    floor, scale = draws["spread_floor_bps"], draws["move_scale_bps"]
    nu = 2 + draws["nu_minus_two"] if "nu_minus_two" in draws else None
    c = draws["c"] if "c" in draws else np.zeros(draws.size)
    for i, found in enumerate(evidence.spread_floor_bps):
        adverse, s = floor[:, i] - found.fee_bps, scale[:, i]
        yield _heavy_rows(found, adverse, s, nu) if nu is not None else _move_rows(found, adverse, s, c)


def _move_rows(found: MarkoutMoments, adverse: FloatArray, s: FloatArray, c: FloatArray) -> AssetRows:
    used = found.n > 0
    row = (np.cumsum(used) - 1)[found.window]
    x, a, s, c2 = found.values_bps, adverse[:, None], s[:, None], (c**2)[:, None]
    first = np.searchsorted(row, row)
    total = np.append(0.0, np.cumsum(x))
    before = np.arange(x.size) - first
    known = 1 + before * c2
    mean = a + c2 * (total[:-1] - total[first] - before * a) / known
    single = Part(
        "moves", row, *normal(x, mean, s * np.sqrt(1 + c2 / known)),
        checks=("kurtosis", "autocorrelation", "clustering"),
    )  # fmt: skip
    cdf = normal(found.mean_bps[used], a, s * np.sqrt(1 / found.n[used] + c2))[1]
    size = int(used.sum())
    means = Part("window means", np.arange(size), None, cdf, cdf, checks=("dispersion",))
    return AssetRows(found.asset, "moves of a window", size, (single, means))


def _heavy_rows(found: MarkoutMoments, adverse: FloatArray, s: FloatArray, nu: FloatArray) -> AssetRows:
    used = found.n > 0
    law = student_t(found.values_bps, nu[:, None], adverse[:, None], s[:, None])
    part = Part(
        "moves", (np.cumsum(used) - 1)[found.window], *law, checks=("kurtosis", "autocorrelation", "clustering")
    )
    return AssetRows(found.asset, "moves of a window", int(used.sum()), (part,))
