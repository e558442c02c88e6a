"""From joint beliefs to quotes: full posterior, plug-in and marginal rule, and what lies between them in bps.

A belief is draws of (kappa, A, floor, alpha), element s of each from the same posterior draw. The floor is fee plus
expected adverse move, so the move of an informed fill is J = (floor - fee)/alpha. A fill pays the fee and, with
probability alpha, J; a maker of risk aversion gamma pays as certainly as

    cost = fee + (1/gamma) ln(1 + alpha (e^{gamma J} - 1)),   the floor itself at gamma = 0.

| rule | quotes from |
|---|---|
| full posterior | the table that maximises the expected growth over the draws |
| plug-in | asymptotic quotes at the posterior means |
| marginal | the same with kappa - var/mean for kappa: (a - 1)/b of a Gamma(a, b), best if A were known |

While numbers are not ready, draws are pulled to the configured ones by their readiness, continuously. Units: bps of
mid, seconds, lots; gamma per bp and lot.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from mmresearch.belief.units import BPS_PER_FRACTION
from mmresearch.learn.readiness.fallback import CONFIGURED, Scale, blend
from mmresearch.learn.readiness.rule import Readiness
from mmresearch.quote.glft.full_posterior import best_table, expected_growth
from mmresearch.quote.glft.long_run import long_run
from mmresearch.quote.glft.model import Model
from mmresearch.quote.glft.policy import Policy, policy
from mmresearch.quote.kelly import posterior_exposure

Floats = NDArray[np.float64]

RULES = ("full posterior", "plug-in", "marginal")
#: Loss of a draw in which no fill loses, bps: too small to matter, and a number.
_NO_LOSS_BPS = 1e-9


@dataclass(frozen=True)
class JointBelief:
    """Joint draws of what decides the quotes.

    Attributes
    ----------
    kappa_per_bp, A_per_s : ndarray, shape (S,)
        Decay of the fill intensity, and its level at the mid per side.
    floor_bps : ndarray, shape (S,)
        Fee plus expected adverse move of a fill.
    alpha : ndarray, shape (S,)
        Probability that a fill is informed, in (0, 1].

    Raises
    ------
    ValueError
        If the draws are not of one length, or out of range.
    """

    kappa_per_bp: Floats
    A_per_s: Floats
    floor_bps: Floats
    alpha: Floats

    def __post_init__(self) -> None:
        """Refuse draws that no market has."""
        draws = (self.kappa_per_bp, self.A_per_s, self.floor_bps, self.alpha)
        if len({np.shape(x) for x in draws}) != 1 or np.ndim(draws[0]) != 1:
            raise ValueError(f"draws must be joint, vectors of one length; got shapes {[np.shape(x) for x in draws]}")
        if not (np.all(self.kappa_per_bp > 0) and np.all(self.A_per_s > 0) and np.all(np.isfinite(self.floor_bps))):
            raise ValueError("kappa and A must be positive, the floor finite, in every draw")
        if not (np.all(self.alpha > 0) and np.all(self.alpha <= 1)):
            raise ValueError("alpha must lie in (0, 1] in every draw")


@dataclass(frozen=True)
class Terms:
    """What the desk chooses or is given, not learned from fills.

    Attributes
    ----------
    gamma_per_bp : float
        Risk aversion, per bp and lot, above 0.
    sigma_bps_per_sqrt_s : float
        Volatility of the mid.
    fee_bps : float
        Maker fee; negative for a rebate.
    drift_bps_per_s : float
        Drift of the mid.
    Q : int
        Largest inventory, lots.
    """

    gamma_per_bp: float
    sigma_bps_per_sqrt_s: float
    fee_bps: float = 1.5
    drift_bps_per_s: float = 0.0
    Q: int = 10


def certain_cost_bps(floor_bps: Floats, alpha: Floats, terms: Terms) -> Floats:
    """Cost of a fill that a maker would pay for certain, bps: the floor plus the price of not knowing which fills lose.

    Parameters
    ----------
    floor_bps, alpha : ndarray, shape (S,)
        Joint draws.
    terms : Terms
        Fee and risk aversion.
    """
    gamma, jump = terms.gamma_per_bp, (floor_bps - terms.fee_bps) / alpha
    return terms.fee_bps + np.log1p(alpha * np.expm1(gamma * jump)) / gamma


def fall_back(
    belief: JointBelief, readiness: Mapping[str, Readiness | float], configured: Mapping[str, float] = CONFIGURED
) -> JointBelief:
    """Pull the draws towards the configured numbers, each by the share that is not ready.

    Parameters
    ----------
    belief : JointBelief
        Learned.
    readiness : mapping of str to Readiness or float
        Share of the learned draws of ``kappa``, ``alpha_touch``, ``spread_floor_bps`` and ``A``; one that is missing
        counts as ready.
    configured : mapping of str to float
        In catalogue units, ``A`` in 1/s. Without ``A``, A stays as learned: no number stands for it.
    """
    names = {"kappa_per_bp": "kappa", "A_per_s": "A", "floor_bps": "spread_floor_bps", "alpha": "alpha_touch"}
    pulled: dict[str, Floats] = {}
    for field, name in names.items():
        if name in readiness and name in configured:
            unit = BPS_PER_FRACTION if name == "kappa" else 1.0
            scale: Scale = "log" if name in ("kappa", "A") else "linear"
            learned = getattr(belief, field)
            pulled[field] = blend(learned, None, configured[name] / unit, readiness[name], scale=scale).value
            pulled[field] = np.broadcast_to(pulled[field], learned.shape)
    return replace(belief, **pulled)


def markets(belief: JointBelief, terms: Terms) -> Model:
    """Return the market of every draw, of shape (S, 1)."""
    cost = certain_cost_bps(belief.floor_bps, belief.alpha, terms)
    return _model(belief.kappa_per_bp[:, None], belief.A_per_s[:, None], cost[:, None], terms)


def quote(belief: JointBelief, terms: Terms, rule: str = "full posterior") -> Policy:
    """Return the depths by inventory that a rule quotes, bps.

    Parameters
    ----------
    belief : JointBelief
        What is believed.
    terms : Terms
        What is chosen.
    rule : {"full posterior", "plug-in", "marginal"}
        How.

    Raises
    ------
    ValueError
        If the rule is unknown, or the marginal rule has no quote: the sd of kappa is its mean or more.
    """
    if rule not in RULES:
        raise ValueError(f"rule must be one of {', '.join(RULES)}, got {rule!r}")
    kappa, A = float(belief.kappa_per_bp.mean()), float(belief.A_per_s.mean())
    cost = float(np.mean(certain_cost_bps(belief.floor_bps, belief.alpha, terms)))
    if rule == "marginal":
        kappa -= float(belief.kappa_per_bp.var()) / kappa
        if not kappa > 0:
            raise ValueError("the marginal rule has no quote where the sd of kappa is its mean or more")
    middle = policy(_model(kappa, A, cost, terms), "asymptotic")
    return best_table(markets(belief, terms), middle) if rule == "full posterior" else middle


@dataclass(frozen=True)
class Compared:
    """One rule beside the full posterior, under the draws.

    Attributes
    ----------
    quoted : Policy
        Depths, bps.
    shift_bps : float
        Mean of bid and ask at no inventory, against those of the full posterior.
    loss_bps : float
        Expected growth lost, over the volume that the full posterior expects to trade.
    loss_fraction : float
        The same as a share of the best expected growth.
    """

    quoted: Policy
    shift_bps: float
    loss_bps: float
    loss_fraction: float


def compare(belief: JointBelief, terms: Terms) -> dict[str, Compared]:
    """Return every rule beside the full posterior, by name."""
    worlds = markets(belief, terms)
    tables = {rule: quote(belief, terms, rule) for rule in RULES}
    best = tables["full posterior"]
    most = expected_growth(best, worlds)
    volume = float(np.mean(long_run(best.bid, best.ask, worlds).volume_per_s))

    def beside(quoted: Policy) -> Compared:
        shift = np.mean([quoted.bid[terms.Q] - best.bid[terms.Q], quoted.ask[terms.Q] - best.ask[terms.Q]])
        loss = most - expected_growth(quoted, worlds)
        return Compared(quoted, float(shift), loss / volume, loss / abs(most))

    return {rule: beside(quoted) for rule, quoted in tables.items()}


def kelly_exposure(belief: JointBelief, depth_bps: float, fee_bps: float, share: float = 0.25) -> float:
    """Position of one fill, as a multiple of equity, by the Kelly rule under the joint draws.

    Parameters
    ----------
    belief : JointBelief
        A fill at depth d wins d - fee with probability 1 - alpha, and else loses J - (d - fee).
    depth_bps : float
        Depth of the quote, above the fee.
    fee_bps : float
        Maker fee.
    share : float
        Share of the full Kelly position.

    Raises
    ------
    ValueError
        If a fill at this depth cannot win.
    """
    won = depth_bps - fee_bps
    if not won > 0:
        raise ValueError(f"a fill at {depth_bps:g} bps does not win with a fee of {fee_bps:g} bps")
    lost = np.maximum((belief.floor_bps - fee_bps) / belief.alpha - won, _NO_LOSS_BPS)
    return share * posterior_exposure(1.0 - belief.alpha, np.full_like(lost, won), lost)


def _model(kappa: Floats | float, A: Floats | float, cost: Floats | float, terms: Terms) -> Model:
    return Model(
        sigma=terms.sigma_bps_per_sqrt_s, A=A, k=kappa, gamma=terms.gamma_per_bp, T=0.0, Q=terms.Q,
        mu=terms.drift_bps_per_s, cost=cost,
    )  # fmt: skip
