from __future__ import annotations

import contextlib
import time
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_toolmatch.core.case import Case, case_of_query
from pytest_toolmatch.core.chain import Call
from pytest_toolmatch.core.conversation import Message
from pytest_toolmatch.core.errors import ConfigError
from pytest_toolmatch.core.tool import Tool
from pytest_toolmatch.suites.importers import redact, spool
from pytest_toolmatch.suites.importers.assemble import Assembly, assemble
from pytest_toolmatch.suites.importers.redact import Redactor, kinds_of
from pytest_toolmatch.suites.importers.source import Imported, Offered, Problem, Question, Record

LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"


def letters(count: int, alphabet: str = LETTERS) -> st.SearchStrategy[str]:
    return st.text(alphabet, min_size=count, max_size=count)


# Put together here, so that no scanner takes this file for a leak.
KEYS = st.one_of(
    letters(16, LETTERS[26:]).map("AKIA".__add__),
    letters(36).map("ghp_".__add__),
    letters(40).map("sk-ant-api03-".__add__),
    letters(48).map("sk-proj-".__add__),
    letters(35).map("AIza".__add__),
    letters(34).map("hf_".__add__),
    letters(24).map("sk_live_".__add__),
    letters(20).map("glpat-".__add__),
    letters(40).map("github_pat_".__add__),
    st.tuples(letters(12), letters(16), letters(43)).map(lambda parts: "eyJ{}.eyJ{}.{}".format(*parts)),
)
AROUND = st.text("abc .,;:\n\t(){}[]\"'äß<>/", max_size=20).map(lambda text: f"{text} ")
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(key=KEYS, before=AROUND, after=AROUND)
def test_a_key_is_taken_out_of_whatever_stands_around_it(key: str, before: str, after: str) -> None:
    redactor = Redactor(("keys",))
    text = f"{before}{key} {after}"
    assert redactor.text(text) == f"{before}<secret-1> {after}"
    assert redactor.value({"x": [text, {key: 1}]}) == {"x": [f"{before}<secret-1> {after}", {"<secret-1>": 1}]}
    assert sum(redactor.counts.values()) == 1


@given(value=JSON, kinds=st.sampled_from([(), ("keys",), ("keys", "emails")]))
def test_what_is_no_key_stays_and_nothing_is_taken_twice(value: Any, kinds: tuple[str, ...]) -> None:
    redactor = Redactor(kinds)
    assert redactor.value(value) == value
    assert not redactor.counts


@given(keys=st.lists(KEYS, min_size=2, max_size=5))
def test_equal_values_have_equal_placeholders_and_others_have_others(keys: list[str]) -> None:
    redactor = Redactor(("keys",))
    taken = [redactor.text(f"{key} ") for key in keys]
    assert [[one == other for one in taken] for other in taken] == [[one == other for one in keys] for other in keys]
    assert [redactor.text(text) for text in taken] == taken


@given(keys=st.lists(KEYS, min_size=2, max_size=4, unique=True))
def test_placeholders_are_numbered_as_one_reads(keys: list[str]) -> None:
    taken = [f"<secret-{number}>" for number in range(1, len(keys) + 1)]
    assert Redactor(("keys",)).value([{"of": f"{key} "} for key in keys]) == [{"of": f"{one} "} for one in taken]


PASSWORD = "pw-" + "7QzLm4RtYb"
TEXTS = [
    (f"export DB_PASSWORD={PASSWORD}\nls", "export DB_PASSWORD=<secret-1>\nls"),
    (f'Authorization: Bearer {PASSWORD}"', 'Authorization: Bearer <secret-1>"'),
    (f"clone https://kim:{PASSWORD}@git.example/x", "clone https://kim:<secret-1>@git.example/x"),
    (f"//npm.example/:_authToken={PASSWORD}", "//npm.example/:_authToken=<secret-1>"),
    (
        "-----BEGIN RSA PRIVATE KEY-----\n" + "MIIE" * 20 + "\n-----END RSA PRIVATE KEY-----\nend",
        "<secret-1>\nend",
    ),
]


@pytest.mark.parametrize(("text", "expected"), TEXTS, ids=["environment", "header", "url", "npm", "private key"])
def test_what_stands_around_gives_a_value_away(text: str, expected: str) -> None:
    assert Redactor(("keys",)).text(text) == expected


