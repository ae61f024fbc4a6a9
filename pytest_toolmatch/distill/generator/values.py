"""Values and how requests say them; every value can be told from the text it is said by.

===========================  ================================================================================
value                        said as
===========================  ================================================================================
string of any free kind      itself, word by word (quoted or not); a phone number: kept are + and digits
integer, number              digits, ``1,200``, ``12.5``; whole numbers to twelve in words
money (euros)                ``12 euros``, ``€12``, ``7,50 €``, ``490 cents``
percent; share of 0 to 1     ``15%``, ``15 per cent``; 0.15 for the share
unit in name or description  in that unit or in another: ``2500 g`` is 2.5 kg, ``two days`` are 48 hours
date                         ``3 March 2026``, ``March 3rd``, ``2026-03-03``, ``03.03.2026``, ``tomorrow``, ``Friday``,
                             ``in 3 days``: without a year it is the next such day, counted from the system's today;
                             copied as it was said where neither a format nor the description asks for a form
month                        ``March 2026``, ``March``: YYYY-MM
time, moment                 ``18:30``, ``6 pm``, ``noon``: HH:MM; a date at a time: ISO 8601, at the system's offset
country, currency, airport…  its code, or its name; a number without a space may be said with one
object, list of objects      its parts, one after the other
enum                         the value with other case or with spaces, or the word its description gives for it
===========================  ================================================================================
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from pytest_toolmatch.distill.generator import amounts, lists, texts
from pytest_toolmatch.distill.generator.dates import say_date, say_moment, say_month, say_time

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_toolmatch.distill.generator.parameters import Parameter
    from pytest_toolmatch.distill.generator.world import World


class Said(NamedTuple):
    """A value and the text that says it."""

    text: str
    value: Any


def say_value(world: World, parameter: Parameter) -> Said:
    """Return a value for the parameter and how the request says it; where no form is asked for, it is copied."""
    text, value = MAKERS[parameter.kind.value](world, parameter)
    return Said(text, value if parameter.formal else text)


MAKERS: dict[str, Callable[[Any, Any], tuple[str, Any]]] = {
    "person": texts.person,
    "city": texts.city,
    "street": texts.street,
    "code": texts.code,
    "email": texts.email,
    "phone": texts.phone,
    "url": texts.url,
    "topic": texts.topic,
    "sentence": texts.sentence,
    "title": texts.title,
    "integer": amounts.integer,
    "number": amounts.number,
    "money": amounts.money,
    "percent": amounts.percent,
    "fraction": amounts.fraction,
    "minutes": amounts.in_unit(("minutes", 1), ("min", 1), ("hours", 60), high=180),
    "hours": amounts.hours,
    "seconds": amounts.in_unit(("seconds", 1), ("s", 1), ("minutes", 60), high=300),
    "days": amounts.in_unit(("days", 1), ("weeks", 7), high=60),
    "kilograms": amounts.in_unit(
        ("kg", 1), ("kilos", 1), ("kilograms", 1), ("g", 0.001), ("grams", 0.001), high=9, step=0.5
    ),
    "grams": amounts.in_unit(("g", 1), ("grams", 1), ("kg", 1000), high=4000),
    "centimetres": amounts.in_unit(("cm", 1), ("centimetres", 1), ("m", 100), ("mm", 0.1), high=400),
    "kilometres": amounts.in_unit(("km", 1), ("kilometres", 1), ("m", 0.001), ("metres", 0.001), high=40),
    "litres": amounts.in_unit(("litres", 1), ("l", 1), ("ml", 0.001), high=12),
    "degrees": amounts.in_unit(("degrees", 1), ("°C", 1), ("degrees Celsius", 1), high=40),
    "date": lambda world, _: say_date(world),
    "month": lambda world, _: say_month(world),
    "time": lambda world, _: say_time(world),
    "moment": lambda world, _: say_moment(world),
    "enum": texts.enum,
    "made_enum": texts.enum,
    "made_text": texts.made_text,
    "enum_list": lists.enum_list,
    "text_list": lists.text_list,
    "person_list": lists.person_list,
    "country": texts.coded("countries"),
    "airport": texts.coded("airports"),
    "airline": texts.coded("airlines"),
    "joined": texts.joined,
    "currency": texts.coded("currencies"),
    "address": lists.address,
    "measures": lists.measures,
    "people": lists.people,
    "articles": lists.articles,
}
