"""The truth of every row of the catalogue that a world has one for, in the catalogue unit.

With sigma the root mean square volatility over regimes, m the toxic multiplier, s the share of toxic hours and c the
cost of a touch fill in the other hours:

    hawkes_mu = 2 A + 2 touch_only,   hawkes_alpha = branching decay,   kalman_q = sigma^2,
    spread_floor_bps = c (1 + s (m - 1)),
    momentum_normalizer_bps^2 = 60 sigma^2 + 2 r + Var(momentum's drift over 60 s) + Var(changepoints' drift).

Jumps after informed fills move the mid as well, as often as our orders fill, for which there is no formula; so does
open interest. `disturbed` names the rows whose value holds for the mid without those moves only.

Units: those of the catalogue.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from mmresearch.sim.features import FORETELLS_S
from mmresearch.sim.steps import drift_of_changepoints, drift_of_momentum, rms_volatility_bps
from mmresearch.sim.truth import Truth
from mmresearch.tape.mids import FloatArray

DAY_S = 86400.0
#: Horizon of the momentum normaliser.
NORMALIZER_S = 60
#: Rows about moves of the mid over seconds.
_ABOUT_MOVES = frozenset(
    {
        "kalman_q", "kalman_r", "momentum_normalizer_bps", "predictive_bias_sensitivity", "proactive_skew_sensitivity",
        "regime_sticky_diagonal",
    }
)  # fmt: skip


def truths_of(truth: Truth, seconds: float = DAY_S) -> dict[str, float]:
    """Return what is true of each row of the catalogue; rows whose feature is off are left out.

    Parameters
    ----------
    truth : Truth
        Of one asset.
    seconds : float
        Length of the tape from midnight on: how many of its hours are toxic moves the floor.

    Returns
    -------
    dict of str to float
        Parameter -> value.
    """
    has = truth.dynamics
    values = {
        "kappa": truth.kappa,
        "fill_probability_width_bps": 1e4 / truth.kappa,
        "alpha_touch": truth.alpha_touch,
        "spread_floor_bps": _floor_bps(truth, seconds),
        "hawkes_mu": 2 * (truth.A + truth.touch_only_per_s),
        "hawkes_alpha": has.hawkes.branching * has.hawkes.decay_per_s if has.hawkes else 0.0,
        "momentum_normalizer_bps": move_sd_bps(truth, NORMALIZER_S),
    }
    if has.noise:
        values["kalman_q"] = (rms_volatility_bps(truth) * 1e-4) ** 2
    features: list[tuple[str, object, str]] = [
        ("hawkes_beta", has.hawkes, "decay_per_s"),
        ("proactive_skew_sensitivity", has.momentum, "slope_bps"),
        ("predictive_bias_sensitivity", has.changepoints, "move_sigmas"),
        ("bocpd_hazard_rate", has.changepoints, "hazard_per_s"),
        ("regime_sticky_diagonal", has.regimes, "stay"),
        ("kalman_r", has.noise, "variance"),
        ("microprice_decay", has.imbalance, "decay"),
        ("cascade_oi_threshold", has.open_interest, "threshold"),
        ("toxic_hour_gamma_mult", has.toxic, "multiplier"),
    ]
    return values | {row: getattr(feature, name) for row, feature, name in features if feature is not None}


def disturbed(truth: Truth) -> frozenset[str]:
    """Rows of `truths_of` whose value holds only for the mid without jumps after fills and without cascades.

    Momentum's slope is among them: a mid that drifts comes nearer to our orders on one side, so that these fill more
    often and jumps go with the drift. Over sixty assets that steepened it by 7 %, give or take 3.

    Parameters
    ----------
    truth : Truth
        Of one asset.
    """
    jumps = truth.alpha_touch > 0 and (truth.adverse_bps != 0 or truth.adverse_sd_bps > 0)
    return _ABOUT_MOVES & truths_of(truth).keys() if jumps or truth.dynamics.open_interest else frozenset()


def toxic_share(truth: Truth, seconds: float) -> float:
    """Share of a tape from midnight on that lies in toxic hours."""
    toxic = truth.dynamics.toxic
    if toxic is None:
        return 0.0
    whole, rest = divmod(seconds, DAY_S)
    hours = 3600.0 * np.asarray(toxic.hours)
    return float((whole * hours.size * 3600 + np.clip(rest - hours, 0, 3600).sum()) / seconds)


def _floor_bps(truth: Truth, seconds: float) -> float:
    m = truth.dynamics.toxic.multiplier if truth.dynamics.toxic else 1.0
    return truth.spread_floor_bps * (1 + toxic_share(truth, seconds) * (m - 1))


def move_sd_bps(truth: Truth, horizon_s: int) -> float:
    """Standard deviation of the move of the quoted mid over whole seconds, jumps and cascades apart.

    Parameters
    ----------
    truth : Truth
        Of one asset.
    horizon_s : int
        Seconds.

    Returns
    -------
    float
        In bps; exact 10 s after the start, when drifts are stationary.
    """
    has = truth.dynamics
    variance = rms_volatility_bps(truth) ** 2 * horizon_s
    if has.noise:
        variance += 2 * has.noise.variance * 1e8
    if has.momentum:
        drift_bps, reversion = drift_of_momentum(has.momentum) * 1e4, has.momentum.reversion_per_s
        variance += drift_bps**2 * _variance_of_sum(horizon_s, lambda lag: np.exp(-reversion * lag))
    if has.changepoints:
        none = 1 - has.changepoints.hazard_per_s  # probability that a second brings no changepoint
        drift_bps = drift_of_changepoints(truth) * 1e4
        variance += drift_bps**2 * _variance_of_sum(
            horizon_s, lambda lag: none ** (FORETELLS_S + np.minimum(lag, FORETELLS_S)) - none ** (2 * FORETELLS_S)
        )
    return float(np.sqrt(variance))


def _variance_of_sum(n: int, covariance: Callable[[FloatArray], FloatArray]) -> float:
    """Variance of the sum of n values of a stationary series."""
    lag = np.arange(float(n))
    return float(((n - lag) * np.where(lag == 0, 1, 2)) @ covariance(lag))
