from __future__ import annotations

import json
import os
import re
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

from pytest_toolmatch.core.case import Case
from pytest_toolmatch.core.chain import Call
from pytest_toolmatch.core.conversation import Message, user
from pytest_toolmatch.core.errors import SuiteError, ToolmatchError
from pytest_toolmatch.core.fuzz import Fuzz
from pytest_toolmatch.core.prompt import Example, Prompt, ToolTexts
from pytest_toolmatch.core.rollout import Rollout
from pytest_toolmatch.core.rules import Override, Rules
from pytest_toolmatch.core.suite import Split, Suite
from pytest_toolmatch.core.tool import Tool
from pytest_toolmatch.suites.forms import SuiteForm
from pytest_toolmatch.suites.yaml_file import read_suite, suite_name

SCHEMA = {"type": "object", "properties": {"to": {"type": "string"}}}
TOOLS = [{"name": "search", "description": "Find.", "parameters": SCHEMA}, {"name": "mcp__travel__book"}]
CASES = "cases:\n  - {id: rome, query: To Rome}\n"


@pytest.fixture
def here(tmp_path: Path) -> Path:
    (tmp_path / "tools.json").write_text(json.dumps(TOOLS))
    return tmp_path


def put(here: Path, text: str | bytes) -> Path:
    path = here / "trips.toolmatch.yaml"
    path.write_bytes(text if isinstance(text, bytes) else textwrap.dedent(text).encode())
    return path


def suite(here: Path, text: str) -> Suite:
    return read_suite(put(here, text))


def refusal(here: Path, text: str | bytes, kind: type[ToolmatchError] = SuiteError) -> str:
    """Return what is said of a faulty suite, with the file's name in place of its path; always one line."""
    path = put(here, text)
    with pytest.raises(kind) as caught:
        read_suite(path)
    message = str(caught.value)
    assert len(message.splitlines()) == 1
    return message.replace(f"{here}{os.sep}", "")


EVERYTHING = """\
instructions: |
  You are a travel assistant.
    Be brief.
tools: tools.json
effects: {search: read, book: write}
match: strict
arguments: json
reference: any
effect: write
overrides:
  search:
    to: {casefold: true}
    items[].price: {tolerance: 0.5}
min_consensus: 0.75
min_support: 2
replies: {search: [{id: 7}]}
execute: [mcp__travel__book]
mode: next_step
max_steps: 3
max_retries: 0
timeout: 7.5
chain_match: 0.9
divergence: xfail
gates: ["chain_match >= 0.90", "argument_validity[tag=payments] >= 0.98"]
recordings: ../recordings
fuzz: {relations: [typos, casing], examples: 3}
student:
  instructions: Call a tool first.
  tools: {search: {description: Find flights., parameters: {to: An IATA code.}}}
  examples:
    - case: rome
      conversation:
        - {role: user, content: To Bern}
        - {role: assistant, content: There are no flights.}
split: {seed: 3, test: 0.5, validation: 0.25}
cases:
  - id: rome
    query: To Rome
    tags: [flights, easy]
  - id: then
    conversation:
      - {role: user, content: To Rome}
      - {role: assistant, calls: [{name: search, arguments: {to: FCO}}]}
      - {role: tool, name: search, reply_to: c1, content: "[]"}
      - {role: user, content: And to Oslo?}
    tools: [{name: other}]
"""


