"""Which part of every batch a process has, when several train one network."""

import os
from dataclasses import dataclass


@dataclass(frozen=True)
class Share:
    """Which part of every batch is this process's, when several train one network."""

    rank: int = 0
    processes: int = 1

    @classmethod
    def here(cls) -> "Share":
        """That of this process, as torchrun says."""
        return cls(int(os.environ.get("RANK", "0")), int(os.environ.get("WORLD_SIZE", "1")))

    def of(self, n: int) -> slice:
        """The part of ``n`` samples: contiguous, and as long as the others' to within one."""
        return slice(n * self.rank // self.processes, n * (self.rank + 1) // self.processes)

    def weight(self, n: int) -> float:
        """Factor on the mean loss of this part of ``n`` samples, so that the mean over the processes, which is what
        their gradients become, is the mean over the ``n`` samples."""
        part = self.of(n)
        return (part.stop - part.start) * self.processes / n


SOLE = Share()
"""A process that trains alone."""
