"""How much of the equity to stake on a trade: the Kelly fraction, as deployed and from wins and losses.

A trade wins with probability p and then pays b for every 1 that a lost one costs. A stake f grows the log of equity by

    g(f) = p ln(1 + b f) + (1 - p) ln(1 - f),   largest at   f = (p b - (1 - p))/b, or 0 if that is negative.

With p and b unknown, the best stake maximises E[g(f)] over their *joint* posterior. g is linear in p, so doubt about p
alone does not make it smaller: E[p] is all that counts, and betting less is a wish for less risk. Doubt about b, at the
same E[b], does. Where the loss too is uncertain, what one chooses is a position, not a stake: `posterior_exposure`.

As deployed, p = Phi(edge/sd) with sd that of the *mean* edge: the probability that the edge is positive, which tends
to 1 with the number of trades whatever share of them wins. p here is that of the next trade.
Symbols: f fraction of equity lost if the trade loses; edge, wins and losses in bps; b mean win/mean loss.
Sources: Kelly (1956); Browne and Whitt (1996) for the posterior.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import brentq
from scipy.special import ndtr

from mmresearch.belief.beta import Beta
from mmresearch.belief.contract import FloatArray, Seed, require_counts
from mmresearch.belief.inverse_gamma import InverseGamma
from mmresearch.belief.units import BPS_PER_FRACTION
from mmresearch.quote.quantities import Values, formula

#: Distance from the touch over which the deployed adverse probability falls by e.
ADVERSE_DECAY_BPS = 15.0


@formula("probability")
def deployed_win_probability(edge_bps: Values, edge_sd_bps: Values) -> Values:
    """Phi(edge/sd), the probability that the *mean* edge is positive, which the system takes for that of a win."""
    return ndtr(edge_bps / edge_sd_bps)


@formula("probability")
def predictive_win_probability(edge_bps: Values, edge_sd_bps: Values, trade_sd_bps: Values) -> Values:
    """Probability that the next trade wins, Phi(edge/sqrt(sd^2 + trade sd^2)), for Normal outcomes.

    Parameters
    ----------
    edge_bps, edge_sd_bps : number, array or DataArray
        Mean and sd of the belief about the mean outcome, bps.
    trade_sd_bps : number, array or DataArray
        Sd of one outcome about its mean, bps.
    """
    return ndtr(edge_bps / np.hypot(edge_sd_bps, trade_sd_bps))


@formula("fraction of equity")
def full_kelly(win_probability: Values, odds: Values) -> Values:
    """Stake (p b - (1 - p))/b that is best if p and b are known; negative where the trade is not worth making."""
    return win_probability - (1.0 - win_probability) / odds


@formula("fraction of equity")
def deployed_kelly(
    edge_bps: Values,
    edge_sd_bps: Values,
    mean_win_bps: Values,
    mean_loss_bps: Values,
    kelly_share: Values = 0.25,
    most_fraction: Values = 0.5,
) -> Values:
    """Stake of the system: a quarter of the full fraction at p = Phi(edge/sd), at most .5, none where negative.

    Parameters
    ----------
    edge_bps, edge_sd_bps : number, array or DataArray
        Mean edge and the sd of that mean, bps.
    mean_win_bps, mean_loss_bps : number, array or DataArray
        Mean size of wins and of losses, bps, both positive.
    kelly_share : number, array or DataArray
        Share of the full fraction.
    most_fraction : number, array or DataArray
        Cap. The full fraction is at most 1, so at a share of .25 a cap of .5 never binds.
    """
    p, odds = ndtr(edge_bps / edge_sd_bps), mean_win_bps / mean_loss_bps
    return np.clip(kelly_share * (p - (1.0 - p) / odds), 0.0, most_fraction)


@formula("probability")
def adverse_probability(alpha_touch: Values, depth_bps: Values, decay_bps: Values = ADVERSE_DECAY_BPS) -> Values:
    """Probability that a fill at a depth is informed, alpha e^{-d/15 bps}, as the system assumes.

    Parameters
    ----------
    alpha_touch : number, array or DataArray
        That probability at the touch.
    depth_bps : number, array or DataArray
        Distance d from the touch, bps.
    decay_bps : number, array or DataArray
        Distance over which it falls by e, bps: typed in, and learned from nothing.

    Notes
    -----
    That deep fills are *less* adverse is an assumption: a sweep that reaches them is rather more likely informed.
    """
    return alpha_touch * np.exp(-depth_bps / decay_bps)


@formula("log of equity per trade")
def log_growth(stake_fraction: Values, win_probability: Values, odds: Values) -> Values:
    """Expected growth of log equity per trade, p ln(1 + b f) + (1 - p) ln(1 - f); its mean over draws is E[g(f)]."""
    won = win_probability * np.log1p(odds * stake_fraction)
    return won + (1.0 - win_probability) * np.log1p(-stake_fraction)


@dataclass(frozen=True)
class TradeRecord:
    """Evidence about p and b: counts and sums, which add.

    Attributes
    ----------
    wins, losses : float
        Trades that won and that lost; scratches count as neither, the best stake does not depend on them.
    won_bps, lost_bps : float
        Sum of the wins, sum of the sizes of the losses.
    """

    wins: float = 0.0
    losses: float = 0.0
    won_bps: float = 0.0
    lost_bps: float = 0.0

    def __post_init__(self) -> None:
        """Refuse negative counts and sums."""
        require_counts(wins=self.wins, losses=self.losses, won_bps=self.won_bps, lost_bps=self.lost_bps)

    def __add__(self, other: TradeRecord) -> TradeRecord:
        """Both records together."""
        return TradeRecord(
            self.wins + other.wins,
            self.losses + other.losses,
            self.won_bps + other.won_bps,
            self.lost_bps + other.lost_bps,
        )

    @classmethod
    def of(cls, outcomes_bps: ArrayLike) -> TradeRecord:
        """Record of the outcomes of trades in bps, shape (n,).

        Raises
        ------
        ValueError
            If an outcome is not finite.
        """
        x = np.asarray(outcomes_bps, dtype=float)
        if not np.isfinite(x).all():
            raise ValueError(f"outcomes_bps must be finite, {np.count_nonzero(~np.isfinite(x))} of {x.size} are not")
        won, lost = x[x > 0], -x[x < 0]
        return cls(float(won.size), float(lost.size), float(won.sum()), float(lost.sum()))


@dataclass(frozen=True)
class TradeBelief:
    """Belief about p and about the mean sizes of wins and losses: the prior, or a posterior.

    Attributes
    ----------
    win_probability : Beta
        Belief about p.
    mean_win_bps, mean_loss_bps : InverseGamma
        Beliefs about the mean sizes; sizes are exponential given their mean. The default, with mean 5 bps and the
        weight of two trades, is a typed-in scale: give your own where trades win or lose much more or less.
    """

    win_probability: Beta = field(default_factory=lambda: Beta(1.0, 1.0))
    mean_win_bps: InverseGamma = field(default_factory=lambda: InverseGamma(3.0, 10.0))
    mean_loss_bps: InverseGamma = field(default_factory=lambda: InverseGamma(3.0, 10.0))

    def given(self, record: TradeRecord) -> TradeBelief:
        """Return the posterior after a record."""
        won, lost = self.mean_win_bps, self.mean_loss_bps
        return TradeBelief(
            self.win_probability.update(record.wins, record.losses),
            InverseGamma(won.shape + record.wins, won.scale + record.won_bps),
            InverseGamma(lost.shape + record.losses, lost.scale + record.lost_bps),
        )

    def draws(self, size: int, random_state: Seed = None) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Draw p, the mean win and the mean loss (bps) together, each of shape (size,)."""
        rng = np.random.default_rng(random_state)
        beliefs = (self.win_probability, self.mean_win_bps, self.mean_loss_bps)
        p, won, lost = (np.asarray(belief.rvs(size, rng)) for belief in beliefs)
        return p, won, lost

    def plug_in_kelly(self) -> float:
        """Best stake if p and the mean sizes were known to be their posterior means; 0 if negative."""
        odds = self.mean_win_bps.mean() / self.mean_loss_bps.mean()
        return max(float(full_kelly(self.win_probability.mean(), odds)), 0.0)

    def posterior_kelly(self, size: int = 20_000, random_state: Seed = None) -> float:
        """Share of equity that the mean loss takes at the position of `posterior_exposure`, under draws of the belief.

        Parameters
        ----------
        size : int
            Number of draws.
        random_state : int, Generator or None
            Seed.
        """
        exposure = posterior_exposure(*self.draws(size, random_state))
        return exposure * self.mean_loss_bps.mean() / BPS_PER_FRACTION