def test_every_key_is_read(here: Path) -> None:
    made = suite(here, EVERYTHING)
    path = here / "trips.toolmatch.yaml"
    assert made.instructions == "You are a travel assistant.\n  Be brief.\n"
    assert made.tools == (
        Tool(name="search", description="Find.", parameters=SCHEMA, effect="read", reply=[{"id": 7}]),
        Tool(name="mcp__travel__book", effect="write", execute=True),
    )
    assert made.rollout == Rollout(mode="next_step", max_steps=3, max_retries=0, timeout=7.5)
    overrides = {"search": {"to": Override(casefold=True), "items[].price": Override(tolerance=0.5)}}
    assert made.rules == Rules(
        match="strict",
        arguments="json",
        reference="any",
        effect="write",
        overrides=overrides,
        min_consensus=0.75,
        min_support=2,
    )
    assert (made.chain_match, made.divergence) == (0.9, "xfail")
    assert made.gates == ("chain_match >= 0.90", "argument_validity[tag=payments] >= 0.98")
    assert made.fuzz == Fuzz(relations=("typos", "casing"), examples=3)
    assert made.student == Prompt(
        instructions="Call a tool first.",
        tools={"search": ToolTexts(description="Find flights.", parameters={"to": "An IATA code."})},
        examples=(
            Example(
                case="rome",
                conversation=(Message("user", "To Bern"), Message("assistant", "There are no flights.")),
            ),
        ),
    )
    assert made.split == Split(seed=3, test=0.5, validation=0.25)
    assert (made.recordings, made.where) == (here / "../recordings", str(path))
    rome, then = made.cases
    assert rome == Case(id="rome", conversation=user("To Rome"), tags=("flights", "easy"), where=f"{path}:37")
    assert then.conversation == (
        Message("user", "To Rome"),
        Message("assistant", calls=(Call("search", {"to": "FCO"}),)),
        Message("tool", "[]", name="search", reply_to="c1"),
        Message("user", "And to Oslo?"),
    )
    assert (then.tools, then.where) == ((Tool(name="other"),), f"{path}:40")


def test_the_test_above_misses_no_key() -> None:
    said = set(re.findall(r"^(\w+):", EVERYTHING, re.MULTILINE))
    assert said == set(SuiteForm.__struct_fields__)


def test_the_smallest_suite_is_its_cases(here: Path) -> None:
    made = suite(here, "cases: [{query: To Rome}]")
    assert (made.name, made.tools, made.rules, made.gates, made.recordings) == ("trips", (), Rules(), (), None)
    assert made.cases[0].id.startswith("to-rome-")


def test_a_suite_is_named_after_its_file(tmp_path: Path) -> None:
    assert suite_name(tmp_path / "my.flights.toolmatch.yaml") == "my.flights"


# A typo is named at its line, with the word that was meant.


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("tols: tools.json\n" + CASES, "trips.toolmatch.yaml:1: unknown key 'tols'; did you mean 'tools'?"),
        (
            "tools: tools.json\ncases:\n  - id: rome\n    qery: To Rome\n",
            "trips.toolmatch.yaml:4: unknown key 'qery'; did you mean 'query'? (at cases[0])",
        ),
        (
            CASES + "overrides:\n  search:\n    to:\n      casefolt: true\n",
            "unknown key 'casefolt'; did you mean 'casefold'? (at overrides[...][...])",
        ),
        (
            "cases:\n  - conversation:\n    - {role: user, contents: Hi}\n",
            "trips.toolmatch.yaml:3: unknown key 'contents'; did you mean 'content'? (at cases[0].conversation[0])",
        ),
        (
            "cases:\n  - conversation:\n    - role: user\n      calls:\n      - {name: a, argument: {}}\n",
            (
                "trips.toolmatch.yaml:5: unknown key 'argument'; did you mean 'arguments'? "
                "(at cases[0].conversation[0].calls[0])"
            ),
        ),
        (CASES + "zzz: 1\n", "trips.toolmatch.yaml:3: unknown key 'zzz'"),
        (
            CASES + "student:\n  instruction: Be brief.\n",
            "trips.toolmatch.yaml:4: unknown key 'instruction'; did you mean 'instructions'? (at student)",
        ),
        (
            CASES + "student:\n  tools:\n    search:\n      describtion: Find.\n",
            "unknown key 'describtion'; did you mean 'description'? (at student.tools[...])",
        ),
    ],
)
def test_an_unknown_key_is_named(here: Path, text: str, message: str) -> None:
    assert refusal(here, text).endswith(message)


