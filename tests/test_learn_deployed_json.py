"""The deployed system's JSON, both ways: nothing that the format holds changes, and what it cannot hold is said."""

import json
import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmresearch.belief.beta import Beta
from mmresearch.belief.catalogue import CATALOGUE, prior
from mmresearch.belief.families import FAMILIES
from mmresearch.belief.gamma import Gamma
from mmresearch.belief.inverse_gamma import InverseGamma
from mmresearch.belief.lognormal import LogNormal
from mmresearch.belief.normal import Normal, NormalInverseGamma
from mmresearch.learn.storage.deployed_json import (
    ExportError,
    parse_deployed,
    read_deployed,
    render_deployed,
    write_deployed,
)
from mmresearch.learn.storage.deployed_priors import matched
from mmresearch.learn.storage.learned import Learned, LearnedParameters, defaults
from mmresearch.learn.storage.saved import UnreadableError

PRESETS = [(name, preset) for name, row in CATALOGUE.items() for preset in ("default", *row.presets)]
FIELDS = [
    *("name", "family", "prior_mean", "prior_strength", "posterior_param1", "posterior_param2"),
    *("n_observations", "sum_x", "sum_x2"),
]


def as_deployed(family: str, mean: float, firmness: float) -> tuple[float, float, float]:
    """Strength, p1 and p2 as the deployed constructors make them, written out from the table of families."""
    if family == "Beta":
        m = min(max(mean, 0.001), 0.999)
        return firmness, m * firmness, (1.0 - m) * firmness
    if family == "Gamma":
        return firmness, firmness, firmness / max(mean, 0.001)
    if family == "Normal":
        v = max(firmness, 1e-10)
        return 1.0 / v, mean, v
    if family == "InverseGamma":
        a = max(firmness / 2.0, 2.0)
        return firmness, a, max(mean, 1e-10) * (a - 1.0)
    log_variance = math.log1p(max(firmness, 0.01) ** 2)
    return 1.0 / math.sqrt(log_variance), math.log(mean) - 0.5 * log_variance, log_variance


def fresh_row(name: str, preset: str = "default") -> dict:
    given_ = {**CATALOGUE[name].prior, **CATALOGUE[name].presets.get(preset, {})}
    family, mean, firmness = given_.values()
    strength, p1, p2 = as_deployed(family, mean, firmness)
    return dict(zip(FIELDS, [name, family, mean, strength, p1, p2, 0, 0.0, 0.0], strict=True))


def updated_row(name: str, preset: str = "default", seed: int = 0) -> dict:
    """A row after the deployed updates with observations that its family can see."""
    row, rng = fresh_row(name, preset), np.random.default_rng(seed)
    x = rng.gamma(2.0, row["prior_mean"] / 2.0, 37) if row["family"] != "Beta" else (rng.random(37) < 0.3) * 1.0
    p1, p2 = row["posterior_param1"], row["posterior_param2"]
    for value in map(float, x):
        match row["family"]:
            case "Beta":
                p1, p2 = p1 + value, p2 + 1.0 - value
            case "Gamma":
                p1, p2 = p1 + 1.0, p2 + 1.0 / (value + row["prior_mean"])
            case "Normal":
                p1, p2 = (p1 / p2 + value / 4.0) / (1.0 / p2 + 0.25), 1.0 / (1.0 / p2 + 0.25)
            case "InverseGamma":
                p1, p2 = p1 + 0.5, p2 + value * row["prior_mean"]
            case "LogNormal":
                p1 = (row["prior_strength"] * p1 + math.log(value)) / (row["prior_strength"] + 1.0)
    sums = {"sum_x": float(x.sum()), "sum_x2": float((x**2).sum())}
    return {**row, "posterior_param1": p1, "posterior_param2": p2, "n_observations": 37, **sums}


def document(make, preset: str = "default", fills: int = 123) -> dict:
    return {**{name: make(name, preset) for name in CATALOGUE}, "total_fills_observed": fills}


def again(given_: dict) -> dict:
    values, _ = parse_deployed(json.dumps(given_, indent=2).encode(), "BTC")
    return json.loads(render_deployed(values)[0])


