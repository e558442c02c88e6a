"""The quoting formula as deployed, in bps: no inventory in it, and a horizon that is the time between fills.

    half-spread = (1/gamma) ln(1 + gamma/kappa) + gamma sigma^2 T/2 + fee, at least the floor; T = min(1/lambda, 120 s);
    bid = half-spread - mu T/2,   ask = half-spread + mu T/2.

The floor bounds the half-spread, not the two depths: a drift shifts one of them below it.
"""

from __future__ import annotations

import numpy as np

from mmresearch.belief.units import BPS_PER_FRACTION
from mmresearch.quote.glft.quotes import Quotes
from mmresearch.quote.quantities import Values
from mmresearch.quote.risk_aversion import half_spread

LONGEST_HORIZON_S = 120.0


def deployed_quotes(
    kappa_per_bp: Values,
    gamma_per_bp: Values,
    sigma_bps_per_sqrt_s: Values,
    fill_rate_per_s: Values,
    fee_bps: Values = 1.5,
    floor_bps: Values = 5.0,
    drift_bps_per_s: Values = 0.0,
) -> Quotes:
    """Return the two depths, bps.

    Parameters
    ----------
    kappa_per_bp : number or array
        Decay of the fill intensity, 1/bp.
    gamma_per_bp : number or array
        Risk aversion, 1/bp.
    sigma_bps_per_sqrt_s : number or array
        Volatility.
    fill_rate_per_s : number or array
        Fill rate lambda, 1/s, above 0.
    fee_bps, floor_bps : number or array
        Maker fee, and the floor of the half-spread.
    drift_bps_per_s : number or array
        Drift mu of the mid.
    """
    horizon_s = np.minimum(1.0 / np.asarray(fill_rate_per_s, dtype=float), LONGEST_HORIZON_S)
    unit = BPS_PER_FRACTION
    spread = half_spread(
        np.asarray(gamma_per_bp) * unit, np.asarray(kappa_per_bp) * unit, np.asarray(sigma_bps_per_sqrt_s) / unit,
        horizon_s,
    )  # fmt: skip
    half = np.maximum(spread * unit + fee_bps, floor_bps)
    lead = 0.5 * np.asarray(drift_bps_per_s) * horizon_s
    return Quotes(half - lead, half + lead)
