"""Tests under ``@given(query=rephrasings(CASE))``. The students are scripted functions; no model is involved."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.plugin.conftest import Project, Ran

MODELS = """
import random, re

def teacher(request):
    return [{"name": "search", "arguments": {"to": "FCO"}}]

def steady(request):
    return teacher(request)

def shy(request):
    '''Fails where a word is written in capitals.'''
    query = request.conversation[-1].content
    return teacher(request) if not re.search(r"\\b[A-Z]{2,}\\b", query) else []

def noisy(request):
    '''Fails in a tenth of its samples, whatever is asked.'''
    seed = f"{request.conversation} {[tool.name for tool in request.tools]} {request.draw}"
    return teacher(request) if random.Random(seed).random() >= 0.1 else []
"""
HEAD = """
import json
from pathlib import Path
import pytest
from hypothesis import example, given, settings, strategies as st
from pytest_toolmatch.fuzzing import rephrasings

CASE = "Find me some flights to Rome for the summer"

@pytest.fixture(scope="module")
def tools():
    return json.loads(Path(__file__).with_name("tools.json").read_text())
"""
TEST = """
@settings(max_examples=20)
@given(query=rephrasings(CASE, relations=["casing"]))
def test_robust(toolmatch, query):
    assert toolmatch(query)
"""


def fuzzing(project: Project, student: str, tests: str = TEST) -> Project:
    return (
        project.with_file("mine.py", MODELS)
        .with_ini(toolmatch_teacher="python:mine:teacher", toolmatch_student=f"python:mine:{student}")
        .with_file("test_trips.py", HEAD + tests)
    )


def failing(ran: Ran) -> str:
    assert ran.outcomes == {"failed": 1}, ran.text
    return ran.text


def test_a_weakness_is_found_and_made_small(project: Project) -> None:
    text = failing(fuzzing(project, "shy").record(mode="live"))
    print(text)
