from __future__ import annotations

import dataclasses
import datetime as dt
import decimal
import enum
import functools
import math
import pathlib
import subprocess
import sys
import typing as t
import uuid
from collections import abc
from typing import Annotated, Any, Literal

import annotated_types
import msgspec
import pydantic
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_toolmatch.core.chain import Call
from pytest_toolmatch.core.declared import declared_tools
from pytest_toolmatch.core.errors import ToolError
from pytest_toolmatch.core.signature import tool, tool_of_function
from pytest_toolmatch.core.tool import Tool
from pytest_toolmatch.core.validation import ArgumentValidator, check_schema

if t.TYPE_CHECKING:
    from somewhere import Elsewhere

STRING = {"type": "string"}
INTEGER = {"type": "integer"}


class Cabin(enum.Enum):
    """A cabin."""

    ECONOMY = "economy"
    BUSINESS = "business"


class Level(enum.IntEnum):
    LOW = 1
    HIGH = 2


class Opaque(enum.Enum):
    THING = object()


class Place(t.TypedDict):
    city: str
    zip: t.NotRequired[Annotated[str, "postal code"]]


class Loose(t.TypedDict, total=False):
    key: t.Required[int]
    value: int


@dataclasses.dataclass
class Node:
    """A node of a tree.

    Attributes:
        value: What it holds.
    """

    value: int
    children: list[Node] = dataclasses.field(default_factory=list)
    hidden: int = dataclasses.field(init=False, default=0)


class Leg(msgspec.Struct, rename="camel"):
    flight_number: str
    bags: Annotated[int, msgspec.Meta(ge=0)] = 1


class Person(pydantic.BaseModel):
    age: int = pydantic.Field(ge=0)
    parent: Person | None = None


class Booking(pydantic.BaseModel):
    people: list[Person]


@dataclasses.dataclass
class Told:
    city: "the city"  # type: ignore[valid-type]  # noqa: F722


class ToldStruct(msgspec.Struct):
    city: "the city"  # type: ignore[valid-type]  # noqa: F722


UserId = t.NewType("UserId", int)


def schema_of(hint: Any) -> dict[str, Any]:
    def function(x: Any) -> None: ...

    function.__annotations__ = {"x": hint}
    parameters = tool_of_function(function).parameters
    assert parameters is not None
    property_, definitions = parameters["properties"]["x"], parameters.get("$defs")
    return property_ if definitions is None else {**property_, "$defs": definitions}


