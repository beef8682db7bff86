"""Keypoints over UDP: one packet, one frame."""

import asyncio

from maquette.live.ends import Deliver
from maquette.live.sources.datagrams import datagrams
from maquette.live.sources.intake import Intake
from maquette.live.sources.listening_source import ListeningSource
from maquette.live.sources.newest import Packet
from maquette.live.sources.silence import stalls_said


class UdpSource(ListeningSource):
    """Listens on a UDP port.

    One sender at a time (see :class:`~maquette.live.sources.intake.Intake`); with a token, each packet must carry it.
    Packets that overtake each other are put right by leaving out the older one.
    """

    async def run(self, deliver: Deliver) -> None:
        """Receive until cancelled.

        Raises:
            InputError: the port cannot be had.
        """
        intake = Intake(self.report, self._decoder, deliver, unordered=True)

        def take(packets: list[Packet]) -> None:
            intake.take_burst(packets, self._token)

        async with datagrams(self.address, self.host, self.port, self.report, take) as self.port:
            self.report.say("waiting", f"listening on {self.host}:{self.port}")
            async with stalls_said(self.report):
                await asyncio.get_running_loop().create_future()
