"""What the learners of touch fills and of kappa foretell is the average of their model over what they believe."""

import numpy as np
import pytest

from mmresearch.learn import AlphaTouch, AlphaTouchLabelError, KappaExposure, SpreadFloor, run
from mmresearch.sim.population import population
from mmresearch.sim.worlds import simulate

TAPE = simulate(population(1, 3)[0], 1800.0, seed=3)


def test_a_label_fires_as_often_as_is_believed():
    learner = AlphaTouch()
    state = run(learner, TAPE)
    assert learner.predictive(state).pmf(1) == pytest.approx((2 + state.informed) / (8 + state.total))


def test_noise_fires_labels_too():
    learner = AlphaTouchLabelError()
    state = run(learner, TAPE)
    noise = 0.2
    loud = type(state.quiet)(quiet=1000.0, quiet_beyond=2000.0 * noise)
    state = type(state)(state.follower, loud, 40.0, 100.0)
    alpha = learner.posterior(state).mean()
    assert learner.predictive(state).pmf(1) == pytest.approx(noise + 0.8 * alpha)


def test_the_cost_of_a_fill_scatters_more_than_its_mean():
    learner = SpreadFloor()
    state = run(learner, TAPE)
    law, belief = learner.predictive(state), learner.posterior(state)
    assert law.mean() == pytest.approx(belief.mean())
    assert law.var() == pytest.approx(belief.var() * (1 + belief.count), rel=1e-9)


@pytest.mark.parametrize("depth_bps", [2.0, 9.0])
def test_fills_to_come_are_poisson_over_the_joint_belief(depth_bps):
    learner = KappaExposure()
    state = run(learner, TAPE.between(0.0, 200.0))
    law = learner.predictive(state, depth_bps, 30.0)
    kappa, intensity = learner.posterior(state).joint(200_000, random_state=1)
    rate = intensity * np.exp(-kappa * 1e-4 * depth_bps) * 30.0
    assert law.mean() == pytest.approx(rate.mean(), rel=0.01)
    assert law.var() == pytest.approx(rate.mean() + rate.var(), rel=0.02)
    assert law.pmf(0) == pytest.approx(np.exp(-rate).mean(), abs=0.01)


def test_without_a_depth_it_is_that_of_the_orders_so_far():
    learner = KappaExposure()
    state = run(learner, TAPE)
    mean_depth = state.depth_s.sum() / state.exposure_s.sum()
    assert learner.predictive(state).mean() == pytest.approx(learner.predictive(state, mean_depth).mean())
    assert learner.predictive(learner.init()).mean() == pytest.approx(learner.predictive(learner.init(), 5.0).mean())
