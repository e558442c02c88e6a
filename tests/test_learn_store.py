"""Learned parameters on disk: what comes back is what was saved, and nothing unreadable passes for defaults."""

import dataclasses
import json
import logging
import math
import os
import pickle
import warnings
from pathlib import Path

import numpy as np
import pytest
import series_tapes as make
from hypothesis import given, settings
from hypothesis import strategies as st
from saver_server import counted

from mmresearch.belief.beta import Beta
from mmresearch.belief.catalogue import CATALOGUE, prior
from mmresearch.belief.gamma import Gamma
from mmresearch.belief.inverse_gamma import InverseGamma
from mmresearch.belief.lognormal import LogNormal
from mmresearch.belief.normal import Normal, NormalInverseGamma
from mmresearch.learn.contract import run
from mmresearch.learn.readiness.forgetting import Clock, Forgetting
from mmresearch.learn.readiness.rule import Ramp, Readiness, ReadinessRule
from mmresearch.learn.sound.hazard import HazardRate, HazardState
from mmresearch.learn.storage import saved, store
from mmresearch.learn.storage.deployed_json import write_deployed
from mmresearch.learn.storage.learned import Learned, LearnedParameters, defaults
from mmresearch.learn.storage.saved import NewerVersionError, UnreadableError, parse, render
from mmresearch.learn.storage.store import (
    DamagedFileError,
    LearnedFileWarning,
    WrongAssetError,
    default_path,
    load,
    load_or_default,
    save,
)

finite = st.floats(allow_nan=False, allow_infinity=False)
positive = st.floats(1e-300, 1e300)
beliefs = st.one_of(
    st.builds(Beta, positive, positive),
    st.builds(Gamma, positive, positive),
    st.builds(Normal, finite, positive),
    st.builds(NormalInverseGamma, finite, positive, positive, positive),
    st.builds(InverseGamma, positive, positive),
    st.builds(LogNormal, finite, positive),
)
learned = st.builds(
    Learned,
    name=st.text(min_size=1),
    learner=st.text(),
    evidence=st.dictionaries(st.text(), finite, max_size=4),
    prior=beliefs,
    posterior=beliefs,
    n_observations=st.integers(0, 2**64),
    updated_s=st.none() | finite,
    half_life_s=st.none() | positive,
    typed_prior=st.none() | st.tuples(finite, finite),
    clock=st.none()
    | st.builds(Clock, st.none() | st.integers(), st.none() | finite, finite, finite, st.none() | finite),
    ramp=st.none() | st.builds(Ramp, st.floats(0.0, 1.0), st.none() | finite),
)
all_learned = st.builds(
    LearnedParameters,
    asset=st.text(min_size=1),
    parameters=st.lists(learned, max_size=3, unique_by=lambda p: p.name),
    total_fills_observed=st.integers(0, 2**64),
)


@settings(max_examples=60, deadline=None)
@given(all_learned, finite)
def test_what_is_read_is_what_was_written_to_the_last_bit(values, now):
    back, origin = parse(render(values, now))
    assert back == values
    assert origin.saved_s == now
    # Equality takes -0.0 for 0.0 and one order of evidence for another; the text does not.
    assert render(back, now) == render(values, now)


@settings(max_examples=25, deadline=None)
@given(all_learned)
def test_the_file_is_json_that_a_person_can_read(values):
    document = json.loads(render(values, 0.0))
    assert list(document["parameters"]) == values.names
    assert document["schema_version"] == "1.0"
    assert render(values, 0.0).count(b"\n") > 6


def test_a_file_comes_back_with_its_origin_and_its_age(tmp_path):
    values = counted(7)
    path = save(values, tmp_path / "deep" / "btc.json", now_s=50.0)
    back, report = load(path, "BTC")
    assert back == values
    assert (report.source, report.format, report.damaged, report.notes) == ("current", "mmresearch", (), ())
    assert (report.origin.saved_s, report.origin.schema_version) == (50.0, "1.0")
    # F26: the age is counted from the last evidence, not from the restart.
    assert back["kappa"].age_s(107.0) == 100.0
    assert back["kappa"].half_life_s == 14400.0
    assert back["alpha_touch"].age_s(107.0) == math.inf


def test_saving_uses_the_clock_if_no_time_is_given(tmp_path, monkeypatch):
    monkeypatch.setattr(store.time, "time", lambda: 1234.5)
    assert load(save(counted(1), tmp_path / "x.json"))[1].origin.saved_s == 1234.5


