from __future__ import annotations

from typing import Any

import pytest

from pytest_toolmatch.core.chain import Call, names_of
from pytest_toolmatch.core.sample import Usage
from pytest_toolmatch.suites.importers.source import Imported
from tests.suites.importers.writing import Logs, Read

BOOK = {
    "name": "hotel.book",
    "description": "Book a room.",
    "parameters": {"type": "dict", "properties": {"city": {"type": "string"}, "nights": {"type": "float"}}},
}
ASK = {"id": "simple_python_0", "question": [[{"role": "user", "content": "A room in Rome"}]], "function": [BOOK]}
BOOKED = (Call("hotel_book", {"city": "Rome"}),)


def questions(logs: Logs, *more: Any) -> None:
    logs.lines("questions/BFCL_v4_simple_python.json", ASK, *more)


def result(logs: Logs, model: str, result: Any, name: str = "simple_python", **fields: Any) -> None:
    line = {"id": f"{name}_0", "result": result, **fields}
    logs.packed(f"results/{model}/non_live/BFCL_v4_{name}_result.json.gz", line)


def runs(read: Read, model: str) -> list[Imported]:
    return [run for run in read.runs if run.model == model]


SHAPES = [
    ([{"hotel_book": '{"city": "Rome"}'}], (BOOKED,)),
    ([{"hotel_book": {"city": "Rome"}}], (BOOKED,)),
    ("[hotel.book(city='Rome')]", (BOOKED,)),
    ('{"function_name": "hotel.book", "parameters": {"city": "Rome"}}', (BOOKED,)),
    ([{"a": "{}"}, {"b.c": ""}], ((Call("a", {}), Call("b_c", {})),)),
    ([{"a": '{"cut": '}], ((Call("a", '{"cut": '),),)),
    ([{"a": "[1]"}], ((Call("a", "[1]"),),)),
    ([], ()),
    ("[]", ()),
    ("Sorry.", ()),
    (["Sorry.", {"a": "{}"}], ((Call("a", {}),),)),
    ([[[{"a": "{}"}, {"b": "{}"}], [{"c": "{}"}], "Done."], [[], ["d(n=1)"]]],
     ((Call("a", {}), Call("b", {})), (Call("c", {}),), (Call("d", {"n": 1}),))),
    ({"finishReason": "SAFETY"}, ()),
]  # fmt: skip


@pytest.mark.parametrize(("logged", "chain"), SHAPES)
def test_every_shape_of_a_result_is_read(logs: Logs, logged: Any, chain: Any) -> None:
    questions(logs)
    result(logs, "model-a", logged)
    [run] = logs.read("bfcl").runs
    assert (run.model, run.chain, run.outcome) == ("model-a", chain, "called" if chain else "answered")
    assert run.suite == "simple_python"


def test_a_question_is_a_case_with_its_own_tools_and_names_without_dots(logs: Logs) -> None:
    system = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Now?"}]
    questions(logs, {"id": "simple_python_1", "question": [system], "function": BOOK})
    first, second = (record.case for record in logs.read("bfcl").questions)
    assert (first.id, first.query) == ("simple_python_0", "A room in Rome")
    [tool] = first.tools or ()
    assert tool.name == "hotel_book"
    assert tool.parameters == {
        "type": "object",
        "properties": {"city": {"type": "string"}, "nights": {"type": "number"}},
    }
    assert [message.role for message in second.conversation] == ["system", "user"]


def test_usage_and_latency_are_added_up_over_turns(logs: Logs) -> None:
    questions(logs)
    result(logs, "m", [[[]]], input_token_count=[[10, 5], [1]], output_token_count=[[2]], latency=[[0.5], [0.25]])
    [run] = logs.read("bfcl").runs
    assert (run.usage, run.latency) == (Usage(input=16, output=2), 0.75)


@pytest.mark.parametrize("tokens", [float("nan"), float("inf")])
def test_numbers_of_tokens_that_are_none_count_nothing(logs: Logs, tokens: float) -> None:
    questions(logs)
    result(logs, "m", [[[]]], input_token_count=tokens, output_token_count=[[2], [tokens]])
    [run] = logs.read("bfcl").runs
    assert run.usage == Usage(input=0, output=0)


def test_a_failed_inference_is_infrastructure(logs: Logs) -> None:
    questions(logs)
    result(logs, "m", "Error during inference: 500", traceback="Traceback …")
    [run] = logs.read("bfcl").runs
    assert (run.outcome, run.error, run.text) == ("infrastructure", "Error during inference: 500", "")


