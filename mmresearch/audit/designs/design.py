"""Which worlds a learner of one parameter is sent through.

One `Design` per learnable parameter is all that a new row of the catalogue needs: the truths, the nuisances that must
not matter, the policies that must not matter, and how much information one event carries.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from mmresearch.audit.information import Information
from mmresearch.sim.policies import Policy


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
        Whether errors are measured on the log scale: of a factor or probability per second, that of its rate -ln.
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
        Name -> quoting policy; the posterior must not depend on it. None where the row does not speak of our fills:
        then the check of policies does not apply.
    policy_world : mapping
        World arguments held fixed while policies are compared: a mid that moves, so that old orders differ from new.
    information : callable or None
        What the tape's distinct events can tell; see `mmresearch.audit.information`. None if that hangs on a variance
        which the learner may know or not: then calibration must tell.
    typical_policy : Policy or None
        How we quoted on the typical tape, where that matters.
    mirror : {1, -1}
        By what the parameter is multiplied where buy and sell are exchanged: 1 for costs, rates and sizes, -1 for what
        has a direction.
    evidence : {"events", "series"}
        Whether a learner can lose its evidence event by event (fills, trades), or in stretches of quotes and signals.
    closes : bool
        Whether the market shuts where a tape ends. Where the times of events are the evidence, a market that is open
        and silent says a lot; the silence in which a learner may learn nothing must then lie outside its hours.
    slice_s : float
        Length in seconds of the slices over which `information` is followed.
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
    mirror: Literal[1, -1] = 1
    evidence: Literal["events", "series"] = "events"
    closes: bool = False
    slice_s: float = 30.0
    nuisances: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    nulls: Mapping[str, tuple[Mapping[str, float], float]] = field(default_factory=dict)
    policies: Mapping[str, Policy] = field(default_factory=dict)
    policy_world: Mapping[str, float] = field(default_factory=lambda: {"sigma_bps_per_sqrt_s": 1.5})
