"""The one queue between a source and the processing: short, and the oldest gives way."""

import asyncio
from collections import deque
from typing import Generic, TypeVar

T = TypeVar("T")


class FrameQueue(Generic[T]):
    """Holds the newest ``maxlen`` items for one consumer. All in the thread of one event loop."""

    def __init__(self, maxlen: int = 4) -> None:
        if maxlen < 1:
            raise ValueError(f"a queue of {maxlen} frames holds nothing")
        self.maxlen = maxlen
        self.dropped = 0
        """Items that gave way to newer ones."""
        self.closed = False
        self._items: deque[T] = deque()
        self._filled = asyncio.Event()
        self._has_room = asyncio.Event()
        self._has_room.set()

    def __len__(self) -> int:
        return len(self._items)

    def put(self, item: T) -> None:
        """Add the newest item; when full, the oldest is dropped and counted. After :meth:`close` it is itself."""
        if self.closed:
            self.dropped += 1
            return
        if len(self._items) >= self.maxlen:
            self._items.popleft()
            self.dropped += 1
        self._items.append(item)
        self._filled.set()
        if len(self._items) >= self.maxlen:
            self._has_room.clear()

    async def get(self) -> T | None:
        """The oldest item, as soon as there is one; None once the queue is closed and empty."""
        while not self._items:
            if self.closed:
                return None
            await self._filled.wait()
        item = self._items.popleft()
        if not self._items and not self.closed:
            self._filled.clear()
        self._has_room.set()
        return item

    async def room(self) -> None:
        """Returns once an item can be put without dropping another, or the queue is closed; for sources that can wait.

        Goes through the event loop at least once, so that a source that always finds room lets others run.
        """
        await asyncio.sleep(0)
        while not self.closed and not self._has_room.is_set():
            await self._has_room.wait()

    def close(self) -> None:
        """No more items will come: what is held is still given out."""
        self.closed = True
        self._filled.set()
        self._has_room.set()
