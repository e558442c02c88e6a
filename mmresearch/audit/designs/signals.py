"""Worlds of the rows whose evidence is moves of the mid, alone or after a signal, and costs by hour of the day.

Truths lie on both sides of the prior's mean, so that what the prior pulls is a slope and not a bias; tapes are as long
as makes the prior weigh a few per cent. All but the toxic hours hang on no fill of ours, so how we quoted cannot matter
there. The sd of noise is unknown in each, so that no count of events bounds what they tell: calibration must see events
that count twice. Only the decay of the microprice has a likelihood without such an sd.
"""

from __future__ import annotations

from collections.abc import Mapping

from mmresearch.audit.designs.design import Design
from mmresearch.audit.designs.fills import POLICIES
from mmresearch.audit.information import moved_information

_DAY_S = 86400.0

SIGNAL_DESIGNS: Mapping[str, Design] = {
    "momentum_normalizer_bps": Design(
        truths=(5.0, 8.0, 12.0, 20.0, 30.0, 45.0),
        typical=20.0,
        support=(0.5, 200.0),
        seconds=28800.0,
        short_seconds=3600.0,
        logarithmic=True,
        tolerance=0.05,
        is_cost=False,
        mirror_slack=0.01,
        information=None,
        evidence="series",
        nuisances={"half_spread_bps": (0.5, 4.0)},
    ),
    "proactive_skew_sensitivity": Design(
        truths=(-1.0, 0.5, 1.5, 2.5, 3.5, 5.0),
        typical=2.0,
        support=(-10.0, 15.0),
        seconds=43200.0,
        short_seconds=3600.0,
        logarithmic=False,
        tolerance=0.1,
        is_cost=False,
        mirror_slack=0.002,
        information=None,
        evidence="series",
        nuisances={"sigma_bps_per_sqrt_s": (0.4, 1.2), "momentum_reversion_per_s": (0.03, 0.1)},
        nulls={"momentum foretells nothing": ({"momentum_slope_bps": 0.0}, 0.0)},
    ),
    "predictive_bias_sensitivity": Design(
        truths=(-1.0, 0.5, 1.5, 2.5, 3.5, 5.0),
        typical=2.0,
        support=(-10.0, 12.0),
        seconds=28800.0,
        short_seconds=3600.0,
        logarithmic=False,
        tolerance=0.1,
        is_cost=False,
        mirror=-1,
        mirror_slack=0.01,
        information=None,
        evidence="series",
        nuisances={"sigma_bps_per_sqrt_s": (0.4, 2.0), "changepoints_hazard_per_s": (0.005, 0.02)},
        nulls={"changes foretell nothing": ({"changepoints_move_sigmas": 0.0}, 0.0)},
    ),
    "microprice_decay": Design(
        truths=(0.99, 0.994, 0.996, 0.9975, 0.9985, 0.9992),
        typical=0.997,
        support=(0.01, 0.99999),
        seconds=43200.0,
        short_seconds=3600.0,
        logarithmic=True,
        tolerance=0.1,
        is_cost=False,
        mirror_slack=0.0,
        information=moved_information,
        evidence="series",
        slice_s=120.0,
        nuisances={"half_spread_bps": (1.0, 4.0)},
    ),
    "cascade_oi_threshold": Design(
        truths=(0.006, 0.01, 0.015, 0.02, 0.03, 0.045),
        typical=0.02,
        support=(0.002, 0.2),
        seconds=28800.0,
        short_seconds=7200.0,
        logarithmic=True,
        tolerance=0.1,
        is_cost=False,
        mirror_slack=0.0,
        information=None,
        evidence="series",
        nuisances={"sigma_bps_per_sqrt_s": (0.2, 0.6), "open_interest_contracts": (1e4, 1e8)},
    ),
    "toxic_hour_gamma_mult": Design(
        truths=(1.2, 1.5, 1.9, 2.4, 3.0, 3.7),
        typical=2.0,
        support=(0.5, 10.0),
        seconds=14 * _DAY_S,
        short_seconds=3 * _DAY_S,
        logarithmic=True,
        tolerance=0.1,
        is_cost=True,
        mirror_slack=0.01,
        information=None,
        nuisances={"sigma_bps_per_sqrt_s": (0.5, 1.5), "fee_bps": (0.5, 3.0)},
        policies=POLICIES,
    ),
}