def test_an_unknown_key_of_an_override_is_named_at_its_line(here: Path) -> None:
    text = CASES + "overrides:\n  search:\n    from: {ignore: true}\n    to:\n      casefolt: true\n"
    assert refusal(here, text).startswith("trips.toolmatch.yaml:7: unknown key 'casefolt'")


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        (CASES + "match: exact\n", 3, "'exact'"),
        (CASES + "reference: [consensus]\n", 3, "Expected `str`, got `array`"),
        (CASES + "chain_match: high\n", 3, "Expected `float | null`, got `str`"),
        (CASES + "gates: chain_match >= 0.9\n", 3, "Expected `array`, got `str`"),
        (CASES + "min_support: 1.5\n", 3, "Expected `int`, got `float`"),
        (CASES + "effects: {search: reads}\n", 3, "no such choice 'reads': one of read, write; did you mean 'read'?"),
        (CASES + "instructions: [a, b]\n", 3, "Expected `str`, got `array`"),
        (CASES + "divergence: skip\n", 3, "'skip'"),
        ("cases:\n  - id: a\n    query: 7\n", 3, "Expected `str`, got `int`: put it in quotes (at cases[0].query)"),
        (
            "cases:\n  - id: a\n    query: b\n  - id: 2026\n    query: b\n",
            4,
            "Expected `str`, got `int`: put it in quotes (at cases[1].id)",
        ),
        ("cases:\n  - id: a\n    query: b\n    tags: flights\n", 4, "Expected `array`, got `str` (at cases[0].tags)"),
        ("cases:\n  - To Rome\n", 2, "Expected `object`, got `str` (at cases[0])"),
        ("cases: 7\n", 1, "Expected `str | array`, got `int`"),
        ("cases:\n", 1, "Expected `str | array`, got `null`"),
    ],
)
def test_a_wrong_type_is_named_at_its_line(here: Path, text: str, line: int, message: str) -> None:
    said = refusal(here, text)
    assert said.startswith(f"trips.toolmatch.yaml:{line}: ")
    assert message in said


@pytest.mark.parametrize(
    ("student", "line", "message"),
    [
        ("tools: {serch: {description: a}}", 5, "student: no tool is named 'serch'; did you mean 'search'?"),
        ("tools: {search: {parameters: {too: a}}}", 5, "student: search has no parameter 'too'; did you mean 'to'?"),
        (
            "examples: [{conversation: [{role: assistant, content: a}]}]",
            5,
            "student: an example begins with what the user says",
        ),
        (
            "examples: [{conversation: [{role: user, content: a}]}]",
            5,
            "student: an example ends with what the assistant says once its calls are answered",
        ),
    ],
)
def test_what_a_student_is_told_has_to_fit_the_tools(here: Path, student: str, line: int, message: str) -> None:
    said = refusal(here, f"tools: tools.json\n{CASES}student:\n  {student}\n")
    assert said == f"trips.toolmatch.yaml:{line}: {message}"


def test_a_split_has_room_for_every_part(here: Path) -> None:
    said = refusal(here, CASES + "split: {test: 0.8, validation: 0.2}\n")
    assert said.startswith("trips.toolmatch.yaml:3: split: test and validation are shares")


def test_a_suite_without_cases_is_refused(here: Path) -> None:
    assert refusal(here, "tools: tools.json\n") == "trips.toolmatch.yaml:1: Object missing required field `cases`"
    assert refusal(here, "tools: tools.json\ncases: []\n").startswith("trips.toolmatch.yaml:2: no cases")
    (here / "none.jsonl").write_text("\n")
    assert refusal(here, "cases: none.jsonl\n").startswith("trips.toolmatch.yaml:1: no cases in none.jsonl")


@pytest.mark.parametrize("fields", ["id: rome", "{id: rome, query: a, conversation: [{role: user, content: b}]}"])
def test_a_case_is_either_a_query_or_a_conversation(here: Path, fields: str) -> None:
    said = refusal(here, f"cases:\n  - {fields}\n")
    assert said == "trips.toolmatch.yaml:2: a case needs either a 'query' or a 'conversation'"


