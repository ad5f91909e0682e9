import asyncio
from collections.abc import Iterator
from functools import partial
from threading import Event, active_count, current_thread

import pytest

from infra.local.threads import Threads


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
    threads, go_on, started = Threads(1), Event(), Event()
    before = active_count()

    def hold() -> None:
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
    assert active_count() == before
