"""µs to validate one argument object, side by side in one run: jsonschema, jsonschema-rs, and a whole call here."""

from __future__ import annotations

import timeit
from typing import TYPE_CHECKING, Any

import jsonschema
import jsonschema_rs
import tabulate

from pytest_toolmatch.core.chain import Call
from pytest_toolmatch.core.tool import Tool
from pytest_toolmatch.core.toolformats import tools_from_json
from pytest_toolmatch.core.validation import ArgumentValidator, check_schema

if TYPE_CHECKING:
    from collections.abc import Callable

FLAT = {
    "type": "object",
    "properties": {
        "origin": {"type": "string", "minLength": 3},
        "destination": {"type": "string", "minLength": 3},
        "seats": {"type": "integer", "minimum": 1},
        "cabin": {"enum": ["economy", "business"]},
    },
    "required": ["origin", "destination"],
    "additionalProperties": False,
}
NESTED = {
    "type": "object",
    "properties": {"trip": {"$ref": "#/$defs/Trip"}},
    "required": ["trip"],
    "$defs": {
        "Trip": {"type": "object", "properties": {"legs": {"type": "array", "items": FLAT}}, "required": ["legs"]}
    },
}
LEG = {"origin": "OSL", "destination": "FCO", "seats": 2, "cabin": "economy"}
ARGUMENTS = {"flat": (FLAT, LEG), "nested": (NESTED, {"trip": {"legs": [LEG, LEG, LEG]}})}


def microseconds(action: Callable[[], Any]) -> float:
    """Return the best of five mean times of one run of the action."""
    number = max(1, int(0.05 / max(timeit.timeit(action, number=3) / 3, 1e-9)))
    return min(timeit.repeat(action, number=number, repeat=5)) / number * 1e6


def row(shape: str, schema: dict[str, Any], arguments: dict[str, Any]) -> list[object]:
    """Return one line of the table: the four times, and how many times faster than plain jsonschema we are."""
    compiled, native = jsonschema.Draft202012Validator(schema), jsonschema_rs.validator_for(schema)
    ours, call = ArgumentValidator([Tool(name="book", parameters=schema)]), Call("book", arguments)
    times = [
        microseconds(lambda: jsonschema.validate(arguments, schema)),
        microseconds(lambda: compiled.is_valid(arguments)),
        microseconds(lambda: native.is_valid(arguments)),
        microseconds(lambda: ours.problem(call)),
    ]
    return [shape, *times, times[0] / times[-1]]


def main() -> None:
    """Print the table, and what 2,000 tools cost before the first call."""
    heads = ["µs", "jsonschema.validate", "compiled", "jsonschema-rs", "ArgumentValidator", "× validate"]
    rows = [row(shape, *case) for shape, case in ARGUMENTS.items()]
    print(tabulate.tabulate(rows, heads, floatfmt=".2f"))
    many = [{"name": f"tool_{index}", "parameters": NESTED} for index in range(2000)]
    print(
        f"\n2,000 tools: read and checked in {microseconds(lambda: tools_from_json(many)) / 1e3:.0f} ms",
        end=", of which ",
    )
    checked = [Tool(name="book", parameters=NESTED)] * 2000
    print(f"checked in {microseconds(lambda: [check_schema(tool) for tool in checked]) / 1e3:.0f} ms")


if __name__ == "__main__":
    main()
