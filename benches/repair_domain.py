"""The scripted world of ``repair.py``: a desk's tools, and values as its customers say them and as they are meant."""

from __future__ import annotations

import calendar
from typing import TYPE_CHECKING, NamedTuple

from pytest_toolmatch.core.tool import Tool

if TYPE_CHECKING:
    import random

INSTRUCTIONS = "You are the service desk of a travel agency with a shop."
MONTHS = tuple(calendar.month_name)[1:]
IATA = {"Oslo": "OSL", "Rome": "FCO", "Lisbon": "LIS", "Vienna": "VIE", "Madrid": "MAD", "Athens": "ATH", "Riga": "RIX"}
MONEY = {"dollars": "USD", "euros": "EUR", "pounds": "GBP", "yen": "JPY", "francs": "CHF", "zloty": "PLN"}
_GUESTS = ("Eva Haugen", "Noor Visser", "Lena Brandt", "Yusuf Demir", "Mara Silva", "Pavel Novak", "Ines Duarte")
_MAILS = ("eva@example.net", "noor@example.com", "lena@example.org", "yusuf@example.net", "mara@example.com")


def tool(name: str, description: str, reply: object, **parameters: str) -> Tool:
    """Return a tool whose parameters are ``type: description``, all required."""
    properties = {
        key: dict(zip(("type", "description"), text.split(": "), strict=True)) for key, text in parameters.items()
    }
    schema = {"type": "object", "properties": properties, "required": [*properties], "additionalProperties": False}
    return Tool(name=name, description=description, parameters=schema, reply=reply)


TOOLS = {
    one.name: one
    for one in (
        tool(
            "search_flights",
            "Lists flights.",
            [{"flight": "BX-117"}],
            origin="string: Start of the flight.",
            destination="string: End of the flight.",
            day="string: Departure of the flight.",
        ),
        tool(
            "book_flight",
            "Makes a flight booking.",
            {"booked": True},
            flight="string: Flight to book.",
            seats="integer: Places in the plane.",
        ),
        tool(
            "search_hotels",
            "Lists hotels.",
            [{"hotel": "H-204"}],
            town="string: Town of the hotel.",
            day="string: Arrival at the hotel.",
        ),
        tool(
            "book_hotel",
            "Makes a hotel booking.",
            {"booked": True},
            hotel="string: Hotel to book.",
            guest="string: Guest of the hotel.",
        ),
        tool("get_weather", "Weather of a town.", {"sky": "clear"}, town="string: Town of the weather report."),
        tool(
            "get_climate",
            "Climate of a town.",
            {"degrees": 17},
            town="string: Town of the climate table.",
            month="string: Month of the climate table.",
        ),
        tool(
            "refund_order",
            "Refunds an order.",
            {"done": True},
            order="string: Order to refund.",
            amount="integer: Amount to refund.",
        ),
        tool("cancel_order", "Cancels an order.", {"done": True}, order="string: Order to cancel."),
        tool("get_order", "Shows an order.", {"state": "open"}, order="string: Order to show."),
        tool("track_parcel", "Tracks a parcel.", {"at": "depot"}, parcel="string: Parcel to track."),
        tool("find_customer", "Finds a customer.", {"customer": "C-311"}, email="string: Address of the customer."),
        tool(
            "send_voucher",
            "Sends a voucher.",
            {"sent": True},
            customer="string: Receiver of the voucher.",
            amount="integer: Value of the voucher.",
        ),
        tool(
            "convert_money",
            "Converts money.",
            {"amount": 71},
            amount="integer: Sum to convert.",
            source="string: Currency to convert.",
            target="string: Currency wanted.",
        ),
        tool(
            "set_reminder",
            "Sets a reminder.",
            {"set": True},
            after="integer: Delay of the reminder.",
            topic="string: Topic of the reminder.",
        ),
        tool(
            "transfer_money",
            "Transfers money.",
            {"done": True},
            account="string: Account to credit.",
            amount="integer: Sum to transfer.",
        ),
    )
}


class Slot(NamedTuple):
    """A value as it is said and as it is meant."""

    said: str
    meant: str | int


def slots(chance: random.Random) -> dict[str, Slot]:
    """Return one value of every slot."""
    start, end = chance.sample(sorted(IATA), 2)
    old, new = chance.sample(sorted(MONEY), 2)
    month, day, guest, euros = (
        chance.randrange(12),
        chance.randrange(1, 28),
        chance.choice(_GUESTS),
        chance.randrange(9, 99),
    )
    hours, number = chance.randrange(2, 9), chance.randrange(1000, 9999)
    topic = chance.choice(("passport", "visa", "keys", "luggage", "insurance", "tickets"))
    same = {
        "town": start,
        "topic": topic,
        "mail": chance.choice(_MAILS),
        "order": f"A-{number}",
        "other": f"B-{number + 7}",
    }
    return {
        **{name: Slot(text, text) for name, text in same.items()},
        "origin": Slot(start, IATA[start]),
        "destination": Slot(end, IATA[end]),
        "day": Slot(f"{day} {MONTHS[month]} 2026", f"2026-{month + 1:02}-{day:02}"),
        "month": Slot(MONTHS[month], f"{month + 1:02}"),
        "guest": Slot(guest, guest.split()[1]),
        "seats": Slot(*((str(count), count) if (count := chance.randrange(2, 6)) else ("", 0))),
        "cents": Slot(f"{euros} euros", euros * 100),
        "euros": Slot(f"{euros} euros", euros),
        "sum": Slot(str(number % 500 + 20), number % 500 + 20),
        "source": Slot(old, MONEY[old]),
        "target": Slot(new, MONEY[new]),
        "minutes": Slot(f"{hours} hours", hours * 60),
        "parcel": Slot(f"PX-{number}", f"PX-{number}"),
        "account": Slot(f"K-{number}", f"K-{number}"),
    }