def test_a_number_of_numpy_is_saved_as_a_number(tmp_path):
    row = Learned("kappa", "K", {"n": np.float64(0.1)}, Gamma(4, 2), Gamma(np.float64(5), np.int64(2)), np.int64(3))
    back = load(save(LearnedParameters("BTC", (row,), np.int64(7)), tmp_path / "x.json"))[0]
    assert back["kappa"] == row
    assert type(back["kappa"].n_observations) is int
    assert back.total_fills_observed == 7


SMALL = render(LearnedParameters("BTC", (counted(3)["kappa"],), 3), 9.0)


@pytest.mark.parametrize("change", [0x01, 0x20, 0x80, 0xFF])
def test_no_byte_changes_unseen(change):
    for at in range(len(SMALL)):
        torn = bytearray(SMALL)
        torn[at] ^= change
        with pytest.raises(UnreadableError):
            parse(bytes(torn))


def test_no_byte_is_missing_or_added_unseen():
    for at in range(len(SMALL)):
        for torn in (SMALL[:at], SMALL[:at] + SMALL[at + 1 :], SMALL[:at] + b" " + SMALL[at:], SMALL[at + 1 :]):
            with pytest.raises(UnreadableError):
                parse(torn)
    with pytest.raises(UnreadableError):
        parse(SMALL + b"\n")
    assert parse(SMALL)[0].total_fills_observed == 3


@settings(max_examples=25, deadline=None)  # Each is a handful of flushes of the disk.
@given(st.data())
def test_a_file_torn_anywhere_gives_the_generation_before_and_is_kept(tmp_path_factory, data):
    path = tmp_path_factory.mktemp("torn") / "btc.json"
    for counter in (1, 2):
        save(counted(counter), path, now_s=0.0)
    whole = path.read_bytes()
    at = data.draw(st.integers(0, len(whole) - 1))
    other = data.draw(st.integers(0, 255).filter(lambda b: b != whole[at]))
    torn = data.draw(st.sampled_from([whole[:at], whole[:at] + bytes([other]) + whole[at + 1 :]]))
    path.write_bytes(torn)
    with pytest.warns(LearnedFileWarning, match=r"set aside as btc\.json\.corrupt-1; the generation before is used"):
        values, report = load(path, "BTC")
    assert values == counted(1)
    assert (report.source, report.path) == ("previous", path)
    assert [(d.path, d.moved_to) for d in report.damaged] == [(path, path.with_name("btc.json.corrupt-1"))]
    assert report.damaged[0].moved_to.read_bytes() == torn
    assert not path.exists()
    save(counted(5), path)
    assert load(path)[0] == counted(5)
    assert load(path.with_name("btc.json.1"))[0] == counted(1)


def test_whatever_is_unreadable_is_set_aside_under_a_name_of_its_own(tmp_path, caplog):
    path = tmp_path / "btc.json"
    junk = [
        b"",
        b"\x00" * 4096,
        b"[" * 100_000,
        b"[]",
        b"{}",
        b"null",
        b'{"kappa": 1}',
        b"\xff\xfe",
        b"\n",
        b"1" * 5000,
    ]
    for number, data in enumerate(junk, start=1):
        path.write_bytes(data)
        caplog.clear()
        with caplog.at_level(logging.WARNING), pytest.warns(LearnedFileWarning, match="everything learned is lost"):
            values, report = load_or_default("BTC", path)
        assert values == defaults("BTC")
        assert (report.source, report.format) == ("defaults", "none")
        assert report.damaged[0].moved_to.name == f"btc.json.corrupt-{number}"
        assert report.damaged[0].moved_to.read_bytes() == data
        assert "everything learned is lost" in caplog.text


def test_both_generations_torn_is_an_error_that_names_both(tmp_path):
    path = tmp_path / "btc.json"
    for counter in (1, 2):
        save(counted(counter), path)
    path.write_bytes(b"{")
    path.with_name("btc.json.1").write_bytes(b"")
    with pytest.raises(DamagedFileError, match=r"btc\.json cannot.*btc\.json\.1 cannot"):
        load(path)
    assert path.with_name("btc.json.corrupt-1").read_bytes() == b"{"
    assert path.with_name("btc.json.1.corrupt-1").read_bytes() == b""