def test_ids_of_v3_belong_to_the_category_that_the_file_names(logs: Logs) -> None:
    questions(logs)
    line = {"id": "simple_0", "result": "[hotel.book(city='Rome')]"}
    logs.lines("a/BFCL_v4_simple_python_result.json", line)
    logs.lines("b/BFCL_v3_simple_result.json", line)
    assert [(run.model, run.case.id) for run in logs.read("bfcl").runs] == [
        ("a", "simple_python_0"),
        ("b", "simple_python_0"),
    ]


def test_the_first_version_is_aligned_by_number(logs: Logs) -> None:
    name = "gorilla_openfunctions_v1_test_parallel_function"
    ask = {"id": "parallel_function_7", "question": "Two rooms", "function": BOOK}
    logs.lines(f"questions/{name}.json", ask)
    logs.lines(f"results/july/{name}_result.json", {"idx": 7, "result": [{"hotel_book": "{}"}]})
    logs.lines(f"results/august/{name}_result.json", {"id": "parallel_function_7", "result": "hotel.book()"})
    truth = {"hotel.book_1": {"city": ["Rome"]}, "hotel.book_2": {"city": ["Bari"]}}
    logs.lines(f"possible_answer/{name}.json", {"id": "parallel_function_7", "ground_truth": truth})
    read = logs.read("bfcl")
    assert {run.case.id for run in read.runs} == {"parallel_function_7"}
    assert {run.suite for run in read.runs} == {"parallel_function"}
    assert [names_of(run.chain) for run in read.runs if run.model in ("july", "august")] == [["hotel_book"]] * 2
    [answer] = runs(read, "reference")
    assert answer.chain == ((Call("hotel_book", {"city": "Rome"}), Call("hotel_book", {"city": "Bari"})),)


def truths(logs: Logs, truth: Any) -> list[Any]:
    questions(logs)
    logs.lines("possible_answer/BFCL_v4_simple_python.json", {"id": "simple_python_0", "ground_truth": truth})
    return [run.chain for run in runs(logs.read("bfcl"), "reference")]


def test_every_combination_of_allowed_values_is_an_answer(logs: Logs) -> None:
    truth = [{"hotel.book": {"city": ["Rome", "Roma"], "nights": [1, ""], "pet": [{"kind": ["cat", "dog"]}]}}]
    chains = truths(logs, truth)
    assert [chain[0][0].arguments for chain in chains[:3]] == [
        {"city": "Rome", "nights": 1, "pet": {"kind": "cat"}},
        {"city": "Rome", "nights": 1, "pet": {"kind": "dog"}},
        {"city": "Rome", "pet": {"kind": "cat"}},
    ]
    assert len(chains) == 8
    assert {call.name for chain in chains for step in chain for call in step} == {"hotel_book"}


def test_equal_answers_count_once_and_lists_of_objects_are_choices(logs: Logs) -> None:
    chains = truths(logs, [{"f": {"a": [1, 1], "b": [[{"c": [1, 2]}, {"c": [3]}]], "d": [{"n": 5}]}}])
    assert [chain[0][0].arguments for chain in chains] == [
        {"a": 1, "b": [{"c": 1}, {"c": 3}], "d": {"n": 5}},
        {"a": 1, "b": [{"c": 2}, {"c": 3}], "d": {"n": 5}},
    ]


def test_too_many_answers_are_cut_with_a_note(logs: Logs) -> None:
    assert len(truths(logs, [{"f": {key: [1, 2, 3, 4] for key in "abcdefgh"}}])) == 64
    [problem] = logs.read("bfcl").problems
    where = f"{logs.folder}/possible_answer/BFCL_v4_simple_python.json:1"
    assert problem == f"{where}: more than 64 possible answers: the first 64 are kept"


