"""What was quoted at the points of an absolute time grid: the series from which learners of series learn.

    t_i = i step,  i integer;    X_i = X of the last quote at or before t_i;    tau_i = when that quote came

Point i belongs to the slice with t0 <= t_i < t1, so that any cutting of a tape gives the same points. Earlier points
are carried along as asked (`lookback`), so that every pair of neighbours, or every three, is seen exactly once.

A quote that has stood unchanged, sizes included, for more than a minute counts as a market that is shut: it says
nothing (`live` is false). A minute is from when stretches without quotes count as closed; see `mmresearch.tape.clock`.

Times in seconds, prices in quote currency, sizes in lots.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from mmresearch.tape.clock import GAP_S
from mmresearch.tape.mids import FloatArray, float_columns
from mmresearch.tape.schema import Tape, require_after

_QUOTE = ("ts", "bid", "bid_sz", "ask", "ask_sz")
_NONE = np.empty((0, len(_QUOTE) + 1))
#: Columns of a sample: i, tau, bid, bid size, ask, ask size, since when unchanged, the signal.
_WIDTH = len(_QUOTE) + 3


@dataclass(frozen=True)
class Samples:
    """Neighbouring points of the grid, those carried from earlier slices in front.

    Attributes
    ----------
    table : ndarray, shape (n, 8)
        One row per point; read it through the properties, each of shape (n,).
    step_s : float
        Seconds between the points.
    """

    table: FloatArray
    step_s: float

    def __len__(self) -> int:
        return len(self.table)

    @property
    def index(self) -> FloatArray:
        """Number i of the point, counted from time 0."""
        return self.table[:, 0]

    @property
    def quoted_at(self) -> FloatArray:
        """When the prevailing quote came, in seconds; NaN before the first."""
        return self.table[:, 1]

    @property
    def log_mid(self) -> FloatArray:
        """Logarithm of the mid."""
        return np.log(0.5 * (self.table[:, 2] + self.table[:, 4]))

    @property
    def log_spread(self) -> FloatArray:
        """Logarithm of the spread as a fraction of the mid."""
        bid, ask = self.table[:, 2], self.table[:, 4]
        return np.log(2.0 * (ask - bid) / (ask + bid))

    @property
    def microprice_gap_bps(self) -> FloatArray:
        """Microprice minus mid in bps of the mid: half-spread times (bid size - ask size)/(bid size + ask size)."""
        bid, bid_sz, ask, ask_sz = self.table[:, 2:6].T
        with np.errstate(invalid="ignore", divide="ignore"):
            return 1e4 * (ask - bid) / (ask + bid) * (bid_sz - ask_sz) / (bid_sz + ask_sz)

    @property
    def signal(self) -> FloatArray:
        """Value of the signal, NaN where there is none."""
        return self.table[:, 7]

    @property
    def live(self) -> NDArray[np.bool_]:
        """Whether a quote prevails that changed within the last minute before the point."""
        return self.index * self.step_s - self.table[:, 6] <= GAP_S

    @property
    def fresh(self) -> NDArray[np.bool_]:
        """Whether the quote came after that of the row before, less than a minute after it or another one changed."""
        newer = np.append(False, np.diff(self.quoted_at) > 0)
        newer[1:] |= np.isnan(self.quoted_at[:-1])
        return newer & (self.quoted_at - self.table[:, 6] <= GAP_S)

    def neighbours(self) -> NDArray[np.bool_]:
        """Whether each two rows that follow each other are one step apart, and both live; shape (n - 1,)."""
        live = self.live
        return (np.diff(self.index) == 1) & live[1:] & live[:-1]


@dataclass(frozen=True)
class Resampler:
    """What must be remembered between slices to sample quotes and a signal on a grid; `step` returns a new one.

    Attributes
    ----------
    step_s : float
        Seconds between the points.
    lookback : int
        How many earlier points come with the new ones.
    column : str or None
        Signal to sample with the quotes: its last value not more than `reach_s` before the point.
    reach_s : float
        Age from which a value of the signal counts as missing, in seconds.
    quote : ndarray, shape (0 or 1, 6)
        The last quote and since when it is unchanged.
    said : tuple of float
        Time and value of the last signal.
    tail : ndarray, shape (k, 8)
        The last points, k <= `lookback`.
    end_s : float
        End of the last slice.
    """

    step_s: float
    lookback: int = 1
    column: str | None = None
    reach_s: float = 1.0
    quote: FloatArray = field(default_factory=lambda: _NONE)
    said: tuple[float, float] = (-np.inf, np.nan)
    tail: FloatArray = field(default_factory=lambda: np.empty((0, _WIDTH)))
    end_s: float = -np.inf

    def step(self, tape: Tape) -> tuple[Resampler, Samples]:
        """Take in one slice.

        Parameters
        ----------
        tape : Tape
            The slice that follows the earlier ones.

        Returns
        -------
        state : Resampler
        samples : Samples
            The points of the slice, with up to `lookback` earlier ones in front.

        Raises
        ------
        SliceOrderError
            If the slice begins before the last one ended.
        """
        require_after(self.end_s, tape)
        rows = self._quotes(tape)
        times, values = self._signal(tape)
        index = np.arange(np.ceil(tape.t0 / self.step_s), np.ceil(tape.t1 / self.step_s))
        grid = index * self.step_s
        table = np.full((len(index), _WIDTH), np.nan)
        table[:, 0] = index
        at = np.searchsorted(rows[:, 0], grid, side="right") - 1
        table[at >= 0, 1:7] = rows[at[at >= 0]]
        said = np.searchsorted(times, grid, side="right") - 1
        known = (said >= 0) & (grid - times[said] < self.reach_s)
        table[known, 7] = values[said[known]]
        joined = np.concatenate([self.tail, table])
        keep = max(len(joined) - self.lookback, 0)
        after = replace(
            self,
            quote=rows[-1:].copy(),
            said=(float(times[-1]), float(values[-1])),
            tail=joined[keep:].copy(),
            end_s=float(tape.t1),
        )
        return after, Samples(joined, self.step_s)

    def _quotes(self, tape: Tape) -> FloatArray:
        """Quotes of the slice, the last one before in front, each with the time since when it is unchanged."""
        if not len(tape.quotes):
            return self.quote
        new = np.stack(float_columns(tape.quotes, *_QUOTE), axis=1)
        rows = np.concatenate([self.quote[:, :-1], new])
        changed = np.append(True, np.any(rows[1:, 1:] != rows[:-1, 1:], axis=1))
        since = np.where(changed, rows[:, 0], -np.inf)
        if len(self.quote):
            since[0] = self.quote[0, -1]
        return np.column_stack([rows, np.maximum.accumulate(since)])

    def _signal(self, tape: Tape) -> tuple[FloatArray, FloatArray]:
        """Values of the signal, the last one before in front."""
        ts, values = signal_values(tape, self.column)
        return np.append(self.said[0], ts), np.append(self.said[1], values)


def signal_values(tape: Tape, column: str | None) -> tuple[FloatArray, FloatArray]:
    """Return the times (s) at which a signal says something, and what; empty where the tape has no such column.

    Parameters
    ----------
    tape : Tape
        A slice.
    column : str or None
        Name of the signal.
    """
    if tape.signals is None or column is None or column not in tape.signals or not len(tape.signals):
        return np.empty(0), np.empty(0)
    ts = np.asarray(tape.signals["ts"].to_numpy(), dtype=np.float64)
    values = np.asarray(tape.signals[column].to_numpy(), dtype=np.float64)
    says = ~np.isnan(values)
    return ts[says], values[says]