def test_nothing_saved_is_an_error_or_the_priors_and_no_warning(tmp_path):
    with pytest.raises(FileNotFoundError, match="nothing was saved"):
        load(tmp_path / "btc.json")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        values, report = load_or_default("BTC", folder=tmp_path, preset="thin")
    assert report == store.LoadReport(tmp_path / "btc_learned_params.json", "defaults", "none")
    assert values.names == list(CATALOGUE)
    assert values["kappa"].posterior == prior("kappa", "thin")
    assert values["microprice_decay"].posterior == prior("microprice_decay")
    assert not any(tmp_path.iterdir())


def test_a_saver_does_not_make_a_torn_file_the_generation_before(tmp_path):
    path = tmp_path / "btc.json"
    for counter in (1, 2):
        save(counted(counter), path)
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.warns(LearnedFileWarning, match="the new parameters are saved in its place"):
        save(counted(3), path)
    assert load(path)[0] == counted(3)
    assert load(path.with_name("btc.json.1"))[0] == counted(1)
    assert path.with_name("btc.json.corrupt-1").exists()


def reversioned(data: bytes, version: str) -> bytes:
    """The same file by a program of another schema, which keeps the promise of the opening."""
    rest = data[len(saved._OPENING) + 64 :].replace(
        b'"schema_version": "1.0"', f'"schema_version": "{version}"'.encode()
    )
    rest = rest.replace(b'"total_fills_observed"', b'"of_the_future": [1],\n  "total_fills_observed"')
    return saved._OPENING + saved._digest(rest) + rest


def test_a_newer_major_version_is_refused_and_left_by_all(tmp_path):
    path = tmp_path / "btc.json"
    save(counted(1), path)
    newer = reversioned(path.read_bytes(), "2.3")
    path.write_bytes(newer)
    for act in (lambda: load(path), lambda: load_or_default("BTC", path), lambda: save(counted(2), path)):
        with pytest.raises(NewerVersionError, match=r"schema version 2\.3.*reads 1\.x"):
            act()
        assert path.read_bytes() == newer
    assert {p.name for p in tmp_path.iterdir()} == {"btc.json", ".btc.json.lock"}


def test_a_torn_file_that_says_it_is_newer_is_torn(tmp_path):
    path = tmp_path / "btc.json"
    for counter in (1, 2):
        save(counted(counter), path)
    path.write_bytes(path.read_bytes().replace(b'"1.0"', b'"2.0"'))
    with pytest.warns(LearnedFileWarning, match="torn, or was edited"):
        assert load(path)[0] == counted(1)


def test_a_newer_minor_version_is_read_without_what_it_adds(tmp_path):
    path = tmp_path / "btc.json"
    save(counted(1), path)
    path.write_bytes(reversioned(path.read_bytes(), "1.7"))
    values, report = load(path)
    assert values == counted(1)
    assert report.origin.schema_version == "1.7"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'"1.0"', b'"one"'),
        (b'"family": "Gamma"', b'"family": "Gumbel"'),
        (b'"shape": 4.0', b'"shape": -4.0'),
        (b'"shape": 4.0', b'"form": 4.0'),
        (b'"shape": 4.0', b'"shape": NaN'),
        (b'"shape": 4.0', b'"shape": "4.0"'),
        (b'"n": 3.0', b'"n": Infinity'),
        (b'"n_observations": 3', b'"n_observations": -3'),
        (b'"n_observations": 3', b'"n_observations": 3.5'),
        (b'"half_life_s": 14400.0', b'"half_life_s": 0'),
        (b'"typed_prior": null', b'"typed_prior": [1.0]'),
        (b'"asset": "BTC"', b'"asset": ""'),
        (b'"asset": "BTC",', b""),
    ],
)
def test_a_whole_file_that_makes_no_sense_is_unreadable(old, new):
    assert old in SMALL
    rest = SMALL[len(saved._OPENING) + 64 :].replace(old, new)
    with pytest.raises(UnreadableError):
        parse(saved._OPENING + saved._digest(rest) + rest)


def test_the_parameters_of_another_asset_are_refused_and_left(tmp_path):
    path = default_path("kPEPE", tmp_path)
    save(counted(1), path)
    whole = path.read_bytes()
    for act in (lambda: load(path, "kPEPE"), lambda: load_or_default("KPEPE", folder=tmp_path)):
        with pytest.raises(WrongAssetError, match="about BTC, not"):
            act()
    with pytest.raises(WrongAssetError, match="a path of its own"):
        save(dataclasses.replace(counted(2), asset="ETH"), path)
    assert path.read_bytes() == whole
    assert load(path)[0] == counted(1)


