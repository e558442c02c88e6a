"""The family state of the deployed system: one conjugate update for each family, and its reads, faults included.

    Beta           p1 += successes,  p2 += failures            n += both
    Gamma          p1 += count,      p2 += exposure            n += 1    (a count in an exposure)
                   p1 += 1,          p2 += x                   n += 1    (an exponential observation)
    Normal         1/p2 += 1/v,      p1 = precision-weighted   n += 1    (v: variance of x, taken as known)
    InverseGamma   p1 += 1/2,        p2 += r^2/2               n += 1    (r: residual about a known mean)
    LogNormal      p1 = (P mu0 + n ybar)/(P + n)               n += 1    (y = ln x, P = 1/sqrt(p2); p2 stays for ever)

Reads: interval = mean +- 1.96 sd clipped to the support, effective size = n + strength, data weight = n/(n + strength),
with the strength s of a Beta or Gamma, 1/variance of a Normal, 1/sd of the log of a LogNormal. What is wrong with them
is known (the LogNormal's precision and width, intervals of skewed beliefs, the weight of all but Beta); nothing here
mends it. Means and sd are in the unit of the parameter, sizes are numbers of observations.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mmresearch.belief.catalogue import parameter
from mmresearch.belief.families import FAMILIES, FIRMNESS, Family, family_from_mean

Z_95 = 1.96
#: A mean closer to zero than this has an infinite cv.
SMALLEST_MEAN = 1e-10
SUPPORT = {
    "Beta": (0.0, 1.0),
    "Gamma": (0.0, math.inf),
    "Normal": (-math.inf, math.inf),
    "InverseGamma": (0.0, math.inf),
    "LogNormal": (0.0, math.inf),
}
#: Least and greatest prior mean that a family takes.
_MEAN_GUARD = {"Beta": (0.001, 0.999), "Gamma": (0.001, math.inf), "InverseGamma": (1e-10, math.inf)}


@dataclass(frozen=True)
class DeployedState:
    """One learned number as the deployed system keeps it.

    Attributes
    ----------
    name : str
        Parameter.
    family : {"Beta", "Gamma", "Normal", "InverseGamma", "LogNormal"}
    prior_mean : float
        In the unit of the parameter.
    prior_strength : float
        Pseudo-observations by name: s, 1/variance or 1/(sd of the log), see the module.
    p1, p2 : float
        Parameters of the family now: a and b, shape and rate, mean and variance, shape and scale, log-mean and
        log-variance.
    n : int
        Observations so far.
    sum_x, sum_x2 : float
        Sum of the observations and of their squares, as far as the family keeps them (of the logs for a LogNormal).
    """

    name: str
    family: str
    prior_mean: float
    prior_strength: float
    p1: float
    p2: float
    n: int = 0
    sum_x: float = 0.0
    sum_x2: float = 0.0

    @staticmethod
    def from_mean(name: str, family: str, mean: float, firmness: float) -> DeployedState:
        """Return the prior of a typed-in number.

        Parameters
        ----------
        name : str
            Parameter.
        family : str
            One of the five.
        mean : float
            In the unit of the parameter.
        firmness : float
            Strength (Beta, Gamma, InverseGamma), variance (Normal) or cv (LogNormal).

        Raises
        ------
        ValueError
            If there is no such family, or its numbers make no distribution.
        """
        belief = family_from_mean(family, mean, firmness)
        low, high = _MEAN_GUARD.get(family, (-math.inf, math.inf))
        p1, p2 = _numbers(belief)
        strength = {"Normal": 1 / p2, "LogNormal": 1 / math.sqrt(p2)}.get(family, float(firmness))
        return DeployedState(name, family, min(max(float(mean), low), high), strength, p1, p2)

    def observe_successes(self, successes: float, failures: float) -> DeployedState:
        """Add successes and failures to a Beta."""
        self._must_be("Beta")
        return replace(self, p1=self.p1 + successes, p2=self.p2 + failures, n=self.n + round(successes + failures))

    def observe_count(self, count: float, exposure: float) -> DeployedState:
        """Add a count in an exposure (inverse unit of the parameter) to a Gamma: one observation, however large."""
        self._must_be("Gamma")
        return replace(self, p1=self.p1 + count, p2=self.p2 + exposure, n=self.n + 1, sum_x=self.sum_x + count)

    def observe_exponential(self, values: ArrayLike) -> DeployedState:
        """Add exponential observations (inverse unit of the parameter) to a Gamma; those not positive are dropped."""
        self._must_be("Gamma")
        x = _array(values)
        x = x[x > 0]
        total = float(x.sum())
        return replace(self, p1=self.p1 + x.size, p2=self.p2 + total, n=self.n + x.size, sum_x=self.sum_x + total)

    def observe_normal(self, values: ArrayLike, variance: float) -> DeployedState:
        """Add observations of a variance that is taken as known to a Normal.

        Parameters
        ----------
        values : array_like, shape (n,)
            In the unit of the parameter.
        variance : float
            Of one observation, in squared units; at least 1e-10.
        """
        self._must_be("Normal")
        x, v = _array(values), max(variance, 1e-10)
        total = float(x.sum())
        precision = 1 / self.p2 + x.size / v
        return replace(
            self,
            p1=(self.p1 / self.p2 + total / v) / precision if x.size else self.p1,
            p2=1 / precision if x.size else self.p2,
            n=self.n + x.size,
            sum_x=self.sum_x + total,
            sum_x2=self.sum_x2 + float(x @ x),
        )

    def observe_squares(self, squared_residuals: ArrayLike) -> DeployedState:
        """Add squared residuals about a known mean (unit of the parameter) to an InverseGamma."""
        self._must_be("InverseGamma")
        r2 = _array(squared_residuals)
        total = float(r2.sum())
        return replace(
            self, p1=self.p1 + 0.5 * r2.size, p2=self.p2 + 0.5 * total, n=self.n + r2.size, sum_x2=self.sum_x2 + total
        )

    def observe_ratios(self, values: ArrayLike) -> DeployedState:
        """Add positive observations to a LogNormal: the log-mean moves, the log-variance does not.

        The prior weighs 1/sd where a precision belongs, and an observation as if its log had variance one.
        """
        self._must_be("LogNormal")
        x = _array(values)
        y = np.log(x[x > 0])
        if not y.size:
            return self
        n, total = self.n + y.size, self.sum_x + float(y.sum())
        weight, start = self.prior_strength, math.log(self.prior_mean) - 0.5 * self.p2
        p1 = (weight * start + total) / (weight + n)
        return replace(self, p1=p1, n=n, sum_x=total, sum_x2=self.sum_x2 + float(y @ y))

    def belief(self) -> Family:
        """Return the family's distribution with (p1, p2), in the unit of the parameter."""
        make: Callable[..., Family] = FAMILIES[self.family]
        return make(self.p1, self.p2)

    def mean(self) -> float:
        """Posterior mean."""
        return self.belief().mean()

    def var(self) -> float:
        """Posterior variance; the square of the prior mean where an InverseGamma has none."""
        if self.family == "InverseGamma" and self.p1 <= 2:
            return self.prior_mean**2
        return self.belief().var()

    def std(self) -> float:
        """Posterior standard deviation."""
        return math.sqrt(self.var())

    def cv(self) -> float:
        """Standard deviation over the size of the mean; infinite for a mean within 1e-10 of zero, whatever its unit."""
        return self.std() / abs(self.mean()) if abs(self.mean()) >= SMALLEST_MEAN else math.inf

    def interval_95(self) -> tuple[float, float]:
        """Mean plus and minus 1.96 sd, clipped to the support, however skewed the family."""
        low, high = SUPPORT[self.family]
        half = Z_95 * self.std()
        return max(self.mean() - half, low), min(self.mean() + half, high)

    def effective_size(self) -> float:
        """Observations plus strength."""
        return self.n + self.prior_strength

    def data_weight(self) -> float:
        """Observations over observations plus strength, for every family alike."""
        return self.n / (self.n + self.prior_strength)

    def calibrated(self, min_n: int, max_cv: float) -> bool:
        """Whether there are enough observations and the point estimate of the cv is below a bound."""
        return self.n >= min_n and self.cv() < max_cv

    def reset(self) -> DeployedState:
        """Return to the prior; a LogNormal's log-variance was never left."""
        m, s = self.prior_mean, self.prior_strength
        shape = max(0.5 * s, 2.0)
        p1, p2 = {
            "Beta": (m * s, (1 - m) * s),
            "Gamma": (s, s / m),
            "Normal": (m, 1 / s),
            "InverseGamma": (shape, m * (shape - 1)),
            "LogNormal": (math.log(m) - 0.5 * self.p2 if m > 0 else math.nan, self.p2),
        }[self.family]
        return DeployedState(self.name, self.family, m, s, p1, p2)

    def _must_be(self, family: str) -> None:
        if self.family != family:
            raise ValueError(f"{self.name} is a {self.family}; only a {family} takes this kind of observation")


def deployed_state(name: str, preset: str = "default") -> DeployedState:
    """Return the deployed prior of a row of the catalogue.

    Parameters
    ----------
    name : str
        Parameter.
    preset : str
        "default", or a preset of the row: "liquid", "thin".

    Raises
    ------
    ValueError
        If there is no such parameter or preset.
    """
    row = parameter(name)
    if preset != "default" and preset not in row.presets:
        raise ValueError(f"{name} has no preset {preset!r}; it has default{''.join(', ' + p for p in row.presets)}")
    given = {**row.prior, **row.presets.get(preset, {})}
    return DeployedState.from_mean(name, given["family"], given["mean"], given[FIRMNESS[given["family"]]])


def _numbers(belief: Family) -> tuple[float, float]:
    """First and second number of a family, in the order in which it is written."""
    first, second, *_ = vars(belief).values()
    return float(first), float(second)


def _array(values: ArrayLike | Sequence[float]) -> NDArray[np.float64]:
    return np.atleast_1d(np.asarray(values, dtype=np.float64))