@pytest.mark.parametrize("preset", ["default", "liquid", "thin"])
@pytest.mark.parametrize("make", [fresh_row, updated_row])
def test_a_deployed_file_read_and_written_is_the_same_in_all_25_rows(make, preset):
    given_ = document(make, preset)
    assert len(given_) == 26
    back = again(given_)
    assert list(back) == list(given_)
    for name in CATALOGUE:
        assert back[name] == given_[name]
        assert list(back[name]) == FIELDS
    assert back["total_fills_observed"] == 123


@pytest.mark.parametrize(("name", "preset"), PRESETS)
def test_a_prior_of_ours_is_written_as_it_was_typed_and_comes_back_to_the_bit(name, preset):
    row = fresh_row(name, preset)
    ours = LearnedParameters("BTC", (Learned(name, "", {}, prior(name, preset), prior(name, preset)),))
    text, notes = render_deployed(ours)
    assert json.loads(text)[name] == row
    assert not notes
    back, _ = parse_deployed(text.encode(), "BTC")
    assert (back[name].prior, back[name].posterior) == (prior(name, preset), prior(name, preset))
    assert back[name].typed_prior is None


@pytest.mark.parametrize("name", CATALOGUE)
def test_what_was_learned_here_comes_back_to_the_bit(name):
    given_ = updated_row(name, seed=3)
    after = FAMILIES[given_["family"]](given_["posterior_param1"], given_["posterior_param2"])
    sums = {"sum_x": given_["sum_x"], "sum_x2": given_["sum_x2"]}
    ours = Learned(name, "deployed", sums, prior(name), after, 37)
    text, notes = render_deployed(LearnedParameters("BTC", (ours,), 7))
    back, read_notes = parse_deployed(text.encode(), "BTC")
    assert back[name] == ours
    assert back.total_fills_observed == 7
    assert not notes
    assert not read_notes


def test_values_written_and_read_are_the_same_values(tmp_path):
    values, _ = parse_deployed(json.dumps(document(updated_row)).encode(), "BTC")
    path = tmp_path / "btc_learned_params.json"
    assert write_deployed(values, path) == ()
    assert read_deployed(path, "BTC") == (values, ())
    assert read_deployed(path)[0].asset == "btc"
    assert path.read_text().startswith('{\n  "alpha_touch": {\n    "name": "alpha_touch",\n    "family": "Beta",\n')
    assert values["kappa"].age_s(1e9) == math.inf


numbers = st.floats(1e-6, 1e6)


@settings(deadline=None)
@given(st.sampled_from(sorted(CATALOGUE)), numbers, numbers, numbers, numbers, st.integers(0, 3))
def test_whatever_prior_a_file_has_it_keeps(name, mean, strength, p1, p2, n):
    row = dict(zip(FIELDS, [name, CATALOGUE[name].prior["family"], mean, strength, p1, p2, n, 0.1, 0.2], strict=True))
    values, notes = parse_deployed(json.dumps({name: row, "total_fills_observed": 0}).encode(), "BTC")
    if any("reset" in note for note in notes):
        row = {**row, "n_observations": 0, "sum_x": 0.0, "sum_x2": 0.0}
        p1, p2 = json.loads(render_deployed(values)[0])[name]["posterior_param1"], None
        assert p1 == pytest.approx(values[name].prior.shape)
        return
    assert json.loads(render_deployed(values)[0])[name] == row


@settings(deadline=None)
@given(st.sampled_from(sorted(FAMILIES)), st.floats(0.01, 0.99), st.floats(0.5, 100.0))
def test_an_odd_prior_of_ours_is_read_back_but_for_rounding(family, mean, strength):
    name = next(n for n, row in CATALOGUE.items() if row.prior["family"] == family)
    _, p1, p2 = as_deployed(family, mean, strength)
    ours = Learned(name, "deployed", {}, FAMILIES[family](p1, p2), prior(name), 5)
    back = parse_deployed(render_deployed(LearnedParameters("BTC", (ours,)))[0].encode(), "BTC")[0][name]
    if back.n_observations:
        pairs = zip(vars(back.prior).values(), (p1, p2), strict=True)
        assert all(math.isclose(x, y, rel_tol=1e-12, abs_tol=1e-12) for x, y in pairs)