@pytest.mark.parametrize(
    "asset", ["", ".", "..", "../BTC", "/etc/BTC", "a/b", "a\\b", "BTC\0", "BTC\n", ".hidden", "İ"]
)
def test_a_path_does_not_leave_its_folder(asset):
    with pytest.raises(ValueError, match="cannot be the name of a file"):
        default_path(asset)


@settings(deadline=None)
@given(st.text(max_size=12))
def test_every_path_that_is_given_lies_in_its_folder(asset):
    try:
        path = default_path(asset, "/x/calibration")
    except ValueError:
        return
    assert Path(os.path.normpath(path)).parent == Path("/x/calibration")
    assert path.name == f"{asset.lower()}_learned_params.json"


def test_paths_are_those_of_the_deployed_system():
    assert default_path("BTC") == Path("calibration/btc_learned_params.json")
    assert default_path("@107", "out").name == "@107_learned_params.json"
    assert default_path("xyz:TSLA").name == "xyz:tsla_learned_params.json"


def test_a_file_that_may_not_be_read_is_an_error_and_not_the_priors(tmp_path, monkeypatch):
    path = save(counted(1), tmp_path / "btc.json")

    def refuse(_self):
        raise PermissionError(13, "denied")

    monkeypatch.setattr(Path, "read_bytes", refuse)
    for act in (lambda: load(path), lambda: load_or_default("BTC", path)):
        with pytest.raises(PermissionError):
            act()


def test_a_torn_file_that_cannot_be_set_aside_is_reported_all_the_same(tmp_path, monkeypatch):
    path = tmp_path / "btc.json"
    for counter in (1, 2):
        save(counted(counter), path)
    path.write_bytes(b"torn")

    def refuse(*_args):
        raise PermissionError(13, "denied")

    monkeypatch.setattr(os, "rename", refuse)
    with pytest.warns(LearnedFileWarning, match="could not be set aside"):
        values, report = load(path)
    assert values == counted(1)
    assert report.damaged[0].moved_to is None
    assert path.read_bytes() == b"torn"


def test_a_file_that_another_writer_mends_meanwhile_is_not_set_aside(tmp_path, monkeypatch):
    path = save(counted(2), tmp_path / "btc.json")
    whole, reads = path.read_bytes(), []
    real = Path.read_bytes

    def torn_at_first(self):
        reads.append(self)
        return b"torn" if len(reads) == 1 else real(self)

    monkeypatch.setattr(Path, "read_bytes", torn_at_first)
    values, report = load(path)
    assert (values, report.source, report.damaged) == (counted(2), "current", ())
    assert real(path) == whole


def test_a_deployed_file_is_recognised_in_its_place(tmp_path):
    path = default_path("BTC", tmp_path)
    write_deployed(defaults("BTC"), path)
    values, report = load_or_default("BTC", folder=tmp_path)
    assert (report.format, report.source, report.origin) == ("deployed", "current", None)
    assert "age of everything in it is unknown" in report.notes[0]
    assert values.asset == "BTC"
    assert load(path)[0].asset == "btc"
    save(counted(1), path)
    assert load(path)[1].format == "mmresearch"
    assert load(path.with_name(path.name + ".1"))[1].format == "deployed"


@pytest.mark.parametrize("act", [load, lambda path: load_or_default("BTC", path), lambda path: save(counted(3), path)])
@pytest.mark.parametrize("generations", [0, 2])
def test_a_warning_points_at_who_called(tmp_path, act, generations):
    path = tmp_path / "btc.json"
    for counter in range(generations):
        save(counted(counter), path)
    path.write_bytes(b"torn")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            act(path)
        except DamagedFileError:
            return
    # Two of the three are called by a lambda above, and the third by this function: all in this file.
    assert [w.filename for w in caught] == [__file__]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"name": ""}, "needs a name"),
        ({"evidence": {"n": math.nan}}, "kappa: evidence 'n' must be finite"),
        ({"n_observations": -1}, "whole number"),
        ({"n_observations": 1.5}, "whole number"),
        ({"updated_s": math.inf}, "updated_s must be finite"),
        ({"half_life_s": 0.0}, "half_life_s must be positive"),
    ],
)
def test_what_could_not_be_learned_from_is_refused(change, message):
    with pytest.raises(ValueError, match=message):
        dataclasses.replace(counted(1)["kappa"], **change)


