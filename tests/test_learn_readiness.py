"""Laws of readiness and fallback: every key is read, nothing jumps, and the deployed gate jumps as it is known to."""

from __future__ import annotations

import math
import pickle
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmresearch.belief.catalogue import CATALOGUE, prior
from mmresearch.belief.gamma import Gamma
from mmresearch.belief.normal import Normal, NormalInverseGamma
from mmresearch.learn.readiness.deployed import (
    TIER_1,
    TIER_2,
    DeployedStatus,
    FamilyState,
    deployed_choice,
    deployed_status,
)
from mmresearch.learn.readiness.fallback import CONFIGURED, blend, scale_of
from mmresearch.learn.readiness.forgetting import Forgetting
from mmresearch.learn.readiness.rule import Ramp, ReadinessRule, assess, relative_sd
from mmresearch.learn.sound.kappa import KappaExposure
from mmresearch.sim.truth import Truth
from mmresearch.sim.worlds import simulate

RULE = ReadinessRule()
PRIOR = prior("kappa")
HOUR = 3600.0


def with_cv(cv: float, mean: float = 2000.0) -> Gamma:
    return Gamma(cv**-2, cv**-2 / mean)


# The rule and its keys -----------------------------------------------------------------------------------------------


def test_defaults_are_those_of_the_configuration():
    assert ReadinessRule(100.0, 0.5, 4 * HOUR, True) == RULE
    assert dict(CONFIGURED) == {"kappa": 2000.0, "alpha_touch": 0.25, "spread_floor_bps": 5.0}
    assert ReadinessRule.from_keys({}) == RULE


@pytest.mark.parametrize(
    ("key", "value", "case", "before", "after"),
    [
        ("learned_param_min_observations", 200, (150, 0.1, 0.0), ("ready", 1.0), ("warming", 0.75)),
        ("learned_param_max_cv", 0.2, (100, 0.4, 0.0), ("ready", 1.0), ("warming", 0.25)),
        ("learned_param_staleness_hours", 1.0, (100, 0.1, 2 * HOUR), ("ready", 2**-0.5), ("stale", 0.25)),
        ("use_learned_parameters", False, (100, 0.1, 0.0), ("ready", 1.0), ("ready", 0.0)),
    ],
)
def test_every_key_is_read_and_changes_the_weight(key, value, case, before, after):
    n, cv, age = case
    for rule, (state, weight) in ((RULE, before), (ReadinessRule.from_keys({key: value}), after)):
        found = assess(with_cv(cv), PRIOR, n, age, rule)
        assert (found.state, found.weight) == (state, pytest.approx(weight))


def test_every_key_changes_the_number_that_is_quoted_from():
    belief, n, age = with_cv(0.4, mean=500.0), 100, HOUR

    def quoted(**keys):
        rule = ReadinessRule.from_keys(keys)
        return blend(belief.mean(), None, 2000.0, assess(belief, PRIOR, n, age, rule), scale="log").value

    usual = quoted()
    assert usual < quoted(learned_param_min_observations=300) < 2000
    assert usual < quoted(learned_param_max_cv=0.2) < 2000
    assert usual < quoted(learned_param_staleness_hours=0.5) < 2000
    assert quoted(use_learned_parameters=False) == pytest.approx(2000.0)


def test_a_key_that_nothing_reads_is_refused():
    with pytest.raises(
        ValueError, match=r"reads the key 'learned_param_min_obs'; did you mean 'learned_param_min_obse"
    ):
        ReadinessRule.from_keys({"learned_param_min_obs": 3})


@pytest.mark.parametrize("name", ["min_observations", "max_cv", "staleness_half_life_s"])
def test_a_rule_of_nothing_is_refused(name):
    with pytest.raises(ValueError, match=f"{name} of a readiness rule must be positive"):
        ReadinessRule(**{name: 0.0})


