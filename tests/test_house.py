"""The rules of the house: who may import whom, what is public, what a start-up costs."""

from __future__ import annotations

import ast
import subprocess
import sys
from graphlib import TopologicalSorter
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest

import pytest_toolmatch

if TYPE_CHECKING:
    from collections.abc import Iterator

HOUSE = Path(pytest_toolmatch.__file__).parent
PACKAGE = HOUSE.name
BELOW = {
    "core",
    "statistics",
    "judging",
    "providers",
    "sampling",
    "suites",
    "curation",
    "reports",
    "pocket",
    "distill",
    "fuzzing",
    "repair",
    "settings",
    "drawing",
    "rounds",
    "harness",
    "importing",
    "curating",
    "engines",
    "staging",
    "ticking",
    "live",
    "recording",
    "recorded",
    "exporting",
}
ANYTHING = {*BELOW, "plugin", "cli"}
MAY_IMPORT = {
    "core": set(),
    "statistics": set(),
    "judging": {"core", "statistics"},
    "pocket": {"core"},
    "providers": {"core", "pocket"},
    "sampling": {"core", "providers"},
    "suites": {"core", "judging", "providers"},
    "recorded": {"core", "curation", "judging", "sampling", "suites"},
    "exporting": {"core", "curation", "recorded", "suites"},
    "curation": {"core", "judging"},
    "reports": {"core", "judging", "statistics"},
    "settings": {"core"},
    "drawing": {"core", "settings", "sampling", "judging"},
    "rounds": {"core", "settings", "judging"},
    "harness": {"core", "settings", "sampling", "judging", "drawing", "rounds"},
    "live": {"core", "settings", "sampling"},
    "recording": {"core"},
    "repair": {
        "core",
        "curating",
        "curation",
        "engines",
        "statistics",
        "judging",
        "sampling",
        "suites",
        "reports",
        "harness",
        "settings",
        "live",
    },
    "ticking": {"reports"},
    "staging": {"core", "sampling", "suites", "ticking"},
    "engines": {"core", "suites"},
    "importing": {"core", "engines", "judging", "sampling", "suites", "harness", "staging", "ticking"},
    "curating": {"core", "curation", "engines", "judging", "providers", "sampling", "statistics", "suites", "ticking"},
    "distill": {
        "core",
        "curation",
        "pocket",
        "recorded",
        "statistics",
        "judging",
        "providers",
        "sampling",
        "suites",
        "reports",
        "harness",
        "settings",
    },
    "fuzzing": {
        "core",
        "statistics",
        "judging",
        "sampling",
        "suites",
        "reports",
        "harness",
        "settings",
        "live",
    },
    "plugin": ANYTHING,
    "cli": ANYTHING,
    "__init__": ANYTHING,
}
HEAVY = {
    "anthropic",
    "openai",
    "google",
    "aiohttp",
    "httpx",
    "anyio",
    "mcp",
    "genai_prices",
    "numpy",
    "scipy",
    "torch",
    "needle",
    "hypothesis",
    "gepa",
    "dspy",
    "optuna",
    "ray",
}
LATE = HEAVY | {"tabulate", "jsonschema_rs", "docstring_parser", "pydantic", "detect_secrets"}
"""Imported where they are used, never with the module."""

MADE_OF = {
    "pocket": {"numpy"},
    "curation": {"numpy"},
    "curating": {"numpy"},
    "distill": {"numpy", "torch"},
    "fuzzing": {"hypothesis"},
    "repair": {"gepa", "dspy"},
}
"""Rooms that are nothing without a library: it comes with the module, and the module where it is used."""

START_UP = 15
"""Modules that the plugin may add to a pytest run that does not ask for it."""


class Import(NamedTuple):
    importer: str
    imported: str
    at_top: bool
    typing_only: bool


def module_name(path: Path) -> str:
    return ".".join((PACKAGE, *path.relative_to(HOUSE).with_suffix("").parts)).removesuffix(".__init__")


MODULES = {module_name(path): path for path in HOUSE.rglob("*.py")}


def imports_of(module: str) -> Iterator[Import]:
    """Yield every import of a module, wherever it stands; names that are modules are resolved to them."""
    tree = ast.parse(MODULES[module].read_text())
    typing_only = {
        id(node)
        for block in ast.walk(tree)
        if isinstance(block, ast.If) and "TYPE_CHECKING" in ast.dump(block.test)
        for node in ast.walk(block)
    }
    functions = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
    inside = {id(n) for f in ast.walk(tree) if isinstance(f, functions) for n in ast.walk(f)}
    for node in ast.walk(tree):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module}: relative import in line {node.lineno}"
            whole = f"{node.module}."
            names = [whole + alias.name if whole + alias.name in MODULES else node.module for alias in node.names]
        for name in filter(None, names):
            yield Import(module, name, id(node) not in inside, id(node) in typing_only)


