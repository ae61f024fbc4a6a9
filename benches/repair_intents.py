"""What customers of the scripted world of ``repair.py`` ask for, in many ways.

What is asked is known from how it was made, so no rule has to read a query: an *intent* has eight phrasings, each of
which makes one case of a student; no two are near-duplicates of each other. ``{name}`` stands for a slot: as the
customer says it in the query, and as it is meant in the chain (``3 May 2026`` and ``2026-05-03``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from pytest_toolmatch.core.chain import Call, Chain

if TYPE_CHECKING:
    from repair_domain import Slot


class Intent(NamedTuple):
    """What a customer wants: the chain, steps parted by ``>``, calls by ``&``, and phrasings, one a line.

    An argument is a slot's name, or after ``=`` the text itself.
    """

    chain: str
    phrasings: str

    def means(self, values: dict[str, Slot]) -> Chain:
        """Return the chain for these values."""
        steps = [step.split("&") for step in self.chain.split(">") if step.strip()]
        return tuple(tuple(_call(call.split(), values) for call in step) for step in steps)

    @property
    def tools(self) -> set[str]:
        """The tools of the chain."""
        return {call.split()[0] for step in self.chain.split(">") for call in step.split("&") if call.strip()}


def _call(words: list[str], values: dict[str, Slot]) -> Call:
    named = [word.partition(":") for word in words[1:]]
    return Call(words[0], {key: text[1:] if text.startswith("=") else values[text].meant for key, _, text in named})


_FLIGHTS = "search_flights origin:origin destination:destination day:day"
INTENTS = {
    "trip": Intent(
        f"{_FLIGHTS} > book_flight flight:=BX-117 seats:seats",
        """Book {seats} seats on a plane from {origin} to {destination} on {day}.
We are {seats} and want to fly to {destination}; we start in {origin}, departure {day}. Please reserve.
My team needs {seats} tickets {origin}-{destination}, {day}, go ahead and buy them.
Get me onto a flight leaving {origin} {day} towards {destination}, {seats} passengers altogether.
Reserve places for {seats} people: {origin}, then {destination}, flying out {day}.
{day} is the wedding in {destination}. Buy us {seats} flight tickets, we live in {origin}.
Could you fix the air travel of {seats} colleagues who leave {origin} for {destination} at {day}?
I promised the family of {seats} a journey: {origin} to {destination}, {day}. Make the reservation now.""",
    ),
    "flights": Intent(
        _FLIGHTS,
        """Which planes go from {origin} to {destination} on {day}?
Is there anything in the air between {origin} and {destination} for {day}, I am only curious.
Show me what leaves {origin} towards {destination} around {day}.
What connections exist {origin}-{destination}, {day}?
List departures: start {origin}, end {destination}, date {day}.
I may visit {destination}. What could I take out of {origin} when it is {day}?
Give an overview of airlines serving {destination} out of {origin} by {day}.
Before I decide anything, tell me the options {origin} offers to {destination} as of {day}.""",
    ),
    "return": Intent(
        f"{_FLIGHTS} & search_flights origin:destination destination:origin day:day",
        """Which same-day returns are there, {origin} to {destination} and back, {day}?
I go {origin}-{destination} in the morning of {day} and home at night: show both ways.
There and back within {day}: {origin}, {destination}. What is offered?
A day trip on {day} out of {origin} to {destination}, both directions please.
Find me outbound plus inbound planes, {origin} with {destination}, each {day}.
For {day} I need a list of the way to {destination} as well as the way home to {origin}.
What flies {origin} to {destination} at {day}, and what flies the other direction that evening?
My meeting in {destination} is short: tell me how to get out of {origin} and in again, {day}.""",
    ),
    "hotel": Intent(
        "search_hotels town:town day:day > book_hotel hotel:=H-204 guest:guest",
        """{guest} needs a room in {town} from {day}, book one.
Find and reserve a place to sleep in {town}, arrival {day}, under the name {guest}.
Please arrange the stay of {guest}: {town}, checking in {day}.
A bed in {town} for {guest}, first night {day}. Take any house you like.
Our speaker {guest} arrives {day} and wants to stay somewhere in {town}; make it happen.
Put {guest} up in {town} as of {day}.
I am {guest}. Where I sleep in {town} does not matter, reserve it for {day}.
Accommodation, {town}, {day}, guest {guest}: find it, then confirm the reservation.""",
    ),
    "weather": Intent(
        "get_weather town:town",
        """Do I need an umbrella in {town}?
What is it like outside in {town}?
Is the sun shining over {town} at the moment?
My sister just landed in {town}, is she getting wet?
How warm is {town} right this minute?
Tell me about the sky above {town}.
Rain or no rain, {town}?
Should people in {town} wear a coat as we speak?""",
    ),
    "climate": Intent(
        "get_climate town:town month:month",
        """How warm does {town} get in {month} as a rule?
