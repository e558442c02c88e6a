"""Laws of formulas: what goes in comes out in kind, draw by draw, and what no market can have is named and refused."""

from __future__ import annotations

import numpy as np
import pytest

from mmresearch.belief.beta import Beta
from mmresearch.quote import kelly
from mmresearch.quote.derived_table import DERIVED
from mmresearch.quote.quantities import QUANTITIES, Values, formula, inputs_of, unit_of

xr = pytest.importorskip("xarray")

#: A value in range for every quantity that a formula of the table reads.
EXAMPLE = {
    "target_half_spread_fraction": 3e-4,
    "kappa": 2000.0,
    "sigma_per_sqrt_s": 1e-5,
    "horizon_s": 60.0,
    "fee_bps": 1.5,
    "adverse_selection_bps": 3.0,
    "latency_ms": 50.0,
    "account_usd": 1e4,
    "kelly_fraction": 0.25,
    "rms_exposure_fraction": 0.5,
    "daily_volatility": 0.02,
    "exceedance_probability": 0.01,
    "horizon_days": 3.0,
    "half_life_samples": 10.0,
    "tick_ms": 100.0,
    "spread_bps": 5.0,
    "expected_run_samples": 250.0,
    "open_interest_change_sd": 0.01,
    "sd_multiplier": 3.0,
    "normal_adverse_bps": 5.0,
    "toxic_adverse_bps": 15.0,
    "least_cost_bps": 0.1,
    "slippage_bps": 0.5,
    "noise_buffer": 1.5,
    "requote_cost_bps": 0.05,
    "fill_rate_per_s": 0.1,
    "max_leverage": 10.0,
    "maintenance_margin": 0.05,
    "safety_buffer": 0.03,
    "levels": 5.0,
    "decay_bps": 20.0,
    "first_depth_bps": 5.0,
    "volatility_bps_per_sqrt_s": 2.0,
    "base_rate": 0.3,
    "cost_false_positive": 1.0,
    "cost_false_negative": 3.0,
    "ir_mean": 1.1,
    "ir_sd": 0.5,
    "target_ir": 1.0,
    "confidence": 0.8,
    "edge_bps": 2.0,
    "edge_sd_bps": 1.0,
    "trade_sd_bps": 4.0,
    "mean_win_bps": 6.0,
    "mean_loss_bps": 4.0,
    "kelly_share": 0.25,
    "most_fraction": 0.5,
    "win_probability": 0.55,
    "odds": 1.5,
    "alpha_touch": 0.25,
    "depth_bps": 5.0,
    "stake_fraction": 0.1,
}
FORMULAS = {
    **{f"deployed {c.name}": c.deployed for c in DERIVED.values()},
    **{f"right {c.name}": c.right for c in DERIVED.values() if c.right},
    **{
        f.__name__: f
        for f in (
            kelly.deployed_win_probability,
            kelly.predictive_win_probability,
            kelly.full_kelly,
            kelly.deployed_kelly,
            kelly.adverse_probability,
            kelly.log_growth,
        )
    },
}
every_formula = pytest.mark.parametrize("function", FORMULAS.values(), ids=FORMULAS)


def _parts(out):
    return list(vars(out).values()) if hasattr(out, "__dataclass_fields__") else [out]


@every_formula
def test_a_number_an_array_and_labelled_draws_give_the_same_in_their_kind(function):
    names = list(inputs_of(function))
    numbers = {n: EXAMPLE[n] for n in names}
    arrays = {n: np.full((2, 3), EXAMPLE[n]) for n in names}
    labelled = {n: xr.DataArray(a, dims=("chain", "draw")) for n, a in arrays.items()}
    units = unit_of(function).split(", ")
    for one, many, draws, unit in zip(
        _parts(function(**numbers)),
        _parts(function(**arrays)),
        _parts(function(**labelled)),
        units,
        strict=True,
    ):
        assert type(one) is float
        assert type(many) is np.ndarray
        assert isinstance(draws, xr.DataArray)
        assert draws.dims == ("chain", "draw")
        assert draws.attrs == {"units": unit}
        np.testing.assert_array_equal(many, np.full((2, 3), one))
        np.testing.assert_array_equal(draws.values, many)


