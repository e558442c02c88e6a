"""The project installs from what it declares, locks what it runs on, and does not say where it was made."""

import ast
import re
import subprocess
import sys
import tomllib
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "mmresearch"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
LOCK = (ROOT / "requirements.lock").read_text(encoding="utf-8")
#: Declared, and needed without being imported here.
UNSEEN = {"pyarrow": "engine of DataFrame.to_parquet", "zarr": "engine of DataTree.to_zarr"}
#: Rooms that run on the core alone.
CORE_ROOMS = ("tape", "belief", "learn", "quote", "sim", "report")
#: Folders of a working copy that are no part of the project.
OUTSIDE = {".git", ".venv", "out", "build", "dist", "data"}


@cache
def _declared(extra: str | None = None) -> frozenset[str]:
    project = PROJECT["project"]
    wanted = project["dependencies"] if extra is None else project["optional-dependencies"][extra]
    return frozenset(_canonical(re.split(r"[\[<>=!~; ]", w)[0]) for w in wanted)


def _canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _imported(folders: tuple[str, ...] | None = None) -> dict[str, set[str]]:
    """Distribution -> the modules that import it, over the package or some of its rooms."""
    owners, found = packages_distributions(), {}
    for path in PACKAGE.rglob("*.py"):
        room = path.relative_to(PACKAGE).parts[0]
        if folders is not None and room not in folders:
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            for top in {n.split(".")[0] for n in names} - sys.stdlib_module_names - {"mmresearch", ""}:
                for owner in {_canonical(o) for o in owners.get(top, [f"{top} (not installed)"])}:
                    found.setdefault(owner, set()).add(path.relative_to(ROOT).as_posix())
    return found


def test_everything_imported_is_declared():
    known = _declared() | _declared("mcmc") | _declared("cluster")
    strange = {name: sorted(where) for name, where in _imported().items() if name not in known}
    assert not strange, strange


def test_everything_declared_is_imported():
    idle = (_declared() | _declared("mcmc") | _declared("cluster")) - set(_imported()) - set(UNSEEN)
    assert not idle, f"{sorted(idle)} are declared and imported by nothing"


def test_the_core_rooms_need_the_core_only():
    strange = {name: sorted(where) for name, where in _imported(CORE_ROOMS).items() if name not in _declared()}
    assert not strange, strange


def _pins() -> dict[str, str]:
    return dict(re.findall(r"^([a-z0-9][\w.-]*)==(\S+)", LOCK, re.M))


def test_the_lock_holds_every_dependency_with_hashes_and_no_address():
    pins = {_canonical(name) for name in _pins()}
    groups = [_canonical(re.split(r"[\[<>=!~; ]", w)[0]) for w in PROJECT["dependency-groups"]["dev"]]
    extras = [n for extra in PROJECT["project"]["optional-dependencies"] for n in _declared(extra)]
    assert {*_declared(), *extras, *groups} <= pins
    entries = re.split(r"\n(?=\S)", LOCK.strip())
    bare = [e.split()[0] for e in entries if not e.startswith("#") and "--hash=sha256:" not in e]
    assert not bare, bare
    assert not re.search(r"://|--(extra-)?index-url|--find-links|@ ", LOCK)


def test_the_lock_builds_the_project_too():
    build = {_canonical(re.split(r"[<>=!~; ]", w)[0]) for w in PROJECT["build-system"]["requires"]}
    assert build <= {_canonical(name) for name in _pins()}, "an install without build isolation needs the build system"


@cache
def _files() -> tuple[Path, ...]:
    """Files of the project: those that git tracks, or all of them where there is no git."""
    try:
        found = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout.decode()
        paths = [ROOT / name for name in found.split("\0") if name]
    except (OSError, subprocess.CalledProcessError):
        paths = [p for p in ROOT.rglob("*") if not OUTSIDE & set(p.relative_to(ROOT).parts)]
    return tuple(p for p in paths if p.is_file())


def _texts():
    for path in _files():
        try:
            yield path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue


#: Written in pieces, so that this file does not hold what it forbids.
FORBIDDEN = (
    "/" + r"work/(main|shared)\b", "/" + r"home/\w", "/" + r"Users/\w", "/" + r"root/\w", r"\bC:" + r"\\\w",
    "pypi" + r"\.org", "pythonhosted" + r"\.org", "artifact" + "ory", "nexus" + r"[./]", "index" + "-url =",
    r"\.in" + r"ternal\b", r"\bloc" + r"alhost:\d",
)  # fmt: skip


@pytest.mark.parametrize("pattern", FORBIDDEN)
def test_no_file_says_where_it_was_made(pattern):
    found = [f"{name}: {m[0]}" for name, text in _texts() for m in re.finditer(pattern, text, re.I)]
    assert not found, found[:10]


def test_no_file_is_large_but_the_bundled_data():
    large = {p.name: p.stat().st_size for p in _files() if p.stat().st_size > 1_500_000}
    assert not large
    bundled = sum(p.stat().st_size for p in _files() if p.is_relative_to(ROOT / "data"))
    assert bundled < 10_000_000


def test_the_check_before_a_change_lands_runs_lint_and_tests():
    script = ROOT / ".ci" / "run"
    text = script.read_text(encoding="utf-8")
    assert script.stat().st_mode & 0o111
    assert text.startswith("#!")
    assert "set -euo pipefail" in text
    assert re.search(r"^make .*lint", text, re.M)
    assert re.search(r"^make .*test", text, re.M)


def test_long_tests_run_only_when_asked():
    rules = (ROOT / "Makefile").read_text(encoding="utf-8")
    test = re.search(r"^test:.*\n((?:\t.*\n)+)", rules, re.M)[1]
    assert '-m "not long"' in test
    assert "--nbval" in test
    targets = set(re.findall(r"^([a-z-]+):", rules, re.M))
    assert targets >= {"setup", "demo", "test", "lint", "check-long", "bench", "figures", "data", "lock", "clean"}


def test_the_command_is_installed_under_its_name():
    assert PROJECT["project"]["scripts"] == {"mmresearch": "mmresearch.cli:main"}


def test_an_installed_copy_brings_its_data_with_it():
    wheel = PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert wheel["packages"] == ["mmresearch"]
    assert wheel["force-include"] == {"data": "mmresearch/data"}
