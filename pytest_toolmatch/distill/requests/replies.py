"""What the tools of the demo suites reply, and what a request means by something in a reply."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pytest_toolmatch.distill.generator.texts import fill
from pytest_toolmatch.distill.requests.said import CODES

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_toolmatch.distill.generator.world import World

Arguments = dict[str, Any]
USUAL = (("06:55", 0, 214), ("13:20", 1, 89), ("19:05", 0, 148))
FACTORS = {"economy": 1, "premium": 2, "business": 4, "first": 7}


def reply_to(world: World, name: str, arguments: Arguments) -> Any:
    """Return what a tool replies to a call, as a JSON value."""
    make = REPLIES.get(name)
    return (
        make(world, arguments)
        if make
        else {"state": "done", **{k: v for k, v in arguments.items() if isinstance(v, str)}}
    )


def meant(name: str, reply: Any) -> Any:
    """Return what ``$name`` means in a reply."""
    return MEANINGS[name](reply)


def _search(world: World, a: Arguments) -> list[dict[str, Any]]:
    dice = world.dice
    rows = list(USUAL)
    if dice.chance(0.6):
        times = sorted(f"{dice.whole(5, 22):02}:{dice.pick((0, 5, 20, 35, 50)):02}" for _ in range(3))
        prices = dice.some(range(49, 420), 3)
        rows = [
            (time, stops, price) for time, stops, price in zip(times, (0, dice.whole(0, 1), 0), prices, strict=True)
        ]
    if len({time for time, _, _ in rows}) < len(rows):
        rows = list(USUAL)
    route = f"{a['origin']}-{a['destination']}-{a['date'][5:].replace('-', '')}"
    factor = FACTORS[a.get("cabin", "economy")] * a.get("travellers", 1)
    most = a.get("max_stops", 9)
    return [
        {"flight_id": f"{route}-{letter}", "departs": time, "stops": stops, "price": price * factor}
        for letter, (time, stops, price) in zip("ABC", rows, strict=True)
        if stops <= most
    ]


def _calendar(world: World, a: Arguments) -> dict[str, Any]:
    days = sorted(world.dice.some(range(1, 29), 3))
    prices = world.dice.some(range(39, 180), 3)
    lowest = {f"{a['month']}-{day:02}": price for day, price in zip(days, prices, strict=True)}
    return {"route": f"{a['origin']}-{a['destination']}", "lowest": lowest}


def _booking(world: World, a: Arguments) -> dict[str, Any]:
    start, end = world.dice.some(sorted(set(CODES["airports"].values())), 2)
    year = world.today.year if world.today else 2026
    day = f"{year}-{world.dice.whole(1, 12):02}-{world.dice.whole(1, 28):02}"
    return {
        "reference": a["reference"],
        "origin": start,
        "destination": end,
        "departs": f"{day}T{world.dice.whole(6, 21):02}:55",
    }


def _order(world: World, _: Arguments) -> dict[str, Any]:
    item = {"sku": fill(world, "@@@-##"), "quantity": world.dice.whole(1, 3), "price": world.dice.whole(5, 90) + 0.9}
    return {"status": "open", "packed": False, "paid": True, "items": [item]}


def _orders(world: World, a: Arguments) -> list[dict[str, Any]]:
    day = f"{world.today.year if world.today else 2026}-05-{world.dice.whole(10, 28)}"
    status = a.get("status") or world.dice.pick(("open", "shipped", "delivered"))
    return [{"order_id": fill(world, "F-#####"), "placed": f"{day}T18:20:00{world.offset}", "status": status}]


def _parcel(world: World, _: Arguments) -> dict[str, Any]:
    return {"state": world.dice.pick(("delivered", "in_transit")), "last_seen": world.dice.pick(world.words["cities"])}


def _products(world: World, a: Arguments) -> list[dict[str, Any]]:
    name = a["text"].capitalize()
    return [{"sku": fill(world, "@@@-##"), "name": name, "price": world.dice.whole(5, 80) + 0.5, "in_stock": True}]


REPLIES: dict[str, Callable[[World, Arguments], Any]] = {
    "search_flights": _search,
    "fare_calendar": _calendar,
    "flight_status": lambda _, a: {"flight": a["flight"], "state": "departed", "delay_minutes": 25},
    "departures": lambda _, a: [{"airport": a["airport"], "time": "18:10", "flight": "LX318", "to": "LHR"}],
    "book_flight": lambda w, a: {"reference": fill(w, "@?@?@#"), "flight_id": a["flight_id"]},
    "hold_fare": lambda _, a: {"flight_id": a["flight_id"], "held_for_hours": a.get("hours", 24)},
    "get_booking": _booking,
    "baggage_check": lambda _, a: {"airline": a["airline"], "accepted": True, "surcharge": 40},
    "convert_currency": lambda _, a: {
        "amount": round(a["amount"] * 0.94, 2),
        "currency": a["target"],
        "from": a["source"],
    },
    "get_order": _order,
    "search_orders": _orders,
    "track_parcel": _parcel,
    "search_products": _products,
    "check_stock": lambda w, _: {"pieces": w.dice.whole(1, 9)},
    "quote_shipping": lambda w, _: {"price": w.dice.whole(4, 19) + 0.9, "days": w.dice.whole(1, 5)},
    "search_help": lambda _w, _a: "Products can be returned within 30 days. The guarantee is two years.",
}

MEANINGS: dict[str, Callable[[Any], Any]] = {
    "cheapest": lambda rows: min(rows, key=lambda row: row["price"])["flight_id"],
    "first": lambda rows: min(rows, key=lambda row: row["departs"])["flight_id"],
    "last": lambda rows: max(rows, key=lambda row: row["departs"])["flight_id"],
    "lowest_price": lambda rows: min(row["price"] for row in rows),
    "origin": lambda reply: reply["origin"],
    "destination": lambda reply: reply["destination"],
    "day": lambda reply: reply["departs"][:10],
    "cheapest_day": lambda reply: min(reply["lowest"], key=reply["lowest"].get),
    "order": lambda rows: rows[0]["order_id"],
    "sku": lambda rows: rows[0]["sku"],
    "item": lambda reply: reply["items"][0]["sku"],
}
