"""The fifteen derived constants as the trading system computes them: what is wrong with them included.

    constant = clip(formula(inputs), low, high),   a typed-in number where an input makes no sense

Each equation stands in the docstring of its function, units in the names. Inputs for which the deployed rule has a
special case are let through; any others that no market can have are refused, where the system would go on with NaN.
What is right and wrong with each, and the right formula beside it: `mmresearch.quote.derived_table`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mmresearch.quote.quantities import ANYTHING, Values, formula, require

#: Special cases and guards of the system.
GAMMA_DEFAULT, ALPHA_DEFAULT, HAZARD_DEFAULT, TOXIC_DEFAULT, IR_DEFAULT = 0.15, 0.1, 0.004, 2.0, 0.15
NOTHING = 1e-10
#: Clips of the system, by the name of the constant.
CLIPS = {
    "gamma_from_glft": (0.05, 5.0),
    "spread_floor": (2.0, 50.0),
    "max_drawdown": (0.02, 0.20),
    "hazard_rate": (0.001, 0.1),
    "cascade_threshold": (0.01, 0.10),
    "toxic_hour_multiplier": (1.5, 4.0),
    "quote_latch_threshold": (1.0, 10.0),
    "reduce_only_threshold": (0.5, 0.95),
    "depth_spacing_ratio": (1.1, 2.5),
    "momentum_normalizer": (5.0, 100.0),
    "confidence_threshold": (0.1, 0.9),
    "ir_based_threshold": (0.05, 0.5),
}


@dataclass(frozen=True)
class KalmanNoise:
    """Noises of a local-level filter of log price.

    Attributes
    ----------
    q : number, array or DataArray
        Variance that the latent log price gains per step.
    r : number, array or DataArray
        Variance of one observation about it.
    """

    q: Values
    r: Values


@formula("1/(fraction of price)", target_half_spread_fraction=ANYTHING, kappa=ANYTHING)
def gamma_from_glft(
    target_half_spread_fraction: Values, kappa: Values, sigma_per_sqrt_s: Values, horizon_s: Values
) -> Values:
    """Risk aversion kappa (1 - e^{-d kappa}) (1 + max(sigma/2e-4 - 1, 0)/2)/clip(sqrt(T/60), .5, 2), clipped.

    Parameters
    ----------
    target_half_spread_fraction : number, array or DataArray
        Wanted half-spread d, fraction of price.
    kappa : number, array or DataArray
        Decay of the fill intensity, 1/(fraction of price).
    sigma_per_sqrt_s : number, array or DataArray
        Volatility, fraction of price per sqrt(s).
    horizon_s : number, array or DataArray
        Holding time T, s.
    """
    known = (kappa > 0) & (target_half_spread_fraction > 0)
    k, d = np.where(known, kappa, 1.0), np.where(known, target_half_spread_fraction, 1.0)
    busy = 1.0 + 0.5 * np.maximum(sigma_per_sqrt_s / 2e-4 - 1.0, 0.0)
    patient = np.clip(np.sqrt(horizon_s / 60.0), 0.5, 2.0)
    gamma = np.clip(-k * np.expm1(-d * k) * busy / patient, *CLIPS["gamma_from_glft"])
    return np.where(known, gamma, GAMMA_DEFAULT)


@formula("bps")
def spread_floor(
    fee_bps: Values, adverse_selection_bps: Values, sigma_per_sqrt_s: Values, latency_ms: Values
) -> Values:
    """Floor of the half-spread, 1.1 (fee + abs(AS) + sigma sqrt(latency)), clipped to [2, 50] bps.

    Parameters
    ----------
    fee_bps, adverse_selection_bps : number, array or DataArray
        Maker fee and expected adverse move, bps; the sign of the move is thrown away.
    sigma_per_sqrt_s : number, array or DataArray
        Volatility, fraction of price per sqrt(s).
    latency_ms : number, array or DataArray
        Time to change a quote, ms.
    """
    moved = sigma_per_sqrt_s * np.sqrt(latency_ms / 1e3) * 1e4
    return np.clip(1.1 * (fee_bps + np.abs(adverse_selection_bps) + moved), *CLIPS["spread_floor"])


@formula("$")
def max_daily_loss(account_usd: Values, kelly_fraction: Values, daily_volatility: Values) -> Values:
    """Loss at which the day ends, 2 x account x Kelly fraction x daily volatility, $."""
    return account_usd * kelly_fraction * daily_volatility * 2.0


@formula("fraction of equity")
def max_drawdown(daily_volatility: Values, horizon_days: Values) -> Values:
    """Drawdown at which trading stops, 2.33 sigma H^.4, clipped to [.02, .20] of equity."""
    return np.clip(2.33 * daily_volatility * horizon_days**0.4, *CLIPS["max_drawdown"])


@formula("weight of the new value", half_life_samples=ANYTHING)
def ewma_alpha(half_life_samples: Values) -> Values:
    """Weight of the newest sample, 1 - e^{-ln 2/h}; .1 if h <= 0."""
    known = half_life_samples > 0
    return np.where(known, -np.expm1(-np.log(2.0) / np.where(known, half_life_samples, 1.0)), ALPHA_DEFAULT)


@formula("variance of log price per step, variance of log price")
def kalman_noise(sigma_per_sqrt_s: Values, tick_ms: Values, spread_bps: Values) -> KalmanNoise:
    """Q = sigma^2 dt and R = (spread/4)^2, variances of log price."""
    return KalmanNoise(sigma_per_sqrt_s**2 * tick_ms / 1e3, (spread_bps * 1e-4 / 4.0) ** 2)


@formula("probability per sample", expected_run_samples=ANYTHING)
def hazard_rate(expected_run_samples: Values) -> Values:
    """Chance of a changepoint per sample, 1/E, clipped to [.001, .1]; .004 if E <= 0."""
    known = expected_run_samples > 0
    rate = np.clip(1.0 / np.where(known, expected_run_samples, 1.0), *CLIPS["hazard_rate"])
    return np.where(known, rate, HAZARD_DEFAULT)


@formula("fraction of open interest")
def cascade_threshold(open_interest_change_sd: Values, sd_multiplier: Values) -> Values:
    """Drop in open interest that counts as a cascade, sd x multiplier, clipped to [.01, .10]."""
    return np.clip(open_interest_change_sd * sd_multiplier, *CLIPS["cascade_threshold"])


@formula("ratio")
def toxic_hour_multiplier(normal_adverse_bps: Values, toxic_adverse_bps: Values, fee_bps: Values) -> Values:
    """(abs(AS toxic) + fee)/(abs(AS normal) + fee), clipped to [1.5, 4]; 2 if the normal cost is below .1 bps."""
    normal, toxic = np.abs(normal_adverse_bps) + fee_bps, np.abs(toxic_adverse_bps) + fee_bps
    known = normal >= 0.1
    ratio = np.clip(toxic / np.where(known, normal, 1.0), *CLIPS["toxic_hour_multiplier"])
    return np.where(known, ratio, TOXIC_DEFAULT)


@formula("bps")
def quote_latch_threshold(fee_bps: Values, slippage_bps: Values, noise_buffer: Values) -> Values:
    """Least change of a quote that is sent, (fee + slippage) x buffer, clipped to [1, 10] bps."""
    return np.clip((fee_bps + slippage_bps) * noise_buffer, *CLIPS["quote_latch_threshold"])


@formula("fraction of the largest position")
def reduce_only_threshold(max_leverage: Values, maintenance_margin: Values, safety_buffer: Values) -> Values:
    """Position from which only reducing orders go out, 1 - buffer/(margin x leverage), clipped to [.5, .95]."""
    return np.clip(1.0 - safety_buffer / (maintenance_margin * max_leverage), *CLIPS["reduce_only_threshold"])


@formula("ratio", levels=ANYTHING)
def depth_spacing_ratio(levels: Values, decay_bps: Values) -> Values:
    """Ratio of neighbouring depths, 1 + (e^{1/n} - 1) clip(decay/20, .5, 2), clipped to [1.1, 2.5]; 1 if n <= 1."""
    ladder = levels > 1
    step = np.expm1(1.0 / np.where(ladder, levels, 2.0)) * np.clip(decay_bps / 20.0, 0.5, 2.0)
    return np.where(ladder, np.clip(1.0 + step, *CLIPS["depth_spacing_ratio"]), 1.0)


@formula("bps")
def momentum_normalizer(volatility_bps_per_sqrt_s: Values, horizon_s: Values) -> Values:
    """Divisor of a momentum signal, volatility x sqrt(T), clipped to [5, 100] bps."""
    return np.clip(volatility_bps_per_sqrt_s * np.sqrt(horizon_s), *CLIPS["momentum_normalizer"])


@formula("probability")
def confidence_threshold(base_rate: Values, cost_false_positive: Values, cost_false_negative: Values) -> Values:
    """Probability from which to act, p cFN/(p cFN + (1 - p) cFP), clipped to [.1, .9]; .5 if both costs are nil.

    Parameters
    ----------
    base_rate : number, array or DataArray
        How often there is something to act on, p.
    cost_false_positive, cost_false_negative : number, array or DataArray
        Cost of acting on nothing, and of missing something; one unit for both.

    Raises
    ------
    ValueError
        If p cFN and (1 - p) cFP are both 0 although a cost is not: the ratio does not exist.
    """
    missed, false = base_rate * cost_false_negative, (1.0 - base_rate) * cost_false_positive
    free = cost_false_positive + cost_false_negative < NOTHING
    require(
        free | (missed + false > 0),
        "p cFN + (1 - p) cFP must be positive; this base_rate makes the only cost impossible",
    )
    ratio = np.clip(missed / np.where(free, 1.0, missed + false), *CLIPS["confidence_threshold"])
    return np.where(free, 0.5, ratio)


@formula("sd of the information ratio")
def ir_based_threshold(ir_mean: Values, ir_sd: Values, target_ir: Values) -> Values:
    """Least signal on which to quote, abs((target - mean)/sd), clipped to [.05, .5]; .15 if sd is nil."""
    known = ir_sd >= NOTHING
    score = np.abs((target_ir - ir_mean) / np.where(known, ir_sd, 1.0))
    return np.where(known, np.clip(score, *CLIPS["ir_based_threshold"]), IR_DEFAULT)
