"""What a world can do beyond a plain mid and a Poisson flow: nine features, each off unless it is given.

    market orders   intensity mu + sum of branching decay e^{-decay t} over the orders before
    momentum        m, an Ornstein-Uhlenbeck process of unit variance;  E[move over 10 s | m] = slope m
    changepoints    one a second with probability hazard;  mean move over the next 10 s = move_sigmas sigma sqrt(10 s)
    regimes         calm and lively, each kept with probability stay per second
    noise           quoted log mid = latent log price + N(0, variance), afresh at each quote
    imbalance       microprice - mid, an Ornstein-Uhlenbeck process that keeps the share decay after one second
    open interest   falls within a minute; falls beyond the threshold are followed by a fall of the mid
    toxic hours     E[cost of a touch fill there] = multiplier E[cost elsewhere]
    account         what the profit of a fill is a fraction of

Units: bps of mid, seconds, variance of log price. Time 0 of a tape is midnight.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite

from mmresearch.sim.ranges import require_positive, require_probability

#: Horizon of the moves that momentum and changepoints foretell.
FORETELLS_S = 10.0
#: How long open interest takes to fall, and the mid to follow.
MINUTE_S = 60


@dataclass(frozen=True)
class Hawkes:
    """Market orders that bring others: a cluster process whose immigrants are the orders of the plain world.

    Attributes
    ----------
    branching : float
        Expected number of orders that one order brings, below 1.
    decay_per_s : float
        Rate at which excitation decays.

    Raises
    ------
    ValueError
        If a value is outside its range.
    """

    branching: float = 0.4
    decay_per_s: float = 1.0

    def __post_init__(self) -> None:
        require_probability(self, "branching", below_one=True)
        require_positive(self, "decay_per_s")


@dataclass(frozen=True)
class Momentum:
    """A signal on a grid of 1 s that the drift of the mid is proportional to.

    Attributes
    ----------
    slope_bps : float
        Expected mid move over the next 10 s per unit of the signal.
    reversion_per_s : float
        Decay rate of the signal's autocorrelation.

    Raises
    ------
    ValueError
        If a value is outside its range.
    """

    slope_bps: float = 2.0
    reversion_per_s: float = 0.05

    def __post_init__(self) -> None:
        require_positive(self, "reversion_per_s")
        _require_finite(self, "slope_bps")


@dataclass(frozen=True)
class Changepoints:
    """Seconds after which the mid drifts for 10 s; the drift of one that comes meanwhile does not add up.

    Attributes
    ----------
    hazard_per_s : float
        Rate; its product with 1 s is the probability of a changepoint in each second.
    move_sigmas : float
        Mean move over the 10 s after a changepoint, in standard deviations of moves of the volatility alone.

    Raises
    ------
    ValueError
        If a value is outside its range.
    """

    hazard_per_s: float = 0.006
    move_sigmas: float = 2.0

    def __post_init__(self) -> None:
        require_probability(self, "hazard_per_s")
        _require_finite(self, "move_sigmas")


@dataclass(frozen=True)
class Regimes:
    """Two regimes of equal weight; volatility and half-spread are multiplied in the lively one.

    Attributes
    ----------
    stay : float
        Probability of staying in either for one second.
    volatility_ratio, spread_ratio : float
        Factors in the lively regime.

    Raises
    ------
    ValueError
        If a value is outside its range.
    """

    stay: float = 0.97
    volatility_ratio: float = 3.0
    spread_ratio: float = 1.5

    def __post_init__(self) -> None:
        require_probability(self, "stay")
        require_positive(self, "volatility_ratio", "spread_ratio")


@dataclass(frozen=True)
class ObservationNoise:
    """Quoted mids that scatter about the latent price.

    Attributes
    ----------
    variance : float
        Variance of the log price of one quote about the latent one.

    Raises
    ------
    ValueError
        If the variance is negative.
    """

    variance: float = 2.5e-9

    def __post_init__(self) -> None:
        require_positive(self, "variance", or_zero=True)


@dataclass(frozen=True)
class Imbalance:
    """Sizes at the touch that lean to one side and forget it.

    Attributes
    ----------
    decay : float
        Autocorrelation of microprice minus mid after one second.
    share : float
        Its standard deviation, as a share of the half-spread; small enough that the microprice stays inside the touch.

    Raises
    ------
    ValueError
        If a value is outside its range.
    """

    decay: float = 0.95
    share: float = 0.2

    def __post_init__(self) -> None:
        require_probability(self, "decay")
        if not 0 < self.share <= 0.25:
            raise ValueError(f"share must be above 0 and at most .25, or microprices leave the touch; got {self.share}")


@dataclass(frozen=True)
class OpenInterest:
    """Open interest that falls in some minutes and recovers in the next, while the mid follows or not.

    Every other minute may have a fall, of a lognormal fraction whose median is the threshold. In the minute after a
    fall beyond the threshold the mid falls with probability 1 - `miss`, after a smaller one with probability `false`.

    Attributes
    ----------
    threshold : float
        Fraction of open interest beyond which a fall is followed by bad markouts.
    drop_log_sd : float
        Sd of the log fraction.
    drop_share : float
        Share of the minutes that may have a fall and do.
    miss, false : float
        Probabilities of no move after a large fall, and of one after a small fall.
    move_bps, move_sd_bps : float
        Mean and sd of the fall of the mid.
    contracts : float
        Level of open interest.
    noise_ratio : float
        Sd of one reading, in thresholds.

    Raises
    ------
    ValueError
        If a value is outside its range.
    """

    threshold: float = 0.02
    drop_log_sd: float = 0.6
    drop_share: float = 0.7
    miss: float = 0.05
    false: float = 0.05
    move_bps: float = 25.0
    move_sd_bps: float = 5.0
    contracts: float = 1e6
    noise_ratio: float = 0.01

    def __post_init__(self) -> None:
        require_positive(self, "threshold", "contracts", "move_bps")
        require_positive(self, "drop_log_sd", "move_sd_bps", "noise_ratio", or_zero=True)
        require_probability(self, "drop_share", "miss", "false")
        require_probability(self, "threshold", below_one=True)


@dataclass(frozen=True)
class ToxicHours:
    """Hours of the day in which jumps after informed fills are larger.

    Attributes
    ----------
    multiplier : float
        Expected cost of a touch fill (fee plus adverse move) in these hours over that in the others.
    hours : tuple of int
        Hours of the day, 0 to 23.

    Raises
    ------
    ValueError
        If a value is outside its range.
    """

    multiplier: float = 2.0
    hours: tuple[int, ...] = (6, 7, 14)

    def __post_init__(self) -> None:
        require_positive(self, "multiplier")
        if not self.hours or not set(self.hours) < set(range(24)):
            raise ValueError(f"hours must name some hours of the day from 0 to 23 and not all, got {self.hours}")


@dataclass(frozen=True)
class Account:
    """What the profit of a fill is measured against.

    Attributes
    ----------
    lots : float
        Account in units of one lot at the starting price.

    Raises
    ------
    ValueError
        If it is not positive.
    """

    lots: float = 1.0

    def __post_init__(self) -> None:
        require_positive(self, "lots")


def _require_finite(value: object, *names: str) -> None:
    for name in names:
        if not isfinite(getattr(value, name)):
            raise ValueError(f"{name} must be a finite number, got {getattr(value, name)}")
