"""Random schemas, values and chains, small enough to be equal often."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

INSTANTS = ("2025-01-01T00:00:00Z", "2025-01-01T01:00:00+01:00", "2024-12-31T23:00:00-01:00", "2025-01-01T00:00:00")
NAMES = ("a", "b", "c")
DEFINITIONS: dict[str, Any] = {
    "Leaf": {"type": ["number", "null"]},
    "Tree": {
        "type": "object",
        "properties": {
            "a": {"type": "integer", "default": 0},
            "b": {"type": "array", "items": {"$ref": "#/$defs/Tree"}},
        },
    },
    "Set": {"type": "array", "items": {"type": ["integer", "string", "boolean"]}, "uniqueItems": True},
}

scalars = st.sampled_from([0, 1, 0.0, 1.0, 1.5, True, False, None, "", "a", *INSTANTS])


def json_values(scalar: st.SearchStrategy[Any] = scalars, *, leaves: int = 6) -> st.SearchStrategy[Any]:
    return st.recursive(
        scalar,
        lambda below: (
            st.lists(below, max_size=3) | st.dictionaries(st.sampled_from(NAMES) | st.just(""), below, max_size=3)
        ),
        max_leaves=leaves,
    )


any_json = json_values(
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from([10**400, -(10**400), 2**63, 1e300, -0.0, 5e-324])
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=5)
    | st.sampled_from(INSTANTS),
    leaves=12,
)

leaf_schemas = st.sampled_from(
    [
        {"type": "integer"},
        {"type": "number"},
        {"type": "string"},
        {"type": "boolean"},
        {"type": ["string", "null"]},
        {"type": "string", "format": "date-time"},
        {"type": ["string", "null"], "format": "date-time"},
        {"type": ["integer", "boolean"]},
        {"enum": ["a", 0, None]},
        {"const": None},
        {"type": "object"},
        {"type": "array", "uniqueItems": True},
        {},
        {"$ref": "#/$defs/Leaf"},
        {"$ref": "#/$defs/Tree"},
        {"$ref": "#/$defs/Set"},
        {"$ref": "#/$defs/Leaf", "default": 1},
        {"allOf": [{"$ref": "#/$defs/Tree"}, {"required": ["a"]}]},
    ]
)


@st.composite
def objects(draw: st.DrawFn, below: st.SearchStrategy[Any]) -> dict[str, Any]:
    properties = draw(st.dictionaries(st.sampled_from(NAMES), below, max_size=3))
    for name in properties:
        if draw(st.booleans()):
            properties[name] = {**properties[name], "default": draw(json_values(leaves=3))}
    schema = {"type": "object", "properties": properties}
    if draw(st.booleans()):
        schema["required"] = draw(st.lists(st.sampled_from(NAMES), max_size=2, unique=True))
    if draw(st.booleans()):
        schema["additionalProperties"] = draw(below | st.booleans())
    return schema


@st.composite
def arrays(draw: st.DrawFn, below: st.SearchStrategy[Any]) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "array", "items": draw(below)}
    return {**schema, "uniqueItems": draw(st.booleans())} if draw(st.booleans()) else schema


def unions(below: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    branches = st.lists(below | st.just({"type": "null"}), min_size=1, max_size=3)
    return st.builds(lambda word, found: {word: found}, st.sampled_from(["anyOf", "oneOf"]), branches)


schemas = st.recursive(leaf_schemas, lambda below: objects(below) | arrays(below) | unions(below), max_leaves=5)
object_schemas = objects(schemas).map(lambda schema: {**schema, "$defs": DEFINITIONS})
objects_of_json = st.dictionaries(st.sampled_from(NAMES), json_values(), max_size=3)


@st.composite
def variants(draw: st.DrawFn, value: Any) -> Any:
    """The value, or one like it: another kind of number, a member more or less, another order, another instant."""
    change = draw(st.integers(0, 9))
    if isinstance(value, dict):
        return draw(_changed_objects(value, change))
    if isinstance(value, list):
        items = [draw(variants(item)) if change > 3 else item for item in value]
        return draw(st.permutations(items)) if change > 6 else items
    if change == 0:
        return draw(scalars)
    if change == 1 and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    return draw(st.sampled_from(INSTANTS)) if change == 2 and isinstance(value, str) else value


@st.composite
def _changed_objects(draw: st.DrawFn, value: dict[str, Any], change: int) -> dict[str, Any]:
    changed = dict(draw(st.permutations(list(value.items()))))
    name = draw(st.sampled_from(NAMES))
    if change == 0:
        changed[name] = draw(scalars)
    elif change == 1:
        changed.pop(name, None)
    elif change == 2 and changed.get(name) is None:
        changed = {**changed, name: None}
    elif change > 4:
        return {name: draw(variants(item)) for name, item in changed.items()}
    return changed


@st.composite
def with_defaults_toggled(draw: st.DrawFn, schema: dict[str, Any], value: Any) -> Any:
    """The value with some of its top level's defaults stated or left out; of which none needs to be there."""
    if not isinstance(value, dict):
        return value
    toggled = dict(value)
    for name, subschema in schema.get("properties", {}).items():
        if draw(st.booleans()):
            default = subschema.get("default")
            if name not in toggled:
                toggled[name] = default
            elif toggled[name] == default:
                del toggled[name]
    return toggled


NUMBERED: dict[str, Any] = {"type": "object", "properties": {"n": {"type": "number", "default": 1}}}
TOOLS = [{"name": "a", "parameters": NUMBERED}, {"name": "b", "parameters": NUMBERED}]

calls = st.builds(
    lambda name, arguments: {"name": name, "arguments": arguments},
    st.sampled_from(["a", "b"]),
    st.sampled_from([{}, {"n": 1}, {"n": 1.0}, {"n": 2}]),
)
steps = st.lists(calls, min_size=1, max_size=3)
chains = st.lists(steps, max_size=3)


@st.composite
def regrouped(draw: st.DrawFn, chain: list[Any]) -> list[Any]:
    """The chain with its calls moved, dropped, added to and cut into other steps."""
    flat = [call for step in chain for call in step]
    kept = draw(st.permutations(flat)) if draw(st.booleans()) else flat
    if draw(st.booleans()):
        kept = [call for call in kept if draw(st.booleans())]
    if draw(st.booleans()):
        kept = [*kept, *draw(st.lists(calls, max_size=2))]
    cut: list[list[Any]] = []
    for call in kept:
        if cut and draw(st.booleans()):
            cut[-1].append(call)
        else:
            cut.append([call])
    return cut


def pairs_of_chains() -> st.SearchStrategy[tuple[Any, Any]]:
    """A student's and a teacher's chain."""
    return chains.flatmap(lambda teacher: st.tuples(regrouped(teacher) | chains, st.just(teacher)))
