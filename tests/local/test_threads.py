import asyncio
import gc
import weakref
from collections.abc import Iterator
from functools import partial
from threading import Event, Thread, current_thread
from typing import Any

import pytest

from infra.local.threads import Threads
from tests.platform import eventually


@pytest.fixture
def threads() -> Iterator[Threads]:
    threads = Threads(2)
    yield threads
    threads.close()


def named() -> str:
    return current_thread().name


def test_what_is_run_beside_the_loop_is_told(threads: Threads) -> None:
    def fails() -> None:
        raise RuntimeError("why")

    assert asyncio.run(threads.run(partial(divmod, 7, 4), 10)) == (1, 3)
    with pytest.raises(RuntimeError, match="why"):
        asyncio.run(threads.run(fails, 10))


def test_one_thread_is_enough_for_one_after_the_other(threads: Threads) -> None:
    async def one_after_the_other() -> set[str]:
        return {await threads.run(named, 10) for _ in range(50)}

    assert asyncio.run(one_after_the_other()) == {"function-1"}


def test_what_has_no_thread_waits_for_one(threads: Threads) -> None:
    started, go_on = [Event(), Event()], Event()

    def hold(number: int) -> str:
        started[number].set()
        assert go_on.wait(10)
        return named()

    async def at_once() -> list[str]:
        held = [asyncio.create_task(threads.run(partial(hold, number), 10)) for number in range(2)]
        later = [asyncio.create_task(threads.run(named, 10)) for _ in range(5)]
        await asyncio.sleep(0)
        assert await asyncio.to_thread(lambda: all(one.wait(10) for one in started))
        assert not any(one.done() for one in later)
        go_on.set()
        return await asyncio.gather(*held, *later)

    found = asyncio.run(at_once())
    assert set(found[:2]) == {"function-1", "function-2"}
    assert set(found) == {"function-1", "function-2"}


def test_what_nobody_waits_for_any_more_is_not_begun() -> None:
    threads, go_on, done = Threads(1), Event(), list[str]()

    async def too_many() -> None:
        held = asyncio.create_task(threads.run(partial(go_on.wait, 10), 10))
        await asyncio.sleep(0)
        with pytest.raises(TimeoutError):
            await threads.run(partial(done.append, "too late"), 0.01)
        go_on.set()
        await held
        await threads.run(partial(done.append, "in time"), 10)

    asyncio.run(too_many())
    threads.close()
    assert done == ["in time"]


@pytest.mark.parametrize("kind", [SystemExit, KeyboardInterrupt, StopIteration, asyncio.CancelledError])
def test_a_thread_outlives_whatever_is_raised_in_it(threads: Threads, kind: type[BaseException]) -> None:
    def ends() -> None:
        raise kind

    async def one_after_the_other() -> str:
        for _ in range(3):
            with pytest.raises(RuntimeError, match=kind.__name__):
                await threads.run(ends, 10)
        return await threads.run(named, 10)

    assert asyncio.run(one_after_the_other()) == "function-1"


def test_what_is_told_is_told_once_and_leaves_nothing(threads: Threads) -> None:
    async def looked_at() -> None:
        loop = asyncio.get_running_loop()
        ends, wrong = list[asyncio.TimerHandle](), list[object]()
        later = loop.call_later

        def noted(*given: Any) -> asyncio.TimerHandle:
            ends.append(later(*given))
            return ends[-1]

        loop.set_exception_handler(lambda _, context: wrong.append(context))
        loop.call_later = noted  # type: ignore[assignment, method-assign]
        await threads.run(named, 10)
        slow = Event()
        with pytest.raises(TimeoutError):
            await threads.run(partial(slow.wait, 10), 0.01)
        slow.set()
        await threads.run(named, 10)
        await asyncio.sleep(0.05)
        assert [one.cancelled() for one in ends[:3]] == [True] * 3
        assert wrong == []

    asyncio.run(looked_at())


def test_a_failure_does_not_keep_what_it_came_from(threads: Threads) -> None:
    class Request:
        pass

    request = Request()
    kept = weakref.ref(request)

    def fails(given: Request) -> None:
        raise RuntimeError(type(given).__name__)

    async def failed(given: Request) -> None:
        try:
            await threads.run(partial(fails, given), 10)
        except RuntimeError:
            return

    gc.collect()
    gc.disable()
    try:
        asyncio.run(failed(request))
        del request
        assert eventually(lambda: kept() is None)
    finally:
        gc.enable()


def test_nobody_waits_longer_than_said(threads: Threads) -> None:
    go_on, done = Event(), Event()

    def late() -> None:
        assert go_on.wait(10)
        done.set()

    async def too_late() -> str:
        with pytest.raises(TimeoutError):
            await threads.run(late, 0.01)
        go_on.set()
        return await threads.run(named, 10)

    assert asyncio.run(too_late()).startswith("function-")
    assert done.wait(10)


def test_they_end_when_they_are_closed_whoever_waits_still() -> None:
    threads, go_on, started, used = Threads(1), Event(), Event(), list[Thread]()

    def hold() -> None:
        used.append(current_thread())
        started.set()
        assert go_on.wait(10)

    async def close_in_between() -> None:
        held = asyncio.create_task(threads.run(hold, 10))
        never = asyncio.create_task(threads.run(named, 0.2))
        await asyncio.to_thread(started.wait, 10)
        threads.close()
        go_on.set()
        await held
        with pytest.raises(TimeoutError):
            await never

    asyncio.run(close_in_between())
    used[0].join(10)
    assert not used[0].is_alive()