We think of {town} for next {month}: mild or cold, on average?
What temperatures does one expect of {month} in {town}?
Normally, is {month} a wet time of the year around {town}?
Tell me the typical {month} of {town}.
Year after year, how does {month} feel in {town}?
Is {town} worth a visit in {month} if I hate heat?
For the brochure: mean values of {town}, {month}.""",
    ),
    "refund": Intent(
        "refund_order order:order amount:cents",
        """Order {order} was charged twice, I want {cents} returned.
You took too much for {order}: please pay {cents} to me again.
The lamp of {order} is scratched, could I get {cents} off?
Give me {cents} for the broken half of {order}, I keep the rest.
{cents} of {order} were shipping that never happened. I want them.
Part of {order} was missing, that is worth {cents}, reimburse it.
As agreed on the phone I receive {cents} because {order} came late.
Reimbursement for {order}, {cents}, as promised by your colleague.""",
    ),
    "cancel": Intent(
        "cancel_order order:order",
        """I have changed my mind about {order}, stop it.
Do not send {order} any more.
Please call off {order} before it leaves the house.
{order} was a mistake by my son, annul it.
Withdraw {order}, I found it cheaper.
We no longer need what is in {order}; drop the whole thing.
Kill {order} if that is still possible.
Strike {order} from your books, thanks.""",
    ),
    "track": Intent(
        "track_parcel parcel:parcel",
        """Where has {parcel} got to?
My neighbour waits for {parcel}: when does it come?
Is {parcel} still on its way?
The courier says {parcel} is delivered, I see nothing. Please look.
Whereabouts of {parcel}, please.
I sent {parcel} a week ago. Has it arrived?
Tell me the last station of {parcel}.
Has customs let go of {parcel}?""",
    ),
    "orders": Intent(
        "get_order order:order & get_order order:other",
        """Show me {order} and {other}.
What did I buy with {order}, and what with {other}?
Compare the contents of {order} against those of {other}.
I mix up {other} and {order}: what is in them?
Print {order} together with {other} for the accountant.
Are {order} plus {other} both paid?
Tell me the state of two orders, {order} as well as {other}.
Look into {order}. Then also into {other}.""",
    ),
    "voucher": Intent(
        "find_customer email:mail > send_voucher customer:=C-311 amount:euros",
        """{mail} deserves a gift of {euros}, send it.
Make up for the delay: {euros} credit note to {mail}.
A voucher over {euros} goes to {mail}.
Surprise our loyal client {mail} with {euros}.
Please treat {mail} to {euros} for shopping.
{mail} won the raffle, the prize is a {euros} voucher.
We owe {mail} an apology worth {euros}; hand out a voucher.
Birthday of {mail}! The usual {euros} coupon, please.""",
    ),
    "convert": Intent(
        "convert_money amount:sum source:source target:target",
        """How much are {sum} {source} in {target}?
I have {sum} {source} left, what do I get in {target}?
Change {sum} {source} into {target} for me, just the figure.
What would {sum} {source} be if I paid with {target}?
{sum} {source}, expressed as {target}?
The menu says {sum} {source}. I think in {target}.
Is it a lot, {sum} {source}? Tell me the {target}.
Put a price of {sum} {source} into {target}, please.""",
    ),
    "reminder": Intent(
        "set_reminder after:minutes topic:topic",
        """In {minutes} I have to think of my {topic}, nudge me.
Wake me {minutes} from now, subject: {topic}.
Do not let me forget the {topic}; ping after {minutes}.
{topic}! Tell me again when {minutes} have gone by.
Set an alarm called {topic} which rings {minutes} later.
Please poke me about {topic} once {minutes} are over.
I need a note on {topic} popping up {minutes} hence.
Give me a shout regarding {topic} in {minutes}.""",
    ),
    "transfer": Intent(
        "transfer_money account:account amount:cents",
        """Send {cents} to {account}.
Our landlord gets {cents} on his account {account}.
Pay {cents} into {account} today.
{account} is the cleaner's, wire her {cents}.
Move {cents} over to {account} please.
I owe somebody {cents}; the account is {account}, settle it.
Credit {account} by {cents}.
Let {account} have {cents}, it is for the flowers.""",
    ),
    "vague": Intent(
        "",
        """I would like to fly somewhere.
Can you get me a plane ticket to {destination}?
We want to travel on {day}.
Book the usual connection.
Four seats, please.
I need to leave {origin} as soon as possible.
Reserve something nice in the air for my parents.
Take me to the sea!""",
    ),
    "chat": Intent(
        "",
        """You have been very kind, thank you.
Why do planes leave white lines behind them?
Good morning! How is work?
Tell me a joke about suitcases.
Who invented the wheel?
My grandmother was a pilot, imagine.
Is it true that cats dislike water?
What language do they speak in Brazil?""",
    ),
}