def test_two_cases_of_one_id_are_named_with_both_places(here: Path) -> None:
    said = refusal(here, CASES + "  - {id: oslo, query: b}\n  - {id: rome, query: c}\n")
    assert said == ("trips.toolmatch.yaml:4: a second case 'rome', after trips.toolmatch.yaml:2; give one another id")


# The file itself.


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "trips.toolmatch.yaml: a suite is a mapping with 'tools' and 'cases'; this file has none"),
        ("# only a comment\n", "trips.toolmatch.yaml: a suite is a mapping"),
        ("- a\n- b\n", "trips.toolmatch.yaml: a suite is a mapping"),
        ("just text\n", "trips.toolmatch.yaml: a suite is a mapping"),
        (CASES + "match: strict\nmatch: names\n", "trips.toolmatch.yaml:4: key 'match' is given twice"),
        ("cases:\n  - id: a\n    query: b\n    id: c\n", "trips.toolmatch.yaml:4: key 'id' is given twice"),
        ("cases: [\n", "trips.toolmatch.yaml:1: not YAML: "),
        ("cases:\n  - id: a\n\tquery: b\n", "trips.toolmatch.yaml:3: not YAML: the line begins with a tab, and YAML"),
        ("cases:\n  - id: a\n   query: b\n", "trips.toolmatch.yaml:3: not YAML: "),
        ("cases: *nowhere\n", "trips.toolmatch.yaml:1: not YAML: "),
        ("a: 1\n---\nb: 2\n", "trips.toolmatch.yaml:2: not YAML: "),
        ("cases: !!python/name:os.system\n", "trips.toolmatch.yaml:1: not YAML: "),
        ("cases: {[a]: b}\n", "trips.toolmatch.yaml:1: "),
        (b"cases: [{id: a, query: \xff\xfe}]\n", "trips.toolmatch.yaml:1: not UTF-8 (byte 0xff): save the"),
        (b"cases: [{id: a, query: \x00}]\n", "trips.toolmatch.yaml: not YAML: "),
    ],
)
def test_what_is_no_suite_is_named(here: Path, text: str | bytes, message: str) -> None:
    assert refusal(here, text).startswith(message)


def test_a_file_that_can_not_be_read_is_named(here: Path) -> None:
    (here / "other.toolmatch.yaml").mkdir()
    with pytest.raises(SuiteError, match=r"can't read .*other.toolmatch.yaml: Is a directory"):
        read_suite(here / "other.toolmatch.yaml")
    with pytest.raises(SuiteError, match=r"can't read .*absent.toolmatch.yaml: No such file"):
        read_suite(here / "absent.toolmatch.yaml")


@pytest.mark.parametrize(
    "word",
    ["no", "on", "yes", "off", "2026-11-27", "12:30", "2026-11-27 12:30:00", "007", "1_000", "0x1F", "~user", ".inf"],
)
def test_words_stay_text(here: Path, word: str) -> None:
    assert suite(here, f"cases: [{{id: {word}, query: {word}}}]").cases[0].query == word


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("7", 7),
        ("-7", -7),
        ("0.5", 0.5),
        (".5", 0.5),
        ("1e3", 1000.0),
        ("true", True),
        ("False", False),
        ("null", None),
    ],
)
def test_numbers_booleans_and_null_are_those_of_json(here: Path, text: str, value: Any) -> None:
    made = suite(here, f"tools:\n  - name: a\n    reply: {text}\n" + CASES)
    assert made.tools[0].reply == value
    assert type(made.tools[0].reply) is type(value)


def test_anchors_and_merges_are_followed(here: Path) -> None:
    made = suite(
        here,
        """
        cases:
          - &base {id: rome, query: To Rome, tags: &tags [flights]}
          - {<<: *base, id: oslo}
          - {id: bern, query: To Bern, tags: *tags}
        """,
    )
    assert [(one.id, one.query, one.tags) for one in made.cases] == [
        ("rome", "To Rome", ("flights",)),
        ("oslo", "To Rome", ("flights",)),
        ("bern", "To Bern", ("flights",)),
    ]


