"""Arguments that are objects, or lists of objects: addresses, measures, people, articles."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_toolmatch.distill.generator.world import World

STRING: dict[str, Any] = {"type": "string"}


def _object(world: World, properties: dict[str, Any]) -> dict[str, Any]:
    made: dict[str, Any] = {"type": "object", "properties": properties, "required": list(properties)}
    return {**made, "additionalProperties": False} if world.dice.chance(0.3) else made


def _address(world: World) -> dict[str, Any]:
    street: dict[str, Any] = {**STRING, "description": "Street and number."} if world.dice.chance(0.5) else STRING
    return _object(world, {"street": street, "postcode": STRING, "city": STRING})


def _measures(world: World) -> dict[str, Any]:
    number: dict[str, Any] = (
        {"type": "number", "description": "In centimetres."} if world.dice.chance(0.6) else {"type": "number"}
    )
    return _object(world, {"length": number, "width": number, "height": number})


def _people(world: World) -> dict[str, Any]:
    return {
        "type": "array",
        "items": _counted(world, "name", ("age", "years")),
        **({"minItems": 1} if world.dice.chance(0.5) else {}),
    }


def _articles(world: World) -> dict[str, Any]:
    return {"type": "array", "items": _counted(world, "sku", ("quantity", "count", "pieces"))}


def _counted(world: World, first: str, numbers: tuple[str, ...]) -> dict[str, Any]:
    """Return an object of a text and, mostly, of a number that may be optional."""
    dice = world.dice
    if dice.chance(0.4):
        return _object(world, {first: STRING})
    number = dice.pick(numbers)
    made = _object(world, {first: STRING, number: {"type": "integer"}})
    return {**made, "required": [first]} if dice.chance(0.5) else made


OBJECTS: dict[str, Callable[[World], dict[str, Any]]] = {
    "address": _address,
    "measures": _measures,
    "people": _people,
    "articles": _articles,
}
"""Schemas by the kind of value."""


def with_definitions(world: World, schema: dict[str, Any]) -> dict[str, Any]:
    """Return the schema with its objects moved under ``$defs``, sometimes."""
    objects = {name: one for name, one in schema["properties"].items() if one.get("type") == "object"}
    if not objects or world.dice.chance(0.5):
        return schema
    definitions, properties = {}, dict(schema["properties"])
    for name, one in objects.items():
        title = name[0].upper() + name[1:]
        definitions[title] = {key: value for key, value in one.items() if key != "description"}
        told = {"description": one["description"]} if "description" in one else {}
        properties[name] = {"$ref": f"#/$defs/{title}", **told}
    return {**schema, "properties": properties, "$defs": definitions}