def test_an_asset_has_each_parameter_once(tmp_path):
    row = counted(1)["kappa"]
    with pytest.raises(ValueError, match="kappa given more than once"):
        LearnedParameters("BTC", (row, row))
    with pytest.raises(ValueError, match="name is empty"):
        LearnedParameters("")
    with pytest.raises(ValueError, match="total_fills_observed must be a whole number"):
        LearnedParameters("BTC", (), -1)
    with pytest.raises(KeyError, match=r"'A' of BTC; there are kappa"):
        LearnedParameters("BTC", (row,))["A"]
    with pytest.raises(ValueError, match="no preset 'thick'"):
        defaults("BTC", "thick")


def test_values_are_values():
    evidence = {"n": 1.0}
    row = Learned("kappa", "K", evidence, Gamma(4, 2), Gamma(5, 2))
    evidence["n"] = 2.0
    assert row.evidence == {"n": 1.0}
    assert pickle.loads(pickle.dumps(counted(3))) == counted(3)


def test_age_and_ramp_survive_a_restart(tmp_path):
    """A forgetting learner stopped, saved, loaded and taught on is the one that was never stopped."""
    tape, path = make.changes(np.random.default_rng(1), 0.03, 1.0, 1.0, 900), tmp_path / "x.json"
    learner, rule = Forgetting(HazardRate(), 300.0, cells=10), ReadinessRule(min_observations=10.0)
    before = run(learner, tape.between(0.0, 500.0))
    ready = Readiness("ready", 1.0, "", 10.0, 0.3, 0.0)
    ramp = Ramp().follow(ready, 6, 500.0, rule)
    evidence = dict(vars(before.inner))
    belief = learner.posterior(before)
    row = Learned("bocpd_hazard_rate", learner.name, evidence, Gamma(1.0, 250.0), belief, 15, 490.0, 300.0,
                  clock=before.clock, ramp=ramp)  # fmt: skip
    save(LearnedParameters("X", (row,)), path)
    kept = load(path)[0]["bocpd_hazard_rate"]
    after = kept.clock.of(HazardState(**kept.evidence))
    assert after == before
    assert after.age_s(600.0) == before.age_s(600.0) < math.inf
    assert after.sampling_size == before.sampling_size > 0
    assert learner.posterior_at(after, 800.0) == learner.posterior_at(before, 800.0) != belief
    rest = tape.between(500.0, 900.0)
    assert learner.posterior(learner.update(after, rest)) == learner.posterior(run(learner, tape, 500.0))
    # The weight goes on from where it was, by as much for each observation, and fades over the pause.
    assert kept.ramp == ramp
    assert kept.ramp.follow(ready, 1, 500.0, rule).weight == pytest.approx(0.7)
    assert Ramp().follow(ready, 1, 500.0, rule).weight == pytest.approx(0.1)


def test_what_was_never_taught_has_no_age_after_a_restart_either(tmp_path):
    blank = Forgetting(HazardRate(), 300.0).init()
    belief = Gamma(1.0, 250.0)
    row = Learned("bocpd_hazard_rate", "H", {}, belief, belief, clock=blank.clock, ramp=Ramp())
    kept = load(save(LearnedParameters("X", (row,)), tmp_path / "x.json"))[0]["bocpd_hazard_rate"]
    assert kept.clock.of(HazardState()).age_s() == math.inf
    assert kept.clock.of(HazardState()).now_s == -math.inf
    assert kept.ramp == Ramp()


def test_files_without_age_and_ramp_are_read(tmp_path):
    """Those that were written before there were any."""
    data = json.loads(render(LearnedParameters("X", (Learned("kappa", "K", {}, prior("kappa"), prior("kappa")),)), 1.0))
    row = saved.SavedParameter.model_validate(
        {k: v for k, v in data["parameters"]["kappa"].items() if k not in ("clock", "ramp")}
    )
    assert (row.clock, row.ramp) == (None, None)


def test_a_weight_beyond_one_makes_no_sense():
    row = Learned("kappa", "K", {}, prior("kappa"), prior("kappa"), ramp=Ramp(1.5, 0.0))
    with pytest.raises(ValueError, match="weight"):
        render(LearnedParameters("X", (row,)), 1.0)