def test_an_endless_alias_is_no_endless_loop(here: Path) -> None:
    assert refusal(here, "cases: &all\n  - *all\n").startswith("trips.toolmatch.yaml:")


# Tools.


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "tools.json: not JSON: "),
        ("", "tools.json: not JSON: "),
        ('[{"name": "a", "parameters": {"type": "strin"}}]', "tools.json: [0]: tool 'a': parameters.type: 'strin'"),
        ('[{"name": "a", "parameters": 7}]', "tools.json: [0] (a): parameters is 7"),
        ('[{"description": "a"}]', "tools.json: [0]: a tool without a name"),
        ('[{"name": "a"}, {"name": "a"}]', "tools.json: [1]: a second tool named 'a'"),
        ('"tools"', "tools.json: "),
    ],
)
def test_a_faulty_tools_file_is_named(here: Path, content: str, message: str) -> None:
    (here / "tools.json").write_text(content)
    assert refusal(here, "tools: tools.json\n" + CASES).startswith(message)


def test_a_mark_of_the_byte_order_is_no_text(here: Path) -> None:
    (here / "tools.json").write_text(json.dumps(TOOLS), encoding="utf-8-sig")
    made = suite(here, ("\ufefftools: tools.json\n" + CASES))
    assert [one.name for one in made.tools] == ["search", "mcp__travel__book"]


def test_a_tools_file_in_another_encoding_is_named(here: Path) -> None:
    (here / "tools.json").write_bytes(json.dumps(TOOLS).encode("utf-16"))
    assert refusal(here, "tools: tools.json\n" + CASES).startswith("tools.json: not JSON: ")


def test_a_missing_tools_file_is_named_with_the_line_that_asks_for_it(here: Path) -> None:
    said = refusal(here, CASES + "tools: tols.json\n")
    assert said == "trips.toolmatch.yaml:3: can't read the tools file tols.json: No such file or directory"


def test_tools_may_stand_in_the_suite(here: Path) -> None:
    made = suite(here, "tools:\n  - {name: search, description: Find., effect: read}\n" + CASES)
    assert made.tools == (Tool(name="search", description="Find.", effect="read"),)


@pytest.mark.parametrize("form", ["{name: a, parameters: {type: strin}}", "{description: a}", "{name: 7}", "{nam: a}"])
def test_a_faulty_tool_in_the_suite_is_named_at_its_line(here: Path, form: str) -> None:
    assert refusal(here, CASES + f"tools:\n  - {form}\n").startswith("trips.toolmatch.yaml:3: [0]")


def test_a_faulty_tool_of_a_case_is_named_at_its_case(here: Path) -> None:
    said = refusal(here, CASES + "  - id: oslo\n    query: b\n    tools: [{nme: a}]\n")
    assert said.startswith("trips.toolmatch.yaml:3: [0]: ")


MODULE = '''
from pytest_toolmatch import tool

@tool(effect="read")
def search(to: str) -> str:
    """Find."""

def book(id: int) -> str:
    """Book."""

TOOLS = [search, book, {"name": "pay"}]
NONE = None
'''


