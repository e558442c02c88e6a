"""Whoever opens a module finds out what it is for; whoever calls a function, what goes in and what comes out."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "mmresearch"
MODULES = sorted(PACKAGE.rglob("*.py"))
Documented = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
#: From this many parameters on, a docstring must explain each of them.
EXPLAIN_FROM = 4


def _name(path: Path) -> str:
    return path.relative_to(PACKAGE).as_posix()


def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def _public(node: ast.AST, owner: str = "") -> Iterator[tuple[str, Documented]]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, Documented) and not child.name.startswith("_"):
            name = f"{owner}{child.name}"
            yield name, child
            if isinstance(child, ast.ClassDef):
                yield from _public(child, f"{name}.")


def _parameters(node: Documented) -> list[str]:
    """List the named parameters of a function, without self."""
    if isinstance(node, ast.ClassDef):
        return []
    names = [a.arg for a in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)]
    return [n for n in names if n not in ("self", "cls")]


def _explained(doc: str) -> set[str]:
    """Names that the section on parameters explains; one line may name several."""
    found = re.search(r"^Parameters\n-+\n(.*?)(?=^\w[\w ]*\n-+\n|\Z)", doc, re.M | re.S)
    if not found:
        return set()
    heads = [line.split(" : ")[0] for line in found[1].splitlines() if line and not line.startswith(" ")]
    return {name.strip().lstrip("*") for head in heads for name in head.split(",")}


@pytest.mark.parametrize("path", MODULES, ids=_name)
def test_a_module_opens_with_what_it_is_for(path):
    doc = ast.get_docstring(_tree(path))
    assert doc, "no docstring"
    assert len(doc.split("\n\n")[0].split()) >= 4, f"says too little: {doc!r}"


@pytest.mark.parametrize("path", MODULES, ids=_name)
def test_everything_public_is_documented(path):
    assert not [name for name, node in _public(_tree(path)) if not ast.get_docstring(node)]


@pytest.mark.parametrize("path", MODULES, ids=_name)
def test_a_function_of_many_parameters_explains_each(path):
    silent = {}
    for name, node in _public(_tree(path)):
        parameters = _parameters(node)
        explained = _explained(ast.get_docstring(node) or "")
        if "see `" in (ast.get_docstring(node) or "").lower():
            continue
        # A verb of the command explains its options where they are declared.
        verb = any("command" in ast.unparse(d) for d in getattr(node, "decorator_list", []))
        if not verb and (len(parameters) >= EXPLAIN_FROM or explained) and set(parameters) - explained:
            silent[name] = sorted(set(parameters) - explained)
    assert not silent, silent


@pytest.mark.parametrize("path", MODULES, ids=_name)
def test_nothing_is_explained_that_is_not_there(path):
    ghosts = {}
    for name, node in _public(_tree(path)):
        if isinstance(node, ast.ClassDef):
            continue
        star = [a.arg for a in (node.args.vararg, node.args.kwarg) if a]
        extra = _explained(ast.get_docstring(node) or "") - set(_parameters(node)) - set(star)
        if extra:
            ghosts[name] = sorted(extra)
    assert not ghosts, ghosts


@pytest.mark.parametrize("path", MODULES, ids=_name)
def test_public_functions_are_typed(path):
    bare = []
    for name, node in _public(_tree(path)):
        if isinstance(node, ast.ClassDef):
            continue
        arguments = (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)
        untyped = [a.arg for a in arguments if a.annotation is None and a.arg not in ("self", "cls")]
        bare += [f"{name}({a})" for a in untyped] + ([f"{name} -> ?"] if node.returns is None else [])
    assert not bare, bare


def test_the_parser_sees_what_it_should():
    doc = "Do.\n\nParameters\n----------\na, b : float\n    Both.\n*rest\n    More.\n\nReturns\n-------\nc : int\n"
    assert _explained(doc) == {"a", "b", "rest"}
    tree = ast.parse("class A:\n    def f(self, x): ...\n    def _g(self): ...\ndef h(): ...")
    assert [name for name, _ in _public(tree)] == ["A", "A.f", "h"]


README = (ROOT / "README.md").read_text(encoding="utf-8") if (ROOT / "README.md").is_file() else ""


def test_the_readme_shows_a_picture_that_is_there_and_the_two_commands():
    pictures = re.findall(r"!\[[^\]]+\]\(([^)]+)\)", README)
    assert pictures, "no picture"
    missing = [p for p in pictures if not (ROOT / p).is_file()]
    assert not missing, f"{missing} not there: make figures"
    assert "make demo" in README
    assert "make test" in README


@pytest.mark.parametrize("name", ["README.md", "ARCHITECTURE.md"])
def test_links_lead_to_files_that_are_there(name):
    text = (ROOT / name).read_text(encoding="utf-8")
    links = [x for x in re.findall(r"(?<!!)\[[^\]]+\]\(([^)#]+)\)", text) if "://" not in x]
    assert not [x for x in links if not (ROOT / x).exists()]


def test_python_in_the_readme_is_python():
    blocks = re.findall(r"```python\n(.*?)```", README, re.S)
    assert blocks
    for block in blocks:
        ast.parse(block)


def test_the_architecture_names_every_room_and_no_other():
    text = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    rooms = {p.name for p in PACKAGE.iterdir() if (p / "__init__.py").is_file()}
    assert set(re.findall(r"^\| `mmresearch/(\w+)/?` \|", text, re.M)) == rooms