# States and reasons --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("n", "cv", "age", "state", "reason"),
    [
        (0, 0.5, math.inf, "cold", "0 of 100 observations; cv .50 of at most .50; no evidence yet"),
        (62, 0.31, 720.0, "warming", "62 of 100 observations; cv .31 of at most .50; last evidence 12 min ago"),
        (99.7, 0.31, 3.0, "warming", "99 of 100 observations; cv .31 of at most .50; last evidence 3 s ago"),
        (100, 0.62, 0.0, "warming", "100 of 100 observations; cv .62 of at most .50; last evidence 0 s ago"),
        (100, 0.31, 720.0, "ready", "100 of 100 observations; cv .31 of at most .50; last evidence 12 min ago"),
        (900, 0.05, 5 * HOUR, "stale", "900 of 100 observations; cv .05 of at most .50; last evidence 5.0 h ago"),
    ],
)
def test_states_and_their_reasons(n, cv, age, state, reason):
    found = assess(with_cv(cv), PRIOR, n, age, RULE)
    assert (found.state, found.reason) == (state, reason)


def test_weights_by_hand():
    assert assess(with_cv(0.1), PRIOR, 62, 0.0, RULE).weight == pytest.approx(0.62)
    assert assess(with_cv(1.0), PRIOR, 62, 0.0, RULE).weight == pytest.approx(0.25)
    assert assess(with_cv(0.1), PRIOR, 62, 8 * HOUR, RULE).weight == pytest.approx(0.62 / 4)
    assert assess(with_cv(0.1), PRIOR, 0, math.inf, RULE).weight == 0.0
    endless = ReadinessRule(staleness_half_life_s=math.inf)
    assert assess(with_cv(0.1), PRIOR, 500, 1e9, endless).weight == 1.0


def test_relative_sd_of_what_may_be_zero_is_against_the_prior():
    before = Normal(0.0, 4.0)
    assert relative_sd(Normal(0.0, 0.01), before) == pytest.approx(0.05)  # sd/mean would be infinite
    assert relative_sd(Normal(10.0, 0.01), before) == pytest.approx(0.01)
    assert relative_sd(Gamma(4.0, 1.0), Gamma(4.0, 4 / 2000)) == pytest.approx(0.5)  # positive: sd over mean
    assert relative_sd(NormalInverseGamma(0.0, 1.0, 0.8, 1.0), before) == math.inf


@pytest.mark.parametrize(("n", "age"), [(-1, 0.0), (1, -1.0), (math.nan, 0.0)])
def test_bad_counts_are_refused(n, age):
    with pytest.raises(ValueError, match="cannot be negative"):
        assess(PRIOR, PRIOR, n, age, RULE)


# Nothing jumps -------------------------------------------------------------------------------------------------------


@given(
    n=st.floats(0, 300), cv=st.floats(0.02, 3), age=st.floats(0, 20 * HOUR),
    dn=st.floats(0, 1), dcv=st.floats(0, 0.05), dage=st.floats(0, 600),
)  # fmt: skip
def test_the_weight_is_lipschitz_in_all_that_it_reads(n, cv, age, dn, dcv, dage):
    a = assess(with_cv(cv), PRIOR, n, age, RULE)
    b = assess(with_cv(cv + dcv), PRIOR, n + dn, age + dage, RULE)
    bound = dn / 100 + dcv * 2 / 0.5 + dage * math.log(2) / (4 * HOUR)
    assert abs(a.weight - b.weight) <= bound * (1 + 1e-9) + 1e-12
    values = [blend(300.0, 900.0, 2000.0, x, adaptive_weight=0.7, scale="log").value for x in (a, b)]
    assert abs(math.log(values[1] / values[0])) <= math.log(2000 / 300) * (bound + 1e-9)


