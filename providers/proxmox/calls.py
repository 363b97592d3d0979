"""What every group of calls shares: the transport and the way paths are built."""

from providers.proxmox.transport import Transport, segment


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
