"""Laws of several assets: one is the closed form, uncorrelated ones are alone, and the grid bears the rest out."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from mmresearch.quote.glft.model import Model
from mmresearch.quote.glft.multi_asset import Book, closed_form, exact_value_on_grid, quotes_on_grid
from mmresearch.quote.glft.quotes import quotes, table
from mmresearch.quote.glft.value import exact_value

ONE = Model(sigma=0.3, A=0.9, k=0.3, gamma=0.01, T=600.0, Q=30)


def _correlated(rho):
    return np.array([[1.0, rho], [rho, 1.0]])


def test_one_asset_is_the_closed_form():
    model = replace(ONE, lot=3.0, cost=0.4)
    q = 3.0 * np.arange(-29, 30)
    found, alone = closed_form(Book([model], np.eye(1)), q[:, None]), quotes(model, q, "closed")
    np.testing.assert_allclose(found.bid[:, 0], alone.bid, rtol=1e-13)
    np.testing.assert_allclose(found.ask[:, 0], alone.ask, rtol=1e-13)


def test_uncorrelated_assets_are_alone_in_both_theories():
    pair = [replace(ONE, Q=3, T=100.0), replace(ONE, sigma=0.5, k=0.4, A=0.6, lot=2.0, Q=2, T=100.0)]
    book = Book(pair, np.eye(2))
    found = closed_form(book, [1.0, -2.0])
    for i, q in enumerate((1.0, -2.0)):
        assert found.bid[i] == pytest.approx(float(quotes(pair[i], q, "closed").bid), rel=1e-12)
    bid, ask = quotes_on_grid(book, exact_value_on_grid(book))
    np.testing.assert_allclose(bid[0], np.tile(table(pair[0]).bid[:, None], (1, 5)), rtol=1e-6)
    np.testing.assert_allclose(ask[1], np.tile(table(pair[1]).ask, (7, 1)), rtol=1e-6)


def test_the_grid_of_one_asset_is_the_exact_value():
    model = replace(ONE, Q=6, lot=2.0, cost=0.1)
    value = exact_value(model)
    theta = (np.log(value.v) + value.log_scale) * model.lot / model.k
    np.testing.assert_allclose(exact_value_on_grid(Book([model], np.eye(1))), theta, rtol=1e-7)


@pytest.fixture(scope="module")
def against_the_grid():
    """Lean of asset 0 against its own and the other's inventory: grid over closed form, for three risk aversions."""
    found = []
    for gamma, Q in ((0.32, 6), (0.08, 8), (0.02, 11)):
        pair = [replace(ONE, gamma=gamma, xi=0.0, sigma=s, Q=Q, T=60.0 / np.sqrt(gamma)) for s in (0.6, 0.9)]
        book = Book(pair, _correlated(0.6))
        bid, _ = quotes_on_grid(book, exact_value_on_grid(book))
        grid = np.array([bid[0][Q + 1, Q] - bid[0][Q - 1, Q], bid[0][Q, Q + 1] - bid[0][Q, Q - 1]])
        ahead, behind = closed_form(book, np.eye(2)), closed_form(book, -np.eye(2))
        found.append(grid / (ahead.bid[:, 0] - behind.bid[:, 0]))
    return np.array(found)


def test_the_grid_leans_as_the_closed_form_says(against_the_grid):
    """Both inventories, the other asset's too; nearer as gamma falls, since the form is of the second order."""
    errors = np.abs(against_the_grid - 1)
    assert errors[-1].max() < 0.03
    assert np.all(errors[-1] < errors[0])


def test_a_long_position_in_a_correlated_asset_lowers_the_bid_of_this_one():
    book = Book([ONE, ONE], _correlated(0.8))
    flat, long = closed_form(book, [0.0, 0.0]), closed_form(book, [0.0, 5.0])
    assert long.bid[0] > flat.bid[0]
    assert long.ask[0] < flat.ask[0]
    opposite = closed_form(Book([ONE, ONE], _correlated(-0.8)), [0.0, 5.0])
    assert opposite.bid[0] < flat.bid[0]


@pytest.mark.parametrize(
    ("assets", "matrix", "match"),
    [
        ([ONE], np.eye(2), "1 x 1"),
        ([ONE, ONE], np.array([[1.0, 0.5], [0.2, 1.0]]), "symmetric"),
        ([ONE, ONE], _correlated(1.2), "negative eigenvalue"),
        ([ONE, replace(ONE, gamma=0.1)], np.eye(2), "share gamma"),
        ([replace(ONE, mu=0.1)], np.eye(1), "neither drift"),
    ],
)
def test_no_book_is_like_this(assets, matrix, match):
    with pytest.raises(ValueError, match=match):
        Book(assets, matrix)
