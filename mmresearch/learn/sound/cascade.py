"""cascade_oi_threshold: the fall of open interest within a minute beyond which the markouts that follow are bad.

    x_i = 1 - OI(60 (i + 1))/OI(60 i) > 0,    bad_i: the mid moves by more than 10 bps in the minute after
    bad with probability p where x <= u, q > p where x > u;   p ~ Beta, q ~ Beta, both integrated out:
    p(u | data) ~ Beta(u) B(a + bad_<, b + good_<) B(c + bad_>, d + good_>) P(p < q | data, u)

Minutes lie on an absolute grid, so falls do not overlap. A markout is bad if it is for the maker on the worse side: a
mid that falls is bad for those who bought, one that rises for those who sold, and the tape's mirror image says the
same. Minutes in which open interest rises are not counted.

Approximated: falls are counted in 400 bins from 1e-4 to 1, 2.3 % wide, so u is known to that. P(p < q) by quadrature.
u and x are fractions of open interest.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import special, stats

from mmresearch.belief.beta import Beta
from mmresearch.belief.grid import GridBelief
from mmresearch.learn.contract import State
from mmresearch.tape.resample import Resampler
from mmresearch.tape.schema import Tape

HORIZON_S = 60.0
BAD_BPS = 10.0
#: Thresholds between which falls are counted.
EDGES = np.geomspace(1e-4, 1.0 - 1e-6, 400)
#: Quantiles of q at which P(p < q) is taken.
_Q = (np.arange(32) + 0.5) / 32


@dataclass(frozen=True)
class CascadeState:
    """Falls by size, and how many of them were followed by bad markouts; points that wait for the next ones.

    Attributes
    ----------
    resampler : Resampler
        Mid and open interest at whole minutes.
    bad, total : ndarray, shape (401,)
        Falls not above the first of `EDGES`, between the edges, and above the last.
    """

    resampler: Resampler = field(
        default_factory=lambda: Resampler(HORIZON_S, lookback=2, column="open_interest", reach_s=HORIZON_S)
    )
    bad: NDArray[np.float64] = field(default_factory=lambda: np.zeros(EDGES.size + 1))
    total: NDArray[np.float64] = field(default_factory=lambda: np.zeros(EDGES.size + 1))

    @property
    def events(self) -> float:
        """Falls, discounted ones by their weight."""
        return float(self.total.sum())

    def decayed(self, factor: float) -> CascadeState:
        """Return the state with its counts multiplied: the likelihood, both chances given, raised to that power."""
        return replace(self, bad=self.bad * factor, total=self.total * factor)


@dataclass(frozen=True)
class CascadeThreshold:
    """A change point in size: markouts are bad more often after falls beyond it.

    Parameters
    ----------
    a, b : float
        Prior Beta of the threshold: the catalogue's mean .02 with strength 100 by default.
    below, above : tuple of float
        Prior Beta of the chance of bad markouts after smaller, and after larger falls.
    """

    a: float = 2.0
    b: float = 98.0
    below: tuple[float, float] = (1.0, 1.0)
    above: tuple[float, float] = (1.0, 1.0)
    parameter: str = "cascade_oi_threshold"
    name: str = "CascadeThreshold"
    reads: str = "trades"
    horizon_s: float = HORIZON_S

    def init(self) -> CascadeState:
        """Start from the prior."""
        return CascadeState()

    def update(self, state: CascadeState, tape: Tape) -> CascadeState:
        """Count the falls whose following minute the slice completes."""
        resampler, points = state.resampler.step(tape)
        if len(points) < 3:
            return CascadeState(resampler, state.bad, state.total)
        held = points.signal
        fall = 1.0 - held[1:-1] / held[:-2]
        move = np.diff(points.log_mid)[1:] * 1e4
        counts = points.neighbours()[1:] & (np.diff(points.index)[:-1] == 1) & (fall > 0)
        size = np.searchsorted(EDGES, fall[counts], side="left")
        bad = np.abs(move[counts]) > BAD_BPS
        bins = EDGES.size + 1
        return CascadeState(
            resampler,
            state.bad + np.bincount(size[bad], minlength=bins),
            state.total + np.bincount(size, minlength=bins),
        )

    def posterior(self, state: State) -> GridBelief:
        """Density of the threshold, a fraction of open interest."""
        return GridBelief(EDGES, np.asarray(Beta(self.a, self.b).logpdf(EDGES)) + self.log_likelihood(state))

    def log_likelihood(self, state: State) -> NDArray[np.float64]:
        """Log likelihood of a threshold at each of `EDGES`, both chances integrated out, up to a constant."""
        _, inverse, both = self._rates(state)
        value = sum(special.betaln(a, b) for a, b in both) + np.log(_in_order(*both))
        return np.asarray(value[inverse])

    def _rates(self, state: CascadeState) -> tuple[Any, Any, Any]:
        """Beta parameters of both chances for each threshold; thresholds with the same counts are looked at once."""
        bad, total = np.cumsum(state.bad), np.cumsum(state.total)
        counts = np.stack([bad, total - bad], axis=1)
        unique, inverse = np.unique(counts[:-1], axis=0, return_inverse=True)
        rest = counts[-1] - unique
        below = tuple((unique + np.array(self.below)).T)
        above = tuple((rest + np.array(self.above)).T)
        return unique, inverse.ravel(), (below, above)

    def predictive(self, state: State) -> Any:
        """Return whether bad markouts follow a fall just beyond the threshold: Bernoulli (frozen scipy)."""
        belief = self.posterior(state)
        _, inverse, both = self._rates(state)
        weight = belief.density * np.gradient(EDGES)
        a, b = both[1]
        return stats.bernoulli(float(weight @ (a / (a + b))[inverse] / weight.sum()))


def _in_order(below: tuple[Any, Any], above: tuple[Any, Any]) -> NDArray[np.float64]:
    """Return P(p < q) for independent Betas, by averaging the cdf of p over quantiles of q."""
    q = special.betaincinv(above[0][:, None], above[1][:, None], _Q)
    return np.maximum(special.betainc(below[0][:, None], below[1][:, None], q).mean(axis=1), 1e-300)