@pytest.fixture
def module(here: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = here / "trip_tools.py"
    path.write_text(MODULE)
    monkeypatch.delitem(sys.modules, "trip_tools", raising=False)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    return path


def test_tools_may_be_python_beside_the_suite(here: Path, module: Path) -> None:
    before = list(sys.path)
    made = suite(here, "tools: trip_tools:TOOLS\n" + CASES)
    assert module.exists()
    assert [(one.name, one.effect) for one in made.tools] == [("search", "read"), ("book", None), ("pay", None)]
    assert sys.path == before
    sys.modules.pop("trip_tools")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("trip_tools:TOLS", "can't load tools from 'trip_tools:TOLS': module 'trip_tools' has no attribute 'TOLS'"),
        ("trip_tols:TOOLS", "can't load tools from 'trip_tols:TOOLS': No module named 'trip_tols'"),
        ("trip_tools:NONE", "trip_tools:NONE: tools are a list, not NoneType"),
        (":TOOLS", "can't load tools from ':TOOLS': "),
        ("trip_tools:", "can't load tools from 'trip_tools:': "),
        (".trip_tools:TOOLS", "can't load tools from '.trip_tools:TOOLS': "),
    ],
)
@pytest.mark.usefixtures("module")
def test_what_names_no_tools_is_named(here: Path, name: str, message: str) -> None:
    said = refusal(here, CASES + f"tools: '{name}'\n")
    assert said.startswith("trips.toolmatch.yaml:3: ")
    assert message in said
    sys.modules.pop("trip_tools", None)


def test_the_function_of_an_override_may_lie_beside_the_suite(here: Path, module: Path) -> None:
    keys = "tools: tools.json\noverrides: {search: {to: {function: 'trip_tools:book'}}}\n"
    made = suite(here, keys + CASES)
    assert made.rules.overrides["search"]["to"].function == "trip_tools:book"
    other = here / "other"
    other.mkdir()
    for name in ("trip_tools.py", "tools.json"):
        (other / name).write_bytes((here / name).read_bytes())
    said = refusal(other, keys + CASES)
    assert str(module) in said
    assert "rename" in said
    sys.modules.pop("trip_tools")


@pytest.mark.parametrize("code", ["1 / 0", "def broken(:", "import nothing_of_that_name", "raise SystemError('a\\nb')"])
def test_a_module_that_does_not_load_is_named(here: Path, module: Path, code: str) -> None:
    module.write_text(code)
    said = refusal(here, CASES + "tools: trip_tools:TOOLS\n")
    assert said.startswith("trips.toolmatch.yaml:3: can't load tools from 'trip_tools:TOOLS': ")


def test_a_module_of_the_same_name_elsewhere_is_not_taken_for_it(here: Path, module: Path) -> None:
    suite(here, "tools: trip_tools:TOOLS\n" + CASES)
    other = here / "other"
    other.mkdir()
    (other / "trip_tools.py").write_text("TOOLS = []")
    said = refusal(other, CASES + "tools: trip_tools:TOOLS\n")
    assert str(module) in said
    assert "rename" in said
    sys.modules.pop("trip_tools")


def test_effects_of_tools_that_are_not_there_are_ignored(here: Path) -> None:
    made = suite(here, "tools: tools.json\neffects: {search: read, fly: write}\n" + CASES)
    assert [one.effect for one in made.tools] == ["read", None]


# Gates.


@pytest.mark.parametrize(
    ("gate", "message"),
    [
        ("chain_mach >= 0.9", "unknown metric 'chain_mach'; did you mean 'chain_match'?"),
        ("chain_match", "can't read gate 'chain_match'; write it like 'chain_match >= 0.90'"),
        ("chain_match == 0.9", "can't read gate 'chain_match == 0.9'"),
        ("chain_match >= high", "'high' is no number"),
        ("chain_match >= 90%", "'90%' is no number; write 0.9 for 90 %"),
        ("chain_match >= 1.2", "chain_match lies between 0 and 1, so 1.2 can't decide anything"),
        ("chain_match >= nan", "so nan can't decide anything"),
        ("chain_match[case=rome] >= 0.9", "can't read gate"),
        ("", "can't read gate ''"),
    ],
)
def test_a_faulty_gate_is_named(here: Path, gate: str, message: str) -> None:
    said = refusal(here, CASES + f"gates: ['{gate}']\n", SuiteError)
    assert said.startswith("trips.toolmatch.yaml:3: ")
    assert message in said


# Paths.


def test_cases_may_lie_beside_the_suite(here: Path) -> None:
    (here / "cases.jsonl").write_text('{"id": "rome", "query": "To Rome"}\n')
    assert suite(here, "cases: cases.jsonl").cases[0].where == f"{here / 'cases.jsonl'}:1"


