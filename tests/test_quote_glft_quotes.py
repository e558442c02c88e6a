"""Laws of the quotes: 60-digit references, limits, symmetries, derivatives, and what is refused."""

from __future__ import annotations

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from glft_numbers import LN_V0, PARAMETERS, QUOTES
from scipy.linalg import expm

from mmresearch.quote.glft.model import Model
from mmresearch.quote.glft.quotes import Quotes, quotes, table
from mmresearch.quote.glft.tridiagonal import leading, propagate
from mmresearch.quote.glft.value import (
    asymptotic_value,
    certainty_equivalent,
    certainty_equivalent_rate,
    exact_value,
)
from mmresearch.quote.risk_aversion_glft import closed_form_half_spread

PAPER = Model(sigma=0.3, A=0.9, k=0.3, gamma=0.01, T=600.0, Q=30)
METHODS = ("exact", "asymptotic", "closed", "as2008", "symmetric")


@pytest.mark.parametrize("case", PARAMETERS)
def test_every_row_of_the_references(case):
    model = Model(**PARAMETERS[case])
    for (side, method), wanted in QUOTES[case].items():
        found = getattr(quotes(model, model.lot * model.lots(), method), side)
        np.testing.assert_allclose(found, wanted, rtol=1e-12, err_msg=f"{side} {method}")
    assert certainty_equivalent(model) * model.k / model.lot == pytest.approx(LN_V0[case], rel=1e-13)


def test_the_numbers_of_the_paper():
    assert PAPER.eta == pytest.approx(0.3256783558467315, rel=1e-14)
    assert PAPER.base == pytest.approx(3.278982282299097, rel=1e-14)
    assert PAPER.c == pytest.approx(0.0678658325308838, rel=1e-14)
    found = [float(quotes(PAPER, 0, method).bid) for method in METHODS[:3]]
    assert found == pytest.approx([3.313045409843934, 3.313045418751659, 3.312915198564529], rel=1e-14)
    assert certainty_equivalent(PAPER) == pytest.approx(1290.625095246793, rel=1e-14)


def test_the_formula_of_2008_is_not_the_optimum_of_its_problem():
    model = Model(**PARAMETERS["AS2008 Q=30 g=0.1"])
    assert float(quotes(model, 0).bid) == pytest.approx(0.67163, abs=5e-6)
    assert float(quotes(model, 0, "as2008").bid) == pytest.approx(0.845, abs=5e-4)


@pytest.mark.parametrize("method", METHODS)
def test_the_ask_is_the_bid_of_the_mirrored_market(method):
    model = replace(PAPER, mu=0.004)
    here, mirrored = table(model, method, 40.0), table(replace(model, mu=-0.004), method, 40.0)
    np.testing.assert_allclose(here.ask, mirrored.bid[::-1], rtol=1e-12)
    if method != "symmetric":
        assert not np.allclose(here.ask, here.bid[::-1])


@pytest.mark.parametrize("method", METHODS)
def test_any_unit_of_price_and_of_size(method):
    """Prices times c and sizes times b: depths times c, whatever b."""
    model = replace(PAPER, mu=0.004, cost=0.4, impact=0.0 if method == "as2008" else 0.2)
    c, b = 50.0, 7.0
    other = Model(
        sigma=c * 0.3, A=0.9, k=0.3 / c, gamma=0.01 / (b * c), T=600.0, Q=30, lot=b, mu=c * 0.004, cost=c * 0.4,
        impact=c * model.impact,
    )  # fmt: skip
    np.testing.assert_allclose(table(other, method).bid, c * table(model, method).bid, rtol=1e-11)


@pytest.mark.parametrize("method", METHODS)
def test_a_cost_shifts_the_quotes_of_a_market_that_much_thinner(method):
    cost = 1.3
    paid = table(replace(PAPER, cost=cost), method)
    free = table(replace(PAPER, A=PAPER.A * np.exp(-PAPER.k * cost)), method)
    np.testing.assert_allclose(paid.bid, free.bid + cost, rtol=1e-12)