IMPORTS = [found for module in sorted(MODULES) for found in imports_of(module)]


def room(module: str) -> str:
    """Return the sub-package or module right below the package; its own ``__init__`` where there is none."""
    return module.split(".")[1] if "." in module else "__init__"


def is_ours(module: str) -> bool:
    return module.split(".", maxsplit=1)[0] == PACKAGE


def test_imports_follow_the_arrows() -> None:
    wrong = [
        f"{one.importer} imports {one.imported}"
        for one in IMPORTS
        if is_ours(one.imported)
        and room(one.imported) not in {room(one.importer), *MAY_IMPORT.get(room(one.importer), ())}
    ]
    assert wrong == []


def test_every_room_has_its_arrows() -> None:
    assert {room(module) for module in MODULES} <= MAY_IMPORT.keys()


def test_no_module_imports_itself_by_a_detour() -> None:
    graph: dict[str, set[str]] = {module: set() for module in MODULES}
    for one in IMPORTS:
        if is_ours(one.imported) and one.at_top and not one.typing_only and room(one.importer) != "__init__":
            graph[one.importer].add(one.imported)
    TopologicalSorter(graph).prepare()  # raises CycleError, which names the way round


def test_only_the_plugin_imports_pytest() -> None:
    importers = {room(one.importer) for one in IMPORTS if one.imported.split(".")[0] in ("pytest", "_pytest")}
    assert importers == {"plugin"}
    assert [one for one in IMPORTS if one.imported.startswith("_pytest")] == []


def test_heavy_libraries_are_imported_where_they_are_used() -> None:
    early = [
        f"{one.importer} imports {one.imported}"
        for one in IMPORTS
        if one.at_top
        and not one.typing_only
        and one.imported.split(".")[0] in LATE - MADE_OF.get(room(one.importer), set())
    ]
    assert early == []


def loads_a_library(module: str) -> bool:
    """Say whether importing a module brings in what rooms are made of, by itself or by others of ours."""
    libraries = set().union(*MADE_OF.values())
    reached, todo = set[str](), [module]
    while todo:
        here = todo.pop()
        reached.add(here)
        early = {one.imported for one in IMPORTS if one.importer == here and one.at_top and not one.typing_only}
        if libraries & {name.split(".")[0] for name in early}:
            return True
        todo += [name for name in early if name in MODULES and name not in reached]
    return False


def test_rooms_that_are_made_of_a_library_are_entered_where_they_are_used() -> None:
    early = [
        f"{one.importer} imports {one.imported}"
        for one in IMPORTS
        if one.at_top and not one.typing_only and is_ours(one.imported) and room(one.imported) in MADE_OF
        if room(one.importer) not in MADE_OF and loads_a_library(one.imported)
    ]
    assert early == []


def test_public_names_are_pinned() -> None:
    names = [
        "Call",
        "Case",
        "Matcher",
        "Model",
        "Request",
        "Tool",
        "ToolmatchError",
        "ToolmatchWarning",
        "Turn",
        "Verdict",
        "matches",
        "queries",
        "tool",
    ]
    assert pytest_toolmatch.__all__ == names == sorted(names)
    assert list(pytest_toolmatch._HOMES) == names
    assert dir(pytest_toolmatch) == names


def test_public_names_are_importable() -> None:
    found = {name: getattr(pytest_toolmatch, name) for name in pytest_toolmatch.__all__}
    assert {name for name, value in found.items() if value.__name__ != name} == set()


def test_public_names_are_known_to_type_checkers() -> None:
    typed = {one.imported for one in IMPORTS if one.importer == PACKAGE and one.typing_only}
    assert typed == {f"{PACKAGE}.{home}" for home in pytest_toolmatch._HOMES.values()}


def test_an_unknown_public_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'Toolmatch'"):
        _ = pytest_toolmatch.Toolmatch


def modules_after(statement: str) -> set[str]:
    """Return what a fresh interpreter has imported after a statement."""
    code = f"{statement}; import sys; print(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(run.stdout.split())


def test_start_up_adds_next_to_nothing_to_pytest() -> None:
    added = modules_after("import pytest, pytest_toolmatch.plugin") - modules_after("import pytest")
    assert len(added) <= START_UP, sorted(added)
    unwanted = HEAVY | {"msgspec", "asyncio", "yaml", "tabulate", "jsonschema_rs", "docstring_parser", "logging"}
    assert added & unwanted == set()
    assert {module for module in added if is_ours(module)} == {PACKAGE, f"{PACKAGE}.plugin"}
