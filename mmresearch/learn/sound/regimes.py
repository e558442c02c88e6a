"""regime_sticky_diagonal: the probability of staying in a regime for a second, regimes never decoded.

Two regimes differ in volatility and in spread; a hidden Markov model (see `mmresearch.learn.sound.hidden_markov`) sees,
for each second, the return of the mid that follows it over the root of the time between its quotes, and the log spread:

    p(stay | data) ~ Beta(stay; a, b)  max_emissions L(stay, emissions)

Approximated: the emissions are profiled, not integrated, out: from the mode outwards they are refitted for each stay by
a few rounds of expectation-maximisation, about one sd apart; between them the log likelihood is a cubic spline. Both
regimes are equally sticky. The evidence is the series itself, at most `SECONDS` newest seconds of it: no sums suffice
where regimes are hidden. Seconds without a new quote are gaps. The probability is per second.

Forgotten is by raising the likelihood of each second, given those before it, to the power of its weight; the emissions
are then refitted to expected sums weighted so, which only nearly maximises that.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray
from scipy import interpolate, special

from mmresearch.belief.beta import Beta
from mmresearch.belief.grid import GridBelief
from mmresearch.belief.zoom import POINTS
from mmresearch.learn.contract import State
from mmresearch.learn.sound.hidden_markov import Series, first_guess, fitted, series_of
from mmresearch.tape.resample import Resampler
from mmresearch.tape.schema import Tape

FloatArray = NDArray[np.float64]

#: The newest seconds that are kept: a likelihood is linear in them.
SECONDS = 10_000
#: Seconds below which regimes cannot be told, and the belief is the prior.
LEAST_SECONDS = 30
#: Least sd of log spreads where the tick is not known.
LEAST_SPREAD_SD = 0.02
#: Logits of stay that are looked at, and a step that tells how wide the belief is.
LOGITS, TRIAL = (-3.0, 12.0), 0.1
#: Rounds of fitting at first, and from one logit to the next; how many logits on a side, and how far down.
FIRST_ROUNDS, ROUNDS, MOST_NODES, DEPTH_NATS = 40, 4, 16, 18.0
#: Seconds of less weight are dropped.
LEAST_WEIGHT = 1e-6
#: Columns of the series: second, return, ln spread, ln of a tick over the mid, weight.
_WIDTH = 5


@dataclass(frozen=True)
class RegimeState:
    """The series, newest last.

    Attributes
    ----------
    resampler : Resampler
        Quotes at whole seconds.
    series : ndarray, shape (n, 5)
        Second, return over the root of its time (bps per sqrt s), ln spread, ln of a tick over the mid (NaN if the tick
        is unknown), weight.
    n : float
        Seconds ever seen, discounted ones by their weight.
    """

    resampler: Resampler = field(default_factory=lambda: Resampler(1.0))
    series: FloatArray = field(default_factory=lambda: np.empty((0, _WIDTH)))
    n: float = 0.0

    @property
    def events(self) -> float:
        """Seconds of the series, discounted ones by their weight."""
        return self.n

    def decayed(self, factor: float) -> RegimeState:
        """Return the state with the weight of every second multiplied, see the module."""
        series = self.series.copy()
        series[:, -1] *= factor
        return replace(self, series=series[series[:, -1] >= LEAST_WEIGHT], n=self.n * factor)


@dataclass(frozen=True)
class RegimeStickiness:
    """Two hidden regimes in returns and spreads.

    Parameters
    ----------
    a, b : float
        Prior Beta; the catalogue's mean .95 with strength 100 by default.
    """

    a: float = 95.0
    b: float = 5.0
    parameter: str = "regime_sticky_diagonal"
    name: str = "RegimeStickiness"
    reads: str = "trades"
    horizon_s: float | None = None

    def init(self) -> RegimeState:
        """Start from the prior."""
        return RegimeState()

    def update(self, state: RegimeState, tape: Tape) -> RegimeState:
        """Append the seconds that the slice completes."""
        resampler, points = state.resampler.step(tape)
        kept = points.neighbours() & points.fresh[1:]
        time = np.diff(points.quoted_at)[kept]
        returns = np.diff(points.log_mid)[kept] * 1e4 / np.sqrt(time)
        tick = np.full(returns.size, np.log(tape.meta.tick) if tape.meta.tick else np.nan) - points.log_mid[:-1][kept]
        columns = (points.index[:-1][kept], returns, points.log_spread[:-1][kept], tick, np.ones(returns.size))
        series = np.concatenate([state.series, np.column_stack(columns)])[-SECONDS:]
        return RegimeState(resampler, series, state.n + returns.size)

    def posterior(self, state: State) -> Beta | GridBelief:
        """Density of the probability of staying for a second."""
        prior = Beta(self.a, self.b)
        if len(state.series) < LEAST_SECONDS or not np.any(state.series[:, 1]):
            return prior
        logit, value = _profile(observed(state), prior)
        spline = interpolate.CubicSpline(logit, value)

        def log_density(u: FloatArray) -> FloatArray:
            return prior.logpdf(special.expit(u)) + np.log(special.expit(u) * special.expit(-u)) + spline(u)

        u = np.linspace(logit[0], logit[-1], POINTS)
        stay = np.asarray(special.expit(u), dtype=np.float64)
        return GridBelief(stay, log_density(u) - np.log(stay * special.expit(-u)))


def observed(state: RegimeState) -> Series:
    """Return the series of a state as the hidden Markov model reads it; with at least one second in it.

    Parameters
    ----------
    state : RegimeState
        Seconds seen so far.
    """
    index, returns, log_spread, log_tick, weight = state.series.T
    ticks = np.exp(log_tick - log_spread)
    # Bid and ask are rounded to the tick each for itself: the difference of two uniform errors.
    rounding = float(np.median(ticks)) / np.sqrt(6.0) if np.isfinite(ticks).all() else 0.0
    return series_of(np.append(1.0, np.diff(index)), returns, log_spread, weight, max(rounding, LEAST_SPREAD_SD))


def _profile(series: Series, prior: Beta) -> tuple[FloatArray, FloatArray]:
    """Logits of stay, about the mode and outwards, and the log likelihood there, its emissions fitted."""
    counts = (prior.a - 1.0, prior.b - 1.0)
    start, stay, _ = fitted(series, prior.mean(), first_guess(series), FIRST_ROUNDS, counts)
    centre = float(np.clip(special.logit(stay), *LOGITS))

    def height(u: float, emissions: FloatArray) -> tuple[FloatArray, float]:
        emissions, _, value = fitted(series, float(special.expit(u)), emissions, ROUNDS)
        return emissions, value

    start, peak = height(centre, start)
    found = {centre: peak}
    fall = peak + _log_prior(prior, centre) - height(centre + TRIAL, start)[1] - _log_prior(prior, centre + TRIAL)
    step = float(np.clip(TRIAL / np.sqrt(2.0 * max(fall, 1e-6)), 0.02, 0.5))
    for way in (-step, step):
        emissions, u = start, centre
        for _ in range(MOST_NODES):
            u += way
            if not LOGITS[0] <= u <= LOGITS[1]:
                break
            emissions, found[u] = height(u, emissions)
            if found[u] + _log_prior(prior, u) < peak + _log_prior(prior, centre) - DEPTH_NATS:
                break
    logits = np.array(sorted(found))
    return logits, np.array([found[u] for u in logits])


def _log_prior(prior: Beta, u: float) -> float:
    """Log prior density of the logit of stay."""
    return float(prior.logpdf(special.expit(u)) + np.log(special.expit(u) * special.expit(-u)))
