"""How far a learned number is to be trusted: a weight that grows with evidence and fades with age, never a gate.

    w = min(1, n/n*, (c*/c)^2) 2^{-age/h}

n observations of n* wanted, c the relative sd of the belief of at most c*, age the seconds since the last evidence, h
the half-life of staleness (s). Precision grows like n, so both ratios are shares of the information that is wanted.

w is continuous in all three: its slope is at most 1/n* per observation, 2/c* per unit of c and ln 2/h per second. But
data may come in jumps: the first fill after a night takes the age from eight hours to none. `Ramp` therefore follows w
by at most 1/n* per observation. The rule is the project's own; its numbers are those of the deployed configuration.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from mmresearch.belief.contract import Belief

State = Literal["cold", "warming", "ready", "stale"]


@dataclass(frozen=True)
class ReadinessRule:
    """What makes a learned number ready.

    Attributes
    ----------
    min_observations : float
        Observations wanted.
    max_cv : float
        Relative sd that a belief may have.
    staleness_half_life_s : float
        Seconds after which trust without new evidence is halved; infinite for never.
    use_learned : bool
        False to quote without learned numbers.

    Raises
    ------
    ValueError
        If a number is not positive.
    """

    min_observations: float = 100.0
    max_cv: float = 0.5
    staleness_half_life_s: float = 4 * 3600.0
    use_learned: bool = True

    def __post_init__(self) -> None:
        """Refuse numbers that make no rule."""
        for name in ("min_observations", "max_cv", "staleness_half_life_s"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} of a readiness rule must be positive, got {getattr(self, name)}")

    @staticmethod
    def from_keys(keys: Mapping[str, Any]) -> ReadinessRule:
        """Return the rule that the deployed configuration keys state; a key that is absent keeps its default.

        Parameters
        ----------
        keys : mapping
            Of ``use_learned_parameters``, ``learned_param_min_observations``, ``learned_param_max_cv`` and
            ``learned_param_staleness_hours``.

        Raises
        ------
        ValueError
            If there is another key: one that is read nowhere must not look as if it were.
        """
        unknown = [k for k in keys if k not in _KEYS]
        if unknown:
            near = difflib.get_close_matches(unknown[0], _KEYS, n=1, cutoff=0.0)[0]
            raise ValueError(f"no rule reads the key {unknown[0]!r}; did you mean {near!r}?")
        return ReadinessRule(**{_KEYS[k][0]: _KEYS[k][1](value) for k, value in keys.items()})


_KEYS: Mapping[str, tuple[str, Any]] = {
    "use_learned_parameters": ("use_learned", bool),
    "learned_param_min_observations": ("min_observations", float),
    "learned_param_max_cv": ("max_cv", float),
    "learned_param_staleness_hours": ("staleness_half_life_s", lambda hours: 3600.0 * float(hours)),
}


@dataclass(frozen=True)
class Readiness:
    """How far one learned number is to be trusted.

    Attributes
    ----------
    state : {"cold", "warming", "ready", "stale"}
        Nothing seen; too little or too vague; enough; last evidence older than a half-life.
    weight : float
        Share of the learned number in what is quoted, in [0, 1].
    reason : str
        One sentence with the numbers.
    n, cv, age_s : float
        Observations, relative sd, seconds since the last evidence.
    """

    state: State
    weight: float
    reason: str
    n: float
    cv: float
    age_s: float


def relative_sd(belief: Belief, prior: Belief) -> float:
    """Return the sd of a belief over the size of what it is about.

    That is its mean, if the parameter is positive. Where the prior admits zero, sd/mean says nothing (a cost known to
    .01 bps around 0 has an infinite one), and the larger of the mean and the sd of the prior takes its place.

    Parameters
    ----------
    belief, prior : Belief
        What is believed now, and what was before any data.

    Returns
    -------
    float
        Infinite where the belief has no mean or no sd.
    """
    mean, sd = float(belief.mean()), float(belief.std())
    size = abs(mean) if float(prior.cdf(0.0)) == 0.0 else max(abs(mean), float(prior.std()))
    cv = sd / size if size > 0 else math.inf
    return math.inf if math.isnan(cv) else cv


def assess(belief: Belief, prior: Belief, n: float, age_s: float, rule: ReadinessRule) -> Readiness:
    """Say how far a learned number is to be trusted.

    Parameters
    ----------
    belief, prior : Belief
        What is believed now, and what was before any data.
    n : float
        Observations behind it; discounted ones by their weight.
    age_s : float
        Seconds since the last one; infinite if there was none.
    rule : ReadinessRule
        What is wanted.

    Raises
    ------
    ValueError
        If `n` or `age_s` is negative or not a number.
    """
    if not (n >= 0 and age_s >= 0):
        raise ValueError(f"observations and age cannot be negative, got n={n}, age_s={age_s}")
    cv = relative_sd(belief, prior)
    known = min(1.0, n / rule.min_observations, (rule.max_cv / cv) ** 2 if cv > 0 else 1.0)
    fresh = 0.5 ** (age_s / rule.staleness_half_life_s) if math.isfinite(age_s) else 0.0
    weight = known * fresh if rule.use_learned else 0.0
    return Readiness(_state(n, cv, age_s, rule), weight, _reason(n, cv, age_s, rule), n, cv, age_s)


def _state(n: float, cv: float, age_s: float, rule: ReadinessRule) -> State:
    if n == 0:
        return "cold"
    if age_s > rule.staleness_half_life_s:
        return "stale"
    return "ready" if n >= rule.min_observations and cv <= rule.max_cv else "warming"


def _reason(n: float, cv: float, age_s: float, rule: ReadinessRule) -> str:
    # Rounded down, or 99.7 of 100 would read as enough.
    seen = f"{math.floor(n)} of {rule.min_observations:g} observations"
    sure = f"cv {_short(cv)} of at most {_short(rule.max_cv)}"
    old = f"last evidence {_ago(age_s)} ago" if math.isfinite(age_s) else "no evidence yet"
    off = "" if rule.use_learned else "; learned numbers are switched off"
    return f"{seen}; {sure}; {old}{off}"


def _short(x: float) -> str:
    return f"{x:.2f}".removeprefix("0") if x < 10 else f"{x:.3g}"


def _ago(age_s: float) -> str:
    if age_s < 120:
        return f"{age_s:.0f} s"
    return f"{age_s / 60:.0f} min" if age_s < 7200 else f"{age_s / 3600:.1f} h"


@dataclass(frozen=True)
class Ramp:
    """The weight in use: follows the one that `assess` states, a little with each observation; a value, picklable.

    Attributes
    ----------
    weight : float
        Share of the learned number, in [0, 1].
    at_s : float or None
        When it was so, in seconds; None before the first step.
    """

    weight: float = 0.0
    at_s: float | None = None

    def follow(self, readiness: Readiness, observations: float, now_s: float, rule: ReadinessRule) -> Ramp:
        """Return the ramp after some observations.

        The weight halves with each half-life of staleness and moves towards the stated one by at most
        1/`min_observations` for each observation. Switching learned numbers off is an order and works at once.

        Parameters
        ----------
        readiness : Readiness
            From `assess`, now.
        observations : float
            How many came since the last step.
        now_s : float
            Seconds, on the clock of the tape.
        rule : ReadinessRule
            The rule of `readiness`.

        Raises
        ------
        ValueError
            If time runs backwards or the number of observations is negative.
        """
        elapsed = 0.0 if self.at_s is None else now_s - self.at_s
        if not (elapsed >= 0 and observations >= 0):
            raise ValueError(f"a ramp goes forwards, got {observations} observations in {elapsed} s")
        if not rule.use_learned:
            return Ramp(0.0, now_s)
        rest, reach = self.weight * 0.5 ** (elapsed / rule.staleness_half_life_s), observations / rule.min_observations
        return Ramp(float(np.clip(readiness.weight, rest - reach, rest + reach)), now_s)

    def applied(self, readiness: Readiness) -> Readiness:
        """Return the readiness with the weight in use."""
        return replace(readiness, weight=self.weight)
