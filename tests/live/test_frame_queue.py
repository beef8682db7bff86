"""The queue is short, drops the oldest, and wakes its consumer."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maquette.live.frame_queue import FrameQueue


@given(st.lists(st.booleans(), max_size=60), st.integers(1, 6))
def test_it_holds_the_newest_and_counts_the_rest(puts: list[bool], maxlen: int) -> None:
    """Against a plain list of everything that was put."""

    async def play() -> None:
        queue: FrameQueue[int] = FrameQueue(maxlen)
        model: list[int] = []
        given_out = n = 0
        for is_put in puts:
            if is_put:
                queue.put(n)
                model = [*model, n][-maxlen:]
                n += 1
            elif model:
                assert await queue.get() == model.pop(0)
                given_out += 1
            assert len(queue) == len(model)
            assert queue.dropped + given_out + len(queue) == n
        queue.close()
        assert [await queue.get() for _ in model] == model
        assert await queue.get() is None

    asyncio.run(play())


def test_a_waiting_consumer_gets_the_item_and_the_end() -> None:
    async def play() -> list[int | None]:
        queue: FrameQueue[int] = FrameQueue()
        first = asyncio.create_task(queue.get())
        await asyncio.sleep(0)
        queue.put(7)
        got = [await first]
        second = asyncio.create_task(queue.get())
        await asyncio.sleep(0)
        queue.close()
        queue.put(8)
        assert queue.dropped == 1
        return [*got, await second]

    assert asyncio.run(play()) == [7, None]


def test_room_waits_for_a_place_and_lets_others_run() -> None:
    async def play() -> None:
        queue: FrameQueue[int] = FrameQueue(2)
        got: list[int] = []

        async def consume() -> None:
            while (item := await queue.get()) is not None:
                got.append(item)
                await asyncio.sleep(0)

        consumer = asyncio.create_task(consume())
        for i in range(200):
            await queue.room()
            queue.put(i)
        queue.close()
        await consumer
        assert got == list(range(200))
        assert queue.dropped == 0
        await asyncio.wait_for(queue.room(), 1)

    asyncio.run(play())


def test_a_queue_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="holds nothing"):
        FrameQueue(0)