def test_the_slopes_of_the_bound_are_attained():
    assert assess(with_cv(0.1), PRIOR, 51, 0, RULE).weight - assess(
        with_cv(0.1), PRIOR, 50, 0, RULE
    ).weight == pytest.approx(0.01)
    step = 1e-5
    fall = assess(with_cv(0.5), PRIOR, 200, 0, RULE).weight - assess(with_cv(0.5 + step), PRIOR, 200, 0, RULE).weight
    assert fall / step == pytest.approx(4.0, rel=1e-3)


@given(
    st.lists(st.tuples(st.floats(0, 5 * HOUR), st.integers(0, 3), st.floats(0, 400), st.floats(0.05, 2)), max_size=30)
)
def test_a_ramp_moves_by_one_share_an_observation_whatever_happens(steps):
    ramp, now = Ramp(), 0.0
    for elapsed, fills, n, cv in steps:
        now += elapsed
        wanted = assess(with_cv(cv), PRIOR, n, 0.0, RULE)
        after = ramp.follow(wanted, fills, now, RULE)
        rest = ramp.weight * 0.5 ** (elapsed / (4 * HOUR)) if ramp.at_s is not None else 0.0
        assert abs(after.weight - rest) <= fills / 100 + 1e-12
        assert 0 <= after.weight <= 1
        ramp = after


def test_a_ramp_arrives_after_as_many_observations_as_are_wanted():
    ramp, weights = Ramp(), []
    for k in range(1, 151):
        ramp = ramp.follow(assess(with_cv(0.2), PRIOR, k, 0.0, RULE), 1, float(k), RULE)
        weights.append(ramp.weight)
    assert weights[98] < 0.995
    assert weights[110] == pytest.approx(1.0, abs=1e-3)
    assert ramp.applied(assess(with_cv(0.2), PRIOR, 150, 0.0, RULE)).weight == ramp.weight


def test_the_first_fill_after_a_night_moves_one_share_only():
    """Age falls from eight hours to none at once; the stated weight jumps by .75, the one in use by .01."""
    ready = Ramp(1.0, 0.0)
    asleep, awake = (assess(with_cv(0.1), PRIOR, 500, age, RULE) for age in (8 * HOUR, 0.0))
    assert (asleep.state, awake.state) == ("stale", "ready")
    assert awake.weight - asleep.weight == pytest.approx(0.75)
    before = ready.follow(asleep, 0, 8 * HOUR, RULE)
    after = before.follow(awake, 1, 8 * HOUR, RULE)
    assert (before.weight, after.weight) == pytest.approx((0.25, 0.26))


def test_a_ramp_survives_a_restart_and_halves_meanwhile():
    restored = pickle.loads(pickle.dumps(Ramp(0.8, 100.0)))
    woken = restored.follow(assess(with_cv(0.1), PRIOR, 500, 0.0, RULE), 0, 100.0 + 4 * HOUR, RULE)
    assert woken.weight == pytest.approx(0.4)


def test_switching_off_works_at_once_and_on_only_slowly():
    off = ReadinessRule(use_learned=False)
    dark = Ramp(1.0, 0.0).follow(assess(with_cv(0.1), PRIOR, 500, 0.0, off), 1, 1.0, off)
    assert dark.weight == 0.0
    assert dark.follow(assess(with_cv(0.1), PRIOR, 500, 0.0, RULE), 1, 2.0, RULE).weight == pytest.approx(0.01)


def test_a_ramp_does_not_go_back_in_time():
    with pytest.raises(ValueError, match="a ramp goes forwards"):
        Ramp(0.5, 10.0).follow(assess(PRIOR, PRIOR, 1, 0.0, RULE), 1, 9.0, RULE)


