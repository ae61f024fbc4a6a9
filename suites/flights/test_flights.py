"""A travel desk: twelve tools as Python functions, and the queries in ``flights.jsonl``.

Run it with ``pytest suites/flights --toolmatch-mode=live``; see ``suites/README.md`` for two models that need no key.
"""

import datetime as dt
from dataclasses import dataclass
from typing import Any, Literal

import pytest

from pytest_toolmatch import Tool, queries, tool

INSTRUCTIONS = """\
You are the assistant of a travel desk. Today is Monday, 2 March 2026.
Airports and airlines are IATA codes, dates are ISO 8601, weights are kilograms and lengths are centimetres.
Look things up with the tools. When something that a tool needs is missing, ask for it; never guess it.
Book, hold, change or cancel only when you are told to."""

GATES = ["chain_match >= 0.70", "argument_validity >= 0.85"]

pytestmark = pytest.mark.toolmatch(instructions=INSTRUCTIONS, gates=GATES, divergence="xfail")

Cabin = Literal["economy", "premium", "business", "first"]
Meal = Literal["standard", "vegetarian", "vegan", "halal", "kosher"]

FARE_FACTORS: dict[Cabin, int] = {"economy": 1, "premium": 2, "business": 4, "first": 7}


@dataclass
class Passenger:
    """One traveller, named as in the passport."""

    name: str
    meal: Meal = "standard"


@dataclass
class Size:
    """The outer measures of a piece of baggage, in centimetres."""

    length: float
    width: float
    height: float


@tool(effect="read")
def search_flights(
    origin: str,
    destination: str,
    date: dt.date,
    *,
    cabin: Cabin = "economy",
    max_stops: int | None = None,
    travellers: int = 1,
) -> list[dict[str, Any]]:
    """List the flights between two airports on one day, with prices in euros.

    Args:
        origin: IATA code of the airport of departure.
        destination: IATA code of the airport of arrival.
        date: Day of departure.
        cabin: Class of travel.
        max_stops: At most so many stops; 0 is nonstop, left out is any number.
        travellers: How many people fly together.
    """
    route = f"{origin}-{destination}-{str(date)[5:].replace('-', '')}"
    factor = FARE_FACTORS[cabin] * travellers
    flights: list[dict[str, Any]] = [
        {"flight_id": f"{route}-A", "departs": "06:55", "stops": 0, "price": 214 * factor},
        {"flight_id": f"{route}-B", "departs": "13:20", "stops": 1, "price": 89 * factor},
        {"flight_id": f"{route}-C", "departs": "19:05", "stops": 0, "price": 148 * factor},
    ]
    return [flight for flight in flights if max_stops is None or flight["stops"] <= max_stops]


@tool(effect="read")
def fare_calendar(origin: str, destination: str, month: str) -> dict[str, Any]:
    """Tell the lowest fare of every day of a month between two airports, for people with flexible dates.

    Args:
        origin: IATA code of the airport of departure.
        destination: IATA code of the airport of arrival.
        month: The month, as YYYY-MM.
    """
    return {"route": f"{origin}-{destination}", "lowest": {f"{month}-09": 61, f"{month}-16": 58, f"{month}-23": 74}}


@tool(effect="read")
def flight_status(flight: str, date: dt.date | None = None) -> dict[str, Any]:
    """Tell where one numbered flight is and whether it is on time.

    Args:
        flight: Airline and number without a space, such as LX318.
        date: Day of departure; left out is today.
    """
    return {"flight": flight, "date": str(date or "2026-03-02"), "state": "departed", "delay_minutes": 25}


@tool(effect="read")
def departures(airport: str, after: str = "00:00") -> list[dict[str, str]]:
    """Show today's departure board of an airport.

    Args:
        airport: IATA code of the airport.
        after: Only departures from this time on, as HH:MM on a 24-hour clock.
    """
    return [{"airport": airport, "time": after, "flight": "LX318", "to": "LHR"}]


@tool(effect="write")
def book_flight(flight_id: str, passengers: list[Passenger], checked_bags: int = 0) -> dict[str, str]:
    """Book a flight for good and charge the customer.

    Args:
        flight_id: Id of the flight, as the search returned it.
        passengers: Everybody who flies.
        checked_bags: Number of checked bags for the whole party.
    """
    return {"reference": "Q4ZT8N", "flight_id": flight_id, "for": f"{len(passengers)} with {checked_bags} bags"}


@tool(effect="write")
def hold_fare(flight_id: str, hours: Literal[24, 48, 72] = 24) -> dict[str, Any]:
    """Keep the fare of a flight for a while without booking it; costs nothing.

    Args:
        flight_id: Id of the flight, as the search returned it.
        hours: For how long.
    """
    return {"flight_id": flight_id, "held_for_hours": hours}


@tool(effect="read")
def get_booking(reference: str) -> dict[str, str]:
    """Show a booking: its route, times and passengers.

    Args:
        reference: The six letters and digits of the booking.
    """
    return {"reference": reference, "origin": "MAN", "destination": "AGP", "departs": "2026-03-18T06:55"}


@tool(effect="write")
def change_booking(reference: str, flight_id: str) -> dict[str, str]:
    """Move a booking to another flight.

    Args:
        reference: The six letters and digits of the booking.
        flight_id: Id of the new flight, as the search returned it.
    """
    return {"reference": reference, "flight_id": flight_id}


@tool(effect="write")
def cancel_booking(reference: str) -> dict[str, str]:
    """Cancel a booking; this can't be undone.

    Args:
        reference: The six letters and digits of the booking.
    """
    return {"reference": reference, "state": "cancelled"}


@tool(effect="write")
def choose_seat(reference: str, passenger: str, seat: str) -> dict[str, str]:
    """Give one passenger of a booking a seat.

    Args:
        reference: The six letters and digits of the booking.
        passenger: Name of the passenger.
        seat: Row and letter, such as 14A.
    """
    return {"reference": reference, "passenger": passenger, "seat": seat}


@tool(effect="read")
def baggage_check(airline: str, weight_kg: float, size: Size) -> dict[str, Any]:
    """Tell whether an airline takes a piece of baggage.

    Args:
        airline: IATA code of the airline, such as KL.
        weight_kg: Weight in kilograms.
        size: Outer measures in centimetres.
    """
    return {"airline": airline, "accepted": True, "surcharge": 40, "checked": f"{weight_kg} kg, {size}"}


@tool(effect="read")
def convert_currency(amount: float, source: str, target: str) -> dict[str, Any]:
    """Convert an amount of money at today's rate.

    Args:
        amount: How much.
        source: Currency code to convert from, such as EUR.
        target: Currency code to convert to.
    """
    return {"amount": round(amount * 0.94, 2), "currency": target, "from": source}


TOOLS = [
    search_flights,
    fare_calendar,
    flight_status,
    departures,
    book_flight,
    hold_fare,
    get_booking,
    change_booking,
    cancel_booking,
    choose_seat,
    baggage_check,
    convert_currency,
]


@pytest.fixture(scope="module")
def tools() -> list[Tool]:
    return TOOLS


query = queries("flights.jsonl")


def test_flights(toolmatch, query) -> None:  # noqa: ANN001 - a fixture each
    assert toolmatch(query)
