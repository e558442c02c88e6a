"""How many fills until a number is known: the textbook formulas, what dependent events make of them, and Bayes' answer.

    proportion         n = z^2 p (1 - p)/m^2        m half the width of the interval
    mean               n = (z c/m)^2                c the sd over the mean, m relative to the mean
    information ratio  n = (2 z/w)^2 (1 + r^2/2)    w the width of the interval, r the ratio (Lo 2002)

are for independent events. Dependent ones need D times as many (`mmresearch.learn.planning.dependence`). The deployed
system has D = 1, r = 0 and least numbers of 10 and 50. It also asks for 100 observations before it believes an
information ratio to within .2, where its own formula says 385: `historical_rule` says what 100 give.

With a conjugate belief there is a better question: how many more events until the interval will be narrow, expected
over what they may be? `fills_needed` answers it by search over `mmresearch.learn.planning.expected_width`, which is
exact.
Widths in the unit of the parameter, or relative to its mean; rates in events per second.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from scipy import special

from mmresearch.learn.planning.expected_width import Conjugate, expected_width
from mmresearch.learn.readiness.forgetting import weight_cap


def _z(level: float) -> float:
    if not 0 < level < 1:
        raise ValueError(f"level must lie strictly between 0 and 1, got {level}")
    return float(special.ndtri(0.5 + 0.5 * level))


def _ceil(n: float, design_effect: float, at_least: int) -> int:
    if not design_effect >= 1:
        raise ValueError(f"a design effect for planning is at least 1, got {design_effect}")
    # Rounded first: 25.000000000000004 is 25.
    return max(math.ceil(round(n * design_effect, 9)), at_least)


def proportion_fills(
    p: float = 0.25, margin: float = 0.1, level: float = 0.95, design_effect: float = 1.0, at_least: int = 10
) -> int:
    """Return the fills after which a probability is known to +/- `margin`; 73 as deployed.

    Parameters
    ----------
    p : float
        The probability, in (0, 1).
    margin : float
        Half the width of its interval.
    level : float
        Probability that the interval holds.
    design_effect : float
        How many dependent events weigh as one independent one.
    at_least : int
        Never fewer than this.
    """
    if not (0 < p < 1 and margin > 0):
        raise ValueError(f"p must lie in (0, 1) and the margin be positive, got {p} and {margin}")
    return _ceil(_z(level) ** 2 * p * (1 - p) / margin**2, design_effect, at_least)


def mean_fills(
    cv: float = 0.5, margin: float = 0.2, level: float = 0.95, design_effect: float = 1.0, at_least: int = 1
) -> int:
    """Return the fills after which a mean is known to +/- `margin` of itself; 25 as deployed.

    Parameters
    ----------
    cv : float
        Standard deviation of one observation over the mean.
    margin : float
        Half the width of the interval, relative to the mean.
    level : float
        Probability that the interval holds.
    design_effect : float
        How many dependent events weigh as one independent one.
    at_least : int
        Never fewer than this.
    """
    if not (cv > 0 and margin > 0):
        raise ValueError(f"cv and margin must be positive, got {cv} and {margin}")
    return _ceil((_z(level) * cv / margin) ** 2, design_effect, at_least)


def information_ratio_fills(
    width: float = 0.2, ratio: float = 0.0, level: float = 0.95, design_effect: float = 1.0, at_least: int = 50
) -> int:
    """Return the fills after which mean over sd is known to an interval of that width; 385 as deployed.

    Parameters
    ----------
    width : float
        Whole width of the interval.
    ratio : float
        The information ratio per fill; the deployed formula takes it for 0.
    level : float
        Probability that the interval holds.
    design_effect : float
        How many dependent events weigh as one independent one.
    at_least : int
        Never fewer than this.
    """
    if not width > 0:
        raise ValueError(f"the width of an interval must be positive, got {width}")
    return _ceil((2 * _z(level) / width) ** 2 * (1 + 0.5 * ratio**2), design_effect, at_least)


@dataclass(frozen=True)
class RuleShortfall:
    """What a rule of thumb promises and what it gives.

    Attributes
    ----------
    fills, fills_needed : int
        What the rule waits for, and what its promise takes.
    width_promised, width_given : float
        Width of the interval that it states, and that its number of fills gives.
    """

    fills: int
    fills_needed: int
    width_promised: float
    width_given: float


def historical_rule(
    fills: int = 100, width: float = 0.2, ratio: float = 0.0, level: float = 0.95, design_effect: float = 1.0
) -> RuleShortfall:
    """Hold the deployed rule to its word: 100 fills, so that the interval of the information ratio is narrower than .2.

    Parameters
    ----------
    fills : int
        What the rule waits for.
    width : float
        Width that it promises.
    ratio : float
        The information ratio per fill.
    level : float
        Probability that the interval holds.
    design_effect : float
        How many dependent events weigh as one independent one.
    """
    if not fills >= 1:
        raise ValueError(f"a rule waits for at least one fill, got {fills}")
    needed = information_ratio_fills(width, ratio, level, design_effect, at_least=1)
    given = 2 * _z(level) * math.sqrt(design_effect * (1 + 0.5 * ratio**2) / fills)
    return RuleShortfall(fills, needed, width, given)


@dataclass(frozen=True)
class FillsNeeded:
    """How much more has to happen until a number is known.

    Attributes
    ----------
    fills : int
        Further fills, dependent ones if a design effect was given.
    seconds : float
        How long they take; NaN without a rate, infinite where forgetting never lets so many gather.
    width_now, width_then : float
        Width of the interval now, and expected then (that of the least number of independent events).
    reason : str
        One sentence.
    """

    fills: int
    seconds: float
    width_now: float
    width_then: float
    reason: str


def fills_needed(
    belief: Conjugate,
    width: float,
    *,
    level: float = 0.9,
    relative: bool = False,
    rate_per_s: float | None = None,
    design_effect: float = 1.0,
    half_life_s: float = math.inf,
) -> FillsNeeded:
    """Return how many more fills, and seconds, until the interval is expected to be narrower than `width`.

    Parameters
    ----------
    belief : Beta, Gamma or NormalInverseGamma
        What is believed now.
    width : float
        Of the equal-tailed interval, in the unit of the parameter.
    level : float
        Probability that the interval holds.
    relative : bool
        Take `width` as a multiple of the mean that is believed now.
    rate_per_s : float, optional
        Fills per second that carry evidence.
    design_effect : float
        How many dependent fills weigh as one independent one: see `mmresearch.learn.planning.dependence`.
    half_life_s : float
        Half-life of forgetting, in seconds, with `belief` as what forgetting returns to: weights of n fills then take
        longer to gather, and more than 1.44 half-lives' worth never do.

    Raises
    ------
    ValueError
        If a number is not positive, the design effect below 1, or a half-life given without a rate.
    """
    if not (width > 0 and half_life_s > 0 and (rate_per_s is None or rate_per_s > 0)):
        raise ValueError(f"width, rate and half-life must be positive, got {width}, {rate_per_s}, {half_life_s}")
    if math.isfinite(half_life_s) and rate_per_s is None:
        raise ValueError("with a half-life the answer depends on how fast fills come: give rate_per_s")
    goal = width * abs(belief.mean()) if relative else width
    n = _first_below(belief, goal, level)
    fills = _ceil(n, design_effect, 0)
    seconds = math.nan if rate_per_s is None else _seconds(fills, rate_per_s, half_life_s)
    now, then = expected_width(belief, 0, level), expected_width(belief, n, level)
    reason = f"the {level:.0%} interval is {now:.3g} wide; {_said(fills, seconds)} make it {then:.3g}, as expected now"
    if math.isinf(seconds):
        cap = weight_cap(half_life_s, rate_per_s or math.nan)
        reason = (
            f"{fills} fills are needed, but a half-life of {half_life_s:g} s remembers {cap:.0f} at this rate: never"
        )
    return FillsNeeded(fills, seconds, now, then, reason)


def _said(fills: int, seconds: float) -> str:
    time = "" if math.isnan(seconds) else f" ({seconds:.3g} s)"
    return f"{fills} more fills{time}"


def _seconds(fills: int, rate_per_s: float, half_life_s: float) -> float:
    """Solve cap (1 - 2^{-t/h}) = fills for t."""
    if math.isinf(half_life_s):
        return fills / rate_per_s
    share = fills / weight_cap(half_life_s, rate_per_s)
    return -half_life_s * math.log2(1 - share) if share < 1 else math.inf


def _first_below(belief: Conjugate, goal: float, level: float) -> int:
    """Least number of events with an expected width of at most `goal`; widths fall with each event."""
    if expected_width(belief, 0, level) <= goal:
        return 0
    low, high = 0, 1
    while expected_width(belief, high, level) > goal:
        low, high = high, 2 * high
        if high > 1 << 40:
            raise ValueError(f"an interval of {goal:g} takes more than {high} events; ask for less")
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if expected_width(belief, middle, level) > goal else (low, middle)
    return high
