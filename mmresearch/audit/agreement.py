"""Does the full model agree? A belief against the draws of the hierarchical fit of the same tape.

Numbers: bias in reference sd, ratio of sds, Wasserstein-1 distance in reference sd, and the share of reference draws
inside the belief's 90 % interval.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mmresearch.audit.beliefs import DAMAGE, Summary, summarise
from mmresearch.audit.result import Finding
from mmresearch.belief.contract import Belief

BIAS_BOUND_SD = 0.25
SD_RATIO_BOUND = 0.8
COVERAGE_BOUND = 0.80
_P = (np.arange(1000) + 0.5) / 1000


@dataclass(frozen=True)
class Agreement:
    """How far a belief is from the reference draws.

    Attributes
    ----------
    bias_sd, sd_ratio, w1_sd : float
        Difference of means in reference sd; claimed over reference sd; Wasserstein-1 distance in reference sd.
    coverage : float
        Share of the reference draws inside the belief's 90 % equal-tailed interval.
    """

    bias_sd: float
    sd_ratio: float
    w1_sd: float
    coverage: float

    @property
    def biased(self) -> bool:
        """Whether the means differ by more than a quarter of the reference sd."""
        return abs(self.bias_sd) > BIAS_BOUND_SD

    @property
    def overconfident(self) -> bool:
        """Whether the claimed sd is too small, or the interval misses too much of the reference.

        A 90 % interval that misses because it is off centre is biased, not overconfident: its width is what counts.
        """
        return self.sd_ratio < SD_RATIO_BOUND or (self.coverage < COVERAGE_BOUND and not self.biased)


@dataclass(frozen=True)
class Draws:
    """Draws of the reference, with what every comparison needs of them.

    Attributes
    ----------
    values : ndarray, shape (S,)
        In ascending order.
    mean, sd : float
        Of the draws.
    quantiles : ndarray, shape (1000,)
        At (i + 1/2)/1000.
    """

    values: NDArray[np.float64]
    mean: float
    sd: float
    quantiles: NDArray[np.float64]

    @staticmethod
    def of(draws: ArrayLike) -> Draws:
        """Take the numbers of some draws."""
        values = np.sort(np.asarray(draws, dtype=float), axis=None)
        return Draws(values, float(values.mean()), float(values.std(ddof=1)), np.quantile(values, _P))

    def share_between(self, low: float, high: float) -> float:
        """Share of the draws in [low, high]."""
        first, last = np.searchsorted(self.values, low, "left"), np.searchsorted(self.values, high, "right")
        return float(last - first) / self.values.size


def compare(belief: Summary, quantiles: ArrayLike, draws: Draws) -> Agreement:
    """Compare a belief with reference draws.

    Parameters
    ----------
    belief : Summary
        Five numbers of the belief.
    quantiles : array_like, shape (1000,)
        Its quantiles at (i + 1/2)/1000.
    draws : Draws
        Of the reference, in the same unit.
    """
    gap = np.abs(np.asarray(quantiles, dtype=float) - draws.quantiles)
    return Agreement(
        bias_sd=(belief.mean - draws.mean) / draws.sd,
        sd_ratio=belief.sd / draws.sd,
        w1_sd=float(gap.mean()) / draws.sd,
        coverage=draws.share_between(belief.q05, belief.q95),
    )


def agreement(belief: Belief, draws: Draws, who: str) -> tuple[Agreement, Finding]:
    """Does the full model agree? Return the numbers and the finding."""
    summary = summarise(belief, who)
    quantiles = np.asarray(belief.ppf(_P), dtype=float)
    found = compare(summary, quantiles, draws)
    power, notes = _power(summary, quantiles, draws)
    numbers = (
        f"bias {found.bias_sd:+.2f} sd, sd ratio {found.sd_ratio:.2f}, W1 {found.w1_sd:.2f} sd, "
        f"90 % interval holds {found.coverage:.0%} of the reference"
    )
    if found.overconfident or found.biased:
        value, bound = (found.sd_ratio, SD_RATIO_BOUND) if found.overconfident else (found.bias_sd, BIAS_BOUND_SD)
        mend = (
            "See the nested models: which assumption (independence, known variance, no pooling) makes the difference."
        )
        return found, Finding("agreement", "calibration", "fail", value, bound, power, numbers + ".", mend)
    return found, Finding(
        "agreement", "calibration", "pass", found.sd_ratio, SD_RATIO_BOUND, power, f"{numbers}; {notes}."
    )


def _power(summary: Summary, quantiles: NDArray[np.float64], draws: Draws) -> tuple[float, str]:
    """Share of the harmful damages (sd x .7, mean +- .5 sd) that the same judgement catches.

    The belief is centred and scaled to the reference first: power asks what the check sees, not what this belief is.
    """
    sd, mean = draws.sd, draws.mean
    turned = mean + (quantiles - summary.mean) * sd / summary.sd
    q = (summary.q05, summary.q50, summary.q95)
    honest = Summary(mean, sd, *(mean + (v - summary.mean) * sd / summary.sd for v in q))
    caught = {}
    for name, damage in DAMAGE.items():
        hurt = honest.damaged(**damage)
        moved = hurt.mean + damage.get("sd", 1.0) * (turned - mean)
        found = compare(hurt, moved, draws)
        caught[name] = found.biased or found.overconfident
    harmful = ("sd x 0.7", "mean + 0.5 sd")
    seen = ", ".join(name for name, yes in caught.items() if yes) or "nothing"
    return float(np.mean([caught[name] for name in harmful])), f"would catch {seen}"