@pytest.mark.parametrize("labels", ["rare", "usual", "frequent"])
def test_no_fill_moves_a_blended_value_beyond_the_bound(labels):
    """Fill by fill with rare labels, where the belief's cv itself leaps: |gap|/100 + w |change of the learned|."""
    uniform = np.random.default_rng(0).random(300)
    fired = {"rare": np.arange(300) % 100 == 99, "usual": uniform < 0.25, "frequent": uniform < 0.7}[labels]
    belief, ramp = prior("alpha_touch"), Ramp()
    start, old = belief, blend(belief.mean(), None, 0.25, 0.0)
    learned, bare = belief.mean(), []
    for k, informed in enumerate(fired):
        belief = belief.update(float(informed), float(not informed))
        stated = assess(belief, start, k + 1, 0.0, RULE)
        ramp = ramp.follow(stated, 1, 30.0 * k, RULE)
        new = blend(belief.mean(), None, 0.25, ramp.weight)
        drift = 1 - 0.5 ** (30.0 / (4 * HOUR))
        bound = abs(belief.mean() - 0.25) * (0.01 + drift) + old.learned * abs(belief.mean() - learned)
        assert abs(new.value - old.value) <= bound + 1e-12
        bare.append(stated.weight)
        old, learned = new, belief.mean()
    if labels == "rare":  # one informed fill among many that were not: the stated weight leaps, the ramp does not
        assert np.abs(np.diff(bare)).max() > 0.1


def test_a_tape_warms_up_goes_stale_and_comes_back_without_a_jump():
    """Forgetting, readiness, ramp and blend on a simulated tape; five hours asleep, a restart, more fills."""
    tape = simulate(Truth("X", kappa=900.0, A=0.3, alpha_touch=0.25), 5400.0, seed=2)
    learner = Forgetting(KappaExposure(), 4 * HOUR)
    start, state, ramp, states, values = PRIOR, learner.init(), Ramp(), [], []

    def step(state, ramp, now, seen_before):
        belief = learner.posterior_at(state, now) if state.cell is not None else start
        found = assess(belief, start, learner.events_at(state, now), state.age_s(now), RULE)
        ramp = ramp.follow(found, state.seen - seen_before, now, RULE)
        states.append(found.state)
        value = blend(belief.mean(), None, 2000.0, ramp.weight, scale="log").value
        values.append((ramp.weight, value, belief.mean(), state.seen - seen_before))
        return ramp

    ramp = step(state, ramp, 0.0, 0.0)
    for piece in tape.between(0.0, 3600.0).slices(30.0):
        after = learner.update(state, piece)
        ramp, state = step(after, ramp, piece.t1, state.seen), after
    assert list(dict.fromkeys(states)) == ["cold", "warming", "ready"]
    assert values[-1][1] == pytest.approx(values[-1][2], rel=0.05)
    assert_no_jump(values)

    state, ramp = pickle.loads(pickle.dumps((state, ramp)))
    ramp = step(state, ramp, 3600.0 + 5 * HOUR, state.seen)
    assert states[-1] == "stale"
    assert 0.4 < ramp.weight < 0.45
    woken = shifted(tape.between(3600.0, 3630.0), 5 * HOUR)
    after = learner.update(state, woken)
    new = step(after, ramp, woken.t1, state.seen)
    fills = after.seen - state.seen
    assert fills > 0
    assert states[-1] != "stale"
    assert new.weight <= ramp.weight + fills / 100


def assert_no_jump(values):
    """Each step in ln kappa is within |gap| (fills/100 + fading) + w |change of ln learned|."""
    weight, value, learned, fills = np.array(values).T
    fading = 1 - 0.5 ** (30.0 / (4 * HOUR))
    bound = np.abs(np.log(learned / 2000.0))[1:] * (fills[1:] / 100 + fading)
    bound += weight[:-1] * np.abs(np.diff(np.log(learned)))
    assert np.all(np.abs(np.diff(np.log(value))) <= bound + 1e-12)
    assert weight.max() > 0.95


def shifted(tape, seconds):
    """The same tape, later."""

    def later(table):
        return table.assign(**{c: table[c] + seconds for c in ("ts", "placed", "removed") if c in table})

    tables = {c: later(getattr(tape, c)) for c in ("quotes", "trades", "orders", "fills")}
    return replace(tape, t0=tape.t0 + seconds, t1=tape.t1 + seconds, **tables)


