"""Projects whose tests fuzz. Their models are scripted functions; none is a model."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from hypothesis import core

if TYPE_CHECKING:
    import pytest

    from tests.plugin.conftest import Project

MODELS = """
import random, re, time
from pytest_toolmatch.core.errors import ServiceFault

CALLS = []

def teacher(request):
    if request.conversation[-1].role != "user":
        return []
    return [[{"name": "search", "arguments": {"to": "FCO"}}]]

def torn(request):
    '''A teacher that never does the same twice.'''
    return [[{"name": "search", "arguments": {"to": f"city {request.draw}"}}]] if asked(request) else []

def asked(request):
    return request.conversation[-1].role == "user"

def query(request):
    return [one.content for one in request.conversation if one.role == "user"][-1]

def steady(request):
    CALLS.append((query(request), request.draw))
    return teacher(request)

def shy(request):
    '''Fails where a word is written in capitals.'''
    return teacher(request) if not re.search(r"\\b[A-Z]{2,}\\b", query(request)) else []

def noisy(request):
    '''Fails in a tenth of its samples, whatever is asked.'''
    chance = random.Random(f"{query(request)} {[tool.name for tool in request.tools]} {request.draw}").random()
    return teacher(request) if chance >= 0.1 else []

def shy_and_noisy(request):
    return shy(request) and noisy(request)

def lost(request):
    '''Answers what is asked in the case's own words; anything else meets a broken service.'''
    if query(request) != "Find me some flights to Rome for the summer":
        raise ServiceFault("scripted: overloaded")
    return teacher(request)

def sometimes_lost(request):
    if len(query(request)) % 3 == 0:
        raise ServiceFault("scripted: overloaded")
    return teacher(request)

def gone(request):
    raise ServiceFault("scripted: overloaded")
"""
QUERY = "Find me some flights to Rome for the summer"
HEAD = f"""
import json
from pathlib import Path
import pytest
from hypothesis import example, given, settings, strategies as st
from pytest_toolmatch import Case
from pytest_toolmatch.fuzzing import rephrasings

CASE = "{QUERY}"

@pytest.fixture(scope="module")
def tools():
    return json.loads(Path(__file__).with_name("tools.json").read_text())
"""


def fuzzing(
    project: Project, monkeypatch: pytest.MonkeyPatch, student: str, tests: str = "", teacher: str = "teacher"
) -> Project:
    """Return the project with scripted models, and with these tests where there are any."""
    monkeypatch.setattr(sys, "path", sys.path[:])
    monkeypatch.setattr(core, "global_force_seed", None)  # a run in this process leaves its seed to the next one
    project = project.with_file("mine.py", MODELS).with_ini(
        toolmatch_teacher=f"python:mine:{teacher}", toolmatch_student=f"python:mine:{student}", toolmatch_samples=None
    )
    return project.with_file("test_trips.py", HEAD + tests) if tests else project
