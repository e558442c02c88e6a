"""Laws of our orders in a world: one a side, inside its lifetime, never better than the touch, gone after a fill."""

import numpy as np
import pytest

from mmresearch.sim.market import play
from mmresearch.sim.policies import Rotating, Stale
from mmresearch.sim.truth import Truth

TRUTH = Truth("X", kappa=1500.0, A=0.7, alpha_touch=0.3, sigma_bps_per_sqrt_s=1.0)
POLICIES = {"rotating": Rotating(), "left alone": Rotating(pegged=False), "old orders": Stale(touch_share=0.5)}
policies = pytest.mark.parametrize("name", POLICIES)


def tape_of(name):
    return play(TRUTH, 3600.0, POLICIES[name], seed=11)


@policies
def test_one_order_a_side_rests_at_a_time(name):
    tape = tape_of(name)
    for _, own in tape.orders.groupby("side"):
        assert (own["placed"].to_numpy()[1:] >= own["removed"].to_numpy()[:-1]).all()
        assert (own["removed"].fillna(tape.t1) > own["placed"]).all()
    assert tape.orders["order_id"].is_unique
    assert tape.orders["removed"].isna().sum() <= 2


@policies
def test_a_fill_ends_its_order_and_pulls_the_other(name):
    tape = tape_of(name)
    joined = tape.fills.merge(tape.orders, on="order_id", suffixes=("", "_order"))
    assert len(joined) == len(tape.fills) > 100
    assert joined["order_id"].is_unique
    assert (joined["ts"] == joined["removed"]).all()
    assert (joined["ts"] > joined["placed"]).all()
    for column in ("side", "price", "size"):
        assert (joined[column] == joined[f"{column}_order"]).all()
    for ts in tape.fills["ts"]:
        quiet = (tape.orders["placed"] < ts + 1.0) & ~(tape.orders["removed"] <= ts)
        assert not quiet.any()


@policies
def test_orders_are_placed_on_ticks_at_the_touch_or_behind_it(name):
    tape = tape_of(name)
    row = np.searchsorted(tape.quotes["ts"], tape.orders["placed"], side="right") - 1
    assert (tape.quotes["ts"].to_numpy()[row] == tape.orders["placed"]).all()
    touch = np.where(tape.orders["side"] > 0, tape.quotes["bid"].to_numpy()[row], tape.quotes["ask"].to_numpy()[row])
    assert (tape.orders["side"] * (touch - tape.orders["price"]) >= 0).all()
    ticks = tape.orders["price"] / TRUTH.tick
    np.testing.assert_allclose(ticks, np.rint(ticks), atol=1e-6)


def test_pegged_orders_stay_at_the_touch_and_others_stay_where_they_were():
    pegged = play(TRUTH, 1800.0, Rotating(touch_share=1.0), seed=1)
    quotes = pegged.quotes[(pegged.quotes["ts"] > 1.0)]
    for order in pegged.orders.itertuples():
        inside = quotes[(quotes["ts"] >= order.placed) & ~(quotes["ts"] >= order.removed)]
        assert (inside["bid" if order.side > 0 else "ask"] == order.price).all()
    alone = play(TRUTH, 1800.0, Rotating(touch_share=1.0, pegged=False, seconds=60.0), seed=1)
    assert len(alone.orders) < 0.75 * len(pegged.orders)


def test_orders_live_as_long_as_planned_unless_filled():
    tape = play(TRUTH, 3600.0, Rotating(touch_share=0.0, seconds=7.0), seed=2)
    pulled_at = set(tape.fills["ts"])
    lived = (tape.orders["removed"] - tape.orders["placed"])[~tape.orders["removed"].isin(pulled_at)].dropna()
    assert lived.min() >= 7.0
    assert lived.max() < 7.5 + 1e-9  # up to the second quote after its time
