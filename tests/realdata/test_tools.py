from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from pytest_toolmatch.core.schema import resolve, subschemas
from pytest_toolmatch.core.toolformats import tools_from_json, with_effects

REALDATA = Path(__file__).parents[3] / "shared" / "realdata"
pytestmark = pytest.mark.skipif(not REALDATA.is_dir(), reason=f"the recorded data is not here ({REALDATA})")

TOOL_FILES = sorted(path.relative_to(REALDATA).as_posix() for path in REALDATA.glob("*/tools.json"))
BFCL_FILES = sorted(
    path.relative_to(REALDATA).as_posix()
    for folder in ("bfcl_v1_2024/questions", "bfcl_v4/questions", "bfcl_v4/multi_turn_func_doc")
    for path in (REALDATA / folder).glob("*.json*")
)


def rows(name: str) -> Iterator[dict[str, Any]]:
    """Yield the JSON lines of a file, gzipped or not."""
    path = REALDATA / name
    text = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    return (json.loads(line) for line in text.splitlines() if line.strip())


@pytest.mark.parametrize("name", TOOL_FILES)
def test_every_tools_file_is_read(name: str) -> None:
    data = json.loads((REALDATA / name).read_text())
    tools = tools_from_json(data, where=name)
    assert [tool.name for tool in tools] == [entry["function"]["name"] for entry in data]
    assert [tool.parameters for tool in tools] == [entry["function"]["parameters"] for entry in data]


@pytest.mark.parametrize(
    "name", [name for name in TOOL_FILES if (REALDATA / name).with_name("tool_types.json").exists()]
)
def test_effects_of_the_tools_files(name: str) -> None:
    table = json.loads((REALDATA / name).with_name("tool_types.json").read_text())
    tools = with_effects(tools_from_json(json.loads((REALDATA / name).read_text())), table)
    assert {tool.effect for tool in tools} >= {"read", "write"}


@pytest.mark.parametrize("name", BFCL_FILES)
def test_every_bfcl_file_is_read_and_made_proper(name: str) -> None:
    for row in rows(name):
        functions = row if "parameters" in row else row.get("function", [])
        offered = [functions] if isinstance(functions, dict) else functions
        tools = tools_from_json(offered, where=name)
        assert [tool.name for tool in tools] == [function["name"] for function in offered]
        for tool in tools:
            assert tool.parameters is not None
            jsonschema.Draft202012Validator.check_schema(tool.parameters)
            assert all(resolve(part, tool.parameters) == part for part in subschemas(tool.parameters))
