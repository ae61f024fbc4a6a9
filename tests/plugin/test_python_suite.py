"""Suites written in Python: the ``toolmatch`` fixture, ``queries()``, the mark."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.plugin.conftest import Project

ROME, OSLO, BERN = "search(to='FCO')", "search(to='OSL')", "search(to='BRN')"


@pytest.fixture
def trips(project: Project) -> Project:
    return project.with_case("rome", [ROME] * 4, [ROME] * 4).with_case("oslo", [OSLO] * 4, [OSLO] * 3 + [BERN])


def test_the_ids_of_the_cases_are_those_of_the_tests(trips: Project) -> None:
    run = trips.as_python().run("-v")
    run.result.stdout.fnmatch_lines(
        ["test_trips.py::test_trips[[]rome[]] PASSED*", "test_trips.py::test_trips[[]oslo[]] *"]
    )


def test_a_metric_can_be_asserted_instead(trips: Project) -> None:
    tests = """
def test_trips(toolmatch, query):
    assert toolmatch(query).chain_match >= 0.75
    assert toolmatch(query).name_match == toolmatch(query).argument_validity == 1
"""
    assert trips.as_python(tests).run().outcomes == {"passed": 2}


def test_a_metric_that_is_too_low_shows_its_value_and_the_chains(trips: Project) -> None:
    tests = """
def test_trips(toolmatch, query):
    assert toolmatch(query).chain_match >= 0.8
"""
    run = trips.as_python(tests).run()
    assert run.outcomes == {"passed": 1, "failed": 1}
    assert "where 0.75 = <Verdict oslo: chain_match 0.75, wanted >= 0.80: undecided>.chain_match" in run.text
    assert run.text.count("- toolmatch -") == 1


def test_an_unknown_metric_names_the_nearest(trips: Project) -> None:
    run = trips.as_python("def test_trips(toolmatch, query):\n    assert toolmatch(query).chain_mach > 0").run()
    assert run.outcomes == {"failed": 2}
    assert "AttributeError: a verdict has no metric 'chain_mach'; did you mean 'chain_match'?" in run.text


def test_everything_shows_itself_in_one_line(trips: Project) -> None:
    tests = """
def test_trips(toolmatch, query):
    verdict = toolmatch(query)
    assert verdict
    shown = [repr(one) for one in (toolmatch, query, verdict)]
    assert shown == [
        "<toolmatch big / small>",
        f"<Case {query.id}>",
        f"<Verdict {query.id}: agrees {verdict.chain_match:.2f}>",
    ]
"""
    run = trips.with_ini(toolmatch_chain_match=0.7).as_python(tests).run()
    assert run.outcomes == {"passed": 2}


def test_a_verdict_that_nobody_looked_at_is_warned_of(trips: Project) -> None:
    run = trips.as_python("def test_trips(toolmatch, query):\n    toolmatch(query)").run("-W", "default")
    assert (run.exit, run.outcomes) == (0, {"passed": 2, "warnings": 2})
    run.result.stdout.fnmatch_lines(
        [
            "test_trips.py::test_trips[[]rome[]]",
            "*ToolmatchWarning: rome was never asserted; write: assert toolmatch(*)",
        ]
    )


def test_a_verdict_that_nobody_looked_at_fails_where_warnings_are_errors(trips: Project) -> None:
    run = trips.as_python("def test_trips(toolmatch, query):\n    toolmatch(query)").run()
    assert (run.exit, run.outcomes) == (1, {"failed": 2})
    assert "rome was never asserted; write: assert toolmatch(…)" in run.text


def test_a_test_that_fails_for_its_own_reasons_is_not_warned_of(trips: Project) -> None:
    tests = """
def test_trips(toolmatch, query):
    verdict = toolmatch(query)
    raise LookupError("of my own")
"""
    run = trips.as_python(tests).run("-W", "default")
    assert run.outcomes == {"failed": 2}
    assert "never asserted" not in run.text


def test_one_test_may_judge_many_cases(trips: Project) -> None:
    tests = """
def test_all(toolmatch):
    for case in queries_of_all:
        assert toolmatch(case).chain_match >= 0.75
