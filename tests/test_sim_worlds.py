"""Laws of worlds: what is fed in comes out again, for every truth that a learner's prior allows."""

import naive_world as naive
import numpy as np
import pytest
from scipy import stats

from mmresearch.sim.policies import Rotating
from mmresearch.sim.population import Hyper
from mmresearch.sim.worlds import World, plain, plain_truth, simulate

SEEDS = range(40)


def normal_scores(z):
    """Check of many z scores against N(0, 1): shape, and mean and spread apart."""
    assert stats.kstest(z, "norm").pvalue > 1e-3
    assert abs(np.mean(z)) < 3.5 / np.sqrt(len(z))
    assert abs(np.std(z) - 1) < 3.5 / np.sqrt(2 * len(z))


@pytest.mark.parametrize("theta", [800.0, 4000.0])
def test_the_likelihood_recovers_kappa_with_its_standard_error(theta):
    scores = []
    for seed in SEEDS:
        tape = plain("kappa", theta, 1800.0, seed)
        _, seconds, depth, _ = naive.stretches(tape)
        kappa, error = naive.kappa_estimate(seconds, depth, naive.fills(tape)[1])
        scores.append((kappa - theta) / error)
    normal_scores(np.array(scores))


def test_labels_recover_alpha_and_markouts_recover_the_floor():
    labels, markouts = [], []
    for seed in SEEDS:
        beyond, adverse = naive.fills(plain("alpha_touch", 0.4, 1800.0, seed))[2:4]
        informed = adverse[np.abs(beyond) < 0.1] > 5
        labels.append((informed.mean() - 0.4) / np.sqrt(0.24 / informed.size))
        beyond, adverse = naive.fills(plain("spread_floor_bps", 6.0, 1800.0, seed))[2:4]
        moves = adverse[np.abs(beyond) < 0.1] + 1.5
        markouts.append((moves.mean() - 6.0) / moves.std() * np.sqrt(moves.size))
    normal_scores(np.array(labels))
    normal_scores(np.array(markouts))


def test_markouts_of_the_floor_world_are_normal_with_a_scale_of_their_own():
    spreads = []
    for seed in range(6):
        adverse = naive.fills(plain("spread_floor_bps", 5.0, 7200.0, seed))[3]
        assert stats.kstest((adverse - adverse.mean()) / adverse.std(), "norm").pvalue > 1e-3
        spreads.append(adverse.std())
    assert np.std(spreads) > 0.3


@pytest.mark.parametrize(
    ("parameter", "theta"),
    [
        ("kappa", 200.0), ("kappa", 10_000.0), ("alpha_touch", 0.001), ("alpha_touch", 0.999), ("alpha_touch", 0.0),
        ("alpha_touch", 1.0), ("spread_floor_bps", -5.0), ("spread_floor_bps", 20.0),
    ],
)  # fmt: skip
def test_every_truth_within_the_priors_has_a_world(parameter, theta):
    truth = plain_truth(parameter, theta, seed=3)
    assert getattr(truth, parameter) == pytest.approx(theta)
    tape = plain(parameter, theta, 600.0, seed=3)
    assert len(tape.fills) > 20
    naive.assert_equal(tape, simulate(truth, 600.0, seed=3))


def test_nuisances_are_drawn_for_every_seed_unless_held():
    free = [plain_truth("kappa", 2000.0, seed) for seed in range(5)]
    held = [plain_truth("kappa", 2000.0, seed, sigma_bps_per_sqrt_s=2.5) for seed in range(5)]
    assert len({truth.A for truth in free}) == 5
    assert {truth.sigma_bps_per_sqrt_s for truth in held} == {2.5}
    assert [truth.A for truth in free] == [truth.A for truth in held]


@pytest.mark.parametrize(
    ("parameter", "theta", "message"),
    [("gamma_base", 1.0, "no world yet"), ("alpha_touch", 1.2, "probability"), ("kappa", 0.0, "kappa must be above")],
)
def test_a_world_that_cannot_be_is_refused(parameter, theta, message):
    with pytest.raises(ValueError, match=message):
        plain(parameter, theta, 600.0, seed=1)


def test_a_world_of_several_assets_is_reproducible_and_its_assets_are_independent():
    world = World(assets=3, seconds=600.0, hyper=Hyper(kappa_log_sd=0.0), policy=Rotating(touch_share=0.5))
    tapes = world.tapes(7)
    assert [tape.asset for tape in tapes] == [truth.asset for truth in world.truths(7)]
    for one, same in zip(tapes, world.tapes(7), strict=True):
        naive.assert_equal(one, same)
    times = [set(tape.trades["ts"]) for seed in (7, 8) for tape in world.tapes(seed)]
    assert sum(len(t) for t in times) == len(set().union(*times))