def posterior_kelly(win_probability: Values, odds: Values) -> float:
    """Stake in [0, 1] that maximises the mean of log growth over joint draws, where a lost stake is lost in full.

    Parameters
    ----------
    win_probability, odds : number, array or DataArray
        Joint draws of p and b.
    """
    joint = _joint_stakes(win_probability, odds)
    return _best(joint.win_probability, joint.gain, joint.loss)


def posterior_exposure(win_probability: Values, mean_win_bps: Values, mean_loss_bps: Values) -> float:
    """Position, as a multiple of equity, that maximises the mean of p ln(1 + n W) + (1 - p) ln(1 - n L) over draws.

    Parameters
    ----------
    win_probability, mean_win_bps, mean_loss_bps : number, array or DataArray
        Joint draws of p, W and L.

    Notes
    -----
    What is chosen is a position n; the share n L that a loss takes is as uncertain as L. No draw may ruin: n < 1/max L,
    so that little evidence about the losses alone keeps it small.
    """
    joint = _joint_positions(win_probability, mean_win_bps, mean_loss_bps)
    return _best(joint.win_probability, joint.gain, joint.loss)


@dataclass(frozen=True)
class _Joint:
    """Joint draws: probability of a win, gain and loss per unit staked."""

    win_probability: Values
    gain: Values
    loss: Values


@formula("probability, per unit staked, per unit staked")
def _joint_stakes(win_probability: Values, odds: Values) -> _Joint:
    return _Joint(*np.broadcast_arrays(win_probability, odds, 1.0))


@formula("probability, fraction, fraction")
def _joint_positions(win_probability: Values, mean_win_bps: Values, mean_loss_bps: Values) -> _Joint:
    gain, loss = mean_win_bps / BPS_PER_FRACTION, mean_loss_bps / BPS_PER_FRACTION
    return _Joint(*np.broadcast_arrays(win_probability, gain, loss))


def _best(win_probability: Values, gain: Values, loss: Values) -> float:
    """Return n >= 0 where E[p w/(1 + n w)] - E[(1 - p) l/(1 - n l)], which falls in n, crosses zero."""
    p, win, lose = (np.ravel(np.asarray(a)) for a in (win_probability, gain, loss))
    most = (1.0 - 1e-12) / float(lose.max())

    def slope(n: float) -> float:
        return float(np.mean(p * win / (1.0 + n * win) - (1.0 - p) * lose / (1.0 - n * lose)))

    if slope(0.0) <= 0.0:
        return 0.0
    if slope(most) >= 0.0:
        return 1.0 / float(lose.max())
    return float(brentq(slope, 0.0, most, xtol=1e-15, rtol=1e-14))
