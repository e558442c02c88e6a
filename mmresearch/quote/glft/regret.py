"""What a policy loses to the exact one under the truth, in certainty equivalent and in bps of what is traded.

    regret = CE of the exact policy - CE of the policy,   both under the true parameters,

over the horizon by the recursion of `moments`, or per second in the long run. Divided by the volume that the exact
policy trades, as `mmresearch.quote.edge.Regret` is, it is a number of bps, where price is measured in bps.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mmresearch.quote.glft.long_run import long_run
from mmresearch.quote.glft.model import Model
from mmresearch.quote.glft.moments import Moments, moments
from mmresearch.quote.glft.policy import Policy, policy
from mmresearch.quote.glft.quotes import Method, table
from mmresearch.quote.glft.value import certainty_equivalent, certainty_equivalent_rate

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class PolicyRegret:
    """What a policy loses over the horizon.

    Attributes
    ----------
    certainty_equivalent : float
        Loss against the exact policy, price x size.
    per_unit_traded : float
        The same over the volume that the exact policy trades, price: bps, if prices are in bps.
    fraction : float
        The same as a share of the certainty equivalent of the exact policy.
    got, best : Moments
        Of the policy and of the exact one, under the truth.
    """

    certainty_equivalent: float
    per_unit_traded: float
    fraction: float
    got: Moments
    best: Moments


def regret(quoted: Policy, truth: Model) -> PolicyRegret:
    """Price a policy under the truth, over the horizon of the truth, from no inventory.

    Parameters
    ----------
    quoted : Policy
        What is quoted: of plug-in parameters `policy(believed)`, or any table.
    truth : Model
        True parameters, numbers; gamma is the maker's, above 0, and xi = gamma.

    Raises
    ------
    ValueError
        If xi differs from gamma: the exact quotes are then not those of the largest certainty equivalent.
    """
    if truth.xi != truth.gamma or not truth.gamma > 0:
        raise ValueError("regret in certainty equivalent needs xi = gamma > 0")
    got, best = moments(quoted, truth), moments(policy(truth), truth)
    most = float(certainty_equivalent(truth))
    loss = most - got.certainty_equivalent
    return PolicyRegret(loss, loss / (best.mean_fills * float(truth.lot)), loss / most, got, best)


@dataclass(frozen=True)
class RegretMap:
    """Long-run regret of quoting from wrong parameters.

    Attributes
    ----------
    kappa_ratio : ndarray, shape (K,)
        Believed over true k.
    A_ratio : ndarray, shape (J,)
        Believed over true A.
    gamma : ndarray, shape (G,)
        Risk aversion, 1/(price x size).
    per_unit_traded : ndarray, shape (G, J, K)
        Loss over the volume of the best policy, price: bps, if prices are in bps.
    certainty_equivalent_per_s : ndarray, shape (G, J, K)
        Loss per second, price x size/s.
    fraction : ndarray, shape (G, J, K)
        Loss as a share of the best growth.
    """

    kappa_ratio: Floats
    A_ratio: Floats
    gamma: Floats
    per_unit_traded: Floats
    certainty_equivalent_per_s: Floats
    fraction: Floats


def regret_map(
    truth: Model, kappa_ratio: ArrayLike, A_ratio: ArrayLike, gamma: ArrayLike, method: Method = "asymptotic"
) -> RegretMap:
    """Return the long-run regret of plug-in quotes over errors in k and A, and over risk aversion.

    Parameters
    ----------
    truth : Model
        True parameters, numbers; its own gamma and xi are replaced.
    kappa_ratio, A_ratio : array_like, shape (K,), (J,)
        Believed over true parameters.
    gamma : array_like, shape (G,)
        Risk aversions, above 0; belief and truth share them.
    method : {"asymptotic", "closed", "symmetric"}
        How the quotes are made from the belief. The asymptotic ones of the truth lose nothing.
    """
    k, A, g = (np.atleast_1d(np.asarray(x, dtype=float)) for x in (kappa_ratio, A_ratio, gamma))
    risk = g[:, None, None]
    believed = _with(truth, gamma=risk, k=truth.k * k, A=truth.A * A[:, None])
    quoted = table(believed, method)
    got = long_run(quoted.bid, quoted.ask, _with(truth, gamma=risk[..., None]))
    right = _with(truth, gamma=g)
    best = table(right, "asymptotic")
    volume = long_run(best.bid, best.ask, _with(truth, gamma=g[:, None])).volume_per_s
    most = np.asarray(certainty_equivalent_rate(right))
    loss = most[:, None, None] - got.certainty_equivalent_per_s
    return RegretMap(k, A, g, loss / volume[:, None, None], loss, loss / most[:, None, None])


def _with(model: Model, gamma: Floats, **changes: Floats) -> Model:
    """Return a CARA model with other parameters: xi follows gamma."""
    kept = {name: getattr(model, name) for name in ("sigma", "A", "k", "T", "Q", "lot", "mu", "impact", "cost")}
    return Model(**(kept | changes), gamma=gamma)
