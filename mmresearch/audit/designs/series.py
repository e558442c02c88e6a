"""Worlds of the rows whose evidence is event times or a filtered series: Hawkes flow, changepoints, regimes, levels.

None of them hangs on a fill of ours, so how we quoted cannot matter. Two priors of the catalogue are strong. That of
`hawkes_beta` is exponential with mean .1/s, so truths are slow decays and tapes many times as long; those of
`kalman_q` and `kalman_r` weigh as much as twenty observations, and an observation says little of r where the level
moves by as much from one to the next: truths lie on both sides of the prior's mean, and tapes are hours long.

Nuisances are what a learner could take for the parameter: offspring for immigrants, a jump for a decay, noise for
movement, and the other way round. No count of events bounds what they tell where each is hidden among others, so a
learner's claims are held against its own moves; for `hawkes_beta`, whose belief has long tails for hours, and for
`regime_sticky_diagonal`, whose belief is costly, calibration alone must see events that count twice.
"""

from __future__ import annotations

from collections.abc import Mapping

from mmresearch.audit.designs.design import Design
from mmresearch.audit.information import moved_information

SERIES_DESIGNS: Mapping[str, Design] = {
    "hawkes_mu": Design(
        truths=(0.15, 0.25, 0.4, 0.6, 0.9, 1.4),
        typical=0.5,
        support=(1e-3, 10.0),
        seconds=14400.0,
        short_seconds=900.0,
        logarithmic=True,
        tolerance=0.1,
        is_cost=False,
        mirror_slack=0.0,
        closes=True,
        information=moved_information,
        slice_s=60.0,
        nuisances={"hawkes_branching": (0.2, 0.6), "hawkes_decay_per_s": (0.5, 2.0)},
    ),
    "hawkes_alpha": Design(
        truths=(0.1, 0.2, 0.4, 0.8, 1.6, 3.2),
        typical=0.4,
        support=(0.01, 30.0),
        seconds=28800.0,
        short_seconds=3600.0,
        logarithmic=True,
        tolerance=0.1,
        is_cost=False,
        mirror_slack=0.0,
        closes=True,
        information=moved_information,
        slice_s=120.0,
        nuisances={"hawkes_branching": (0.25, 0.6), "touch_only_per_s": (0.02, 0.1)},
    ),
    "hawkes_beta": Design(
        truths=(0.05, 0.08, 0.12, 0.2, 0.3, 0.5),
        typical=0.15,
        support=(5e-3, 10.0),
        seconds=43200.0,
        short_seconds=10800.0,
        logarithmic=True,
        tolerance=0.1,
        is_cost=False,
        mirror_slack=0.0,
        closes=True,
        information=None,
        nuisances={"hawkes_branching": (0.3, 0.6), "touch_only_per_s": (0.02, 0.1)},
    ),
    "kalman_q": Design(
        truths=(3e-9, 5e-9, 8e-9, 1.3e-8, 2e-8, 4e-8),
        typical=1e-8,
        support=(1e-11, 1e-6),
        seconds=14400.0,
        short_seconds=900.0,
        logarithmic=True,
        tolerance=0.05,
        is_cost=False,
        mirror_slack=0.0,
        information=moved_information,
        evidence="series",
        slice_s=60.0,
        nuisances={"noise_variance": (1e-9, 6e-9)},
    ),
    "kalman_r": Design(
        truths=(1.5e-9, 2e-9, 3e-9, 4e-9, 6e-9, 8e-9),
        typical=2.5e-9,
        support=(1e-12, 1e-6),
        seconds=28800.0,
        short_seconds=900.0,
        logarithmic=True,
        tolerance=0.05,
        is_cost=False,
        mirror_slack=0.0,
        information=moved_information,
        evidence="series",
        slice_s=120.0,
        nuisances={"sigma_bps_per_sqrt_s": (0.6, 1.2)},
    ),
    "bocpd_hazard_rate": Design(
        truths=(0.002, 0.004, 0.008, 0.015, 0.025, 0.04),
        typical=0.01,
        support=(1e-5, 0.2),
        seconds=43200.0,
        short_seconds=900.0,
        logarithmic=True,
        tolerance=0.08,
        is_cost=False,
        mirror_slack=0.0,
        information=moved_information,
        evidence="series",
        slice_s=180.0,
        nuisances={"changepoints_move_sigmas": (1.0, 3.0)},
    ),
    "regime_sticky_diagonal": Design(
        truths=(0.85, 0.9, 0.93, 0.95, 0.97, 0.98),
        typical=0.95,
        support=(0.5, 0.9999),
        seconds=7200.0,
        short_seconds=600.0,
        logarithmic=True,
        tolerance=0.1,
        is_cost=False,
        mirror_slack=0.0,
        information=None,
        evidence="series",
        nuisances={"regimes_volatility_ratio": (2.5, 4.0), "sigma_bps_per_sqrt_s": (0.5, 2.0)},
    ),
}
