"""The name of a Proxmox task: `UPID:node:pid:pstart:starttime:type:id:user:`, numbers in hex."""

import re
from dataclasses import dataclass
from typing import Self

# PVE::Tools::upid_decode has the same expression.
_UPID = re.compile(
    r"UPID:(?P<node>[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?):(?P<pid>[0-9A-Fa-f]{8}):(?P<pstart>[0-9A-Fa-f]{8,9})"
    r":(?P<starttime>[0-9A-Fa-f]{8}):(?P<type>[^:\s]+):(?P<id>[^:\s]*):(?P<user>[^:\s]+):"
)


@dataclass(frozen=True)
class Upid:
    """A task: where it runs, since when (epoch seconds), what it does (`qmclone`), on what (`id`) and for whom.

    The `id` of a clone is the template's, not the new VM's.
    """

    node: str
    pid: int
    pstart: int
    starttime: int
    type: str
    id: str
    user: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a UPID. Raises ValueError when it is none."""
        match = _UPID.fullmatch(text)
        if match is None:
            raise ValueError(f"not a UPID: {text!r}")
        return cls(
            node=match["node"],
            pid=int(match["pid"], 16),
            pstart=int(match["pstart"], 16),
            starttime=int(match["starttime"], 16),
            type=match["type"],
            id=match["id"],
            user=match["user"],
        )

    def __str__(self) -> str:
        return (
            f"UPID:{self.node}:{self.pid:08X}:{self.pstart:08X}:{self.starttime:08X}:{self.type}:{self.id}:{self.user}:"
        )