# Fallback ------------------------------------------------------------------------------------------------------------


def test_shares_add_up_and_fall_back_in_order():
    assert blend(1.0, 2.0, 3.0, 1.0).value == 1.0
    assert blend(1.0, 2.0, 3.0, 0.0).value == 2.0
    assert blend(1.0, 2.0, 3.0, 0.0, adaptive_weight=0.0).value == 3.0
    assert blend(1.0, None, 3.0, 0.0).value == 3.0
    mixed = blend(1.0, 2.0, 3.0, 0.5, adaptive_weight=0.4)
    assert (mixed.learned, mixed.adaptive, mixed.configured) == pytest.approx((0.5, 0.2, 0.3))
    assert mixed.value == pytest.approx(0.5 + 0.4 + 0.9)


@pytest.mark.parametrize(
    ("w", "v", "branch"),
    [(0.6, 1.0, "learned"), (0.3, 1.0, "adaptive"), (0.3, 0.2, "configured"), (0.5, 1.0, "learned")],
)
def test_the_active_branch_has_the_largest_share(w, v, branch):
    assert blend(1.0, 2.0, 3.0, w, adaptive_weight=v).branch == branch


def test_on_the_log_scale_a_depth_blends_as_its_kappa():
    kappa = blend(125.0, 900.0, 2500.0, 0.3, adaptive_weight=0.5, scale="log")
    depth = blend(1 / 125.0, 1 / 900.0, 1 / 2500.0, 0.3, adaptive_weight=0.5, scale="log")
    assert kappa.value * depth.value == pytest.approx(1.0)
    linear = blend(125.0, None, 2500.0, 0.5).value, blend(1 / 125.0, None, 1 / 2500.0, 0.5).value
    assert linear[0] * linear[1] > 5  # which is why it is not done


def test_scales_follow_the_catalogue():
    assert (scale_of("kappa"), scale_of("hawkes_beta"), scale_of("kalman_q")) == ("log",) * 3
    assert (scale_of("alpha_touch"), scale_of("spread_floor_bps"), scale_of("max_drawdown")) == ("linear",) * 3
    assert all(scale_of(name) in ("linear", "log") for name in CATALOGUE)


def test_quantiles_blend_to_quantiles():
    """Quantile by quantile, a blend of normals is the normal with blended mean and blended sd."""
    p = np.array([0.05, 0.5, 0.95])
    a, b = Normal(1.0, 4.0), Normal(5.0, 1.0)
    got = blend(a.ppf(p), None, b.ppf(p), 0.25).value
    np.testing.assert_allclose(got, Normal(4.0, 1.25**2).ppf(p))


def test_a_number_without_a_share_is_not_looked_at():
    assert blend(math.nan, math.nan, 3.0, 0.0, adaptive_weight=0.0).value == 3.0


@pytest.mark.parametrize(
    ("args", "options", "said"),
    [
        ((1.0, None, 3.0, 1.5), {}, "shares lie in"),
        ((1.0, 2.0, 3.0, 0.5), {"adaptive_weight": -1.0}, "shares lie in"),
        ((math.nan, None, 3.0, 0.5), {}, "learned value has a share but is not finite"),
        ((1.0, None, -3.0, 0.5), {"scale": "log"}, "configured value must be positive"),
    ],
)
def test_bad_blends_are_refused(args, options, said):
    with pytest.raises(ValueError, match=said):
        blend(*args, **options)


# The gate as deployed ------------------------------------------------------------------------------------------------


def calibrated_states() -> dict[str, FamilyState]:
    """Every listed parameter exactly at its number of observations, with a cv below its limit."""
    return {name: FamilyState(with_cv(0.99 * cv), n) for name, (n, cv) in {**TIER_1, **TIER_2}.items()}


