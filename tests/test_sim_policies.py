"""Laws of quoting policies: shares, ladders, lifetimes."""

import numpy as np
import pytest
from scipy import stats

from mmresearch.sim.market import play
from mmresearch.sim.policies import Rotating, Stale, VolatilityResponsive
from mmresearch.sim.truth import Stress, Truth

N = 20_000


def test_a_rotating_plan_draws_its_ladder_evenly_and_its_share_at_the_touch():
    plan = Rotating(depths_bps=(3.0, 5.0, 8.0), touch_share=0.25).plan(np.random.default_rng(1), N)
    counts = [np.isnan(plan.depth_bps).sum(), *((plan.depth_bps == d).sum() for d in (3.0, 5.0, 8.0))]
    assert sum(counts) == N
    assert stats.chisquare(counts, N * np.array([0.25, 0.25, 0.25, 0.25])).pvalue > 1e-3
    np.testing.assert_array_equal(plan.seconds, 5.0)


def test_stale_orders_live_exponentially_long_and_do_not_move():
    policy = Stale(seconds=90.0)
    assert not policy.pegged
    assert stats.kstest(policy.plan(np.random.default_rng(2), N).seconds / 90, "expon").pvalue > 1e-3


def test_a_responsive_policy_quotes_deeper_in_proportion_to_activity():
    truth = Truth("X", kappa=1500.0, A=0.0, alpha_touch=0.0, sigma_bps_per_sqrt_s=0.01, tick_bps=0.01)
    policy = VolatilityResponsive(depths_bps=(10.0,), touch_share=0.0)
    tape = play(truth, 6000.0, policy, 3, Stress(burst=0.6))
    row = np.searchsorted(tape.quotes["ts"], tape.orders["placed"], side="right") - 1
    mid = 0.5 * (tape.quotes["bid"] + tape.quotes["ask"]).to_numpy()[row]
    depth = tape.orders["side"] * (mid - tape.orders["price"]) / mid * 1e4
    level = depth.groupby(tape.orders["placed"] // 300).median()
    moves = tape.quotes.assign(mid=0.5 * (tape.quotes["bid"] + tape.quotes["ask"]))
    assert np.log(level / 10).std() == pytest.approx(0.3, rel=0.45)
    volatility = moves.groupby(moves["ts"] // 300)["mid"].apply(lambda m: np.log(m).diff().std())
    assert np.corrcoef(np.log(level), np.log(volatility))[0, 1] > 0.9


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"depths_bps": ()}, "depths_bps"), ({"depths_bps": (5.0, -1.0)}, "depths_bps"),
        ({"touch_share": 1.5}, "touch_share"), ({"seconds": 0.0}, "positive time"),
    ],
)  # fmt: skip
def test_an_impossible_policy_is_refused(wrong, message):
    with pytest.raises(ValueError, match=message):
        Rotating(**wrong)