@pytest.mark.parametrize(
    ("hint", "schema"),
    [
        (str, STRING),
        (int, INTEGER),
        (float, {"type": "number"}),
        (bool, {"type": "boolean"}),
        (None, {"type": "null"}),
        (Any, {}),
        (object, {}),
        (list, {"type": "array"}),
        (list[int], {"type": "array", "items": INTEGER}),
        (list[Any], {"type": "array"}),
        (abc.Sequence[str], {"type": "array", "items": STRING}),
        (t.Iterable[str], {"type": "array", "items": STRING}),
        (set[int], {"type": "array", "items": INTEGER, "uniqueItems": True}),
        (frozenset, {"type": "array", "uniqueItems": True}),
        (tuple[int, ...], {"type": "array", "items": INTEGER}),
        (tuple[int, str], {"type": "array", "prefixItems": [INTEGER, STRING], "minItems": 2, "maxItems": 2}),
        (dict, {"type": "object"}),
        (dict[str, int], {"type": "object", "additionalProperties": INTEGER}),
        (abc.Mapping[str, Any], {"type": "object"}),
        (
            dict[Literal["a"], int],
            {"type": "object", "additionalProperties": INTEGER, "propertyNames": {**STRING, "enum": ["a"]}},
        ),
        (str | None, {"type": ["string", "null"]}),
        (t.Optional[int], {"type": ["integer", "null"]}),  # noqa: UP045 - the old form is what is tested
        (int | str, {"anyOf": [INTEGER, STRING]}),
        (
            list[int] | set[str] | None,
            {
                "anyOf": [
                    {"type": "array", "items": INTEGER},
                    {"type": "array", "items": STRING, "uniqueItems": True},
                    {"type": "null"},
                ]
            },
        ),
        (Literal["b", "a"], {**STRING, "enum": ["b", "a"]}),
        (Literal["a", 1] | None, {"enum": ["a", 1, None]}),
        (Literal[Cabin.ECONOMY], {**STRING, "enum": ["economy"]}),
        (Literal["a"] | None, {"type": ["string", "null"], "enum": ["a", None]}),
        (Cabin, {**STRING, "enum": ["economy", "business"]}),
        (Level, {**INTEGER, "enum": [1, 2]}),
        (UserId, INTEGER),
        (dt.datetime, {**STRING, "format": "date-time"}),
        (dt.date, {**STRING, "format": "date"}),
        (dt.time, {**STRING, "format": "time"}),
        (dt.timedelta, {**STRING, "format": "duration"}),
        (uuid.UUID, {**STRING, "format": "uuid"}),
        (decimal.Decimal, {**STRING, "format": "decimal"}),
        (pathlib.Path, {**STRING, "format": "path"}),
        (bytes, {**STRING, "contentEncoding": "base64"}),
        (pydantic.AnyUrl, {**STRING, "format": "uri", "minLength": 1}),
        (Annotated[str, "a city"], {**STRING, "description": "a city"}),
        (
            Annotated[int, pydantic.Field(ge=1, lt=9, description="seats")],
            {**INTEGER, "minimum": 1, "exclusiveMaximum": 9, "description": "seats"},
        ),
        (Annotated[str, pydantic.Field(pattern="^a", max_length=3)], {**STRING, "pattern": "^a", "maxLength": 3}),
        (
            Annotated[list[int] | None, annotated_types.Len(1, 3)],
            {"type": ["array", "null"], "items": INTEGER, "minItems": 1, "maxItems": 3},
        ),
        (
            Annotated[dict[str, int], msgspec.Meta(min_length=1, title="Prices")],
            {"type": "object", "additionalProperties": INTEGER, "minProperties": 1, "title": "Prices"},
        ),
        (Annotated[int, annotated_types.MultipleOf(5), ...], {**INTEGER, "multipleOf": 5}),
        (Annotated[int, msgspec.Meta(extra_json_schema={"x-unit": "EUR"})], {**INTEGER, "x-unit": "EUR"}),
        (Annotated[dt.date, annotated_types.Ge(dt.date(2026, 1, 1))], {**STRING, "format": "date"}),
    ],
    ids=str,
)
def test_hints(hint: Any, schema: dict[str, Any]) -> None:
    assert schema_of(hint) == schema


REFERENCES = {name: {"$ref": f"#/$defs/{name}"} for name in ("Place", "Loose", "Node", "Leg", "Person", "Booking")}
NULL = {"type": "null"}


@pytest.mark.parametrize(
    ("hint", "definition"),
    [
        (
            Place,
            {
                "type": "object",
                "properties": {"city": STRING, "zip": {**STRING, "description": "postal code"}},
                "required": ["city"],
            },
        ),
        (Loose, {"type": "object", "properties": {"key": INTEGER, "value": INTEGER}, "required": ["key"]}),
        (
            Node,
            {
                "description": "A node of a tree.",
                "type": "object",
                "properties": {
                    "value": {**INTEGER, "description": "What it holds."},
                    "children": {"type": "array", "items": REFERENCES["Node"]},
                },
                "required": ["value"],
            },
        ),
        (
            Leg,
            {
                "type": "object",
                "properties": {"flightNumber": STRING, "bags": {**INTEGER, "minimum": 0, "default": 1}},
                "required": ["flightNumber"],
            },
        ),
    ],
)
def test_classes_are_gathered_under_defs(hint: Any, definition: dict[str, Any]) -> None:
    assert schema_of(hint) == {**REFERENCES[hint.__name__], "$defs": {hint.__name__: definition}}


def test_pydantic_models_bring_their_own_schema() -> None:
    schema = schema_of(list[Booking] | Person)
    assert schema["anyOf"] == [{"type": "array", "items": REFERENCES["Booking"]}, REFERENCES["Person"]]
    assert schema["$defs"]["Booking"]["properties"]["people"]["items"] == REFERENCES["Person"]
    assert schema["$defs"]["Person"]["properties"]["parent"]["anyOf"] == [REFERENCES["Person"], NULL]


class Cat(pydantic.BaseModel):
    kind: Literal["cat"]


class Dog(pydantic.BaseModel):
    kind: Literal["dog"]


class Pet(pydantic.RootModel[Annotated[Cat | Dog, pydantic.Field(discriminator="kind")]]):
    """A pet."""


def test_a_default_of_none_is_valid_whatever_the_schema_is_made_of() -> None:
    def function(pet: Pet | None = None) -> None: ...

    found = tool_of_function(function)
    assert found.parameters is not None
    pet = found.parameters["properties"]["pet"]
    assert (pet["description"], pet["default"], pet["anyOf"][1]) == ("A pet.", None, NULL)
    validator = ArgumentValidator([found])
    valid = [validator.valid(Call("function", {"pet": value})) for value in (None, {"kind": "dog"}, {"kind": "cow"})]
    assert valid == [True, True, False]


