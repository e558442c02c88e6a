"""Laws of truths: what the floor is, and that nothing impossible gets in."""

import math

import pytest

from mmresearch.sim.truth import Stress, Truth, with_values

PLAIN = {"asset": "X", "kappa": 2000.0, "A": 0.6, "alpha_touch": 0.25}


def test_the_floor_is_the_fee_plus_the_expected_adverse_move():
    assert Truth(**PLAIN, adverse_bps=12.0, fee_bps=-0.5).spread_floor_bps == pytest.approx(2.5)


def test_the_tick_is_in_quote_currency():
    assert Truth(**PLAIN, price=250.0, tick_bps=2.0).tick == pytest.approx(0.05)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("kappa", 0.0), ("A", -1.0), ("alpha_touch", 1.1), ("alpha_touch", -0.1), ("alpha_touch", math.nan),
        ("adverse_sd_bps", -1.0), ("alpha_decay_bps", 0.0), ("sigma_bps_per_sqrt_s", -1.0), ("half_spread_bps", 0.0),
        ("tick_bps", 0.0), ("price", math.nan), ("touch_only_per_s", -1.0), ("lot", 0.0),
    ],
)  # fmt: skip
def test_a_value_outside_its_range_is_refused_by_name(name, value):
    with pytest.raises(ValueError, match=name):
        with_values(Truth(**PLAIN), **{name: value})


def test_an_unknown_name_is_refused_with_the_known_ones():
    with pytest.raises(ValueError, match="no gamma; it has asset, kappa"):
        with_values(Truth(**PLAIN), gamma=1.0)


@pytest.mark.parametrize(("name", "value"), [("icc", 1.0), ("icc", -0.1), ("kappa_wander", -1.0), ("burst", -1.0)])
def test_a_stress_outside_its_range_is_refused_by_name(name, value):
    with pytest.raises(ValueError, match=name):
        Stress(**{name: value})