def test_the_exact_quotes_run_from_the_last_moment_to_the_asymptotic_ones():
    last = table(PAPER, "exact", 0.0)
    np.testing.assert_allclose(last.bid[:-1], PAPER.base, rtol=1e-14)
    far = table(PAPER, "exact", 6000.0)
    np.testing.assert_allclose(far.bid, table(PAPER, "asymptotic").bid, rtol=1e-10)


def test_the_quotes_leave_nothing_to_be_gained():
    """The value function solves its equation: d theta/d tau by differences against the generator at the quotes."""
    model, tau, h = replace(PAPER, mu=0.003, impact=0.2, cost=0.1, Q=12), 100.0, 1e-2

    def theta(at):
        value = exact_value(model, at)
        return (np.log(value.v) + value.log_scale) / model.k + model.impact * model.lots() ** 2 / 2

    now, q, g = theta(tau), model.lots(), model.gamma
    slope = (theta(tau + h) - theta(tau - h)) / (2 * h)

    def best(after, shift, quoted):
        """Largest gain over all depths, by search, and that at the quoted one."""
        depths = quoted + np.linspace(-1, 1, 20001)
        gain = model.A * np.exp(-model.k * depths) * -np.expm1(-g * (depths - model.cost + shift + after)) / g
        return gain.max(), gain[10000]

    found = table(model, "exact", tau)
    for i in (3, 12, 17):
        up = best(now[i + 1] - now[i], -(q[i] + 1) * model.impact, found.bid[i])
        down = best(now[i - 1] - now[i], (q[i] - 1) * model.impact, found.ask[i])
        np.testing.assert_allclose([up[0], down[0]], [up[1], down[1]], rtol=1e-13)
        total = model.mu * q[i] - g * model.sigma**2 * q[i] ** 2 / 2 + up[1] + down[1]
        assert slope[i] == pytest.approx(total, rel=1e-6)


def test_model_b_is_the_limit_of_no_aversion_to_fills_and_continuous_there():
    none, little = (table(replace(PAPER, xi=xi)) for xi in (0.0, 1e-12))
    np.testing.assert_allclose(none.bid, little.bid, rtol=1e-10)
    assert Model(**PARAMETERS["Model B"]).base == pytest.approx(1 / 0.3, rel=1e-15)


def test_cartea_jaimungal_penalva_10_11():
    """Model B is their problem with phi = gamma sigma^2/2: depths 1/k + differences of h = ln(w)/k, w = e^{A t} 1."""
    phi, k, A, T, Q = 2e-4, 0.3, 0.9, 60.0, 5
    q = np.arange(-Q, Q + 1)
    matrix = np.diag(-k * phi * q.astype(float) ** 2) + (A / np.e) * (np.eye(2 * Q + 1, k=1) + np.eye(2 * Q + 1, k=-1))
    h = np.log(expm(matrix * T) @ np.ones(2 * Q + 1)) / k
    model = Model(sigma=0.3, A=A, k=k, gamma=2 * phi / 0.09, T=T, Q=Q, xi=0.0)
    np.testing.assert_allclose(quotes(model, q[:-1]).bid, 1 / k - np.diff(h), rtol=1e-10)


def test_the_closed_form_is_the_half_spread_that_the_package_has():
    assert float(quotes(PAPER, 0, "closed").bid) == pytest.approx(
        closed_form_half_spread(PAPER.gamma, PAPER.k, PAPER.sigma, PAPER.A), rel=1e-13
    )


def test_the_closed_form_of_a_small_shift_is_the_asymptotic_quote():
    """With k c small and room for the inventory, it is right to the second order: errors fall like (k c)^2."""
    errors = []
    for sigma in (0.3, 0.15, 0.075):
        model = replace(PAPER, sigma=sigma, Q=120)
        pair = [quotes(model, np.arange(-2, 3), m).bid - model.base for m in ("closed", "asymptotic")]
        errors.append(np.abs(pair[0] / pair[1] - 1).max())
    assert errors[2] < 2e-3
    assert errors[0] / errors[1] > 1.7
    assert errors[1] / errors[2] > 1.7


