"""The gate as deployed: thresholds in the code, one switch for all learned numbers, all or nothing.

    calibrated = n >= n_min and sd/|mean| < c_max
    tier 1 ready = alpha_touch (50, .5) and gamma_base (20, 1) and kappa (100, .5)
    tier 2 ready = cascade_oi_threshold (10, 1) and bocpd_threshold (10, .5);   warm-up complete = 100 fills
    value = learned mean if tier 1 is ready, else the adaptive estimate if there is one, else the configured number

n is a count of observations, never discounted; sd and mean are those of the posterior. The tick on which the last of
three conditions comes true moves every quote from one branch to the other at once. `mmresearch.learn.readiness.rule`
is the rule that does not.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from mmresearch.belief.contract import Belief

#: Parameter -> least number of observations, and the cv that it must stay below.
TIER_1: Mapping[str, tuple[int, float]] = MappingProxyType(
    {"alpha_touch": (50, 0.5), "gamma_base": (20, 1.0), "kappa": (100, 0.5)}
)
TIER_2: Mapping[str, tuple[int, float]] = MappingProxyType(
    {"cascade_oi_threshold": (10, 1.0), "bocpd_threshold": (10, 0.5)}
)
WARM_UP_FILLS = 100


@dataclass(frozen=True)
class FamilyState:
    """A posterior and the number of observations that it was given.

    Attributes
    ----------
    belief : Belief
        Posterior.
    n : float
        Observations since the start.
    """

    belief: Belief
    n: float

    @property
    def cv(self) -> float:
        """Standard deviation over the absolute mean; infinite at a mean of zero."""
        mean = abs(float(self.belief.mean()))
        return float(self.belief.std()) / mean if mean > 0 else float("inf")

    def calibrated(self, min_n: float, max_cv: float) -> bool:
        """Whether there are at least `min_n` observations and the cv is below `max_cv`."""
        return self.n >= min_n and self.cv < max_cv


@dataclass(frozen=True)
class DeployedStatus:
    """What the deployed system calls its calibration status.

    Attributes
    ----------
    tier1_ready, tier2_ready : bool
        Whether every parameter of the tier's list is calibrated.
    warm_up_complete : bool
        Whether 100 fills were seen.
    """

    tier1_ready: bool
    tier2_ready: bool
    warm_up_complete: bool


def deployed_status(states: Mapping[str, FamilyState], fills: float) -> DeployedStatus:
    """Return the status of a set of learned parameters.

    Parameters
    ----------
    states : mapping of str to FamilyState
        By catalogue name; one that is missing is not calibrated.
    fills : float
        Fills seen since the start.
    """

    def ready(tier: Mapping[str, tuple[int, float]]) -> bool:
        return all(name in states and states[name].calibrated(*wanted) for name, wanted in tier.items())

    return DeployedStatus(ready(TIER_1), ready(TIER_2), fills >= WARM_UP_FILLS)


def deployed_choice(
    learned: float, adaptive: float | None, configured: float, status: DeployedStatus, use_learned: bool = True
) -> float:
    """Return the one number that is quoted from.

    Parameters
    ----------
    learned, configured : float
        Posterior mean, and the typed-in number, in one unit.
    adaptive : float or None
        Running estimate; None if it is switched off or not warm.
    status : DeployedStatus
        Tier 1 decides for every parameter, of whatever tier.
    use_learned : bool
        The one configuration key that is read.
    """
    if use_learned and status.tier1_ready:
        return learned
    return configured if adaptive is None else adaptive
