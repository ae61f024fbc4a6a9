from __future__ import annotations

import gc
import sqlite3

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_toolmatch.core.case import Case, case_of_query
from pytest_toolmatch.core.chain import Call
from pytest_toolmatch.core.errors import RecordingError
from pytest_toolmatch.core.sample import Sample
from pytest_toolmatch.suites.importers.assemble import assemble
from pytest_toolmatch.suites.importers.source import Imported
from pytest_toolmatch.suites.importers.spool import Spool, Spooled, digest_of

GO = ((Call("go", {"n": 1, "deep": [None, 1.5, "ä\ud7ff"]}),),)


def sample(case: str, draw: int = 0) -> Sample:
    return Sample(case=case, role="recorded", draw=draw, outcome="called", chain=GO, text=f"{case} {draw}")


def spooled(count: int) -> tuple[list[Case], Spooled[Case]]:
    spool = Spool()
    cases = [case_of_query(f"Ask {number}", tags=("a",)) for number in range(count)]
    for case in cases:
        spool.put_case(0, case, digest_of(case.id))
    return cases, Spooled(spool, "SELECT data FROM cases WHERE suite = ? ORDER BY number", (0,), spool.read_case)


@given(count=st.integers(0, 12), start=st.integers(-15, 15), stop=st.integers(-15, 15))
def test_rows_are_the_sequence_that_was_put_in(count: int, start: int, stop: int) -> None:
    cases, read = spooled(count)
    assert len(read) == count
    assert read == cases == list(read) == list(read)
    assert read[start:stop] == tuple(cases[start:stop])
    assert read != [*cases, case_of_query("More")]
    if -count <= start < count:
        assert read[start] == cases[start]
    else:
        with pytest.raises(IndexError):
            _ = read[start]


Draws = st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from("xyz")), min_size=1, max_size=30)


@given(drawn=Draws)
def test_what_is_said_of_all_samples_is_what_counting_them_says(drawn: list[tuple[str, str]]) -> None:
    runs = (Imported(case=case_of_query(case), model=model, outcome="called", chain=GO) for model, case in drawn)
    [suite] = assemble("mine", runs).suites
    per_model = {model: [case for one, case in drawn if one == model] for model, _ in drawn}
    for model, cases in per_model.items():
        samples = suite.samples[model]
        counts = [cases.count(case) for case in set(cases)]
        assert samples.spread == (len(counts), min(counts), max(counts))
        assert samples.outcomes == {"called": len(cases)}
        by_case = {case.query: [one.draw for one in one_case] for case, one_case in samples.with_cases()}
        assert by_case == {case: list(range(cases.count(case))) for case in cases}
        for other, theirs in per_model.items():
            assert samples.shared_with(suite.samples[other]) == len({*cases} & {*theirs})


def test_a_sample_that_is_swapped_keeps_its_place() -> None:
    spool = Spool()
    place = spool.put_case(0, case_of_query("Go"), b"")
    numbers = [spool.put_sample(1, place, sample("go", draw)) for draw in range(3)]
    spool.swap_sample(numbers[1], sample("gone", 1))
    assert [spool.sample(number).case for number in numbers] == ["go", "gone", "go"]


def test_the_database_is_closed_with_its_last_reader() -> None:
    _, read = spooled(2)
    base = read._spool._base
    assert len(read) == 2
    del read
    gc.collect()
    with pytest.raises(sqlite3.ProgrammingError, match="closed"):
        base.execute("SELECT 1")


def test_a_full_disk_is_one_clear_line() -> None:
    spool = Spool()
    spool.ask("PRAGMA max_page_count = 20")
    case = case_of_query("long " * 50_000)
    with pytest.raises(RecordingError, match=r"full\): set TMPDIR to a directory with room"):
        spool.put_case(0, case, b"")
