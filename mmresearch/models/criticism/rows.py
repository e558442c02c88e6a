"""What a model says of each datum: rows, the values they consist of, and the predictive law of each at each draw.

    row      what is scored at once: the labels of a window, a waiting time, a one-second move, ...
    part     values of one kind within rows, y_m, each with log p(y_m | past, draw) and P(Y_m <= y_m | past, draw)

The log density of a row is the sum over its values, each given the values before it, so rows multiply to the
likelihood. Rows of a series are one-step factors: p(y_t | y_1..t-1, draw). Where effects of windows are latent they are
integrated out, so that windows that nobody fitted are scored by the same law.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from mmresearch.models.data import EvidenceError

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.intp]

#: Log density, P(Y < y) and P(Y <= y); the two are one where values are continuous.
Law = tuple[FloatArray, FloatArray, FloatArray]
DRAWS = 500


@dataclass(frozen=True)
class Part:
    """Values of one kind, M of an asset, at S draws.

    Attributes
    ----------
    name : str
        What the values are.
    row : ndarray of int, shape (M,)
        Row of each.
    log_density : ndarray, shape (S, M), or None
        None where the values are a second view of what another part scores.
    below, upto : ndarray, shape (S, M)
        P(Y < y) and P(Y <= y) given what came before; NaN where a value is censored.
    checks : tuple of str
        Keys of `mmresearch.models.criticism.residuals.CHECKS` that suit the values.
    simulated : bool
        Whether the probabilities are those of one replicate, 0 or 1, right only on average over draws.
    """

    name: str
    row: IntArray
    log_density: FloatArray | None
    below: FloatArray
    upto: FloatArray
    checks: tuple[str, ...] = ()
    simulated: bool = False


@dataclass(frozen=True)
class Quantity:
    """A test quantity at each draw, of the data and of data replicated there; shape (S,) each."""

    name: str
    observed: FloatArray
    replicated: FloatArray


@dataclass(frozen=True)
class AssetRows:
    """Rows of one asset.

    Attributes
    ----------
    asset : str
        Name.
    unit : str
        What a row is.
    size : int
        Number of rows.
    parts : tuple of Part
        Their values.
    quantities : tuple of Quantity
        Test quantities beyond those of the parts.
    """

    asset: str
    unit: str
    size: int
    parts: tuple[Part, ...]
    quantities: tuple[Quantity, ...] = ()

    def log_density(self) -> FloatArray:
        """Log density of each row at each draw; shape (S, rows)."""
        scored = [(p.row, p.log_density) for p in self.parts if p.log_density is not None]
        total = np.zeros((scored[0][1].shape[0] if scored else 0, self.size))
        for row, density in scored:
            np.add.at(total.T, row, density.T)
        return total


class Draws:
    """Thinned posterior draws by name, chains behind each other.

    Parameters
    ----------
    posterior : DataTree or Dataset
        Draws of a fit: a tree with a group ``posterior``, or the group itself.
    keep : int
        About how many are kept, evenly over every chain.

    Raises
    ------
    EvidenceError
        If no draw is asked for.
    """

    def __init__(self, posterior: Any, keep: int = DRAWS):
        if keep < 1:
            raise EvidenceError(f"draws must be at least 1, got {keep}")
        self.data: xr.Dataset = posterior["posterior"].to_dataset() if isinstance(posterior, xr.DataTree) else posterior
        chains, draws = self.data.sizes["chain"], self.data.sizes["draw"]
        each = min(max(keep // chains, 1), draws)
        self.chain = np.arange(chains)
        self.draw = np.unique(np.linspace(0, draws - 1, each).round().astype(int))
        self.size = self.chain.size * self.draw.size

    def __contains__(self, name: str) -> bool:
        return name in self.data

    def __getitem__(self, name: str) -> FloatArray:
        """Return draws of a variable; shape (S, ...)."""
        if name not in self.data:
            raise EvidenceError(f"the draws have no {name}: they are of another model, or of an older fit; fit again")
        kept = self.data[name].transpose("chain", "draw", ...).to_numpy()[:, self.draw]
        return np.asarray(kept, dtype=np.float64).reshape(self.size, *kept.shape[2:])

    def get(self, name: str) -> FloatArray | None:
        """Return draws of a variable, or None if the model has none of that name."""
        return None if name not in self.data else self[name]

    def matches(self, name: str, assets: tuple[str, ...]) -> None:
        """Refuse evidence of other assets than those that were fitted.

        Raises
        ------
        EvidenceError
            If names or their order differ.
        """
        variable = self.data.get(name)
        if variable is None or "asset" not in variable.coords:
            return
        fitted = tuple(map(str, variable["asset"].to_numpy()))
        if fitted != tuple(assets):
            raise EvidenceError(f"the fit is of {', '.join(fitted)}, the evidence of {', '.join(assets)}")
