"""Which worlds the learners of each parameter are sent through.

One `Design` per learnable parameter is all that a new row of the catalogue needs: the truths, the nuisances that must
not matter, the policies that must not matter, and how much information one event carries.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from mmresearch.audit.information import Information, counted_labels, moved_information
from mmresearch.sim.policies import Policy, Rotating, Stale

LADDER_BPS = (2.0, 4.0, 6.0, 9.0, 12.0, 16.0, 20.0, 25.0)
CLOSE_BPS = (1.5, 3.0, 5.0, 8.0)
DEEP_BPS = (9.0, 12.0, 16.0, 20.0, 25.0)


@dataclass(frozen=True)
class Design:
    """Which worlds a learner of one parameter is sent through.

    Attributes
    ----------
    truths : tuple of float
        Truths of the estimand check, in the catalogue unit.
    typical : float
        Truth of every check that needs one world.
    support : tuple of float
        Truths that the world can make.
    seconds, short_seconds : float
        Length of a tape with much data, and of a tape of the calibration check.
    logarithmic : bool
        Whether errors are measured on the log scale.
    tolerance : float
        Bias that does not matter, on that scale.
    is_cost : bool
        Whether more adverse data must raise the parameter.
    mirror_slack : float
        Move of the posterior mean that mirroring brings by itself, in the catalogue unit: simple returns and depths
        of r bps differ by about r^2/1e4 bps from those of the mirrored tape, whose ticks are no longer equal.
    nuisances : mapping
        World argument -> (low, high): values between which the posterior must not move.
    nulls : mapping
        Name -> (world arguments, the parameter's truth there): worlds in which the answer is known without a scale.
    policies : mapping
        Name -> quoting policy; the posterior must not depend on it.
    policy_world : mapping
        World arguments held fixed while policies are compared: a mid that moves, so that old orders differ from new.
    information : callable or None
        What the tape's distinct events can tell; see `mmresearch.audit.information`. None if that hangs on a variance
        which the learner may know or not: then calibration must tell.
    typical_policy : Policy or None
        How we quoted on the typical tape, where that matters.
    """

    truths: tuple[float, ...]
    typical: float
    support: tuple[float, float]
    seconds: float
    short_seconds: float
    logarithmic: bool
    tolerance: float
    is_cost: bool
    mirror_slack: float
    information: Information | None
    typical_policy: Policy | None = None
    nuisances: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    nulls: Mapping[str, tuple[Mapping[str, float], float]] = field(default_factory=dict)
    policies: Mapping[str, Policy] = field(default_factory=dict)
    policy_world: Mapping[str, float] = field(default_factory=lambda: {"sigma_bps_per_sqrt_s": 1.5})


_POLICIES: Mapping[str, Policy] = {
    "ladder to 25 bps": Rotating(depths_bps=LADDER_BPS, touch_share=0.3),
    "close ladder": Rotating(depths_bps=CLOSE_BPS, touch_share=0.3),
    "old orders": Stale(depths_bps=DEEP_BPS, touch_share=0.35, seconds=240.0),
}

#: The flow of market orders in which policies are compared, so that its chances do not hide their differences.
_SAME_FLOW = {"kappa": 2000.0, "A": 0.8, "half_spread_bps": 2.0}

DESIGNS: Mapping[str, Design] = {
    "kappa": Design(
        truths=(800.0, 1200.0, 1800.0, 2500.0, 3500.0, 5000.0),
        typical=2000.0,
        support=(100.0, 20000.0),
        seconds=7200.0,
        short_seconds=1800.0,
        logarithmic=True,
        tolerance=0.05,
        is_cost=False,
        mirror_slack=20.0,
        information=moved_information,
        typical_policy=Rotating(depths_bps=LADDER_BPS, touch_share=0.0),
        nuisances={"sigma_bps_per_sqrt_s": (0.5, 3.0)},
        policies=_POLICIES,
    ),
    "alpha_touch": Design(
        truths=(0.05, 0.15, 0.25, 0.4, 0.55, 0.7),
        typical=0.25,
        support=(1e-4, 1 - 1e-4),
        seconds=7200.0,
        short_seconds=900.0,
        logarithmic=False,
        tolerance=0.02,
        is_cost=True,
        mirror_slack=0.002,
        information=counted_labels,
        nuisances={"sigma_bps_per_sqrt_s": (0.5, 2.0)},
        nulls={"jumps in our favour": ({"adverse_bps": -14.0}, 0.0)},
        policies=_POLICIES,
        policy_world={"sigma_bps_per_sqrt_s": 3.0, **_SAME_FLOW},
    ),
    "spread_floor_bps": Design(
        truths=(1.5, 3.0, 4.5, 6.0, 8.0, 10.0),
        typical=5.0,
        support=(-20.0, 40.0),
        seconds=7200.0,
        short_seconds=900.0,
        logarithmic=False,
        tolerance=0.25,
        is_cost=True,
        mirror_slack=0.03,
        information=None,
        nuisances={"sigma_bps_per_sqrt_s": (0.5, 3.0)},
        policies=_POLICIES,
    ),
}