@every_formula
def test_draws_keep_their_order(function):
    """Element s of the result belongs to element s of the draws: nothing is sorted or averaged on the way."""
    name = next(iter(inputs_of(function)))
    rest = {n: EXAMPLE[n] for n in inputs_of(function) if n != name}
    scale = [1, 2, 3] if QUANTITIES[name].whole else [1.0, 0.9, 0.95]
    values = EXAMPLE[name] * np.array(scale)
    together = _parts(function(**{name: values}, **rest))
    apart = [_parts(function(**{name: float(v)}, **rest)) for v in values]
    for j, part in enumerate(together):
        np.testing.assert_allclose(part, [a[j] for a in apart], rtol=1e-14)


@every_formula
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_an_input_that_is_no_number_is_refused_by_name_and_unit(function, bad):
    for name, unit in inputs_of(function).items():
        with pytest.raises(ValueError) as refused:
            function(**{n: bad if n == name else EXAMPLE[n] for n in inputs_of(function)})
        assert str(refused.value).startswith(f"{name} must be ")
        assert "finite" in str(refused.value)
        assert unit in str(refused.value)


@pytest.mark.parametrize(
    ("name", "bad"),
    [
        ("sigma_per_sqrt_s", -1e-4),
        ("latency_ms", -1.0),
        ("exceedance_probability", 0.0),
        ("maintenance_margin", 1.0),
        ("levels", 2.5),
        ("levels", 0.0),
        ("win_probability", 1.01),
        ("stake_fraction", 1.0),
        ("kappa", 0.0),
        ("ir_sd", -0.1),
        ("expected_run_samples", 0.5),
        ("cost_false_negative", -1.0),
    ],
)
def test_what_is_out_of_range_is_refused_with_its_place(name, bad):
    function = next(f for key, f in FORMULAS.items() if name in inputs_of(f) and not key.startswith("deployed "))
    values = np.full(4, EXAMPLE[name])
    values[2] = bad
    inputs = {n: values if n == name else EXAMPLE[n] for n in inputs_of(function)}
    with pytest.raises(ValueError, match=rf"{name} must be .* got {bad:g} .* at index \(2,\), 1 of 4 values"):
        function(**inputs)


@formula("bps")
def _sum(fee_bps: Values, slippage_bps: Values) -> Values:
    return fee_bps + slippage_bps


def test_labelled_inputs_are_joined_by_name_and_not_by_place():
    fee = xr.DataArray([1.0, 2.0], dims="asset", coords={"asset": ["a", "b"]})
    slip = xr.DataArray([[0.1, 0.2, 0.3]], dims=("chain", "draw"))
    out = _sum(fee, slip)
    assert out.dims == ("asset", "chain", "draw")
    assert list(out["asset"].values) == ["a", "b"]
    assert out.sel(asset="b", chain=0, draw=2).item() == pytest.approx(2.3)
    swapped = xr.DataArray(np.arange(6.0).reshape(3, 2), dims=("draw", "asset"), coords={"asset": ["a", "b"]})
    assert _sum(fee, swapped).transpose("draw", "asset").values.tolist() == [[1, 3], [3, 5], [5, 7]]


def test_labels_that_differ_are_not_dropped_in_silence():
    fee = xr.DataArray([1.0, 2.0], dims="asset", coords={"asset": ["a", "b"]})
    slip = xr.DataArray([1.0, 2.0], dims="asset", coords={"asset": ["b", "c"]})
    with pytest.raises(ValueError, match="slippage_bps and fee_bps have different labels along 'asset'"):
        _sum(fee, slip)


def test_arrays_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match=r"joint.*fee_bps \(3,\), slippage_bps \(2,\)"):
        _sum(np.ones(3), np.ones(2))
    with pytest.raises(ValueError, match="slippage_bps: an array without labels beside labelled ones"):
        _sum(xr.DataArray(np.ones(3), dims="draw"), np.ones(3))
    with pytest.raises(ValueError, match=r"fee_bps \(bps\) must be numbers, got 'much'"):
        _sum("much", 1.0)


def test_a_belief_is_to_be_drawn_first():
    with pytest.raises(ValueError, match=r"fee_bps=belief.rvs"):
        _sum(Beta(1.0, 2.0), 1.0)


def test_lists_and_integers_are_read():
    assert _sum([1, 2], 1).tolist() == [2.0, 3.0]
    assert _sum(1, 2) == 3.0
    assert type(_sum(1, 2)) is float


def test_an_argument_without_a_unit_is_an_error_of_the_author():
    with pytest.raises(TypeError, match="luck is no quantity"):

        @formula("bps")
        def _bad(luck: Values) -> Values:
            return luck
