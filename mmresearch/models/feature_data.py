"""What the models of features check of their evidence, and the rows that they make of costs by hour."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mmresearch.learn.sound.cascade import EDGES, CascadeState, CascadeThreshold
from mmresearch.learn.sound.toxic import HOURS, ToxicHours
from mmresearch.models.data import EvidenceError
from mmresearch.models.features import Falls, FloatArray, Foretold, HourCosts, Noise
from mmresearch.models.series import require_any


def heavy_tailed(noise: Noise) -> bool:
    """Whether noise is Student-t.

    Raises
    ------
    ValueError
        If there is no such noise.
    """
    if noise not in ("normal", "student_t"):
        raise ValueError(f"noise must be normal or student_t, got {noise!r}")
    return noise == "student_t"


def require_spread(asset: str, values: FloatArray, squares: float, what: str, heavy: bool) -> None:
    """Refuse values that do not scatter: their scale has no likelihood to speak of.

    Parameters
    ----------
    asset : str
        Whose values.
    values : ndarray, shape (N,)
        The single values.
    squares : float
        Sum of their squares about what is fitted.
    what : str
        What they are, in the plural.
    heavy : bool
        Whether the noise is heavy-tailed: a Student-t sees a spike where more than half of the values are equal to 0.

    Raises
    ------
    EvidenceError
        If they are constant, or too often 0.
    """
    if squares <= 0.0:
        raise EvidenceError(f"{what} of {asset} never vary, so they have no scale; leave the asset out")
    if heavy and np.mean(values == 0.0) > 0.5:
        raise EvidenceError(
            f"more than half of the {what} of {asset} are 0, a spike to a Student-t; use noise='normal'"
        )


def require_foretold(series: tuple[Foretold, ...], what: str, values: str, heavy: bool) -> None:
    """Refuse series that tell no asset's mean or slope, and values that do not scatter.

    Parameters
    ----------
    series : tuple of Foretold
        One per asset.
    what, values : str
        What some asset must have, and what the values are, in the plural.
    heavy : bool
        Whether the noise is heavy-tailed.

    Raises
    ------
    EvidenceError
        If there is nothing to learn from, or an asset whose values are constant.
    """
    require_any([s.fit.information for s in series], what)
    for s in series:
        if s.fit.freedom > 1:
            require_spread(s.asset, s.values, s.fit.residual, values, heavy)


#: Column of an hour's kind.
NORMAL, TOXIC = 0, 1
#: Expected costs below this count as this in a ratio: a tenth of a bp is nothing to a desk.
SMALL_BPS = 0.1


@dataclass(frozen=True)
class HourData:
    """Costs by asset and hour of the day, and their spread by asset and kind of hour.

    Attributes
    ----------
    kind : ndarray of int, shape (24,)
        `TOXIC` or `NORMAL`.
    n, mean_bps : ndarray, shape (assets, 24)
        Touch fills, and their mean cost.
    m2_bps2, dof : ndarray, shape (assets, 2)
        Squared deviations from the hours' means, summed over the hours of a kind, and their degrees of freedom.
    share : ndarray, shape (assets, 2, 24)
        Weights of hours in the mean of their kind: shares of the fills, or equal ones where there is no fill.
    """

    kind: NDArray[np.intp]
    n: FloatArray
    mean_bps: FloatArray
    m2_bps2: FloatArray
    dof: FloatArray
    share: FloatArray

    def by_kind(self, values: NDArray) -> FloatArray:
        """Sum over the hours of each kind; shape (assets, 2)."""
        return np.asarray(values, dtype=np.float64) @ np.eye(2)[self.kind]


def hour_data(costs: tuple[HourCosts, ...], hours: tuple[int, ...]) -> HourData:
    """Rows for the cost of touch fills by hour.

    Parameters
    ----------
    costs : tuple of HourCosts
        One per asset.
    hours : tuple of int
        Which hours of the day are toxic (UTC).

    Raises
    ------
    EvidenceError
        If there is no fill at all, or none that tells a scale, or an asset whose costs never vary.
    ValueError
        If the toxic hours are none, all, or no hours of the day.
    """
    kind = np.isin(np.arange(HOURS), ToxicHours(hours=hours).hours).astype(np.intp)
    n, mean, m2 = (np.stack([getattr(c, name) for c in costs]) for name in ("n", "mean_bps", "m2_bps2"))
    require_any(n.ravel(), "touch fills with a known cost")
    pick = np.eye(2)[kind]
    dof = np.maximum(n - 1, 0) @ pick
    for cost, squares, freedom in zip(costs, m2 @ pick, dof, strict=True):
        for s, f in zip(squares, freedom, strict=True):
            if f > 0:
                require_spread(cost.asset, cost.mean_bps, float(s), "costs of touch fills", heavy=False)
    weight = pick.T * n[:, None, :]
    total = weight.sum(axis=2, keepdims=True)
    share = np.where(total > 0, weight / np.maximum(total, 1.0), pick.T / pick.sum(axis=0)[:, None])
    return HourData(kind, n, mean, m2 @ pick, dof, share)


def threshold_table(counts: tuple[Falls, ...]) -> tuple[FloatArray, FloatArray]:
    """Return the log thresholds that are looked at, and their log likelihoods by asset, shape (assets, thresholds).

    The chances of bad markouts after smaller and after larger falls are integrated out, in their order, under the
    learner's flat priors, so that the table is of the data alone.

    Parameters
    ----------
    counts : tuple of Falls
        One per asset.

    Raises
    ------
    EvidenceError
        If no asset has a fall of open interest whose following minute was seen.
    """
    require_any([c.total.sum() for c in counts], "a fall of open interest with a minute after it")
    rule = CascadeThreshold()
    rows = [rule.log_likelihood(CascadeState(bad=c.bad, total=c.total)) for c in counts]
    table = np.stack(rows)
    return np.log(EDGES), table - table.max(axis=1, keepdims=True)
