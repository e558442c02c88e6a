"""The model, its parameters under the letters of the papers, and the three numbers that all quotes are made of.

The mid follows dS = mu dt + sigma dW. A quote at depth delta is filled at rate A e^{-k delta}. The maker holds
q = D j, |j| <= Q lots of size D, and maximises E[-exp(-gamma (X_T + q_T S_T))]. Every formula is made of

    C = (1 + xi D/k)^{-1 - k/(xi D)}     (e^{-1} if xi = 0),      eta = A C,
    base = ln(1 + xi D/k)/(xi D)         (1/k if xi = 0),
    c = sqrt(gamma sigma^2/(2 A D k C)).

xi = gamma is the CARA model (Gueant's A); xi = 0 penalises inventory but not the risk of fills (his B). It is not the
impact: that is the move of the mid against us at each fill.

Units: the formulas hold in any unit of price, as long as sigma, 1/k, 1/gamma, mu, impact and cost share it. The package
uses seconds and bps of mid: k is then `kappa_per_bp`, A `A_per_s`, sigma `sigma_bps_per_sqrt_s`, gamma is per bp of
one unit of size. The papers' own examples are in ticks.

Sources: Gueant, Lehalle and Fernandez-Tapia (2013); Gueant (2017), sections 3 and 4.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from mmresearch.quote.glft.namespace import Array, is_concrete, namespace

#: Below this, ln(1 + x)/x is taken from its series.
_SMALL = 1e-4


@dataclass(frozen=True)
class Model:
    """Parameters; each a number or an array, and arrays broadcast: of posterior draws, say.

    Attributes
    ----------
    sigma : array_like
        Volatility of the mid, price per sqrt(s), >= 0.
    A : array_like
        Fill intensity at the mid, 1/s per side, > 0.
    k : array_like
        Decay of the fill intensity with depth, 1/price, > 0.
    gamma : array_like
        Risk aversion, 1/(price x size), >= 0.
    T : array_like
        Horizon, s, >= 0.
    Q : int
        Largest inventory, in lots.
    lot : array_like
        Size D of a fill.
    mu : array_like
        Drift of the mid, price per s.
    impact : array_like
        Move of the mid against us at each fill, price; so an expected adverse move that stays.
    cost : array_like
        Paid for each unit filled, price: fee, and an adverse move if it is to count against the fill alone.
    xi : array_like or None
        Aversion to the risk of not being filled, 1/(price x size); None for gamma.

    Raises
    ------
    ValueError
        If a parameter is out of range.
    """

    sigma: Array
    A: Array
    k: Array
    gamma: Array
    T: Array
    Q: int = 30
    lot: Array = 1.0
    mu: Array = 0.0
    impact: Array = 0.0
    cost: Array = 0.0
    xi: Array = None

    def __post_init__(self) -> None:
        """Refuse what no market has; values that a tracer hides cannot be looked at."""
        if self.xi is None:
            object.__setattr__(self, "xi", self.gamma)
        for name in ("A", "k", "lot"):
            _require(name, getattr(self, name), strictly=True)
        for name in ("sigma", "gamma", "T", "xi"):
            _require(name, getattr(self, name), strictly=False)
        if not (isinstance(self.Q, int) and self.Q >= 1):
            raise ValueError(f"Q counts lots and is at least 1, got {self.Q!r}")

    @property
    def xp(self) -> Any:
        """The array library of the parameters."""
        return namespace(*(getattr(self, f.name) for f in fields(self)))

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the parameters together."""
        return np.broadcast_shapes(*(np.shape(getattr(self, f.name)) for f in fields(self)))

    @property
    def C(self) -> Array:  # noqa: N802
        """Factor C of the intensity at the best depth, 1."""
        x = self.xi * self.lot / self.k
        return self.xp.exp(-self.xp.log1p(x) - log1p_ratio(self.xp, x))

    @property
    def eta(self) -> Array:
        """Rate eta that couples neighbouring inventories, 1/s; costs and impact included."""
        return self.A * self.C * self.xp.exp(-self.k * (self.cost + self.impact / 2.0))

    @property
    def base(self) -> Array:
        """Half-spread without inventory, price; costs and impact included."""
        return log1p_ratio(self.xp, self.xi * self.lot / self.k) / self.k + self.cost + self.impact / 2.0

    @property
    def c(self) -> Array:
        """Shift of a closed-form quote per lot of inventory, over the lot: price per unit of size."""
        return self.xp.sqrt(self.gamma * self.sigma**2 / (2.0 * self.lot * self.k * self.eta))

    def lots(self) -> np.ndarray:
        """Inventories in lots, -Q to Q, shape (2 Q + 1,)."""
        return np.arange(-self.Q, self.Q + 1)


def log1p_ratio(xp: Any, x: Array) -> Array:
    """Return ln(1 + x)/x at x >= 0, 1 at 0; smooth, so that its derivative is right at 0 too.

    Parameters
    ----------
    xp : module
        Array library.
    x : array_like
        Where.
    """
    x = xp.asarray(x)
    safe = xp.where(x > _SMALL, x, 1.0)
    series = 1.0 - x * (1.0 / 2.0 - x * (1.0 / 3.0 - x * (1.0 / 4.0 - x / 5.0)))
    return xp.where(x > _SMALL, xp.log1p(safe) / safe, series)


def _require(name: str, value: Array, strictly: bool) -> None:
    if not is_concrete(value):
        return
    fits = np.isfinite(value) & ((np.asarray(value) > 0) if strictly else (np.asarray(value) >= 0))
    if not np.all(fits):
        raise ValueError(f"{name} must be finite and {'positive' if strictly else 'at least 0'}, got {value}")