def test_a_typed_prior_is_forgotten_with_the_prior_it_was_about():
    row = {**fresh_row("microprice_decay"), "prior_mean": 0.998, "prior_strength": 70.1, "n_observations": 1}
    values, _ = parse_deployed(json.dumps({"microprice_decay": row, "total_fills_observed": 0}).encode(), "BTC")
    ours = values["microprice_decay"]
    assert (ours.prior.mean(), ours.prior.a + ours.prior.b) != (0.998, 70.1)
    assert ours.typed_prior == (0.998, 70.1)
    moved = replace(ours, prior=Beta(3.0, 1.0))
    back = json.loads(render_deployed(LearnedParameters("BTC", (moved,)))[0])["microprice_decay"]
    assert (back["prior_mean"], back["prior_strength"]) == (0.75, 4.0)


@pytest.mark.parametrize("jump", [20.0, 200.0])
def test_a_beta_for_hawkes_jumps_is_refused_by_name_and_nothing_is_written(tmp_path, jump):
    jumps = Learned("hawkes_alpha", "H", {}, Gamma(4.0, 4.0 / jump), Gamma(400.0, 400.0 / jump), 100)
    odd = Learned("A", "K", {}, Gamma(1.0, 1.0), Gamma(1.0, 1.0))
    with pytest.raises(ExportError, match=r"hawkes_alpha: a Beta cannot hold mean .*; A: it is not in the catalogue"):
        write_deployed(LearnedParameters("BTC", (jumps, odd)), tmp_path / "x.json")
    assert not any(tmp_path.iterdir())


def test_a_branching_ratio_is_held_by_a_beta():
    ratio = Learned("hawkes_alpha", "H", {}, prior("hawkes_alpha"), Beta(53.0, 57.0), 100)
    text, notes = render_deployed(LearnedParameters("BTC", (ratio,)))
    assert json.loads(text)["hawkes_alpha"]["posterior_param1"] == 53.0
    assert notes == ("hawkes_alpha: its evidence has no sums of observations; written as 0",)


def test_a_belief_of_another_family_is_written_with_its_mean_and_sd_and_said():
    before = NormalInverseGamma(5.0, 9.0, 2.0, 36.0)
    after = before.update(40, 3.0, 900.0)
    ours = Learned("spread_floor_bps", "SpreadFloor", {"n": 40.0, "mean": 3.0, "m2": 900.0}, before, after, 40)
    text, notes = render_deployed(LearnedParameters("BTC", (ours,)))
    row = json.loads(text)["spread_floor_bps"]
    assert row["posterior_param1"] == after.mean()
    assert row["posterior_param2"] == pytest.approx(after.var(), rel=1e-12)
    assert (row["prior_mean"], row["prior_strength"]) == (5.0, pytest.approx(1.0 / before.var()))
    assert (row["sum_x"], row["sum_x2"]) == (120.0, 900.0 + 40 * 9.0)
    assert notes == ("spread_floor_bps: a NormalInverseGamma is written as the Normal with its mean and sd",)


@settings(deadline=None)
@given(st.sampled_from(sorted(FAMILIES)), st.floats(0.01, 0.9), st.floats(0.01, 0.99))
def test_a_match_has_the_mean_and_the_sd(family, mean, share):
    sd = share * math.sqrt(mean * (1.0 - mean))
    source = NormalInverseGamma(mean, 1.0, 3.0, 2.0 * sd**2)
    found = matched(family, source)
    assert type(found) is FAMILIES[family]
    assert found.mean() == pytest.approx(mean, rel=1e-9)
    assert found.std() == pytest.approx(sd, rel=1e-7)


@pytest.mark.parametrize(
    ("family", "belief"),
    [
        ("Beta", Normal(-0.1, 0.01)),
        ("Beta", Normal(0.5, 0.25)),
        ("Gamma", Normal(0.0, 1.0)),
        ("LogNormal", Normal(-1.0, 1.0)),
        ("InverseGamma", Normal(-1.0, 1.0)),
        ("Normal", NormalInverseGamma(0.0, 1.0, 1.0, 1.0)),
        ("Normal", InverseGamma(0.9, 1.0)),
    ],
)
def test_what_a_family_cannot_hold_is_refused(family, belief):
    with pytest.raises(ValueError, match=r"cannot hold|fits no"):
        matched(family, belief)


