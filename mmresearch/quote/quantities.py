"""Formulas of numbers, arrays and posterior draws: what goes in is checked by its unit, what comes out is of its kind.

    @formula(unit="bps")
    def spread_floor(fee_bps, adverse_selection_bps): ...

The name of an argument says its quantity, and the quantity its unit and range (`QUANTITIES`). A number gives a number,
an array an array (arrays broadcast), and a labelled array (xarray.DataArray) one with the dimensions of all of them,
joined exactly, that carries the unit of the result in `attrs["units"]`. Draws of several inputs must be *joint* draws:
element s of each belongs to the same posterior draw.
"""

from __future__ import annotations

import functools
import inspect
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, is_dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

#: A number, an array, or an xarray.DataArray. This room runs without xarray, so it cannot be named here.
type Values = Any


@dataclass(frozen=True)
class Quantity:
    """Unit and range of an input.

    Attributes
    ----------
    unit : str
        Its unit.
    low, high : float
        Range.
    open_low, open_high : bool
        Whether the ends are excluded.
    whole : bool
        Whether it counts something.
    """

    unit: str
    low: float = -math.inf
    high: float = math.inf
    open_low: bool = False
    open_high: bool = False
    whole: bool = False

    def holds(self, values: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Say of each value whether it is finite and in range."""
        above = values > self.low if self.open_low else values >= self.low
        below = values < self.high if self.open_high else values <= self.high
        fits = np.isfinite(values) & above & below
        return fits & (values == np.round(values)) if self.whole else fits

    def __str__(self) -> str:
        """Say the range in words."""
        kind = "a finite whole number" if self.whole else "finite"
        low = "" if self.low == -math.inf else f", {'above' if self.open_low else 'at least'} {self.low:g}"
        high = "" if self.high == math.inf else f", {'below' if self.open_high else 'at most'} {self.high:g}"
        return f"{kind}{low}{high}"


#: What a deployed formula accepts where it has a special case for what should not be.
ANYTHING = "anything finite"

_PRICE, _BPS, _PROBABILITY = "fraction of price", "bps", "probability"
QUANTITIES: Mapping[str, Quantity] = {
    # quotes
    "gamma": Quantity("1/(fraction of price)", 0, open_low=True),
    "kappa": Quantity("1/(fraction of price)", 0, open_low=True),
    "A_per_s": Quantity("1/s per side", 0, open_low=True),
    "fill_rate_per_s": Quantity("1/s per side", 0, open_low=True),
    "sigma_per_sqrt_s": Quantity(f"{_PRICE} per sqrt(s)", 0),
    "volatility_bps_per_sqrt_s": Quantity("bps per sqrt(s)", 0),
    "horizon_s": Quantity("s", 0),
    "latency_ms": Quantity("ms", 0),
    "tick_ms": Quantity("ms", 0),
    "target_half_spread_fraction": Quantity(_PRICE, 0, open_low=True),
    "spread_bps": Quantity(_BPS, 0),
    "fee_bps": Quantity(_BPS),
    "adverse_selection_bps": Quantity(_BPS),
    "normal_adverse_bps": Quantity(_BPS),
    "toxic_adverse_bps": Quantity(_BPS),
    "least_cost_bps": Quantity(_BPS, 0, open_low=True),
    "slippage_bps": Quantity(_BPS, 0),
    "requote_cost_bps": Quantity(_BPS, 0),
    "noise_buffer": Quantity("factor", 0),
    "levels": Quantity("levels", 1, whole=True),
    "decay_bps": Quantity(_BPS, 0, open_low=True),
    "depth_bps": Quantity(_BPS, 0),
    "first_depth_bps": Quantity(_BPS, 0, open_low=True),
    # risk
    "account_usd": Quantity("$", 0),
    "kelly_fraction": Quantity("fraction of equity", 0, 1),
    "rms_exposure_fraction": Quantity("position/equity", 0),
    "daily_volatility": Quantity("fraction per sqrt(day)", 0),
    "horizon_days": Quantity("days", 0),
    "exceedance_probability": Quantity(_PROBABILITY, 0, 1, open_low=True, open_high=True),
    "max_leverage": Quantity("notional/equity", 0, open_low=True),
    "maintenance_margin": Quantity("equity/notional", 0, 1, open_low=True, open_high=True),
    "safety_buffer": Quantity(f"adverse move, {_PRICE}", 0, 1, open_high=True),
    # signals
    "half_life_samples": Quantity("samples", 0, open_low=True),
    "expected_run_samples": Quantity("samples", 1),
    "open_interest_change_sd": Quantity("fraction of open interest", 0),
    "sd_multiplier": Quantity("sd", 0),
    "base_rate": Quantity(_PROBABILITY, 0, 1),
    "cost_false_positive": Quantity("money, as cost_false_negative", 0),
    "cost_false_negative": Quantity("money, as cost_false_positive", 0),
    "ir_mean": Quantity("information ratio"),
    "ir_sd": Quantity("information ratio", 0),
    "target_ir": Quantity("information ratio"),
    "confidence": Quantity(_PROBABILITY, 0, 1, open_low=True, open_high=True),
    # sizing
    "edge_bps": Quantity(_BPS),
    "edge_sd_bps": Quantity(_BPS, 0, open_low=True),
    "mean_win_bps": Quantity(_BPS, 0, open_low=True),
    "mean_loss_bps": Quantity(_BPS, 0, open_low=True),
    "trade_sd_bps": Quantity(_BPS, 0, open_low=True),
    "stake_fraction": Quantity("fraction of equity", 0, 1, open_high=True),
    "kelly_share": Quantity("share of the full fraction", 0),
    "most_fraction": Quantity("fraction of equity", 0, 1),
    "win_probability": Quantity(_PROBABILITY, 0, 1),
    "odds": Quantity("mean win/mean loss", 0, open_low=True),
    "alpha_touch": Quantity(_PROBABILITY, 0, 1),
}


def formula[F: Callable[..., Any]](unit: str, **ranges: str) -> Callable[[F], F]:
    """Make a function of float arrays into a formula of numbers, arrays and labelled arrays, with checked inputs.

    Parameters
    ----------
    unit : str
        Unit of the result; of several results, the units in their order, with commas between.
    **ranges : str
        Arguments for which the range is not that of `QUANTITIES` but `ANYTHING` finite.

    Raises
    ------
    TypeError
        If an argument declared as `Values` is no quantity with a unit.
    """

    def decorate(function: F) -> F:
        signature = inspect.signature(function)
        expected = {n: _expected(n, n in ranges) for n, p in signature.parameters.items() if p.annotation == "Values"}

        @functools.wraps(function)
        def checked(*args: Any, **kwargs: Any) -> Any:
            bound = signature.bind(*args, **kwargs)
            bound.apply_defaults()
            given = {n: bound.arguments[n] for n in expected}
            arrays = {n: _read(n, given[n], expected[n]) for n in expected}
            others = {n: v for n, v in bound.arguments.items() if n not in expected}
            return _apply(function, unit, given, arrays, others)

        checked.__dict__.update(unit=unit, inputs={n: q.unit for n, q in expected.items()})
        return checked  # type: ignore[return-value]

    return decorate


def unit_of(function: Callable[..., Any]) -> str:
    """Unit of what a formula returns."""
    return str(function.__dict__["unit"])


def inputs_of(function: Callable[..., Any]) -> Mapping[str, str]:
    """Unit of each input of a formula, by argument name."""
    return dict(function.__dict__["inputs"])


def require(holds: NDArray[np.bool_], what: str) -> None:
    """Refuse inputs that are in range each, but not together.

    Raises
    ------
    ValueError
        With what must hold, and for how many values it does not.
    """
    if not np.all(holds):
        bad = int(np.size(holds) - np.count_nonzero(holds))
        raise ValueError(f"{what}; not so for {bad} of {np.size(holds)} values")


def _expected(name: str, anything: bool) -> Quantity:
    if name not in QUANTITIES:
        raise TypeError(f"{name} is no quantity with a unit; add it to QUANTITIES")
    return Quantity(QUANTITIES[name].unit) if anything else QUANTITIES[name]


def _labelled(value: Any) -> bool:
    return hasattr(value, "dims") and isinstance(getattr(value, "values", None), np.ndarray)


def _read(name: str, value: Any, expected: Quantity) -> NDArray[np.float64]:
    """Return the values as floats, or say which of them is out of range."""
    if hasattr(value, "rvs"):
        raise ValueError(f"{name} is a belief; give its draws: {name}=belief.rvs(size=4000, random_state=1)")
    try:
        array = np.asarray(value.values if _labelled(value) else value, dtype=float)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name} ({expected.unit}) must be numbers, got {value!r}") from error
    fits = expected.holds(array)
    if not fits.all():
        first = tuple(int(i) for i in np.argwhere(~fits)[0])
        where = f" at index {first}, {np.count_nonzero(~fits)} of {array.size} values" if array.ndim else ""
        raise ValueError(f"{name} must be {expected}, got {array[first]:g} {expected.unit}{where}")
    return array


def _apply(
    function: Callable[..., Any],
    unit: str,
    given: Mapping[str, Any],
    arrays: dict[str, NDArray[np.float64]],
    others: Mapping[str, Any],
) -> Any:
    labelled = {n: v for n, v in given.items() if _labelled(v)}
    if labelled:
        frame = _frame(labelled, arrays)
        spread = {n: np.asarray((frame + v).values) if n in labelled else arrays[n] for n, v in given.items()}
        units = iter(unit.split(", "))
        return _each(function(**spread, **others), lambda out: _relabel(frame, out, function.__name__, next(units)))
    try:
        spread = dict(zip(arrays, np.broadcast_arrays(*arrays.values()), strict=True))
    except ValueError as error:
        shapes = ", ".join(f"{n} {a.shape}" for n, a in arrays.items() if a.ndim)
        raise ValueError(f"draws must be joint, of one shape or broadcast to one; got {shapes}") from error
    number = all(np.isscalar(v) for v in given.values())
    return _each(function(**spread, **others), float if number else np.asarray)


def _each(out: Any, convert: Callable[[Any], Any]) -> Any:
    """Convert a result, or each field of several."""
    if is_dataclass(out) and not isinstance(out, type):
        return type(out)(*(convert(getattr(out, f.name)) for f in fields(out)))
    return convert(out)


def _frame(labelled: Mapping[str, Any], arrays: Mapping[str, NDArray[np.float64]]) -> Any:
    """Return zeros with the dimensions of all the labelled inputs, which must agree where they share one."""
    bare = [n for n, a in arrays.items() if n not in labelled and a.ndim]
    if bare:
        raise ValueError(f"{', '.join(bare)}: an array without labels beside labelled ones; give it named dimensions")
    seen: dict[Any, tuple[str, Any]] = {}
    frame: Any = 0.0
    for name, value in labelled.items():
        for dim in value.dims:
            index = value.get_index(dim)
            other, known = seen.setdefault(dim, (name, index))
            if not index.equals(known):
                raise ValueError(f"{name} and {other} have different labels along {dim!r}; align them first")
        frame = frame + 0.0 * value
    return frame


def _relabel(frame: Any, values: NDArray[np.float64], name: str, unit: str) -> Any:
    out = frame.copy(data=np.broadcast_to(values, frame.shape).copy())
    out.name, out.attrs = name, {"units": unit}
    return out
