"""Laws of the bundled data: as the manifest says, made again from the seed, small, the truth in reach."""

import json
import shutil

import naive_world as naive
import numpy as np
import pandas as pd
import pytest

import mmresearch
from mmresearch.sim import bundle
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
    listed = {entry["path"] for entry in MANIFEST["tapes"]} | {"manifest.json", "README.md"}
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
    bundle.write_bundle(tmp_path)
    first = (tmp_path / "manifest.json").read_bytes()
    bundle.write_bundle(tmp_path)
    assert (tmp_path / "manifest.json").read_bytes() == first
    again = bundle.example(tmp_path)
    assert [tape.asset for tape in again] == [tape.asset for tape in tapes[:2]]
    naive.assert_equal(again[1], read_parquet(tmp_path / f"{again[1].asset}.tape"))


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
