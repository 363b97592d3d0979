"""What every group of calls shares: the transport and the way paths are built."""

from typing import Any

from providers.proxmox import translate
from providers.proxmox.transport import Params, Transport, segment
from providers.proxmox.upid import Upid


class Calls:
    """Base of the groups of calls that make up `client.Proxmox`."""

    def __init__(self, transport: Transport) -> None:
        self._api = transport

    @staticmethod
    def _node(node: str) -> str:
        return f"nodes/{segment(node)}"

    @classmethod
    def _vm(cls, node: str, vmid: int) -> str:
        return f"{cls._node(node)}/qemu/{int(vmid)}"

    def _start_task(self, doing: str, path: str, params: Params | None = None) -> str:
        """POST something that becomes a task; returns the UPID."""
        return upid_of(doing, self._api.post(doing, path, params))


def upid_of(doing: str, answer: Any) -> str:
    """The UPID in the answer of a call that starts a task; anything else leaves open what was started."""
    try:
        Upid.parse(str(answer))
    except ValueError as error:
        raise translate.unreadable(doing, write=True) from error
    return str(answer)
