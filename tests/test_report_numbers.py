"""Numbers are written with the digits that were asked for, and read back to them."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmresearch.report import numbers

finite = st.floats(min_value=1e-300, max_value=1e300).flatmap(lambda x: st.sampled_from([x, -x]))


@given(finite, st.integers(1, 8))
def test_a_number_reads_back_to_its_significant_digits(x: float, digits: int):
    assert float(numbers.significant(x, digits)) == pytest.approx(float(f"{x:.{digits - 1}e}"), rel=1e-12)


@given(st.floats(1e-4, 9.9e6), st.integers(1, 7))
def test_ordinary_sizes_need_no_exponent(x: float, digits: int):
    assert "e" not in numbers.significant(x, digits)


@pytest.mark.parametrize(
    ("value", "text"),
    [(2000.0, "2000"), (0.25, "0.2500"), (9.9996, "10.00"), (0.0, "0"), (1e-8, "1.000e-8"), (None, "–"),
     (math.nan, "–"), (math.inf, "∞"), (-math.inf, "-∞"), (-3.14159, "-3.142")],
)  # fmt: skip
def test_four_significant_digits(value, text):
    assert numbers.significant(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0, "0.000"), (1e-5, "<0.001"), (-1e-5, "-<0.001"), (0.1, "0.100"), (2.345, "2.35"), (150.2, "150"),
     (None, "–"), (math.inf, "∞")],
)  # fmt: skip
def test_money_in_bps(value, text):
    assert numbers.bps(value) == text


def test_intervals_ratios_signs_and_times():
    assert numbers.interval(1.0, 2.0) == "[1.00, 2.00]"
    assert numbers.interval(None, 2.0) == "–"
    assert (numbers.ratio(0.8), numbers.ratio(0.0512), numbers.ratio(None)) == ("0.80", "0.051", "–")
    assert (numbers.signed(0.5), numbers.signed(-12.3), numbers.signed(math.nan)) == ("+0.50", "-12", "–")
    assert [numbers.duration(s) for s in (45, 720, 7200, 3 * 86400)] == ["45 s", "12 min", "2 h", "3 d"]
    assert numbers.spread([0.5, 0.9, math.nan]) == "0.50 to 0.90"
    assert numbers.spread([0.5, 0.5]) == "0.50"
    assert numbers.spread([]) == "–"
