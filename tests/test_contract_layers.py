"""The house: data pass through the rooms once and forwards, files are read in one sitting, and every door has a sign.

These laws are about the source, read as syntax trees; nothing is run but the light core.
"""

import ast
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "mmresearch"
#: Rooms in the order in which data flow; the command is the last.
ROOMS = ("tape", "belief", "learn", "models", "quote", "sim", "audit", "report", "commands", "cli")
#: Parts of the room of learners, in the same sense.
LEARN = (
    "contract",
    "follow",
    "sound",
    "deployed",
    "bundled",
    "with_priors",
    "batch",
    "counterparts",
    "readiness",
    "planning",
    "storage",
    "bank",
)
MODULES = sorted(PACKAGE.rglob("*.py"))
#: Names under which a module says nothing about what it is for.
MUDDLES = {"utils", "util", "helpers", "helper", "common", "misc", "base", "constants", "config", "core", "shared"}
LINES, FUNCTION_LINES = 350, 60
#: Modules that load on demand, by name: the flat API, the two backends, and the verbs of the command.
LAZY = {"__init__.py", "models/__init__.py", "cli.py"}


def _name(path: Path) -> str:
    return path.relative_to(PACKAGE).as_posix()


def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def _room(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def _imports(tree: ast.AST) -> Iterator[tuple[ast.stmt, str]]:
    """Yield every import with the full name that it names."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from ((node, f"{node.module}.{alias.name}") for alias in node.names)


def _rooms_imported(tree: ast.AST) -> set[str]:
    names = (name.split(".") for _, name in _imports(tree))
    return {parts[1] for parts in names if parts[0] == "mmresearch" and len(parts) > 1 and parts[1] in ROOMS}


@pytest.mark.parametrize("path", MODULES, ids=_name)
def test_a_room_imports_only_rooms_before_it(path):
    room = _room(path)
    if room == "__init__":
        return
    assert room in ROOMS, f"{room} is not a room of the house; add it to ROOMS, in the order of the flow"
    later = {r for r in _rooms_imported(_tree(path)) if ROOMS.index(r) > ROOMS.index(room)}
    assert not later, f"{room} imports {', '.join(sorted(later))}, which come after it"


@pytest.mark.parametrize("path", [path for path in MODULES if _room(path) == "learn"], ids=_name)
def test_within_learn_imports_go_one_way_too(path):
    part = path.relative_to(PACKAGE / "learn").parts[0].removesuffix(".py")
    if part == "__init__":
        return
    names = (name.split(".") for _, name in _imports(_tree(path)))
    used = {parts[2] for parts in names if parts[:2] == ["mmresearch", "learn"] and len(parts) > 2}
    later = {other for other in used if LEARN.index(other) > LEARN.index(part)}
    assert not later, f"learn.{part} imports {', '.join(sorted(later))}, which come after it"


def test_the_law_of_rooms_can_fail():
    at_top = "from mmresearch.audit.run import audit\nimport mmresearch.tape"
    assert _rooms_imported(ast.parse(at_top)) == {"audit", "tape"}
    assert _rooms_imported(ast.parse("def f():\n    from mmresearch import sim")) == {"sim"}


@pytest.mark.parametrize("path", MODULES, ids=_name)
def test_imports_stand_at_the_top(path):
    """An import inside a function hides a cycle or a cost. Loading on demand is the business of three modules only."""
    tree = _tree(path)
    inner = [
        f"line {node.lineno}: {name}"
        for function in ast.walk(tree)
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
        for node, name in _imports(function)
    ]
    assert not inner, inner
    by_name = [n for n in ast.walk(tree) if isinstance(n, ast.Attribute) and n.attr == "import_module"]
    # A learner is named by its user, so its module is imported by name as well.
    assert not by_name or _name(path) in LAZY | {"learn/contract.py"}


@pytest.mark.parametrize("path", MODULES, ids=_name)
def test_a_module_is_read_in_one_sitting(path):
    lines = path.read_text(encoding="utf-8").count("\n")
    assert lines <= LINES, f"{lines} lines; cut it where the subject changes"


@pytest.mark.parametrize("path", MODULES, ids=_name)
def test_a_function_does_one_thing(path):
    long = {
        f"{node.name} ({_code_lines(node)} lines)"
        for node in ast.walk(_tree(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and _code_lines(node) > FUNCTION_LINES
    }
    assert not long, long


def _code_lines(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines of a function without its signature and docstring."""
    first = node.body[1] if ast.get_docstring(node) and len(node.body) > 1 else node.body[0]
    return (node.end_lineno or first.lineno) - first.lineno + 1


@pytest.mark.parametrize("path", MODULES, ids=_name)
def test_a_module_is_named_for_what_it_is(path):
    assert path.stem not in MUDDLES


@pytest.mark.parametrize("path", MODULES, ids=_name)
def test_there_is_no_star_and_no_bare_except(path):
    tree = _tree(path)
    assert not [name for _, name in _imports(tree) if name.endswith(".*")]
    assert not [n.lineno for n in ast.walk(tree) if isinstance(n, ast.ExceptHandler) and n.type is None]


def test_every_room_is_looked_at_by_a_test():
    tests = sorted((ROOT / "tests").glob("test_*.py"))
    named = "\n".join(p.read_text(encoding="utf-8") for p in tests)
    rooms = sorted({_room(p) for p in MODULES} - {"__init__", "commands"})
    bare = [
        r for r in rooms if not any(p.stem.startswith(f"test_{r}") for p in tests) and f"mmresearch.{r}" not in named
    ]
    assert not bare, f"no test looks at {', '.join(bare)}"


@pytest.mark.parametrize(
    ("statement", "forbidden"),
    [
        ("import mmresearch", {"numpy", "pandas", "scipy", "matplotlib", "jax", "pymc", "numpyro", "arviz", "nutpie"}),
        ("import mmresearch.learn", {"matplotlib", "jax", "pymc", "pytensor", "numpyro", "arviz", "nutpie"}),
        ("import mmresearch; mmresearch.example", {"jax", "pymc", "pytensor", "numpyro", "arviz", "nutpie"}),
        ("import mmresearch.models", {"jax", "pymc", "pytensor", "numpyro", "nutpie"}),
        ("import mmresearch.report.write", {"jax", "pymc", "pytensor", "numpyro", "arviz", "nutpie"}),
    ],
    ids=lambda v: v if isinstance(v, str) else "",
)
def test_the_core_is_light(statement, forbidden):
    code = f"import json, sys\n{statement}\nprint(json.dumps(sorted(sys.modules)))"
    out = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True, cwd=ROOT).stdout
    assert not forbidden & set(json.loads(out))
