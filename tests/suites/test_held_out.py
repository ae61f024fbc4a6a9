from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_toolmatch.suites.held_out import FILE, HeldOut, held_out_in, hold_out

cases = st.lists(st.builds(HeldOut, st.sampled_from("ab"), st.text("x\n\r\u2028é", max_size=2)), max_size=3)


@settings(max_examples=50)
@given(rounds=st.lists(st.tuples(cases, st.booleans()), max_size=4))
def test_what_is_held_out_stays_readable_in_its_order(rounds: list[tuple[list[HeldOut], bool]]) -> None:
    """An editor may take the last line's end away between two rounds."""
    known: dict[HeldOut, None] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for added, edited in rounds:
            new = dict.fromkeys(one for one in added if one not in known)
            assert hold_out(folder, added) == len(new)
            known |= new
            assert list(held_out_in(folder)) == list(known)
            if edited and known:
                (folder / FILE).write_bytes((folder / FILE).read_bytes().removesuffix(b"\n"))
