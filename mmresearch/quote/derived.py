"""The derived constants for which the deployed formula is wrong, each from the objective that its name states.

| constant | objective | right |
|---|---|---|
| spread_floor | a fill breaks even | fee + E[AS] + what faster traders take, sigma sqrt(latency/(2 pi)) |
| kalman_noise | trade prices lie half a spread off | Q = sigma^2 dt, R = (spread/2)^2 |
| hazard_rate | runs are geometric with mean E | 1/E, however long the run |
| toxic_hour_multiplier | cost of a fill, toxic against normal | (AS toxic + fee)/(AS normal + fee), signs kept |
| quote_latch_threshold | cost of requoting + of stale quotes is least | (6 c sigma^2/(kappa lambda))^{1/4} |
| reduce_only_threshold | an adverse move b does not liquidate | 1/(L (m + b (1 + m))), at most 1 |
| depth_spacing_ratio | as many fills at each level | (1 + D ln n/d)^{1/(n - 1)} |
| confidence_threshold | Bayes risk is least | cFP/(cFP + cFN), whatever the base rate |
| ir_based_threshold | P(IR > target) reaches a confidence c | target + Phi^{-1}(c) sd |

Gamma is in `risk_aversion`, the two loss limits are in `loss_limits`. No clips: a clip piles the draws of a posterior
up at a number that somebody typed. A learned adverse selection AS is signed, positive against us.
Sources: Copeland and Galai (1983) for the option that a resting quote is; Roll (1984) for the bounce of trade prices;
Miller and Orr (1966) for control with a fixed cost; Elkan (2001) for cost-sensitive decisions.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from mmresearch.quote.derived_deployed import KalmanNoise
from mmresearch.quote.loss_limits import max_daily_loss, max_drawdown
from mmresearch.quote.quantities import Values, formula, require
from mmresearch.quote.risk_aversion import gamma_from_glft

__all__ = [
    "confidence_threshold",
    "depth_spacing_ratio",
    "equal_fill_depths_bps",
    "gamma_from_glft",
    "hazard_rate",
    "ir_based_threshold",
    "kalman_noise",
    "max_daily_loss",
    "max_drawdown",
    "quote_latch_threshold",
    "reduce_only_threshold",
    "spread_floor",
    "toxic_hour_multiplier",
]


@formula("bps")
def spread_floor(
    fee_bps: Values, adverse_selection_bps: Values, sigma_per_sqrt_s: Values = 0.0, latency_ms: Values = 0.0
) -> Values:
    """Half-spread at which a fill breaks even; below 0 where a rebate or favourable moves pay for it.

    Parameters
    ----------
    fee_bps, adverse_selection_bps : number, array or DataArray
        Maker fee (negative: rebate) and expected signed adverse move, bps.
    sigma_per_sqrt_s : number, array or DataArray
        Volatility, fraction of price per sqrt(s).
    latency_ms : number, array or DataArray
        Time to change a quote, ms. 0 if the adverse moves are those of our own fills: they contain it.

    Notes
    -----
    A quote that cannot move for a time l is an option given to whoever is faster. At the money it is worth
    E[max(M, 0)] = sigma sqrt(l/(2 pi)), with M the move: .4 of the sd that the deployed formula takes. It bounds the
    cost from above; a quote away from the mid gives less.
    """
    option = sigma_per_sqrt_s * np.sqrt(latency_ms / 1e3 / (2.0 * np.pi)) * 1e4
    return fee_bps + adverse_selection_bps + option


@formula("variance of log price per step, variance of log price")
def kalman_noise(
    sigma_per_sqrt_s: Values, tick_ms: Values, spread_bps: Values, observed: Literal["trades", "mids"] = "trades"
) -> KalmanNoise:
    """Noises of a filter of trade prices: Q = sigma^2 dt, R = (spread/2)^2, variances of log price.

    Parameters
    ----------
    sigma_per_sqrt_s : number, array or DataArray
        Volatility of the *mid*, fraction of price per sqrt(s); that of trade prices contains the bounce.
    tick_ms : number, array or DataArray
        Time between observations, ms.
    spread_bps : number, array or DataArray
        Full effective spread, bps.
    observed : {"trades", "mids"}
        What the filter sees.

    Raises
    ------
    ValueError
        For mids: they do not bounce, and no formula gives their noise. It is to be estimated.
    """
    if observed != "trades":
        raise ValueError(
            f"observed={observed!r}: R of mids follows from no spread; estimate it with Q from their autocovariances "
            "(a local-level model: kalman_q and kalman_r of the catalogue)"
        )
    return KalmanNoise(sigma_per_sqrt_s**2 * tick_ms / 1e3, (spread_bps * 1e-4 / 2.0) ** 2)


@formula("probability per sample")
def hazard_rate(expected_run_samples: Values) -> Values:
    """Chance of a changepoint per sample, 1/E: runs are geometric with mean E >= 1 samples."""
    return 1.0 / expected_run_samples


@formula("ratio")
def toxic_hour_multiplier(
    normal_adverse_bps: Values, toxic_adverse_bps: Values, fee_bps: Values, least_cost_bps: Values = 0.1
) -> Values:
    """Expected cost of a fill in toxic hours over that in normal hours, max(AS toxic + fee, c)/max(AS normal + fee, c).

    Parameters
    ----------
    normal_adverse_bps, toxic_adverse_bps : number, array or DataArray
        Expected signed adverse move, bps; negative moves lower the cost.
    fee_bps : number, array or DataArray
        Maker fee, bps.
    least_cost_bps : number, array or DataArray
        Least cost c > 0 that counts, bps: where fills cost nothing, the ratio means nothing.

    Notes
    -----
    The ratio belongs on a *floor*, in bps. On gamma it widens next to nothing where gamma is far below kappa: the first
    term of the half-spread falls in gamma.
    """
    normal = np.maximum(normal_adverse_bps + fee_bps, least_cost_bps)
    return np.maximum(toxic_adverse_bps + fee_bps, least_cost_bps) / normal


@formula("bps")
def quote_latch_threshold(
    requote_cost_bps: Values, sigma_per_sqrt_s: Values, kappa: Values, fill_rate_per_s: Values
) -> Values:
    """Move of the target at which to requote, (6 c sigma^2/(kappa lambda))^{1/4}, bps.

    Parameters
    ----------
    requote_cost_bps : number, array or DataArray
        Cost c of a requote of both sides, bps of one lot: the queue places lost and the messages sent. A cancellation
        pays no fee and has no slippage.
    sigma_per_sqrt_s : number, array or DataArray
        Volatility of the target, fraction of price per sqrt(s).
    kappa : number, array or DataArray
        Decay of the fill intensity, 1/(fraction of price).
    fill_rate_per_s : number, array or DataArray
        Fill rate lambda at the best quote, 1/s per side.

    Notes
    -----
    Quotes that are x off lose kappa lambda x^2 a second (both sides, second order of the edge about its maximum). In a
    band of half-width b the target takes b^2/sigma^2 to leave and x^2 integrates to b^4/(6 sigma^2), so a second costs
    c sigma^2/b^2 + kappa lambda b^2/6: least at this b. The second order holds for kappa b well below 1.
    """
    variance, curvature = (sigma_per_sqrt_s * 1e4) ** 2, kappa * 1e-4 * fill_rate_per_s
    return (6.0 * requote_cost_bps * variance / curvature) ** 0.25


@formula("fraction of the largest position")
def reduce_only_threshold(max_leverage: Values, maintenance_margin: Values, safety_buffer: Values) -> Values:
    """Largest position, as a share of the largest allowed, that an adverse move of b does not liquidate.

    Parameters
    ----------
    max_leverage : number, array or DataArray
        Notional over equity at the largest position, L.
    maintenance_margin : number, array or DataArray
        Equity over notional at which the venue liquidates, m.
    safety_buffer : number, array or DataArray
        Adverse move b to survive, fraction of price.

    Notes
    -----
    At a share u the equity is 1/(u L) of the notional. A rise by b leaves a short 1/(u L) - b on a notional of 1 + b,
    so u = 1/(L (m + b (1 + m))); a long stands more. It falls in L, m and b; at most 1.
    """
    needed = maintenance_margin + safety_buffer * (1.0 + maintenance_margin)
    return np.minimum(1.0 / (max_leverage * needed), 1.0)


@formula("ratio")
def depth_spacing_ratio(levels: Values, decay_bps: Values, first_depth_bps: Values) -> Values:
    """Ratio of neighbouring depths of the geometric ladder that ends where the ladder of equal fills does; 1 if n = 1.

    Parameters
    ----------
    levels : number, array or DataArray
        Quotes a side, n.
    decay_bps : number, array or DataArray
        Distance D over which the fill intensity falls by e, 1/kappa, bps.
    first_depth_bps : number, array or DataArray
        Depth d of the first level, bps. A ratio must not move when all distances are multiplied: it depends on D/d.

    Notes
    -----
    n levels have n - 1 gaps. `equal_fill_depths_bps` gives the exact ladder, which is not geometric.
    """
    gaps = np.maximum(levels - 1.0, 1.0)
    return (1.0 + decay_bps * np.log(levels) / first_depth_bps) ** (1.0 / gaps)


def equal_fill_depths_bps(levels: int, decay_bps: float, first_depth_bps: float) -> NDArray[np.float64]:
    """Depths d - D ln(1 - i/n), i = 0 .. n - 1, bps, which split the fills beyond the first into n equal shares."""
    depth_spacing_ratio(levels, decay_bps, first_depth_bps)  # checks the inputs
    return first_depth_bps - decay_bps * np.log1p(-np.arange(levels) / levels)


@formula("probability")
def confidence_threshold(cost_false_positive: Values, cost_false_negative: Values) -> Values:
    """Posterior probability from which to act, cFP/(cFP + cFN); the base rate is in the posterior, not in here.

    Raises
    ------
    ValueError
        If both costs are 0: then every threshold is as good.
    """
    total = cost_false_positive + cost_false_negative
    require(total > 0, "cost_false_positive + cost_false_negative must be positive, else every threshold is as good")
    return cost_false_positive / total


@formula("information ratio")
def ir_based_threshold(ir_sd: Values, target_ir: Values, confidence: Values) -> Values:
    """Mean information ratio from which to quote, target + Phi^{-1}(confidence) sd: then P(IR > target) >= confidence.

    Parameters
    ----------
    ir_sd : number, array or DataArray
        Sd of the belief about the information ratio.
    target_ir : number, array or DataArray
        Information ratio that is to be exceeded.
    confidence : number, array or DataArray
        With this probability; `confidence_threshold` gives it from the costs of being wrong.
    """
    return target_ir + ndtri(confidence) * ir_sd
