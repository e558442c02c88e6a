"""Running volatility of the mid: root mean square of its moves over one-second steps since the start.

Units: bps of mid per square root of a second.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mmresearch.tape.mids import NO_QUOTES, QuoteArrays, mid_at_or_before, quote_arrays
from mmresearch.tape.schema import Tape


@dataclass(frozen=True)
class RunningVolatility:
    """Sum of squared one-second moves, carried from slice to slice.

    Attributes
    ----------
    count, squares_bps2 : float
        Steps seen, and the sum of their squared moves in bps^2.
    last_step : int or None
        Second up to which the mid was read.
    last_mid : float
        Mid at that second.
    last_quote : QuoteArrays
        The newest quote of the earlier slices.
    """

    count: float = 0.0
    squares_bps2: float = 0.0
    last_step: int | None = None
    last_mid: float = np.nan
    last_quote: QuoteArrays = NO_QUOTES

    def step(self, tape: Tape, at: ArrayLike) -> tuple[RunningVolatility, NDArray[np.float64]]:
        """Take in one slice.

        Parameters
        ----------
        tape : Tape
            The slice that follows the earlier ones.
        at : array_like, shape (n,)
            Times inside the slice, in seconds.

        Returns
        -------
        state : RunningVolatility
        sigma_bps : ndarray, shape (n,)
            Volatility known at each time (from the seconds that ended by then), 0 before there is any.
        """
        known = quote_arrays(tape.quotes, self.last_quote)
        first = int(np.ceil(tape.t0)) if self.last_step is None else self.last_step + 1
        seconds = np.arange(first, int(np.ceil(tape.t1)))
        path = np.append(self.last_mid, mid_at_or_before(known, seconds.astype(float)))
        moves = np.diff(path) / path[:-1] * 1e4
        seen = np.isfinite(moves)
        count = self.count + np.append(0.0, np.cumsum(seen))
        squares = self.squares_bps2 + np.append(0.0, np.cumsum(np.where(seen, moves, 0.0) ** 2))
        row = np.searchsorted(seconds, np.asarray(at, dtype=float), side="right")
        sigma = np.sqrt(squares[row] / np.maximum(count[row], 1.0))
        after = replace(self, count=float(count[-1]), squares_bps2=float(squares[-1]), last_quote=known.last())
        if seconds.size:
            after = replace(after, last_step=int(seconds[-1]), last_mid=float(path[-1]))
        return after, sigma