def test_missing_cases_are_named(here: Path) -> None:
    said = refusal(here, "cases: cases.jsonl\n")
    assert said.startswith("trips.toolmatch.yaml:1: can't read the cases in cases.jsonl: No such file")


def test_recordings_are_relative_to_the_suite(here: Path) -> None:
    assert suite(here, "recordings: recordings/trips\n" + CASES).recordings == here / "recordings" / "trips"


ONE_TOOL = (
    "tools:\n- name: f\n  effect: read\n"
    "  parameters: {type: object, properties: {a: {type: string}, bag: {type: string}}}\n"
)


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ("effect: write", "effect is write, but no tool has that effect"),
        ("min_consensus: 3", "min_consensus is 3: it must lie above 0 and at most at 1"),
        ("chain_match: 80", "chain_match is 80: it must lie above 0 and at most at 1"),
        ("chain_match: 0", "chain_match is 0: it must lie above 0"),
        ("min_support: 0", "min_support is 0"),
        ("overrides: {g: {a: {casefold: true}}}", "no tool is named 'g'"),
        ("overrides: {f: {bga: {casefold: true}}}", "tool 'f' has no argument 'bga'; did you mean 'bag'?"),
        ("overrides: {f: {a: {regex: '['}}}", "override of f.a: '[' is no regular expression"),
        ("overrides: {f: {a: {regex: ''}}}", "'' matches the empty text"),
        ("overrides: {f: {a: {tokens: 80}}}", "tokens is 80: it must be between 0 and 1"),
        ("overrides: {f: {a: {tolerance: -1}}}", "tolerance is -1: it must be 0 or more"),
        ("overrides: {f: {a: {function: 'nowhere:f'}}}", "can't import 'nowhere:f'"),
        ("match: orderd", "no such choice 'orderd': one of strict, ordered"),
        ("reference: al", "no such choice 'al': one of consensus, any, draws"),
    ],
)
def test_a_demand_that_cannot_be_meant_is_refused_at_its_line(here: Path, keys: str, message: str) -> None:
    said = refusal(here, CASES + ONE_TOOL + keys + "\n")
    line = (CASES + ONE_TOOL).count("\n") + 1
    assert said.startswith(f"trips.toolmatch.yaml:{line}: ")
    assert message in said


@pytest.mark.parametrize(
    ("key", "value"), [("replies", "{serch: []}"), ("execute", "[serch]"), ("effects", "{serch: read}")]
)
def test_an_answer_of_no_tool_is_named(here: Path, key: str, value: str) -> None:
    with pytest.raises(SuiteError) as raised:
        suite(here, f"tools: [{{name: search}}]\n{key}: {value}\ncases: [{{query: To Rome}}]")
    where = here / "trips.toolmatch.yaml"
    assert str(raised.value) == f"{where}:2: {key}: no tool is named 'serch'; did you mean 'search'?"


@pytest.mark.parametrize("key", ["max_steps: 0", "max_retries: -1", "timeout: 0"])
def test_rollout_rules_out_of_range_are_named(here: Path, key: str) -> None:
    with pytest.raises(SuiteError, match=f"trips.toolmatch.yaml:1: {key.partition(':')[0]} is "):
        suite(here, f"{key}\ncases: [{{query: To Rome}}]")


def test_the_tools_of_an_mcp_server_are_asked_for_only_where_somebody_can(here: Path) -> None:
    text = "tools: {mcp: {command: [python, server.py]}}\ncases: [{query: To Rome}]"
    assert suite(here, text).tools == ()
    asked = []

    def list_mcp(server: dict[str, Any], where: str) -> tuple[Tool, ...]:
        asked.append((server, where))
        return (Tool(name="search"),)

    path = here / "trips.toolmatch.yaml"
    assert read_suite(path, list_mcp).tools == (Tool(name="search"),)
    assert asked == [({"cwd": str(here), "command": ["python", "server.py"]}, f"{path}:1")]
