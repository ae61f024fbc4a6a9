from __future__ import annotations

import asyncio
import gc
import subprocess
import sys
import textwrap
import threading
import time
import weakref

import pytest

from pytest_toolmatch.sampling.portal import Portal


def test_a_coroutine_runs_on_the_portal_s_own_daemon_thread() -> None:
    async def where() -> threading.Thread:
        return threading.current_thread()

    portal = Portal()
    assert portal.start(where()).result(2) is portal.thread is not threading.current_thread()
    assert portal.thread.daemon
    portal.close()


def test_closing_cancels_what_runs_and_ends_the_thread() -> None:
    portal = Portal()
    hanging = portal.start(asyncio.sleep(3600))
    started = time.perf_counter()
    portal.close()
    portal.close()
    assert time.perf_counter() - started < 0.5
    assert portal.closed
    assert portal.loop.is_closed()
    assert not portal.thread.is_alive()
    assert hanging.cancelled()


def test_a_task_that_will_not_be_cancelled_does_not_hold_up_the_end() -> None:
    async def stubborn() -> None:
        while True:
            try:
                await asyncio.sleep(3600)
            except asyncio.CancelledError:
                continue

    portal = Portal()
    portal.start(stubborn())
    portal.start(asyncio.sleep(0)).result(2)
    started = time.perf_counter()
    portal.close()
    assert time.perf_counter() - started < 0.7
    assert not portal.thread.is_alive()


def test_a_forgotten_portal_is_ended() -> None:
    portal = Portal()
    thread, seen = portal.thread, weakref.ref(portal)
    del portal
    gc.collect()
    assert seen() is None
    thread.join(2)
    assert not thread.is_alive()


@pytest.mark.parametrize("then", ["", "raise SystemExit(0)", "portal.close()"])
def test_a_process_ends_at_once_and_silently(then: str) -> None:
    code = f"""
        import asyncio, warnings
        from pytest_toolmatch.sampling.portal import Portal
        portal = Portal()
        portal.start(asyncio.sleep(3600))
        {then}
    """
    command = [sys.executable, "-W", "always", "-X", "dev", "-c", textwrap.dedent(code)]
    run = subprocess.run(command, capture_output=True, text=True, check=False, timeout=10)
    assert (run.returncode, run.stdout, run.stderr) == (0, "", "")


def test_a_loop_that_is_left_does_not_complain_of_what_it_holds() -> None:
    code = """
        import asyncio, gc, time
        from pytest_toolmatch.sampling.portal import Portal
        async def serve():
            return await asyncio.create_subprocess_exec("sleep", "0.2", stdout=asyncio.subprocess.PIPE)
        portal = Portal()
        held = [portal.start(serve()).result()]
        portal.leave()
        del portal, held
        time.sleep(0.4)
        gc.collect()
    """
    command = [sys.executable, "-c", textwrap.dedent(code)]
    run = subprocess.run(command, capture_output=True, text=True, check=False, timeout=10)
    assert (run.returncode, run.stdout, run.stderr) == (0, "", "")