def test_draws_times_and_inventories_broadcast():
    rng = np.random.default_rng(1)
    k, A = 0.3 * rng.lognormal(0, 0.2, (40, 1, 1)), 0.9 * rng.lognormal(0, 0.2, (40, 1, 1))
    tau, q = np.array([300.0, 0.0, 17.0, 300.0])[:, None], np.array([-3, 0, 30])
    together = quotes(replace(PAPER, k=k, A=A), q, "exact", tau)
    assert together.bid.shape == together.ask.shape == (40, 4, 3)
    for s, t, i in [(0, 0, 0), (7, 2, 1), (39, 3, 0), (12, 1, 1), (3, 2, 2)]:
        alone = quotes(replace(PAPER, k=k[s, 0, 0], A=A[s, 0, 0]), int(q[i]), "exact", float(tau[t, 0]))
        assert together.bid[s, t, i] == pytest.approx(float(alone.bid), rel=1e-13)
        assert together.ask[s, t, i] == pytest.approx(float(alone.ask), rel=1e-13)
    whole = table(replace(PAPER, k=k[:, 0, 0], A=A[:, 0, 0]), "exact", 17.0)
    np.testing.assert_allclose(whole.bid[:, [27, 30, 60]], together.bid[:, 2], rtol=1e-13)


def test_numbers_give_numbers_and_the_ends_of_the_inventory_one_side():
    found = quotes(PAPER, 0, "closed")
    assert isinstance(found, Quotes)
    assert np.ndim(found.bid) == 0
    for method in METHODS:
        ends = quotes(PAPER, np.array([-30, 30]), method)
        np.testing.assert_array_equal(np.isinf(ends.bid), [False, True])
        np.testing.assert_array_equal(np.isinf(ends.ask), [True, False])


@pytest.mark.parametrize("method", METHODS)
def test_gradients_by_jax_are_those_by_differences(method):
    """In every parameter at once, at inventories on both sides."""
    at = {"sigma": 0.3, "A": 0.9, "k": 0.3, "gamma": 0.01, "mu": 0.004, "cost": 0.1, "T": 200.0, "impact": 0.2}
    if method == "as2008":
        del at["impact"]
    x0, q = np.array(list(at.values())), np.array([0, 3, -7])

    def bid(x):
        return quotes(Model(**dict(zip(at, x, strict=True)), Q=8), q, method).bid

    with jax.enable_x64(True):
        value, slopes = jax.jit(lambda x: (bid(x), jax.jacfwd(bid)(x)))(jnp.asarray(x0))
    np.testing.assert_allclose(value, bid(x0), rtol=1e-10)
    for i, name in enumerate(at):
        h = np.where(np.arange(len(x0)) == i, 1e-3 * x0, 0.0)
        one, two = (bid(x0 + n * h) - bid(x0 - n * h) for n in (1, 2))
        differences = (8 * one - two) / (12 * h[i])
        np.testing.assert_allclose(slopes[:, i], differences, rtol=1e-6, atol=1e-9, err_msg=name)


def test_jax_vectorises_and_reverses():
    small = replace(PAPER, Q=4)
    with jax.enable_x64(True):
        k = jnp.linspace(0.2, 0.4, 3)
        found = jax.jit(jax.vmap(jax.value_and_grad(lambda x: quotes(replace(small, k=x), 2, "exact", 50.0).ask)))(k)
    h = 1e-5
    up, here, down = (quotes(replace(small, k=np.asarray(k) + d), 2, "exact", 50.0).ask for d in (h, 0.0, -h))
    np.testing.assert_allclose(found[0], here, rtol=1e-11)
    np.testing.assert_allclose(found[1], (up - down) / (2 * h), rtol=1e-7)


def test_in_jax_a_horizon_beyond_its_squarings_is_not_a_number():
    with jax.enable_x64(True):
        ask = jax.jit(lambda T: quotes(replace(PAPER, T=T, Q=2), 0).ask)
        assert np.isfinite(ask(1e4))
        assert np.isnan(ask(1e6))


