"""Laws of the truths of rows: what they say is what the tape has, and features leave alone what is not theirs."""

import naive_world as naive
import numpy as np
import pytest
from scipy import stats

from mmresearch.belief.catalogue import CATALOGUE, parameter
from mmresearch.sim.dynamics import FEATURES, OFF, Dynamics
from mmresearch.sim.feature_population import FeatureHyper
from mmresearch.sim.features import Changepoints, Momentum, ObservationNoise, OpenInterest, Regimes, ToxicHours
from mmresearch.sim.plain import PLAIN_PARAMETERS, plain_truth
from mmresearch.sim.population import Hyper, population
from mmresearch.sim.truth import Truth, with_values
from mmresearch.sim.truths import disturbed, move_sd_bps, toxic_share, truths_of
from mmresearch.sim.worlds import EVERYTHING, World, plain, simulate
from mmresearch.tape.mids import mid_at_or_before

TRUTH = Truth("X", kappa=2000.0, A=0.6, alpha_touch=0.3)


def learnable():
    return [row for row in CATALOGUE if parameter(row).kind == "learned"]


def test_every_learnable_row_has_a_plain_world():
    assert set(PLAIN_PARAMETERS) == set(learnable())


@pytest.mark.parametrize("name", PLAIN_PARAMETERS)
def test_the_plain_world_of_a_row_has_the_truth_given_undisturbed_and_can_be_played(name):
    for theta in (*parameter(name).plausible, parameter(name).prior["mean"]):
        truth = plain_truth(name, theta, seed=3)
        assert truths_of(truth)[name] == pytest.approx(theta)
        assert name not in disturbed(truth)
        tape = plain(name, theta, 300.0, seed=3)
        assert len(tape.quotes) > 5
        assert not tape.quotes.isna().any(axis=None)
        assert tape.quotes["bid"].min() > 0
    others = {f for f in FEATURES if getattr(truth.dynamics, f) is not None}
    assert len(others) <= 1


@pytest.mark.parametrize("name", PLAIN_PARAMETERS)
def test_what_a_plain_world_draws_changes_with_the_seed_and_can_be_held(name):
    middle = parameter(name).prior["mean"]
    assert len({plain_truth(name, middle, seed).kappa for seed in range(4)}) == (1 if name == "kappa" else 4)
    held = [plain_truth(name, middle, seed, half_spread_bps=1.7, hawkes_branching=0.2) for seed in range(4)]
    assert {t.half_spread_bps for t in held} == {1.7}
    assert {t.dynamics.hawkes.branching for t in held} == {0.2}


def test_a_jump_of_the_intensity_is_a_product_whatever_branching_is_held():
    truths = [truths_of(plain_truth("hawkes_alpha", 0.6, 3, hawkes_branching=n)) for n in (0.2, 0.6)]
    assert [t["hawkes_alpha"] for t in truths] == pytest.approx([0.6, 0.6])
    assert [t["hawkes_beta"] for t in truths] == pytest.approx([3.0, 1.0])


def test_rows_of_features_that_are_off_have_no_truth():
    rows = set(truths_of(TRUTH))
    assert rows == {
        "kappa", "fill_probability_width_bps", "alpha_touch", "spread_floor_bps", "hawkes_mu", "hawkes_alpha",
        "momentum_normalizer_bps",
    }  # fmt: skip
    everything = truths_of(World(assets=1, hyper=EVERYTHING).truths(1)[0])
    assert everything.keys() == {*learnable(), "fill_probability_width_bps"}


def test_rows_about_moves_are_disturbed_by_jumps_and_by_cascades_only():
    moving = with_values(TRUTH, dynamics=Dynamics(momentum=Momentum(), noise=ObservationNoise()))
    rows = {"kalman_q", "kalman_r", "momentum_normalizer_bps", "proactive_skew_sensitivity"}
    assert disturbed(moving) == rows
    quiet = with_values(moving, alpha_touch=0.0)
    assert disturbed(quiet) == set()
    assert disturbed(with_values(quiet, open_interest_threshold=0.02)) == rows