"""
    head = """
from pathlib import Path
from pytest_toolmatch.suites.cases import read_cases
queries_of_all = read_cases(Path(__file__).with_name("trips.jsonl"))
"""
    run = trips.as_python(head + tests).run("--toolmatch-report=report.json")
    assert run.outcomes == {"passed": 1}
    assert [case["case"] for case in run.report["suites"]["trips"]["cases"]] == ["oslo", "rome"]


def test_a_bare_text_is_a_query_too(project: Project) -> None:
    project = project.with_case("to-rome-please-d8a9", [ROME] * 4, [ROME] * 4, query="To Rome, please.")
    tests = """
def test_rome(toolmatch):
    assert toolmatch("To Rome, please.")
"""
    assert project.as_python(tests).run().outcomes == {"passed": 1}


def test_a_bare_text_that_is_not_recorded_fails_in_one_line(project: Project) -> None:
    tests = """
def test_rome(toolmatch):
    assert toolmatch("To Rome, please.")
"""
    run = project.with_case("rome", [ROME], [ROME]).as_python(tests).run()
    assert run.outcomes == {"failed": 1}
    assert "to-rome-please-d8a9: teacher 'big': not recorded in" in run.text


def test_queries_may_be_given_in_place(project: Project) -> None:
    project = project.with_case("to-rome-please-d8a9", [ROME] * 4, [ROME] * 4, query="To Rome, please.")
    project = project.with_case("oslo", [OSLO] * 4, [OSLO] * 4)
    tests = """
from pytest_toolmatch.core.case import case_of_query
trip = queries(["To Rome, please.", case_of_query("To oslo, please.", id="oslo")])

def test_trips(toolmatch, trip):
    assert toolmatch(trip)
"""
    run = project.as_python(tests).run("-v")
    assert run.outcomes == {"passed": 2}
    assert run.text.index("[to-rome-please-d8a9] PASSED") < run.text.index("[oslo] PASSED")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("['a', 'a']", "queries(): a second case 'a'; give one another id"),
        ("['a', 7]", "queries(): 7 is neither text nor a Case"),
        ("['']", "a case needs either a 'query' or a 'conversation'"),
    ],
)
def test_faulty_queries_in_place_are_one_line(project: Project, given: str, message: str) -> None:
    tests = f"trip = queries({given})\ndef test_trips(toolmatch, trip):\n    assert toolmatch(trip)"
    run = project.with_case("rome", [ROME], [ROME]).as_python(tests).run()
    assert run.exit == pytest.ExitCode.USAGE_ERROR
    assert f"test_trips.py: {message}" in run.text
    assert "def test_trips" not in run.text


def test_hypothesis_may_ask_many_times(project: Project) -> None:
    cases = {"To Rome, please.": "to-rome-please-d8a9", "Oslo": "oslo-4315"}
    for query, name in cases.items():
        project = project.with_case(name, [ROME] * 4, [ROME] * 4, query=query)
    tests = f"""
from hypothesis import given, settings, strategies as st

@settings(derandomize=True, database=None, deadline=None)
@given(text=st.sampled_from({list(cases)}))
def test_trips(toolmatch, text):
    assert toolmatch(text)
"""
    run = project.as_python(tests).run("--toolmatch-report=report.json")
    assert run.outcomes == {"passed": 1}
    assert len(run.report["suites"]["trips"]["cases"]) == 2


def test_classes_and_parameters_are_as_usual(trips: Project) -> None:
    tests = """
class TestTrips:
    @pytest.mark.parametrize("bound", [0.5, 0.75])
    def test_trips(self, toolmatch, query, bound):
        assert toolmatch(query).chain_match >= bound
"""
    run = trips.as_python(tests).run("--toolmatch-report=report.json")
    assert run.outcomes == {"passed": 4}


def test_queries_may_stand_in_a_class(trips: Project) -> None:
    tests = """
class TestTrips:
    trip = queries("trips.jsonl")

    def test_trips(self, toolmatch, trip, query):
        assert toolmatch(trip).chain_match >= 0.75
        assert toolmatch(query).chain_match >= 0.75