PLAIN = [
    "commit 3f786850e387550fdab836ed7e6dc881de23001b",
    "TOKEN=get_token()",
    "max_tokens=4096",
    "uuid 123e4567-e89b-12d3-a456-426614174000",
    "from secrets import token_hex",
    "api_key = os.environ['API_KEY']",
    "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "git@github.com:kim/shop.git",
]


@pytest.mark.parametrize("text", PLAIN)
def test_programs_and_hashes_are_left_alone(text: str) -> None:
    assert Redactor(("keys", "emails")).text(text) == text


NASTY = [
    "A",
    "0",
    "eyJ",
    "://",
    "://a",
    "//x/",
    "//r/:_authToken",
    "TOKEN=",
    "API_KEY_",
    "a@",
    "a.b@c-d.",
    "aws key ",
    "-----BEGIN A",
]


@pytest.mark.parametrize("unit", [*NASTY, "0123abcd-", "authorization: ", "xoxb-1-"])
def test_no_text_takes_a_time_that_grows_with_its_square(unit: str) -> None:
    text = unit * (100_000 // len(unit))
    redactor = Redactor(("keys", "emails"))
    start = time.process_time()
    redactor.value(text)
    assert time.process_time() - start < 1  # the square of it would take three, and more


def test_addresses_are_taken_out_on_demand() -> None:
    text = "From kim.lee@shop.example to ola@shop.example, cc kim.lee@shop.example"
    assert Redactor(("keys",)).text(text) == text
    redactor = Redactor(kinds_of("keys,emails"))
    assert redactor.text(text) == "From <email-1> to <email-2>, cc <email-1>"
    assert redactor.counts == {"e-mail address": 2}


def test_values_of_secret_names_are_taken_out_whatever_they_look_like() -> None:
    given = {"user": "kim", "password": "tiger", "api_key": "x", "secretary": "Ola", "nested": [{"client_secret": "y"}]}
    assert Redactor(("keys",)).value(given) == {
        "user": "kim",
        "password": "<secret-1>",
        "api_key": "<secret-2>",
        "secretary": "Ola",
        "nested": [{"client_secret": "<secret-3>"}],
    }


def test_a_picture_in_a_text_is_named_even_where_nothing_is_redacted() -> None:
    picture = "data:image/png;base64," + "iVBORw0KGgo" * 20
    assert Redactor(()).text(f"See {picture} here") == "See [image/png, 181 bytes] here"
    assert Redactor(()).text("A" * 4000) == "[binary data, 3,000 bytes]"


@pytest.mark.parametrize("said", ["key", "keys,mails", "all"])
def test_unknown_kinds_are_refused(said: str) -> None:
    with pytest.raises(ConfigError, match="known: keys, emails, none"):
        kinds_of(said)


def test_kinds() -> None:
    assert [kinds_of(said) for said in ("none", "", "keys", " keys , emails ")] == [
        (),
        (),
        ("keys",),
        ("keys", "emails"),
    ]


KEY = "AKIA" + "Q3EXAMPLE7RSTUVW"


def run(query: str, arguments: Any = None, **fields: Any) -> Imported:
    chain = ((Call("go", arguments or {}),),)
    given: dict[str, Any] = {"case": case_of_query(query), "model": "m", "outcome": "called", "chain": chain}
    return Imported(**given | fields)


def redacted(*records: Record) -> Assembly:
    return assemble("mine", records, redactor=Redactor(("keys",)))


def everything(assembly: Assembly) -> bytes:
    [suite] = assembly.suites
    parts = [list(suite.cases), {model: list(drawn) for model, drawn in suite.samples.items()}, suite.instructions]
    return msgspec.json.encode([*parts, suite.tools, assembly.problems])


def test_no_part_of_a_record_keeps_a_key() -> None:
    message = Message("tool", f"it is {KEY}", name="go")
    said = Message("assistant", f"{KEY}?", (Call("go", {"with": [KEY]}),))
    case = Case(
        id=f"a-{KEY}",
        conversation=(Message("user", f"Use {KEY}"), said, message, Message("user", "On")),
        tools=(Tool(name="go", description=f"as {KEY}", parameters={"type": "object", "default": {"a": KEY}}),),
    )
    whole = run("x", {"k": KEY}, case=case, text=KEY, error=KEY, instructions=f"Use {KEY}.", replies=((KEY,),))
    assembly = redacted(whole, Question(case=case_of_query(f"and {KEY}")), Problem("f:1", f"what {KEY} is"))
    assert KEY[:12].lower() not in everything(assembly).decode().lower()
    assert assembly.redacted == {"AWS Access Key": 1}


def test_an_id_made_from_a_query_is_made_again() -> None:
    [suite] = redacted(run(f"Use {KEY}")).suites
    assert suite.cases[0].query == "Use <secret-1>"
    assert suite.cases[0].id == case_of_query("Use <secret-1>").id == suite.samples["m"][0].case


def test_chains_that_matched_still_match() -> None:
    [suite] = redacted(run("Go", {"key": KEY}), run("Go", {"key": KEY}), run("Go", {"key": KEY[:-1] + "X"})).suites
    first, second, third = suite.samples["m"]
    assert first.chain == second.chain != third.chain


def test_a_value_that_comes_to_light_late_is_taken_out_everywhere() -> None:
    early = run(f"Try\n{PASSWORD} first", {"with": f"\n{PASSWORD}"}, replies=((f"\t{PASSWORD}",),))
    told = Tool(name="go", description=f"as {PASSWORD}", parameters={"type": "object", "default": {"a": PASSWORD}})
    assembly = redacted(Offered((told,)), early, run(f"DB_PASSWORD={PASSWORD}"))
    assert PASSWORD[3:].lower() not in everything(assembly).decode().lower()
    first = assembly.suites[0].samples["m"][0]
    assert first.chain[0][0].arguments == {"with": "\n<secret-1>"}
    assert first.case == assembly.suites[0].cases[0].id
    assert assembly.suites[0].tools[0].description == "as <secret-1>"


@given(
    schemas=st.lists(st.dictionaries(st.sampled_from(["a", "b", "password"]), JSON | KEYS, max_size=3), max_size=5),
    again=st.integers(1, 3),
)
def test_a_tool_that_is_told_again_comes_out_as_if_it_were_told_first(schemas: list[Any], again: int) -> None:
    def told(number: int) -> Question:
        tools = tuple(Tool(name="go", description=f"as {number}", parameters=one) for one in schemas)
        return Question(case=Case(id="a", conversation=(), tools=tools))

    together, apart = Redactor(("keys",)), Redactor(("keys",))
    records = [together.record(told(number % 2)) for number in range(again * 2)]
    for number, record in enumerate(records):
        tools = record.case.tools or () if isinstance(record, Question) else ()
        expected = [apart.value(one) for one in schemas]  # True is no 1 here, and keys are in order
        assert msgspec.json.encode([one.parameters for one in tools]) == msgspec.json.encode(expected)
        assert {one.description for one in tools} <= {f"as {number % 2}"}
    assert together.counts == apart.counts


def test_tools_that_are_remembered_have_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redact, "_MAX_TOOLS", 5_000)
    redactor = Redactor(("keys",))
    for number in range(200):
        tool, instead = (Tool(name=f"go{number}", parameters={"default": one}) for one in (KEY, "<secret-1>"))
        assert redactor.record(Offered((tool,))) == Offered((instead,))
    assert 0 < len(redactor._tools) < 25
    assert redactor.counts == {"AWS Access Key": 1}