def test_the_deployed_thresholds():
    assert dict(TIER_1) == {"alpha_touch": (50, 0.5), "gamma_base": (20, 1.0), "kappa": (100, 0.5)}
    assert dict(TIER_2) == {"cascade_oi_threshold": (10, 1.0), "bocpd_threshold": (10, 0.5)}
    assert deployed_status(calibrated_states(), 100) == DeployedStatus(True, True, True)
    assert deployed_status({}, 99) == DeployedStatus(False, False, False)


@pytest.mark.parametrize("name", [*TIER_1, *TIER_2])
@pytest.mark.parametrize("fault", ["one observation short", "cv at its limit", "missing"])
def test_each_condition_closes_its_gate(name, fault):
    states = calibrated_states()
    n, cv = {**TIER_1, **TIER_2}[name]
    if fault == "missing":
        del states[name]
    else:
        states[name] = FamilyState(with_cv(cv), n) if fault.startswith("cv") else FamilyState(with_cv(0.1), n - 1)
    status = deployed_status(states, 100)
    assert (status.tier1_ready, status.tier2_ready) == (name in TIER_2, name in TIER_1)


def test_calibrated_as_deployed_is_at_least_n_and_strictly_below_cv():
    state = FamilyState(Gamma(4.0, 1.0), 100)
    assert state.calibrated(100, 0.51)
    assert not state.calibrated(100, 0.5)  # the prior of kappa has a cv of .5 exactly
    assert not state.calibrated(101, 0.51)
    assert FamilyState(Normal(0.0, 1.0), 100).cv == math.inf


def test_the_deployed_choice_is_all_or_nothing():
    ready, not_ready = DeployedStatus(True, False, True), DeployedStatus(False, True, True)
    assert deployed_choice(1.0, 2.0, 3.0, ready) == 1.0
    assert deployed_choice(1.0, 2.0, 3.0, not_ready) == 2.0
    assert deployed_choice(1.0, None, 3.0, not_ready) == 3.0
    assert deployed_choice(1.0, None, 3.0, ready, use_learned=False) == 3.0


def test_the_deployed_gate_jumps_from_4_to_80_bps_in_one_tick_and_the_blend_does_not():
    """Kappa configured at 2500 (a half-spread of 4 bps), learned near 125 (80 bps): what F6 makes of a quiet market.

    The deployed gate opens at fill 100. The blend moves the depth by at most a factor of
    exp(|ln learned/configured|/100 + w |change of ln learned|) per fill, less than 8 % here.
    """
    configured, states = 2500.0, calibrated_states()
    belief, ramp = Gamma(4.0, 4.0 / configured), Ramp()
    start = belief
    deployed, blended, bounds, last = [1e4 / configured], [1e4 / configured], [0.0], belief.mean()
    for k in range(1, 201):
        belief = belief.update(1.0, 1 / 122.0)
        states["kappa"] = FamilyState(belief, k)
        choice = deployed_choice(belief.mean(), None, configured, deployed_status(states, k))
        before = ramp.weight
        ramp = ramp.follow(assess(belief, start, k, 0.0, RULE), 1, 0.0, RULE)
        value = blend(belief.mean(), None, configured, ramp.weight, scale="log").value
        gap, change = abs(math.log(belief.mean() / configured)), abs(math.log(belief.mean() / last))
        bounds.append(gap / 100 + before * change)
        deployed.append(1e4 / choice)
        blended.append(1e4 / value)
        last = belief.mean()
    jumps = np.diff(deployed)
    assert np.argmax(jumps) == 99  # fill number 100
    assert (deployed[99], deployed[100]) == pytest.approx((4.0, 79.0), abs=0.5)
    steps = np.abs(np.diff(np.log(blended)))
    assert np.all(steps <= np.array(bounds[1:]) + 1e-12)
    assert steps.max() < 0.08
    assert np.diff(blended).max() < 4.0  # bps
    assert blended[-1] == pytest.approx(deployed[-1], rel=1e-6)
