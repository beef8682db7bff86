"""Of what came in at once, what is worth decoding: the newest, but nobody's flood instead of the one who is heard."""

from collections import Counter
from collections.abc import Hashable, Sequence
from typing import Any, NamedTuple, TypeVar

from maquette.live.ends import SourceReport

NEWEST = 4
"""Of what has come in at once; older ones have been overtaken. As many as wait for the processing: of more that are
delivered at once the oldest are dropped there (:class:`maquette.live.frame_queue.FrameQueue`)."""
_MOST_SENDERS = 16

T = TypeVar("T")


class Packet(NamedTuple):
    """What somebody sent, not looked at yet."""

    data: bytes
    sender: Any
    """Tells senders apart; hashable. Of UDP the address and the port."""
    arrived_s: float
    """By ``time.monotonic()``."""


def newest(items: Sequence[T], most: int = NEWEST) -> tuple[Sequence[T], int]:
    """``(the last ones, how many before them are left out)``."""
    left_out = max(0, len(items) - most)
    return items[left_out:], left_out


def newest_of_each(
    packets: Sequence[Packet], heard: Hashable | None, most: int = NEWEST
) -> tuple[list[Packet], list[Packet]]:
    """``(those to look at, those to leave out)``, both in their order.

    Args:
        heard: the sender who has the turn: the newest of its packets are looked at, and one of each other's, who may
            get the turn next. None when nobody has it: the newest of everybody.
        most: of one sender.
    """
    if len(packets) == 1:
        return list(packets), []
    taken: Counter[Hashable] = Counter()
    chosen, left_out = [], []
    for packet in reversed(packets):
        sender = packet.sender
        limit = most if heard is None or sender == heard else 1
        if taken[sender] < limit and (sender in taken or sender == heard or len(taken) < _MOST_SENDERS):
            taken[sender] += 1
            chosen.append(packet)
        else:
            left_out.append(packet)
    return chosen[::-1], left_out[::-1]


def count_left_out(report: SourceReport, left_out: Sequence[Packet], heard: Hashable | None) -> None:
    """Those of who is heard were too many; others have no turn anyway."""
    others = 0 if heard is None else sum(packet.sender != heard for packet in left_out)
    report.skipped += others
    report.dropped += len(left_out) - others