def test_two_classes_of_one_name() -> None:
    def function(a: Any, b: Any) -> None: ...

    function.__annotations__ = {"a": Person, "b": dataclasses.make_dataclass("Person", [("x", int)])}
    with pytest.raises(ToolError, match="b: two classes are named Person: rename one of them"):
        tool_of_function(function)
    function.__annotations__ = {"a": function.__annotations__["b"], "b": Person}
    with pytest.raises(ToolError, match="b: two classes are named Person: rename one of them"):
        tool_of_function(function)


def search(origin: str, date: dt.date = dt.date(2026, 1, 2), *, seats: Annotated[int, "how many"] = 1) -> str:
    """Find flights.

    Cheapest first.

    Args:
        origin: IATA code.
        date: Day of departure.
        seats: Not shown: the annotation says more.

    Returns:
        A list.
    """
    return f"{origin} {date} {seats}"


SEARCH = {
    "type": "object",
    "properties": {
        "origin": {**STRING, "description": "IATA code."},
        "date": {**STRING, "format": "date", "description": "Day of departure.", "default": "2026-01-02"},
        "seats": {**INTEGER, "description": "how many", "default": 1},
    },
    "required": ["origin"],
    "additionalProperties": False,
}


def test_a_function_is_a_tool() -> None:
    found = tool(search)
    assert found.shown() == {
        "name": "search",
        "description": "Find flights.\n\nCheapest first.",
        "parameters": SEARCH,
    }
    assert found("OSL", seats=2) == "OSL 2026-01-02 2"
    assert (found.effect, found.reply) == (None, None)


def test_the_decorator_with_arguments() -> None:
    found = tool(name="find", description="", effect="read", reply={"ok": 1})(search)
    expected = Tool(name="find", parameters=SEARCH, effect="read", reply={"ok": 1}, implementation=search)
    assert found == msgspec.structs.replace(expected, returns=STRING)


def test_a_function_that_writes_is_run_only_when_it_is_said() -> None:
    assert not tool(search).runs
    assert not tool(effect="write")(search).runs
    assert tool(effect="write", execute=True)(search).runs
    assert not tool(effect="read", reply=search)(search).runs


async def fetch() -> list[Place]: ...  # type: ignore[empty-body]
def generate() -> t.Iterator[complex]: ...  # type: ignore[empty-body]
def silent() -> None: ...
def anything() -> Any: ...
def several() -> [str]: ...  # type: ignore[valid-type,empty-body]
def unsaid(): ...  # type: ignore[no-untyped-def]  # noqa: ANN201


@pytest.mark.parametrize(
    ("function", "returns"),
    [
        (search, STRING),
        (
            fetch,
            {
                "type": "array",
                "items": {"$ref": "#/$defs/Place"},
                "$defs": {
                    "Place": {
                        "type": "object",
                        "properties": {"city": STRING, "zip": {**STRING, "description": "postal code"}},
                        "required": ["city"],
                    }
                },
            },
        ),
        *[(function, None) for function in (generate, silent, anything, several, unsaid, Node)],
    ],
)
def test_what_a_tool_returns_is_described_where_its_annotation_says_so(function: Any, returns: Any) -> None:
    assert tool(function).returns == returns


def test_numpy_docstrings_too() -> None:
    def function(a: int, b: int) -> None:
        """Add.

        Parameters
        ----------
        a, b : int
            A summand.
        """

    found = tool_of_function(function)
    assert found.description == "Add."
    assert found.parameters is not None
    assert [p["description"] for p in found.parameters["properties"].values()] == ["A summand.", "A summand."]


def test_no_hints_no_docstring_no_parameters() -> None:
    def bare(x, y=None, z="a"):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
        return x, y, z

    assert tool_of_function(bare).shown() == {
        "name": "bare",
        "description": "",
        "parameters": {
            "type": "object",
            "properties": {"x": {}, "y": {"default": None}, "z": {"default": "a"}},
            "required": ["x"],
            "additionalProperties": False,
        },
    }
    assert tool_of_function(lambda: None).parameters == {
        "type": "object",
        "properties": {},
        "additionalProperties": False,
    }


