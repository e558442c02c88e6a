"""Worlds of the rows whose evidence is our own fills: decay of intensity, informed fills, least half-spread."""

from __future__ import annotations

from collections.abc import Mapping

from mmresearch.audit.designs.design import Design
from mmresearch.audit.information import counted_labels, moved_information
from mmresearch.sim.policies import Policy, Rotating, Stale

LADDER_BPS = (2.0, 4.0, 6.0, 9.0, 12.0, 16.0, 20.0, 25.0)
CLOSE_BPS = (1.5, 3.0, 5.0, 8.0)
DEEP_BPS = (9.0, 12.0, 16.0, 20.0, 25.0)

#: How we might have quoted, besides: what fills teach may not depend on it.
POLICIES: Mapping[str, Policy] = {
    "ladder to 25 bps": Rotating(depths_bps=LADDER_BPS, touch_share=0.3),
    "close ladder": Rotating(depths_bps=CLOSE_BPS, touch_share=0.3),
    "old orders": Stale(depths_bps=DEEP_BPS, touch_share=0.35, seconds=240.0),
}

#: The flow of market orders in which policies are compared, so that its chances do not hide their differences.
_SAME_FLOW = {"kappa": 2000.0, "A": 0.8, "half_spread_bps": 2.0}

FILL_DESIGNS: Mapping[str, Design] = {
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
        policies=POLICIES,
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
        policies=POLICIES,
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
        policies=POLICIES,
    ),
}