def test_a_conversation_of_several_turns_has_the_tools_of_its_classes(logs: Logs) -> None:
    turns = [[{"role": "user", "content": "List"}], [{"role": "user", "content": "Sort it"}], []]
    ask = {"id": "multi_turn_base_3", "question": turns, "involved_classes": ["GorillaFileSystem"]}
    logs.lines("questions/BFCL_v4_multi_turn_base.json", ask | {"excluded_function": ["rm"]})
    docs = [{"name": name, "parameters": {"type": "dict", "properties": {"file": {"type": "string"}}}}
            for name in ("ls", "sort", "rm")]  # fmt: skip
    logs.lines("multi_turn_func_doc/gorilla_file_system.json", *docs)
    truth = [["ls()"], ["ls(file='a')", "sort('a')"]]
    logs.lines("possible_answer/BFCL_v4_multi_turn_base.json", {"id": "multi_turn_base_3", "ground_truth": truth})
    [run] = logs.read("bfcl").runs
    assert [tool.name for tool in run.case.tools or ()] == ["ls", "sort"]
    assert [message.content for message in run.case.conversation] == ["List", "Sort it"]
    assert run.chain == ((Call("ls", {}),), (Call("ls", {"file": "a"}),), (Call("sort", {"file": "a"}),))


def test_categories_are_chosen_by_glob(logs: Logs) -> None:
    questions(logs)
    logs.lines("questions/BFCL_v4_live_simple.json", ASK | {"id": "live_simple_0-0-0"})
    read = logs.read("bfcl", categories=("live_*",))
    assert [record.case.id for record in read.questions] == ["live_simple_0-0-0"]


def test_a_label_names_the_model(logs: Logs) -> None:
    questions(logs)
    result(logs, "m", [])
    read = logs.read("bfcl", logs.folder / "questions", f"mine={logs.folder / 'results'}")
    assert [run.model for run in read.runs] == ["mine"]


def test_bad_input_is_named_and_the_rest_comes_through(logs: Logs) -> None:
    questions(logs, {"id": "simple_python_1", "question": 5}, {"id": "simple_python_2", "question": "Q", "function": 5})
    good = {"id": "simple_python_0", "result": "hotel.book(city=['Rome'])"}
    stray = [{"id": f"simple_python_{n}", "result": []} for n in (8, 9)]
    logs.lines("m/BFCL_v4_simple_python_result.json", {"id": "x"}, [1], good, *stray, broken=b'{"id": "simp')
    logs.lines("possible_answer/BFCL_v4_simple_python.json", {"id": "simple_python_0", "ground_truth": ["f"]})
    logs.document("other.json", {"hello": "world"})
    read = logs.read("bfcl")
    assert [(run.model, run.text) for run in read.runs] == [("m", "hotel.book(city=['Rome'])")]
    found = [problem.removeprefix(f"{logs.folder}/").split(": ", 1) for problem in read.problems]
    places = ["m/BFCL_v4_simple_python_result.json:1", "m/BFCL_v4_simple_python_result.json:2"]
    places += ["m/BFCL_v4_simple_python_result.json:6", "other.json:1", "questions/BFCL_v4_simple_python.json:2"]
    places += ["questions/BFCL_v4_simple_python.json:3", "possible_answer/BFCL_v4_simple_python.json:1"]
    places += ["m/BFCL_v4_simple_python_result.json:4", "m/BFCL_v4_simple_python_result.json:3"]
    assert [place for place, _ in found] == places
    assert found[-2][1].startswith("2 records without a question")
    assert found[-1][1].startswith("1 text with calls outside of BFCL's form")


NO_CALL = [("BFCL_v4_irrelevance", 1), ("BFCL_v3_live_irrelevance", 1), ("gorilla_openfunctions_v1_test_relevance", 1),
           ("BFCL_v4_live_relevance", 0), ("BFCL_v4_simple_python", 0)]  # fmt: skip


@pytest.mark.parametrize(("file", "answers"), NO_CALL)
def test_where_no_function_fits_the_answer_is_no_call(logs: Logs, file: str, answers: int) -> None:
    path = logs.lines(f"questions/{file}.json", ASK | {"id": "some_0"})
    found = runs(logs.read("bfcl"), "reference")
    assert [(run.outcome, run.chain, run.source) for run in found] == [("answered", (), f"{path}:1")] * answers


def test_a_possible_answer_on_file_is_not_repeated(logs: Logs) -> None:
    logs.lines("questions/BFCL_v4_irrelevance.json", ASK | {"id": "irrelevance_0"})
    logs.lines("possible_answer/BFCL_v4_irrelevance.json", {"id": "irrelevance_0", "ground_truth": []})
    assert [run.outcome for run in runs(logs.read("bfcl"), "reference")] == ["answered"]


def test_an_id_can_name_no_other_directory(logs: Logs) -> None:
    logs.lines("questions.json", ASK | {"id": "../../up_0"})
    read = logs.read("bfcl")
    assert not read.questions
    assert "no BFCL record" in read.problems[0]
