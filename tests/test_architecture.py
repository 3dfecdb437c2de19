"""The house: imports run downwards, without circles; commands are thin, functions short."""

import ast
import re
from graphlib import TopologicalSorter
from pathlib import Path

import pytest
from conftest import ROOT

# Low to high: whatever imports stands above what it imports. A new room gets its place here.
FLOORS = [
    "version",
    "errors",
    "files",
    "config",
    "georeference",
    "cube",
    "scene",
    "scenes",
    "splits",
    "reduce",
    "engine",
    "models",
    "training",
    "mapping",
    "evaluation",
    "runs",
    "plots",
    "reports",
    "output",
    "comparison",
    "sweeps",
    "experiment",
    "recipes",
    "searching",
    "verification",
    "estimator",
    "api",
    "cli",
    "commands",
]
COMMANDS = {
    "run",
    "list",
    "predict",
    "export",
    "verify",
    "compare",
    "audit",
    "bench",
    "search",
    "models.__main__",
    "__main__",
}
FILES = {
    ".".join(path.relative_to(ROOT / "hsi").with_suffix("").parts).removesuffix(".__init__"): path
    for path in sorted((ROOT / "hsi").rglob("*.py"))
    if path.parent != ROOT / "hsi" / "conf"
}
CONF = "".join(path.read_text() for path in sorted((ROOT / "conf").rglob("*.yaml")))
STAGES = {name.rpartition(".")[2] for name in re.findall(r"_target_: (hsi\.\S+)", CONF)}  # their keys are a file's
MODULES = {name: ast.parse(path.read_text()) for name, path in FILES.items() if name != "__init__"}


def floor(module: str) -> int:
    return FLOORS.index("commands" if module in COMMANDS else module.partition(".")[0])


def imports(name: str) -> set[str]:
    """Modules of hsi that a module imports, wherever in it."""
    found = set()
    for node in ast.walk(MODULES[name]):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    own = {module.removeprefix("hsi.") for module in found if module.startswith("hsi.")}
    return {module for module in own if module in MODULES and module != name}


@pytest.mark.parametrize("name", MODULES)
def test_imports_run_downwards(name):
    assert [module for module in imports(name) if floor(module) > floor(name)] == []


def test_imports_do_not_run_in_circles():
    packages = {name for name in MODULES if any(other.startswith(f"{name}.") for other in MODULES)}
    graph = {name: imports(name) - packages for name in MODULES}
    assert len(list(TopologicalSorter(graph).static_order())) >= len(MODULES) - len(packages)


def functions():
    for name, tree in MODULES.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef) and not name.startswith("models."):
                yield pytest.param(node, id=f"{name}:{node.name}")


@pytest.mark.parametrize("node", list(functions()))
def test_functions_are_short_and_take_few_parameters(node):
    every = node.args
    parameters = [a.arg for a in (*every.posonlyargs, *every.args, *every.kwonlyargs) if a.arg not in ("self", "cls")]
    assert len(parameters) <= (8 if node.name in STAGES else 7), parameters
    assert node.end_lineno - node.lineno + 1 <= 60


def test_the_run_reads_as_the_chain():
    assert len(FILES["run"].read_text().splitlines()) < 60


def test_files_are_short():
    assert {name: n for name, path in FILES.items() if (n := len(path.read_text().splitlines())) > 300} == {}


def test_there_is_no_room_for_odds_and_ends():
    assert not [
        path for path in Path(ROOT / "hsi").rglob("*.py") if path.stem in ("utils", "helpers", "common", "misc")
    ]