"""
    assert trips.as_python(tests).run().outcomes == {"passed": 4}


@pytest.mark.parametrize("args", ["'trip', queries(['a'])", "argnames='trip', argvalues=queries(['a'])"])
def test_queries_given_to_parametrize_are_one_line(trips: Project, args: str) -> None:
    tests = f"@pytest.mark.parametrize({args})\ndef test_trips(toolmatch, trip):\n    assert toolmatch(trip)"
    run = trips.as_python(tests).run()
    assert run.exit == pytest.ExitCode.USAGE_ERROR
    assert "parametrize('trip', …) got a fixture; leave the mark out and write: trip = queries(…)" in run.text
    assert "TypeError" not in run.text


# The mark says how this module or test is judged.


def test_the_mark_changes_how_a_module_is_judged(project: Project) -> None:
    both, turned = "search(to='FCO'), book(id=7)", "book(id=7) > search(to='FCO')"
    project = project.with_case("rome", [both] * 5, [turned] * 5)
    tests = """
pytestmark = pytest.mark.toolmatch(match="strict", chain_match=0.5)

def test_strict(toolmatch, query):
    assert not toolmatch(query)

@pytest.mark.toolmatch(match="unordered", suite="loose", recordings="fixtures/recordings/trips")
def test_unordered(toolmatch, query):
    assert toolmatch(query)

@pytest.mark.toolmatch(match="strict", divergence="xfail")
def test_expected(toolmatch, query):
    assert toolmatch(query)
"""
    run = project.as_python(tests).run("--toolmatch-report=report.json")
    assert run.outcomes == {"passed": 2, "xfailed": 1}
    matched = {name: suite["metrics"]["chain_match"]["value"] for name, suite in run.report["suites"].items()}
    assert matched == {"trips": 0.0, "loose": 1.0}


@pytest.mark.parametrize(
    ("mark", "said"),
    [
        ("match='names'", "match='ordered' and with match='names'"),
        ("mode='next_step'", "mode='rollout' and with mode='next_step'"),
    ],
)
def test_one_suite_is_not_judged_in_two_ways(trips: Project, mark: str, said: str) -> None:
    tests = (
        "def test_a(toolmatch, query): assert toolmatch(query)\n"
        f"@pytest.mark.toolmatch({mark})\ndef test_b(toolmatch, query): assert toolmatch(query)\n"
    )
    run = trips.as_python(tests).run()
    assert run.exit == pytest.ExitCode.USAGE_ERROR
    assert f"test_trips.py: tests of suite 'trips' are judged with {said}, and figures" in run.refusal


TWICE = """
def test_match(toolmatch, query):
    assert toolmatch(query).chain_match >= 0.5

@pytest.mark.toolmatch(chain_match=0.9)
def test_names(toolmatch, query):
    assert toolmatch(query)
"""


@pytest.mark.parametrize("how", [(), ("-n", "2")])
def test_a_case_that_two_tests_judge_counts_once(trips: Project, how: tuple[str, ...]) -> None:
    trips = trips.with_case("bern", [BERN] * 4, [BERN] * 3 + [ROME])
    once = trips.as_python().run("--toolmatch-report=report.json").report["suites"]["trips"]
    run = trips.as_python(TWICE).run_apart(*how, "--toolmatch-report=report.json")
    twice = run.report["suites"]["trips"]
    assert twice["metrics"] == once["metrics"]
    assert twice["terms"]["expected"] == 3
    assert not twice["terms"]["partial"]
    assert [case["wanted"] for case in twice["cases"]] == [0.9] * 3


@pytest.mark.parametrize(("skipped", "expected"), [("test_names", 2), ("test_", 0)])
def test_a_case_is_left_out_where_all_of_its_tests_are(trips: Project, skipped: str, expected: int) -> None:
    tests = TWICE.replace(f"def {skipped}", f"@pytest.mark.skip\ndef {skipped}")
    run = trips.as_python(tests).run("--toolmatch-report=report.json")
    assert run.outcomes["skipped"] == 4 - expected
    if expected:
        terms = run.report["suites"]["trips"]["terms"]
        assert (terms["expected"], terms["partial"]) == (expected, False)


@pytest.mark.parametrize("how", [(), ("-n", "2")])
def test_a_test_that_skips_itself_leaves_its_case_out_and_the_run_says_so(trips: Project, how: tuple[str, ...]) -> None:
    trips = trips.with_case("bern", [BERN] * 20, [ROME] * 20).with_ini(toolmatch_gates=["chain_match >= 0.99"])
    tests = """
