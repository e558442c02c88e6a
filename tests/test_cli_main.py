"""The command answers at once, loads a verb only when it is called, and says in one line what is wrong."""

import json
import subprocess
import sys
import time

import click
import pytest
from click.testing import CliRunner

from mmresearch import cli
from mmresearch.commands.tape_option import one_each


def _run(*words: str):
    return CliRunner().invoke(cli.main, list(words), prog_name="mmresearch")


def test_help_takes_less_than_seven_tenths_of_a_second():
    took = []
    for _ in range(3):
        start = time.perf_counter()
        subprocess.run([sys.executable, "-m", "mmresearch.cli", "--help"], check=True, capture_output=True)
        took.append(time.perf_counter() - start)
    assert min(took) < 0.7


def test_help_imports_nothing_heavy():
    code = "import sys, json\nfrom mmresearch.cli import main\nmain(['--help'], standalone_mode=False)\n"
    code += "print(json.dumps(sorted(sys.modules)))"
    out = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    loaded = set(json.loads(out.splitlines()[-1]))
    assert not loaded & {"numpy", "pandas", "scipy", "matplotlib", "jax", "pymc", "numpyro", "arviz", "rich"}


def test_every_verb_is_listed_and_answers():
    listed = _run("--help").output
    for verb in cli.main.list_commands(None):
        assert verb in listed
        found = _run(verb, "--help")
        assert found.exit_code == 0, found.output
        assert "Usage: mmresearch" in found.output


def test_version():
    assert _run("--version").output.startswith("mmresearch, version 0.1")


@pytest.mark.parametrize(
    ("raised", "line"),
    [
        (ValueError("row 3: bid is negative. Mend it."), "mmresearch: row 3: bid is negative. Mend it.\n"),
        (ValueError("first fault\nsecond\nthird"), "mmresearch: first fault (and 2 more)\n"),
        (FileNotFoundError(2, "No such file", "x"), "mmresearch: [Errno 2] No such file: 'x'\n"),
        (RuntimeError("boom"), "mmresearch: RuntimeError: boom (mmresearch --traceback ... shows where)\n"),
        (ValueError(), "mmresearch: no further word\n"),
        (ModuleNotFoundError("No module named 'pymc'", name="pymc"), "mmresearch: No module named 'pymc'; install what "
         "is missing with: pip install 'mmresearch[mcmc]'\n"),
        (ModuleNotFoundError("No module named 'dask'", name="dask"), "mmresearch: No module named 'dask'; install "
         "what is missing with: pip install 'mmresearch[cluster]'\n"),
    ],
)  # fmt: skip
def test_a_fault_is_one_line_on_standard_error_and_exit_code_2(raised, line, monkeypatch):
    _raising(raised, monkeypatch)
    found = _run("catalogue")
    assert (found.exit_code, found.stdout, found.stderr) == (2, "", line)


def test_the_traceback_is_there_for_the_asking(monkeypatch):
    _raising(RuntimeError("boom"), monkeypatch)
    assert isinstance(_run("--traceback", "catalogue").exception, RuntimeError)


def _raising(error, monkeypatch):
    @click.command("catalogue")
    def command():
        raise error

    monkeypatch.setattr(cli.LazyGroup, "get_command", lambda *_: command)


def test_an_unknown_verb_is_refused():
    found = _run("adit")
    assert found.exit_code == 2
    assert "No such command" in found.stderr


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        ("--tape a b --quick", "--tape a --tape b --quick"),
        ("--tape a --tape b c", "--tape a --tape b --tape c"),
        ("--tape=a b --seed 3", "--tape=a --tape b --seed 3"),
        ("kappa --tape a b alpha_touch --jobs 1", "kappa --tape a --tape b alpha_touch --jobs 1"),
        ("kappa --fee-bps -1 --quick kappa", "kappa --fee-bps -1 --quick kappa"),
        ("--tape", "--tape"),
    ],
)
def test_an_option_takes_every_tape_up_to_the_next_option(typed, read):
    assert list(one_each(typed.split())) == read.split()
