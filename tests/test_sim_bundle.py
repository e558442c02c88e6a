"""Laws of the bundled data, with features and without: as the manifest says, made again from the seed, small, true."""

import json
import shutil

import naive_world as naive
import numpy as np
import pandas as pd
import pytest

import mmresearch
from mmresearch.belief.catalogue import CATALOGUE
from mmresearch.sim import bundle, feature_tapes
from mmresearch.sim.truths import disturbed, truths_of
from mmresearch.tape.evidence import evidence
from mmresearch.tape.parquet import read_parquet

PLACE = bundle.data_dir()
MANIFEST = json.loads((PLACE / "manifest.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def tapes():
    return bundle.example()


def test_the_files_are_those_of_the_manifest(tapes):
    for entry, tape in zip(MANIFEST["tapes"], tapes, strict=True):
        assert bundle.sha256_of(PLACE / entry["path"]) == entry["sha256"]
        assert {name: len(getattr(tape, name)) for name in entry["rows"]} == entry["rows"]
        assert (tape.asset, tape.t0, tape.t1) == (entry["asset"], 0.0, MANIFEST["seconds"])
    listed = {entry["path"] for entry in MANIFEST["tapes"]} | {
        "manifest.json",
        "README.md",
        bundle.FEATURES,
        "posteriors",
    }
    assert {path.name for path in PLACE.iterdir() if not path.name.startswith(".")} == listed


def test_the_files_are_small():
    assert sum(path.stat().st_size for path in PLACE.rglob("*") if path.is_file()) < 10e6


def test_the_seed_makes_the_same_tapes_again(tapes):
    for made, kept in zip(bundle.WORLD.tapes(bundle.SEED), tapes, strict=True):
        for name in ("quotes", "trades", "orders", "fills"):
            pd.testing.assert_frame_equal(getattr(made, name), getattr(kept, name), rtol=1e-12)
        assert made.meta == kept.meta


def test_the_manifest_holds_the_truth_that_was_fed_in():
    truths = bundle.example_truths()
    for truth in bundle.WORLD.truths(bundle.SEED):
        assert truths[truth.asset] == {name: pytest.approx(getattr(truth, name)) for name in bundle.LEARNABLE}


def test_eight_assets_of_two_hours_with_fills_enough(tapes):
    assert len(tapes) >= 8
    assert all(tape.seconds >= 7200 and len(tape.fills) > 1000 for tape in tapes)
    assert len({tape.meta.tick for tape in tapes}) == len(tapes)


def test_the_truth_is_within_reach_of_the_data(tapes):
    truths, found = bundle.example_truths(), evidence(tapes)
    for tape, labels, moments in zip(tapes, found.alpha_touch, found.spread_floor_bps, strict=True):
        truth = truths[tape.asset]
        _, seconds, depth, _ = naive.stretches(tape)
        kappa, error = naive.kappa_estimate(seconds, depth, naive.fills(tape)[1])
        assert abs(kappa - truth["kappa"]) < 4 * error
        n, alpha = labels.total.sum(), truth["alpha_touch"]
        assert abs(labels.informed.sum() - n * alpha) < 4 * np.sqrt(n * alpha * (1 - alpha))
        moves = moments.values_bps
        cost = moments.fee_bps + moves.mean()
        assert abs(cost - truth["spread_floor_bps"]) < 4 * moves.std() / np.sqrt(moves.size)


def test_writing_the_bundle_gives_a_folder_that_reads_back(tmp_path, monkeypatch, tapes):
    monkeypatch.setattr(bundle, "WORLD", bundle.World(assets=2, seconds=600.0, hyper=bundle.WORLD.hyper))
    monkeypatch.setattr(feature_tapes, "PLAYED_S", 400.0)
    monkeypatch.setattr(feature_tapes, "KEPT_S", (100.0, 300.0))
    bundle.write_bundle(tmp_path)
    first = (tmp_path / "manifest.json").read_bytes()
    bundle.write_bundle(tmp_path)
    assert (tmp_path / "manifest.json").read_bytes() == first
    again = bundle.example(tmp_path)
    assert [tape.asset for tape in again] == [tape.asset for tape in tapes[:2]]
    naive.assert_equal(again[1], read_parquet(tmp_path / f"{again[1].asset}.tape"))
    assert [(tape.t0, tape.t1) for tape in bundle.example(tmp_path, features=True)] == [(100.0, 300.0)] * 3


def test_a_changed_byte_changes_the_hash(tmp_path):
    entry = MANIFEST["tapes"][0]
    copy = shutil.copytree(PLACE / entry["path"], tmp_path / entry["path"])
    data = bytearray((copy / "fills.parquet").read_bytes())
    data[len(data) // 2] ^= 1
    (copy / "fills.parquet").write_bytes(data)
    assert bundle.sha256_of(copy) != entry["sha256"]


def test_missing_data_say_how_to_make_them(tmp_path, monkeypatch):
    monkeypatch.setattr(mmresearch, "__file__", str(tmp_path / "mmresearch" / "__init__.py"))
    with pytest.raises(bundle.BundleError, match=r"python -m mmresearch\.sim\.bundle"):
        bundle.data_dir()


# The second set, which has what the first lacks.

SECOND = PLACE / bundle.FEATURES
SECOND_MANIFEST = json.loads((SECOND / "manifest.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def second():
    return bundle.example(features=True)


def test_the_files_of_the_second_set_are_those_of_its_manifest(second):
    for entry, tape in zip(SECOND_MANIFEST["tapes"], second, strict=True):
        assert bundle.sha256_of(SECOND / entry["path"]) == entry["sha256"]
        assert {name: len(getattr(tape, name)) for name in entry["rows"]} == entry["rows"]
        assert (tape.asset, [tape.t0, tape.t1]) == (entry["asset"], SECOND_MANIFEST["kept_s"])
        assert "signals" in entry["rows"]
    listed = {entry["path"] for entry in SECOND_MANIFEST["tapes"]} | {"manifest.json"}
    assert {path.name for path in SECOND.iterdir() if not path.name.startswith(".")} == listed


def test_the_seed_makes_the_second_set_again(second):
    for made, kept in zip(feature_tapes.feature_tapes(bundle.SEED), second, strict=True):
        for name in ("quotes", "trades", "orders", "fills", "signals"):
            again = getattr(made, name).reset_index(drop=True)
            pd.testing.assert_frame_equal(again, getattr(kept, name), rtol=1e-12)
        assert made.meta == kept.meta


def test_the_second_set_has_the_truths_that_its_worlds_have_and_no_others():
    found = bundle.example_truths(features=True)
    for truth in feature_tapes.feature_truths(bundle.SEED):
        known = truths_of(truth, feature_tapes.PLAYED_S)
        wanted = {name: known[name] for name in known.keys() - disturbed(truth)} | {"A": truth.A}
        assert found[truth.asset] == pytest.approx(wanted)


def test_every_learnable_row_has_a_truth_on_some_tape_and_every_other_asset_is_another():
    found = bundle.example_truths(features=True)
    learnable = {name for name, row in CATALOGUE.items() if row.kind == "learned"}
    assert learnable <= {name for truths in found.values() for name in truths}
    assert not found.keys() & bundle.example_truths().keys()


def test_half_of_what_is_kept_is_in_the_toxic_hour_as_half_of_what_is_played(second):
    hour = np.arange(second[0].t0, second[0].t1) // 3600
    assert np.isin(hour, feature_tapes.TOXIC_HOURS).mean() == 0.5
    assert feature_tapes.feature_truths(bundle.SEED)[0].dynamics.toxic.hours == feature_tapes.TOXIC_HOURS


def test_the_floor_and_kappa_of_the_second_set_are_within_reach(second):
    truths = bundle.example_truths(features=True)
    for tape in second:
        truth = truths[tape.asset]
        _, seconds, depth, _ = naive.stretches(tape)
        _, depths, beyond, adverse, _ = naive.fills(tape)
        kappa, error = naive.kappa_estimate(seconds, depth, depths)
        assert abs(kappa - truth["kappa"]) < 4 * error
        cost = tape.meta.fee_bps + adverse[np.abs(beyond) < 0.1]
        assert abs(cost.mean() - truth["spread_floor_bps"]) < 4 * cost.std() / np.sqrt(cost.size)
