"""The suite of ``planted.py``: the tools of a house of workshops, and what its guests ask.

Words between asterisks are those that a model needs to understand the query; all others can go.
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from pytest_toolmatch.core.case import Case
from pytest_toolmatch.core.chain import Chain, chain_of
from pytest_toolmatch.core.conversation import user
from pytest_toolmatch.core.suite import Suite
from pytest_toolmatch.core.tool import Tool


def text(description: str, **more: Any) -> dict[str, Any]:
    """Return the schema of a string."""
    return {"type": "string", "description": description, **more}


def number(description: str, **more: Any) -> dict[str, Any]:
    """Return the schema of an integer."""
    return {"type": "integer", "description": description, **more}


def tool(name: str, description: str, reply: Any, **properties: dict[str, Any]) -> Tool:
    """Return a tool with a canned reply, all of whose arguments are required."""
    parameters = {"type": "object", "properties": properties, "required": list(properties)}
    return Tool(name=name, description=description, parameters=parameters, reply=reply)


DAY = text("The day, as YYYY-MM-DD.", format="date")
TOOLS = (
    tool(
        "reserve_room",
        "Reserve a room of the house for a day.",
        {"status": "reserved"},
        room=text("Which room.", enum=["studio", "kitchen", "auditorium"]),
        day=DAY,
    ),
    tool(
        "borrow_device",
        "Lend a device to a guest.",
        {"status": "lent"},
        device=text("What is borrowed."),
        days=number("For how many days."),
    ),
    tool(
        "find_membership",
        "Look up a membership by its e-mail address.",
        {"account": "M-5518", "state": "paid"},
        email=text("The address.", format="email"),
    ),
    tool(
        "send_invoice",
        "Send an invoice by e-mail.",
        {"status": "sent"},
        email=text("Whom it goes to.", format="email"),
        amount=number("Whole euros."),
    ),
    tool(
        "fire_kiln",
        "Start a firing of the kiln.",
        {"status": "heating"},
        programme=text("Which programme.", enum=["bisque", "stoneware", "porcelain"]),
        degrees=number("The highest temperature, in degrees Celsius."),
    ),
    tool(
        "order_material",
        "Order material from the warehouse.",
        {"status": "ordered"},
        material=text("What is ordered."),
        grams=number("How much, in grams."),
    ),
    tool(
        "close_ticket",
        "Close a ticket of the repair desk.",
        {"status": "closed"},
        ticket=text("Its number.", pattern="^[A-Z]{2}-[0-9]{4}$"),
        resolution=text("What came of it.", enum=["repaired", "duplicate", "rejected"]),
    ),
    tool(
        "list_shuttles",
        "List the shuttles between two towns.",
        {"shuttles": ["07:40", "16:10"]},
        origin=text("Where it leaves."),
        destination=text("Where it goes."),
        day=DAY,
    ),
    tool(
        "measure_pollen",
        "Measure the pollen in the air of a town.",
        {"grains": 31},
        town=text("Which town."),
    ),
    tool(
        "credit_account",
        "Credit an account with an amount.",
        {"status": "credited", "note": "booked at once"},
        account=text("Its number.", pattern="^[A-Z]-[0-9]{4}$"),
        amount=number("Whole euros."),
    ),
)


class Written(NamedTuple):
    """A case as it is written below: its query with marks, and the steps of its chain."""

    query: str
    steps: list[list[dict[str, Any]]]


def call(name: str, **arguments: Any) -> dict[str, Any]:
    """Return a call, written plainly."""
    return {"name": name, "arguments": arguments}


def one(name: str, **arguments: Any) -> list[list[dict[str, Any]]]:
    """Return a chain of one call."""
    return [[call(name, **arguments)]]


WRITTEN = {
    "auditorium": Written(
        "For our spring concert we would like to *reserve* the *auditorium* on *2026-05-17*.",
        one("reserve_room", room="auditorium", day="2026-05-17"),
    ),
    "kitchen": Written(
        "Can you *reserve* the *kitchen* for the baking class on *2026-11-03*?",
        one("reserve_room", room="kitchen", day="2026-11-03"),
    ),
    "projector": Written(
        "I want to *borrow* a *projector* for *3* *days*.",
        one("borrow_device", device="projector", days=3),
    ),
    "microscope": Written(
        "My daughter needs to *borrow* a *microscope* for *14* *days*, starting this evening.",
        one("borrow_device", device="microscope", days=14),
    ),
    "membership": Written(
        "Find the *membership* of *ines.dahl@example.org* before the desk closes.",
        one("find_membership", email="ines.dahl@example.org"),
    ),
    "two-memberships": Written(
        "Look up the *memberships* of *tom@example.org* and of *eva@example.net*.",
        [[call("find_membership", email="tom@example.org"), call("find_membership", email="eva@example.net")]],
    ),
    "invoice": Written(
        "Send an *invoice* about *85* euros to *lena@example.com*, she has been waiting.",
        one("send_invoice", email="lena@example.com", amount=85),
    ),
    "second-invoice": Written(
        "We need another *invoice* for *yusuf@example.org* about *240* euros.",
        one("send_invoice", email="yusuf@example.org", amount=240),
    ),
    "bisque": Written(
        "The shelves are full, so start the *kiln* on *bisque* at *960* degrees.",
        one("fire_kiln", programme="bisque", degrees=960),
    ),
    "porcelain": Written(
        "Heat the *kiln* for *porcelain*, up to *1280* degrees.",
        one("fire_kiln", programme="porcelain", degrees=1280),
    ),
    "clay": Written(
        "*Order* *2500* grams of *clay* for the children's course.",
        one("order_material", material="clay", grams=2500),
    ),
    "wax": Written(
        "We are running out, could you *order* *1200* grams of *wax*?",
        one("order_material", material="wax", grams=1200),
    ),
    "repaired": Written(
        "The lamp works again, so *close* *ticket* *RD-4471* as *repaired*.",
        one("close_ticket", ticket="RD-4471", resolution="repaired"),
    ),
    "duplicate": Written(
        "Please *close* *RD-2093*, it is a *duplicate* of an older *ticket*.",
        one("close_ticket", ticket="RD-2093", resolution="duplicate"),
    ),
    "shuttles": Written(
        "Which *shuttles* run from *Bergen* to *Voss* on *2026-06-20*?",
        one("list_shuttles", origin="Bergen", destination="Voss", day="2026-06-20"),
    ),
    "there-and-back": Written(
        "Show the *shuttles* from *Graz* to *Linz* on *2026-09-12* and from *Linz* to *Graz* on *2026-09-14*.",
        [
            [
                call("list_shuttles", origin="Graz", destination="Linz", day="2026-09-12"),
                call("list_shuttles", origin="Linz", destination="Graz", day="2026-09-14"),
            ]
        ],
    ),
    "pollen": Written(
        "My nose is running: how much *pollen* is in the air of *Utrecht* today?",
        one("measure_pollen", town="Utrecht"),
    ),
    "pollen-again": Written(
        "Measure the *pollen* in *Girona* for the garden group.",
        one("measure_pollen", town="Girona"),
    ),
    "credit": Written(
        "*Credit* the account *K-7302* with *40* euros for the broken wheel.",
        one("credit_account", account="K-7302", amount=40),
    ),
    "refund": Written(
        "They paid twice, so *credit* *B-1186* with *125* euros.",
        one("credit_account", account="B-1186", amount=125),
    ),
    "credit-by-mail": Written(
        "Find the *account* of *noor@example.com* and *credit* it with *60* euros.",
        [
            [call("find_membership", email="noor@example.com")],
            [call("credit_account", account="M-5518", amount=60)],
        ],
    ),
    "thanks": Written("What a lovely evening it was at your house!", []),
    "story": Written("Tell me something about the history of the wheel.", []),
    "small-talk": Written("How are you today?", []),
}


class Known(NamedTuple):
    """What is known of a case: where the words stand that a model needs (start, end), and the chain."""

    needed: tuple[tuple[int, int], ...]
    chain: Chain


def _plain(written: Written) -> tuple[str, Known]:
    """Return the query without its marks, and what they said."""
    query, needed = "", []
    for place, part in enumerate(re.split(r"\*", written.query)):
        if place % 2:
            needed.append((len(query), len(query) + len(part)))
        query += part
    return query, Known(tuple(needed), chain_of(written.steps))


_PLAIN = {name: _plain(written) for name, written in WRITTEN.items()}
KNOWN = {name: known for name, (_, known) in _PLAIN.items()}
SUITE = Suite(
    name="workshops",
    cases=tuple(Case(id=name, conversation=user(query)) for name, (query, _) in _PLAIN.items()),
    tools=TOOLS,
    instructions="You help the guests of a house of workshops.",
)