@pytest.mark.parametrize(
    "dynamics",
    [
        OFF, Dynamics(noise=ObservationNoise(4e-8)), Dynamics(momentum=Momentum(5.0, 0.05)),
        Dynamics(changepoints=Changepoints(0.03, 4.0)), Dynamics(regimes=Regimes(0.9)),
        Dynamics(regimes=Regimes(0.9), changepoints=Changepoints(0.02, -3.0), momentum=Momentum(3.0, 0.2)),
    ],
    ids=["none", "noise", "momentum", "changepoints", "regimes", "several"],
)  # fmt: skip
def test_the_normaliser_is_the_standard_deviation_of_moves_over_a_minute(dynamics):
    truth = Truth("X", 2000.0, A=0.0, alpha_touch=0.0, tick_bps=0.001, touch_only_per_s=0.0, dynamics=dynamics)
    variances, moves = [], []
    for seed in range(40):
        tape = simulate(truth, 1830.0, seed=seed, quote_s=1.0)
        each = np.diff(np.log(mid_at_or_before(tape.quotes, np.arange(15.0, 1830.0, 60.0)))) * 1e4
        moves.append(each.mean())
        variances.append((each**2).mean())
    expected = truths_of(truth)["momentum_normalizer_bps"]
    mean = 0.0
    if dynamics.changepoints:
        change = dynamics.changepoints
        sigma = 0.8 * np.sqrt(5.0 if dynamics.regimes else 1.0)
        mean = 60 * change.move_sigmas * sigma / np.sqrt(10) * (1 - (1 - change.hazard_per_s) ** 10)
    assert abs(np.mean(moves) - mean) < 3.5 * np.std(moves) / np.sqrt(40)
    # A minute that begins with the quote up to a second before its mark is no longer or shorter on average.
    assert abs(np.mean(variances) - mean**2 - expected**2) < 3.5 * np.std(variances) / np.sqrt(40)


def test_the_sd_of_moves_grows_with_the_root_of_time_where_nothing_drifts():
    assert move_sd_bps(with_values(TRUTH, sigma_bps_per_sqrt_s=2.0), 9) == pytest.approx(6.0)