@pytest.mark.parametrize(
    ("hint", "default", "schema"),
    [
        (int, 3, {**INTEGER, "default": 3}),
        (int, None, {"type": ["integer", "null"], "default": None}),
        (Place, None, {"anyOf": [REFERENCES["Place"], NULL], "default": None}),
        (Cabin, Cabin.BUSINESS, {**STRING, "enum": ["economy", "business"], "default": "business"}),
        (set[str], frozenset({"a"}), {"type": "array", "items": STRING, "uniqueItems": True, "default": ["a"]}),
        (Leg, Leg("7"), {**REFERENCES["Leg"], "default": {"flightNumber": "7", "bags": 1}}),
        (pathlib.Path, pathlib.PurePosixPath("a/b"), {**STRING, "format": "path", "default": "a/b"}),
        (int, object(), INTEGER),
        (float, math.inf, {"type": "number"}),
        (int, pydantic.Field(4, ge=0), {**INTEGER, "minimum": 0, "default": 4}),
        (list, pydantic.Field(default_factory=list), {"type": "array"}),
    ],
)
def test_defaults_are_stated_where_they_are_json(hint: Any, default: Any, schema: dict[str, Any]) -> None:
    def function(x: Any = default) -> None: ...

    function.__annotations__ = {"x": hint}
    parameters = tool_of_function(function).parameters
    assert parameters is not None
    assert parameters["properties"]["x"] == schema
    assert "required" not in parameters


def test_a_required_pydantic_field() -> None:
    def function(x: int = pydantic.Field(ge=0)) -> None: ...

    parameters = tool_of_function(function).parameters
    assert parameters is not None
    assert parameters["properties"]["x"] == {**INTEGER, "minimum": 0}
    assert parameters["required"] == ["x"]


class Shop:
    """Sells things."""

    def order(self, item: str) -> str:
        """Order an item."""
        return item

    def __call__(self, item: str) -> str:
        return item


@pytest.mark.parametrize(
    ("function", "name"),
    [(Shop.order, "order"), (Shop().order, "order"), (Shop(), "Shop"), (functools.partial(Shop().order), "order")],
    ids=["unbound", "bound", "callable object", "partial"],
)
def test_methods_callable_objects_and_partials(function: Any, name: str) -> None:
    found = tool_of_function(function)
    assert found.name == name
    assert found.parameters is not None
    assert found.parameters["properties"] == {"item": STRING}


def test_a_class_is_described_by_how_it_is_made() -> None:
    found = tool_of_function(Node)
    assert found.name == "Node"
    assert found.parameters is not None
    assert list(found.parameters["properties"]) == ["value", "children"]
    assert found(value=1) == Node(1)


def test_wrapped_functions_keep_their_signature() -> None:
    @functools.wraps(search)
    def wrapper(*args: Any, **kwargs: Any) -> str:
        return search(*args, **kwargs)

    assert tool_of_function(wrapper).parameters == SEARCH


@pytest.mark.parametrize(("hint", "extra"), [(Any, True), (int, INTEGER)])
def test_further_keyword_arguments(hint: Any, extra: Any) -> None:
    def function(**rest: Any) -> None: ...

    function.__annotations__ = {"rest": hint}
    assert tool_of_function(function).parameters == {"type": "object", "properties": {}, "additionalProperties": extra}


def star(*names: str) -> None: ...
def positional(x: int, /) -> None: ...
def number(z: complex) -> None: ...
def nested(z: list[dict[str, abc.Callable[[], int]]]) -> None: ...
def opaque(z: Opaque) -> None: ...
def unresolved(z: Elsewhere) -> None: ...
def listed(z: [str]) -> None: ...  # type: ignore[valid-type]
def keyed(z: {"a": int}) -> None: ...  # type: ignore[valid-type]  # noqa: F821, UP037
def inside(z: list[[int]]) -> None: ...  # type: ignore[valid-type]
def twice(z: dt.datetime.datetime) -> None: ...  # type: ignore[name-defined]
def told(z: "the city") -> None: ...  # type: ignore[valid-type]  # noqa: F722
def told_inside(z: Told) -> None: ...
def told_in_struct(z: ToldStruct) -> None: ...


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (star, "tool star: names: a model names every argument, so *names can get none: take one list instead"),
        (positional, "tool positional: x: a model names every argument, but x is positional-only: remove the /"),
        (number, "tool number: z: complex has no JSON Schema: use JSON's own types"),
        (nested, "tool nested: z: collections.abc.Callable[[], int] has no JSON Schema"),
        (opaque, "are not all text, numbers, true, false or null"),
        (unresolved, "tool unresolved: name 'Elsewhere' is not defined: import it at the module's top level"),
        (listed, "tool listed: z: [<class 'str'>] has no JSON Schema: use JSON's own types"),
        (keyed, "tool keyed: z: {'a': <class 'int'>} has no JSON Schema: use JSON's own types"),
        (inside, "tool inside: z: [<class 'int'>] has no JSON Schema: use JSON's own types"),
        (twice, "tool twice: its annotations can't be read: type object 'datetime.datetime' has no attribute"),
        (told, "write types, and a text beside one as in Annotated[str, 'a city']"),
        (told_inside, "tool told_inside: z: Told: its annotations can't be read: "),
        (told_in_struct, "tool told_in_struct: z: ToldStruct: its annotations can't be read: "),
    ],
)
def test_what_has_no_schema(function: Any, message: str) -> None:
    with pytest.raises(ToolError) as raised:
        tool_of_function(function)
    assert str(raised.value).startswith(f"{__file__}:{function.__code__.co_firstlineno}: tool {function.__name__}: ")
    assert message in str(raised.value)