def test_trips(toolmatch, query):
    if query.id != "bern":
        pytest.skip("another day")
    assert toolmatch(query).state == "diverges"
"""
    run = trips.as_python(tests).run_apart(*how)
    assert run.outcomes == {"passed": 1, "skipped": 2, "gate": 1}
    assert "trips: not judged, since skipped: " in run.text
    assert "gate  trips  chain_match >= 0.99  0.00  0.00–0.17  FAILED" in run.text


@pytest.mark.parametrize("key", ["instructions='Be brief.'", "student={'instructions': 'Be brief.'}"])
def test_one_case_is_not_asked_in_two_ways(trips: Project, key: str) -> None:
    tests = (
        f"@pytest.mark.toolmatch({key})\nclass TestBrief:\n"
        "    def test_a(self, toolmatch, query): assert toolmatch(query)\n"
        "class TestLong:\n    def test_b(self, toolmatch, query): assert toolmatch(query)\n"
    )
    run = trips.as_python(tests).run()
    asked = f"case 'rome' of suite 'trips' is asked with two {key.split('=', maxsplit=1)[0]}"
    assert f"test_trips.py: {asked}; give the marks of one of them a suite=… of its own" in run.refusal


def test_two_cases_of_one_name_are_refused(trips: Project) -> None:
    tests = (
        "from pytest_toolmatch.core.case import case_of_query\n"
        "other = queries([case_of_query('Where is Rome?', id='rome')])\n"
        "def test_a(toolmatch, query): ...\ndef test_b(toolmatch, other): ...\n"
    )
    run = trips.as_python(tests).run()
    assert run.exit == pytest.ExitCode.USAGE_ERROR
    assert "test_trips.py: two cases of suite 'trips' are called 'rome' and ask differently" in run.refusal


def test_a_query_that_is_called_like_a_case_is_refused(trips: Project) -> None:
    tests = "def test_a(toolmatch, query):\n    assert toolmatch(query)\n    assert toolmatch('rome')\n"
    run = trips.as_python(tests).run()
    assert "test_trips.py: two cases of suite 'trips' are called 'rome' and ask differently" in run.text


def test_the_mark_names_the_suite_and_its_recordings(trips: Project) -> None:
    path = trips.write() / "fixtures/recordings/trips"
    path.rename(path.parent.parent / "elsewhere")
    tests = "pytestmark = pytest.mark.toolmatch(suite='travel', recordings='fixtures/elsewhere', chain_match=0.75)"
    head = trips.as_python(tests + "\ndef test_trips(toolmatch, query):\n    assert toolmatch(query)")
    bare = type(trips)(trips.pytester, files=head.files)
    run = bare.run("--toolmatch-report=report.json")
    assert run.outcomes == {"passed": 2}
    assert list(run.report["suites"]) == ["travel"]


def test_instructions_come_from_a_fixture_or_the_mark(trips: Project) -> None:
    fixture = """
@pytest.fixture(scope="module")
def instructions():
    return "Be brief."

def test_trips(toolmatch, query):
    assert toolmatch(query)