def test_in_jax_the_certainty_equivalent_is_right_up_to_the_longest_horizon():
    with jax.enable_x64(True):
        model = replace(PAPER, Q=2, T=jnp.float64(9e4))
        found = jax.jit(lambda T: certainty_equivalent(replace(model, T=T)))(9e4)
    assert float(found) == pytest.approx(float(certainty_equivalent(replace(PAPER, Q=2, T=9e4))), rel=1e-11)


@pytest.mark.parametrize(
    ("wrong", "match"),
    [
        ({"A": 0.0}, "A must be finite and positive"),
        ({"k": -1.0}, "k must be finite and positive"),
        ({"sigma": np.nan}, "sigma must be finite and at least 0"),
        ({"gamma": np.array([0.1, -0.1])}, "gamma must be"),
        ({"Q": 0}, "Q counts lots"),
        ({"Q": 2.5}, "Q counts lots"),
    ],
)
def test_no_market_has_these(wrong, match):
    with pytest.raises(ValueError, match=match):
        replace(PAPER, **wrong)


def test_what_cannot_be_quoted_is_refused():
    with pytest.raises(ValueError, match="method must be one of"):
        quotes(PAPER, 0, "best")
    with pytest.raises(ValueError, match="whole lots"):
        quotes(PAPER, np.array([0.5, 31.0]))
    with pytest.raises(ValueError, match="no impact"):
        quotes(replace(PAPER, impact=0.1), 0, "as2008")
    with pytest.raises(ValueError, match="gamma and sigma"):
        quotes(replace(PAPER, sigma=0.0, mu=0.1), 0, "closed")


def test_the_certainty_equivalent_grows_by_its_rate():
    longer, shorter = (certainty_equivalent(replace(PAPER, T=T)) for T in (4000.0, 3000.0))
    assert certainty_equivalent_rate(PAPER) == pytest.approx((longer - shorter) / 1000.0, rel=1e-12)
    assert asymptotic_value(PAPER).log_scale * 1000 == pytest.approx((longer - shorter) * PAPER.k, rel=1e-12)


# --- the two kernels -------------------------------------------------------------------------------------------------


def _random_matrix(rng, n):
    lower, upper = rng.lognormal(0, 1, n), rng.lognormal(0, 1, n)
    lower[0] = upper[-1] = 0.0
    diagonal = rng.normal(0, 2, n)
    return diagonal, lower, upper, np.diag(diagonal) + np.diag(lower[1:], -1) + np.diag(upper[:-1], 1)


@pytest.mark.parametrize("seed", range(5))
def test_exponential_and_leading_vector_of_random_matrices(seed):
    rng = np.random.default_rng(seed)
    diagonal, lower, upper, matrix = _random_matrix(rng, 9)
    start = rng.uniform(0.1, 1.0, 9)
    turns = np.array([0.7, 1.3]), np.array([True, False])
    v, scale = propagate(*(np.tile(x, (2, 1)) for x in (diagonal, lower, upper, start)), *turns)
    for row, t in enumerate((0.7, 2.0)):
        np.testing.assert_allclose(v[row] * np.exp(scale[row]), expm(matrix * t) @ start, rtol=1e-11)
    vector, value = leading(diagonal[None], lower[None], upper[None])
    np.testing.assert_allclose(matrix @ vector[0], value[0] * vector[0], rtol=1e-11, atol=1e-13)
    assert vector.min() > 0
    assert value[0] == pytest.approx(np.linalg.eigvals(matrix).real.max(), rel=1e-12)


def test_entries_two_hundred_orders_apart_keep_their_digits():
    """A symmetric eigen-solver gives noise there: the spectrum of the harmonic well against ratios by recursion."""
    q = np.arange(-40, 41.0)
    beside = np.full(81, 1e-3)
    lower, upper = np.where(q == -40, 0.0, beside), np.where(q == 40, 0.0, beside)
    vector, value = leading(-(q**2)[None], lower[None], upper[None])
    ratio = np.array([(value[0] + 40.0**2) / 1e-3])
    for x in q[1:30]:
        ratio = np.append(ratio, (value[0] + x**2) / 1e-3 - 1 / ratio[-1])
    np.testing.assert_allclose(vector[0][1:31] / vector[0][:30], ratio, rtol=1e-12)
    assert vector.min() < 1e-200