def test_labels_have_their_sums():
    ours = Learned("alpha_touch", "A", {"informed": 3.0, "total": 10.0}, Beta(2, 6), Beta(5, 13), 10)
    row = json.loads(render_deployed(LearnedParameters("BTC", (ours,)))[0])["alpha_touch"]
    assert (row["sum_x"], row["sum_x2"]) == (3.0, 3.0)


def test_rules_after_loading_are_applied_and_said():
    given_ = document(updated_row)
    given_["spread_floor_bps"] |= {"posterior_param1": -1.44, "posterior_param2": 0.04}
    given_["gamma_base"] |= {"posterior_param1": 103.0, "posterior_param2": 1031.0}
    given_["kappa"] |= {"posterior_param1": 9.0, "posterior_param2": 9.5}
    values, notes = parse_deployed(json.dumps(given_).encode(), "BTC")
    assert values["spread_floor_bps"].posterior == Normal(0.0, 0.04)
    assert values["spread_floor_bps"].n_observations == 37
    for name in ("gamma_base", "kappa"):
        assert values[name].posterior == prior(name)
        assert (values[name].n_observations, values[name].evidence) == (0, {})
    assert [note.split(" was ")[0] for note in notes] == ["gamma_base", "spread_floor_bps", "kappa"]


def test_rules_after_loading_spare_what_is_just_right():
    given_ = document(updated_row)
    given_["spread_floor_bps"] |= {"posterior_param1": 0.0}
    given_["gamma_base"] |= {"posterior_param1": 10.0, "posterior_param2": 100.0}
    given_["kappa"] |= {"posterior_param1": 9.0, "posterior_param2": 9.0}
    values, notes = parse_deployed(json.dumps(given_).encode(), "BTC")
    assert not notes
    assert values["kappa"].posterior == Gamma(9.0, 9.0)
    assert values["gamma_base"].posterior == Gamma(10.0, 100.0)


def test_what_is_strange_or_missing_is_said():
    given_ = document(fresh_row)
    del given_["kappa"]
    given_["tuning_notes"] = "by hand"
    values, notes = parse_deployed(json.dumps(given_).encode(), "BTC")
    assert "kappa" not in values.names
    assert notes == ("tuning_notes is passed over: it is not in the catalogue", "not in the file: kappa")
    assert json.loads(render_deployed(values)[0])["kappa"] == fresh_row("kappa")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"name": "alpha_touch"}, "kappa makes no sense: it says name 'alpha_touch'"),
        ({"family": "Weibull"}, "kappa makes no sense"),
        ({"posterior_param1": -1.0}, "kappa makes no sense: shape must be finite and positive"),
        ({"posterior_param1": None}, "kappa makes no sense"),
        ({"posterior_param2": math.nan}, "kappa makes no sense"),
        ({"prior_strength": 0.0}, "a prior strength must be positive"),
        ({"n_observations": -1}, "n_observations -1"),
        ({"n_observations": 1.5}, "kappa makes no sense"),
    ],
)
def test_a_row_that_makes_no_sense_is_named(change, message):
    given_ = document(fresh_row)
    given_["kappa"] |= change
    with pytest.raises(UnreadableError, match=message):
        parse_deployed(json.dumps(given_).encode(), "BTC")


@pytest.mark.parametrize("fills", [-1, 1.5, "7", True, None])
def test_fills_are_a_whole_number(fills):
    with pytest.raises(UnreadableError, match="total_fills_observed"):
        parse_deployed(json.dumps(document(fresh_row, fills=fills)).encode(), "BTC")


def test_a_lognormal_is_written_with_its_variance_on_the_log_scale():
    """F20: the deployed second parameter is the log-variance and never moves; the right one does, and is kept."""
    before = prior("depth_spacing_ratio")
    assert isinstance(before, LogNormal)
    after = before.update(20.0, math.log(3.0), 0.04)
    ours = Learned("depth_spacing_ratio", "L", {}, before, after, 20)
    row = json.loads(render_deployed(LearnedParameters("BTC", (ours,)))[0])["depth_spacing_ratio"]
    assert (row["posterior_param1"], row["posterior_param2"]) == (after.mu, after.variance)
    assert after.variance < before.variance == row["prior_strength"] ** -2 * (1 + 1e-16)


def test_defaults_have_nothing_observed():
    text, notes = render_deployed(defaults("BTC"))
    assert json.loads(text) == document(fresh_row, fills=0)
    assert not notes