"""
    assert ": stale: the " in trips.as_python(fixture).run().text
    mark = "pytestmark = pytest.mark.toolmatch(instructions='Be brief.')"
    assert (
        ": stale: the "
        in trips.as_python(mark + "\ndef test_trips(toolmatch, query):\n    assert toolmatch(query)").run().text
    )


@pytest.mark.parametrize(
    ("mark", "message"),
    [
        ("mach='strict'", "mark toolmatch has no key 'mach'; did you mean 'match'?"),
        ("match='exact'", "mark toolmatch: no such choice 'exact': one of strict, ordered, "),
        ("gates='chain_match >= 0.9'", "mark toolmatch: Expected `array`, got `str` (at gates)"),
        ("gates=['chain_mach >= 0.9']", "unknown metric 'chain_mach'; did you mean 'chain_match'?"),
        ("chain_match='high'", "mark toolmatch: Expected `float | null`, got `str` (at chain_match)"),
        ("recordings=7", "mark toolmatch: recordings is 7: name a directory"),
        ("suite=7", "mark toolmatch: Expected `str`, got `int`: put it in quotes (at suite)"),
        ("overrides={'search': {'to': {'casefld': True}}}", "unknown key 'casefld'; did you mean 'casefold'?"),
        ("'strict'", "mark toolmatch takes keys such as match=…, not 'strict'"),
    ],
)
def test_a_faulty_mark_is_one_line(trips: Project, mark: str, message: str) -> None:
    tests = (
        f"pytestmark = pytest.mark.toolmatch({mark})\ndef test_trips(toolmatch, query):\n    assert toolmatch(query)"
    )
    run = trips.as_python(tests).run()
    assert message in run.refusal
    assert "test_trips.py" in run.refusal


# Tools come from a fixture of the module.

PLAIN = "import pytest\nfrom pytest_toolmatch import queries\nquery = queries('trips.jsonl')\n"


def test_a_module_without_tools_says_what_to_add(trips: Project) -> None:
    run = trips.as_python(head=PLAIN).run()
    assert run.outcomes == {"errors": 2}
    assert "test_trips.py: no fixture 'tools'; add a module-scoped fixture that returns the list of tools" in run.text


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("{'name': 'search'}", "fixture 'tools': tools are a list, not dict"),
        ("None", "fixture 'tools': tools are a list, not NoneType"),
        ("[7]", "fixture 'tools': top level: 7 where a tool was expected"),
        (
            "[{'name': 'a', 'parameters': {'type': 'strin'}}]",
            "fixture 'tools': top level: tool 'a': parameters.type: 'strin'",
        ),
        ("[{'name': 'a'}, {'name': 'a'}]", "fixture 'tools': two tools are named 'a'; rename one"),
    ],
)
def test_faulty_tools_are_one_line(trips: Project, value: str, message: str) -> None:
    fixture = f"@pytest.fixture(scope='module')\ndef tools():\n    return {value}\n"
    run = trips.as_python(head=PLAIN + fixture).run()
    assert run.outcomes == {"errors": 2}
    assert message in run.text


def test_tools_may_be_functions(project: Project) -> None:
    head = (
        PLAIN
        + '''
from pytest_toolmatch import tool

@tool(effect="read")
def search(to: str, seats: int = 1) -> str:
    """Find flights."""

@pytest.fixture(scope="module")
def tools():
    return [search, lambda: None]
'''
    )
    run = project.with_case("rome", [ROME] * 2, [ROME] * 2).as_python(head=head).run()
    assert run.outcomes == {"errors": 1}
    assert ": stale: the " in run.text  # the tools are read; they are others than the recorded ones


@pytest.mark.parametrize("name", ["tools", "instructions", "teacher", "student"])
def test_a_fixture_that_is_made_for_each_test_is_one_line(trips: Project, name: str) -> None:
    tools = "@pytest.fixture(scope='module')\ndef tools():\n    return []\n"
    run = trips.as_python(head=f"{PLAIN}{tools}@pytest.fixture\ndef {name}():\n    return []\n").run()
    assert run.outcomes == {"errors": 2}
    assert f"test_trips.py: fixture {name!r} is made anew within the module" in run.text
    assert 'write @pytest.fixture(scope="module")' in run.text
    assert "ScopeMismatch" not in run.text


CHANGING = {
    "asked for": ("params=[1, 2]", "return lambda asked: []", "@pytest.mark.usefixtures('student')\n"),
    "not asked for": ("params=[1, 2]", "return lambda asked: []", ""),
    "by another": ("", "return lambda asked: []", "@pytest.mark.parametrize('student', [1, 2])\n"),
}


@pytest.mark.parametrize("how", CHANGING)
def test_a_student_that_changes_from_test_to_test_is_refused(trips: Project, how: str) -> None:
    params, body, mark = CHANGING[how]
    tools = "@pytest.fixture(scope='module')\ndef tools():\n    return []\n"
    student = f"@pytest.fixture(scope='module', {params})\ndef student(request):\n    {body}\n"
    asks = "toolmatch, query, student" if "parametrize" in mark else "toolmatch, query"
    run = trips.as_python(f"{mark}def test_trips({asks}): assert toolmatch(query)\n", PLAIN + tools + student).run()
    assert set(run.outcomes) == {"errors"}
    assert "test_trips.py: 'student' changes from test to test, and a module is one suite" in run.text


def test_a_prompt_that_rests_on_a_parametrised_fixture_is_refused(trips: Project) -> None:
    head = (
        PLAIN
        + """