def test_a_short_word_that_was_a_password_somewhere_stays_a_word_elsewhere() -> None:
    assembly = redacted(run("Write a story about a tiger"), run("Go", {"password": "tiger"}))
    assert assembly.suites[0].cases[0].query == "Write a story about a tiger"
    assert assembly.suites[0].samples["m"][1].chain[0][0].arguments == {"password": "<secret-1>"}


def test_nothing_of_a_key_is_on_disk_while_a_log_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """The spool of a large log spills to disk; what it holds then is read through the process's own descriptors."""
    if not Path("/proc/self/fd").is_dir():
        pytest.skip("no /proc to look into the spool")
    monkeypatch.setattr(spool, "_CACHE", 64)
    others = set(spool_files())  # of imports that nobody has let go of yet
    held = redacted(*(run(f"{KEY} {number} {'filler ' * 100}", {"key": KEY}) for number in range(400)))
    assert len(held.suites[0].cases) == 400
    spilled = [data for name, data in spool_files().items() if data and name not in others]
    assert spilled
    for data in spilled:
        assert b"<secret-1>" in data
        assert KEY.encode() not in data


def spool_files() -> dict[str, bytes]:
    """Return what is in SQLite's temporary files, which are open here and have no name any more; by their old names."""
    found: dict[str, bytes] = {}
    for one in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):  # the listing's own
            name = one.readlink().name
            if name.startswith("etilqs_"):
                found[name] = one.read_bytes()
    return found
