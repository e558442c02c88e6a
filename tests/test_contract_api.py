"""The flat API: every name it offers is there, says the same to a type checker, and is loaded when asked for."""

import ast
import subprocess
import sys
import warnings
from pathlib import Path

import pytest

import mmresearch as mm

SOURCE = ast.parse(Path(mm.__file__).read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", mm.__all__)
def test_every_name_is_there(name):
    with warnings.catch_warnings():
        # The samplers' packages warn at import about things of their own.
        warnings.simplefilter("ignore")
        assert getattr(mm, name) is not None
    assert name in dir(mm)


def test_what_a_notebook_needs_is_offered():
    needed = {"read", "evidence", "certify", "models", "learn", "example", "Tape", "catalogue", "quote", "sim"}
    assert needed <= set(mm.__all__)


def test_a_type_checker_is_told_the_same_names():
    guarded = next(n for n in SOURCE.body if isinstance(n, ast.If) and "TYPE_CHECKING" in ast.unparse(n.test))
    told = {(a.asname or a.name) for n in guarded.body if isinstance(n, ast.ImportFrom) for a in n.names}
    assert told == set(mm.__all__)


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = mm.nothing


def test_the_map_costs_nothing():
    code = "import sys, mmresearch; print(len([m for m in sys.modules if m.startswith('mmresearch.')]))"
    assert (
        subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.strip() == "0"
    )


def test_the_example_has_eight_assets_and_their_truths():
    tapes, truths = mm.example(), mm.example_truths()
    assert len(tapes) == 8
    assert [t.asset for t in tapes] == list(truths)
    assert all(t.meta.provenance == "synthetic" for t in tapes)
    assert all({"kappa", "A", "alpha_touch", "spread_floor_bps"} == set(v) for v in truths.values())
