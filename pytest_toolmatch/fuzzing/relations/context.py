"""Longer context that has nothing to do with the request: earlier small talk, or a paragraph before it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_toolmatch.core.conversation import Message
from pytest_toolmatch.fuzzing.edits import Before, Edit, Rewrite
from pytest_toolmatch.fuzzing.relation import Relation
from pytest_toolmatch.fuzzing.relations.drawing import few
from pytest_toolmatch.fuzzing.relations.spelling import open_start
from pytest_toolmatch.fuzzing.relations.words import query_of, vocabulary

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

    from pytest_toolmatch.fuzzing.variant import Subject

_MOST = 3

_EXCHANGES = (
    ("hello", "Hello! How are you?", "Hello! I'm fine, thank you. What can I do for you?"),
    ("testing", "Just testing whether this works.", "It works. I'm here."),
    (
        "violin neighbour",
        "My neighbour has taken up the violin. It's going about as well as you'd think.",
        "Give it a few months; the first ones are the hardest, for everybody.",
    ),
    (
        "crossword clue",
        "I was stuck on a crossword this morning, and then the last clue came to me in the shower.",
        "That is where they usually come.",
    ),
    (
        "cat keyboard",
        "Sorry, the cat just walked over my keyboard.",
        "No harm done. I can't read what the cat wrote, so take your time.",
    ),
    (
        "marathon knees",
        "My sister ran a marathon. I get out of breath watching.",
        "Congratulations to her! Watching counts for something, too.",
    ),
    (
        "novel chapter",
        "I've been reading a novel with forty chapters and no plot whatsoever. I rather like it.",
        "Some of the best ones are like that.",
    ),
)
"""What an exchange is about, what the user says and what the assistant answers; it asks for nothing."""

_PARAGRAPHS = (
    ("coffee monday", "I'm only on my first coffee, so bear with me."),
    ("window pigeon", "There is a pigeon on my window sill that has been staring at me for ten minutes."),
    (
        "grandmother piano",
        (
            "My grandmother used to say that patience is half of everything. She said it mostly while she was tuning "
            "the piano, which took all afternoon and never helped. I think of her a lot these days."
        ),
    ),
    (
        "team quiz",
        (
            "We had our quiz night yesterday and came second to last. Nobody knew the longest river of Europe, and the "
            "one who did was getting crisps. We are told that taking part is what counts."
        ),
    ),
    (
        "forwarded",
        (
            "Before I forget: I was asked to say that the lift in our building works again. It doesn't concern you at "
            "all, I only promised to tell everybody I talk to today."
        ),
    ),
)


def _context(subject: Subject) -> SearchStrategy[tuple[Edit, ...]]:
    query_of(subject)
    known = vocabulary(subject)
    paragraphs: list[Edit] = [
        Rewrite(0, 0, f"{text}\n\n")
        for about, text in _PARAGRAPHS
        if open_start(subject) and known.isdisjoint(about.split())
    ]
    exchanges: list[Edit] = [
        Before((Message("user", said), Message("assistant", answer)))
        for about, said, answer in _EXCHANGES
        if _begins_with_user(subject) and known.isdisjoint(about.split())
    ]
    return few([*exchanges, *paragraphs], "no small talk that the tools have nothing to do with", _MOST)


def _begins_with_user(subject: Subject) -> bool:
    return next((one.role == "user" for one in subject.case.conversation if one.role != "system"), False)


CONTEXT = Relation(name="context", must="same", says="talk about something else calls for the same", edits=_context)