@pytest.fixture(scope="module", params=["kind", "strict"])
def tone(request):
    return request.param

@pytest.fixture(scope="module")
def tools():
    return []

@pytest.fixture(scope="module")
def instructions(tone):
    return f"Be {tone}."
"""
    )
    run = trips.as_python("def test_trips(toolmatch, query, instructions): assert toolmatch(query)\n", head).run()
    assert run.outcomes == {"errors": 4}
    assert "test_trips.py: 'instructions' changes from test to test" in run.text


@pytest.mark.parametrize("given", ["None", "42", "['a query']"])
def test_a_query_that_is_no_text_is_one_line(trips: Project, given: str) -> None:
    run = trips.as_python(f"def test_trips(toolmatch):\n    assert toolmatch({given})\n").run()
    assert run.outcomes == {"failed": 1}
    assert ": give it a query as text, or a case of queries(…)" in run.text


def test_a_class_with_tools_of_its_own_is_told_to_move(trips: Project) -> None:
    fixture = "    @pytest.fixture(scope='module')\n    @classmethod\n    def tools(cls):\n        return []\n"
    tests = f"class TestTrips:\n{fixture}    def test_trips(self, toolmatch, query):\n        assert toolmatch(query)\n"
    run = trips.as_python(tests).run()
    assert run.outcomes == {"errors": 2}
    assert "test_trips.py: TestTrips has a fixture 'tools' of its own, and a module has one suite" in run.text


def test_instructions_that_are_no_text_are_one_line(trips: Project) -> None:
    tools = "@pytest.fixture(scope='module')\ndef tools():\n    return []\n"
    run = trips.as_python(head=PLAIN + tools + tools.replace("tools", "instructions")).run()
    assert run.outcomes == {"errors": 2}
    assert "test_trips.py: fixture 'instructions' gives list: return a text" in run.text


def test_a_fixture_that_fails_shows_its_own_failure(trips: Project) -> None:
    fixture = "@pytest.fixture(scope='module')\ndef tools():\n    raise LookupError('of my own')\n"
    run = trips.as_python(head=PLAIN + fixture).run()
    assert run.outcomes == {"errors": 2}
    assert "LookupError: of my own" in run.text


# Cases come from a file beside the module.


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "can't read the cases in {path}/absent.jsonl: No such file or directory"),
        ('{"qery": "a"}', "absent.jsonl:1: unknown key 'qery'; did you mean 'query'?"),
        ('{"id": "a", "query": "a"}\n{"id": "a", "query": "b"}', "absent.jsonl:2: a second case 'a', after"),
    ],
)
def test_faulty_cases_are_a_collection_error_of_one_line(project: Project, content: str | None, message: str) -> None:
    tests = "missing = queries('absent.jsonl')\ndef test_trips(toolmatch, missing):\n    assert toolmatch(missing)"
    project = project.with_case("rome", [ROME], [ROME]).as_python(tests)
    project = project.with_file("absent.jsonl", content) if content else project
    run = project.run()
    assert run.exit == pytest.ExitCode.USAGE_ERROR
    assert run.outcomes == {"errors": 1}
    assert message.format(path=run.path) in run.text
    assert "def test_trips" not in run.text
