"""The QEMU guest agent inside a VM."""

from providers.proxmox.calls import Calls
from providers.proxmox.translate import AgentMissing, GuestSilent, WrongState


class Agent(Calls):
    """Calls that the guest itself answers."""

    def agent_ping(self, node: str, vmid: int) -> bool:
        """Whether the agent answers now; False when it is silent, not configured, or the VM is off."""
        try:
            self._api.post(f"reach the guest agent of VM {vmid}", f"{self._vm(node, vmid)}/agent/ping")
        except (GuestSilent, WrongState, AgentMissing):
            return False
        return True

    def agent_set_password(self, node: str, vmid: int, username: str, password: str) -> None:
        """Set the password of a user of the guest (5 to 1024 characters). May run twice.

        Raises GuestSilent while the agent does not answer, Permanent when there is none or the guest refuses.
        """
        params = {"username": username, "password": password}
        doing = f"set the password of {username} in VM {vmid}"
        self._api.post(doing, f"{self._vm(node, vmid)}/agent/set-user-password", params)