@pytest.mark.parametrize("theta", [0.8, 1.0, 4.0])
def test_the_multiple_is_exact_where_every_fill_is_informed_and_jumps_are_all_alike(theta):
    still = {"alpha_touch": 1.0, "adverse_sd_bps": 0.0, "sigma_bps_per_sqrt_s": 0.0, "tick_bps": 0.001}
    ts, _, _, adverse, _ = naive.fills(plain("toxic_hour_gamma_mult", theta, 86400.0, seed=2, **still))
    toxic = np.isin((ts // 3600).astype(int), (6, 7, 14))
    assert min(toxic.sum(), (~toxic).sum()) > 10
    np.testing.assert_allclose(adverse[toxic] + 1.5, theta * (adverse[~toxic].mean() + 1.5), rtol=1e-3)


def test_fills_in_toxic_hours_cost_the_multiple_asked_for_on_average():
    theta = 2.0
    tape = plain("toxic_hour_gamma_mult", theta, 14 * 86400.0, seed=2)
    truth = plain_truth("toxic_hour_gamma_mult", theta, seed=2)
    ts, _, beyond, adverse, _ = naive.fills(tape)
    touch = np.abs(beyond) < 0.1
    hour = (ts // 3600).astype(int) % 24
    toxic = np.isin(hour, truth.dynamics.toxic.hours)
    bad, good = adverse[touch & toxic], adverse[touch & ~toxic]
    assert bad.size > 300
    gap = bad.mean() + truth.fee_bps - theta * (good.mean() + truth.fee_bps)
    assert abs(gap) < 3.5 * np.sqrt(bad.var() / bad.size + theta**2 * good.var() / good.size)
    both = adverse[touch]
    floor = truths_of(truth, tape.seconds)["spread_floor_bps"]
    assert abs(both.mean() + truth.fee_bps - floor) < 3.5 * both.std() / np.sqrt(both.size)


def test_the_share_of_toxic_hours_counts_the_seconds_of_the_tape():
    truth = with_values(TRUTH, toxic_hours=(1, 14))
    for seconds in (3600.0, 5400.0, 7200.0, 86400.0, 2.5 * 86400.0):
        second = np.arange(seconds) // 3600 % 24
        assert toxic_share(truth, seconds) == pytest.approx(np.isin(second, (1, 14)).mean())
    assert toxic_share(TRUTH, 7200.0) == 0.0


@pytest.mark.parametrize("feature", ["toxic", "account", "hawkes"])
def test_a_feature_that_has_no_business_with_the_path_leaves_it_alone_to_the_last_bit(feature):
    plain_tape, other = (
        simulate(with_values(TRUTH, dynamics=dynamics), 1200.0, seed=[7, 2])
        for dynamics in (OFF, Dynamics(**{feature: FEATURES[feature]()}))
    )
    for table in ("quotes", "orders", "fills", *(["trades"] if feature != "hawkes" else [])):
        assert getattr(plain_tape, table).equals(getattr(other, table)), table
    assert plain_tape.signals is None


def test_kappa_alpha_and_the_floor_stay_what_they_say_when_everything_is_on():
    scores, labels = [], []
    for i, truth in enumerate(World(assets=10, hyper=EVERYTHING).truths(11)):
        tape = simulate(truth, 1200.0, seed=[11, i])
        _, seconds, depth, _ = naive.stretches(tape)
        _, at, beyond, adverse, _ = naive.fills(tape)
        kappa, error = naive.kappa_estimate(seconds, depth, at)
        moves = adverse[np.abs(beyond) < 0.5 * truth.tick_bps]
        cost = (moves.mean() + truth.fee_bps - truth.spread_floor_bps) / moves.std() * np.sqrt(moves.size)
        scores.append(((kappa - truth.kappa) / error, cost))
        labels.append(np.mean(moves > 5) - truth.alpha_touch)
    for z in np.transpose(scores):
        assert abs(np.mean(z)) < 3.5 / np.sqrt(z.size)
        assert stats.chi2.sf(np.sum(z**2), z.size) > 1e-3
    # Labels fire by themselves where volatility is that of a lively regime: by a hundredth, in our favour never.
    assert -0.02 < np.mean(labels) < 0.03


def test_features_of_a_population_have_their_medians_and_spreads():
    drawn = [t.dynamics for t in population(2000, 4, Hyper(features=FeatureHyper(on=tuple(FEATURES))))]
    hyper = FeatureHyper()
    for values, spread in (
        (np.log([d.hawkes.decay_per_s for d in drawn]), hyper.hawkes_decay_per_s),
        (np.log([d.noise.variance for d in drawn]), hyper.noise_variance),
        (np.log([d.open_interest.threshold for d in drawn]), hyper.oi_threshold),
        (np.log([d.changepoints.hazard_per_s for d in drawn]), hyper.hazard_per_s),
        (np.log([d.toxic.multiplier for d in drawn]), hyper.multiplier),
    ):
        assert stats.kstest((values - np.log(spread.median)) / spread.sd, "norm").pvalue > 1e-3
    for values, spread in (
        ([d.hawkes.branching for d in drawn], hyper.branching),
        ([d.regimes.stay for d in drawn], hyper.stay),
        ([d.imbalance.decay for d in drawn], hyper.imbalance_decay),
    ):
        centred = (stats.logistic.ppf(values) - stats.logistic.ppf(spread.median)) / spread.sd
        assert stats.kstest(centred, "norm").pvalue > 1e-3
    slopes = np.array([d.momentum.slope_bps for d in drawn])
    assert stats.kstest((slopes - hyper.slope_bps.median) / hyper.slope_bps.sd, "norm").pvalue > 1e-3


def test_features_do_not_change_what_else_is_true_and_one_does_not_change_another():
    some = population(3, 4, Hyper(features=FeatureHyper(on=("regimes",))))
    every = population(3, 4, Hyper(features=FeatureHyper(on=tuple(FEATURES))))
    assert [with_values(t, dynamics=OFF) for t in every] == population(3, 4)
    assert [t.dynamics for t in some] == [Dynamics(regimes=t.dynamics.regimes) for t in every]


def test_values_of_features_are_named_by_feature_and_switch_it_on():
    changed = with_values(TRUTH, hawkes_branching=0.6, regimes_stay=0.9, A=1.0)
    assert changed.A == 1.0
    assert changed.dynamics.hawkes == FEATURES["hawkes"](branching=0.6)
    assert with_values(changed, hawkes_decay_per_s=3.0).dynamics.hawkes == FEATURES["hawkes"](0.6, 3.0)
    with pytest.raises(ValueError, match=r"no hawkes_gamma; it has asset, .*hawkes_branching"):
        with_values(TRUTH, hawkes_gamma=1.0)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("hawkes_branching", 1.0), ("hawkes_decay_per_s", 0.0), ("momentum_slope_bps", np.nan),
        ("momentum_reversion_per_s", 0.0), ("changepoints_hazard_per_s", 1.5), ("changepoints_move_sigmas", np.inf),
        ("regimes_stay", -0.1), ("regimes_volatility_ratio", 0.0), ("noise_variance", -1e-9), ("imbalance_decay", 1.1),
        ("imbalance_share", 0.5), ("open_interest_threshold", 1.0), ("open_interest_miss", 2.0),
        ("toxic_multiplier", 0.0), ("toxic_hours", (24,)), ("toxic_hours", ()), ("account_lots", 0.0),
    ],
)  # fmt: skip
def test_a_value_of_a_feature_outside_its_range_is_refused_by_name(name, value):
    with pytest.raises(ValueError, match=name.split("_", 2 if name.startswith("open") else 1)[-1]):
        with_values(TRUTH, **{name: value})


def test_toxic_hours_without_informed_fills_and_features_without_a_name_are_refused():
    with pytest.raises(ValueError, match="toxic hours multiply the cost of informed fills"):
        Truth("X", 2000.0, 0.6, alpha_touch=0.0, dynamics=Dynamics(toxic=ToxicHours()))
    with pytest.raises(ValueError, match="no feature momentums; there are hawkes"):
        FeatureHyper(on=("momentums",))
    with pytest.raises(ValueError, match="below 1"):
        OpenInterest(threshold=1.0)