def test_a_built_in_without_a_signature() -> None:
    with pytest.raises(ToolError, match="tool iter: it has no signature to read: wrap it"):
        tool_of_function(iter)


def test_tools_do_not_change_with_what_is_imported() -> None:
    code = (
        "import sys; from pytest_toolmatch.core.signature import tool\n"
        "@tool\ndef f(x: list[int] | None = None, *, y: set[str] = frozenset()) -> None: ...\n"
        "print('pydantic' in sys.modules, f.parameters['properties']['x'])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False {'type': ['array', 'null'], 'items': {'type': 'integer'}, 'default': None}\n"


VALUES: dict[Any, st.SearchStrategy[Any]] = {
    str: st.text(max_size=3),
    int: st.integers(),
    bool: st.booleans(),
    type(None): st.none(),
    Cabin: st.sampled_from(Cabin),
    dt.date: st.dates(),
    uuid.UUID: st.uuids(),
    Leg: st.builds(Leg, st.text(max_size=3), st.integers(0, 9)),
    Node: st.builds(Node, st.integers(), st.builds(list)),
    Place: st.fixed_dictionaries({"city": st.text(max_size=3)}, optional={"zip": st.text(max_size=3)}),
}
hints_with_values = st.recursive(
    st.sampled_from(list(VALUES)).map(lambda hint: (hint, VALUES[hint])),
    lambda inner: st.one_of(
        inner.map(lambda pair: (list[pair[0]], st.lists(pair[1], max_size=3))),  # type: ignore[name-defined]
        inner.map(lambda pair: (dict[str, pair[0]], st.dictionaries(st.text(max_size=2), pair[1], max_size=2))),  # type: ignore[name-defined]
        inner.map(lambda pair: (pair[0] | None, st.none() | pair[1])),
        st.tuples(inner, inner).map(lambda two: (two[0][0] | two[1][0], two[0][1] | two[1][1])),
        st.tuples(inner, inner).map(lambda two: (tuple[two[0][0], two[1][0]], st.tuples(two[0][1], two[1][1]))),  # type: ignore[name-defined]
    ),
    max_leaves=4,
)


@given(hints_with_values, st.data())
def test_a_value_of_the_hint_satisfies_the_schema(
    pair: tuple[Any, st.SearchStrategy[Any]], data: st.DataObject
) -> None:
    hint, values = pair

    def function(x: Any) -> None: ...

    function.__annotations__ = {"x": hint}
    found = tool_of_function(function)
    check_schema(found)
    arguments = msgspec.to_builtins({"x": data.draw(values)})
    assert ArgumentValidator([found]).problem(Call("function", arguments)) is None


def test_an_effect_that_is_none_is_refused() -> None:
    for declare in (tool(effect="writes"), lambda _: declared_tools([Tool(name="find", effect="writes")])):  # type: ignore[call-overload,arg-type]
        with pytest.raises(ToolError, match="effect is 'writes': write 'read' or 'write'"):
            declare(search)


def test_keys_without_their_names_are_one_line() -> None:
    with pytest.raises(ToolError, match=r"^@tool takes its keys by name: write @tool\(name='find'\) if that is the"):
        tool("find")  # type: ignore[call-overload]


@pytest.mark.parametrize("reply", [object(), {"at": object()}, [{1, 2}, lambda: 1]])
def test_a_reply_that_is_no_json_is_one_line(reply: Any) -> None:
    with pytest.raises(ToolError, match=r"^tool f: its reply is no JSON \(.*\): give a JSON value, or a function of"):

        @tool(reply=reply)
        def f() -> None:
            """Do it."""
