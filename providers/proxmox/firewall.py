"""The firewall of one VM: options, IP sets, and the left-overs of an earlier VM with the same VMID.

Proxmox keeps it in a file per VMID that it serves whether the VM exists or not. Filtering needs three switches: the
datacenter's, the VM's and the network card's.
"""

from collections.abc import Iterable, Mapping, Sequence
from ipaddress import ip_network
from typing import Any

from providers.errors import Conflict, NotFound
from providers.proxmox.calls import Calls
from providers.proxmox.transport import segment


def canonical(cidr: str) -> str:
    """An address or network the way Proxmox stores it: network base, /32 and /128 bare, IPv6 compressed.

    Proxmox keeps IPv6 as typed, so both sides of a comparison go through here. Raises ValueError.
    """
    network = ip_network(cidr.strip(), strict=False)
    return str(network.network_address) if network.prefixlen == network.max_prefixlen else str(network)


class Firewall(Calls):
    """Calls about one VM's firewall. All of them succeed for a VM that does not exist."""

    def cluster_firewall_enabled(self) -> bool:
        """Whether the datacenter's firewall is on; when not, no VM is filtered."""
        answer = self._api.get("read the datacenter's firewall options", "cluster/firewall/options")
        return bool(int(answer.get("enable") or 0))

    def firewall_options(self, node: str, vmid: int) -> dict[str, Any]:
        """The options that are set; those on Proxmox's default are absent. The digest is left out."""
        answer = self._api.get(f"read the firewall options of VM {vmid}", f"{self._firewall(node, vmid)}/options")
        return {key: value for key, value in answer.items() if key != "digest"}

    def set_firewall_options(
        self,
        node: str,
        vmid: int,
        changes: Mapping[str, str | int],
        delete: Sequence[str] = (),
        digest: str | None = None,
    ) -> None:
        """Set options and put others back on their default. May run twice. Sends nothing when there is nothing to do.

        With `digest` it is ChangedMeanwhile when somebody changed an option since they were read.
        """
        if not changes and not delete:
            return
        params: dict[str, str | int | None] = {
            key: int(value) if isinstance(value, bool) else value for key, value in changes.items()
        }
        params |= {"delete": ",".join(delete) or None, "digest": digest}
        self._api.put(f"set the firewall options of VM {vmid}", f"{self._firewall(node, vmid)}/options", params)

    def ipset(self, node: str, vmid: int, name: str) -> set[str] | None:
        """Networks in an IP set, canonical (aliases as they are; exceptions, which match nothing, left out).

        None when there is no such set.
        """
        entries = self._entries(node, vmid, name)
        return None if entries is None else {network for _, network, nomatch in entries if not nomatch}

    def ensure_ipset(self, node: str, vmid: int, name: str, cidrs: Iterable[str]) -> bool:
        """Make the set hold exactly these networks, creating it when needed; returns whether anything was changed.

        Without networks it is there and empty, which for an `ipfilter-netX` is something else than not being there: the
        guest may send from its IPv6 link-local address only. Adds before it removes: a set that lacks the guest's address
        cuts the guest off. May run twice, also after having been stopped in between.
        """
        wanted = list(dict.fromkeys(canonical(cidr) for cidr in cidrs))
        entries = self._entries(node, vmid, name)
        created = entries is None
        if entries is None:
            self._create(node, vmid, name)
            entries = []
        exceptions = {network for _, network, nomatch in entries if nomatch}
        present = {network for _, network, nomatch in entries if not nomatch}
        missing = [network for network in wanted if network not in present]
        for network in missing:
            if network not in exceptions:
                self._add(node, vmid, name, network)
        extra = [typed for typed, network, nomatch in entries if nomatch or network not in wanted]
        for typed in extra:
            self._remove(node, vmid, name, typed)
        # An exception blocks the entry of the same network until it is gone.
        for network in missing:
            if network in exceptions:
                self._add(node, vmid, name, network)
        return created or bool(missing or extra)

    def drop_ipset(self, node: str, vmid: int, name: str) -> None:
        """Remove a set with all it holds. Harmless when there is none."""
        path = f"{self._firewall(node, vmid)}/ipset/{segment(name)}"
        try:
            self._api.delete(f"remove IP set {name} of VM {vmid}", path, {"force": 1})
        except NotFound:
            return

    def clear_firewall(self, node: str, vmid: int) -> None:
        """Remove rules, sets, aliases and options, whoever left them: a clone inherits the template's, and a VMID those of
        its last owner. May run twice. Rules go first, for they refer to sets and aliases.
        """
        base = self._firewall(node, vmid)
        doing = f"clear the firewall of VM {vmid}"
        for row in sorted(self._api.get(doing, f"{base}/rules"), key=lambda row: -int(row["pos"])):
            self._forget(doing, f"{base}/rules/{int(row['pos'])}")
        for row in self._api.get(doing, f"{base}/ipset"):
            self.drop_ipset(node, vmid, str(row["name"]))
        for row in self._api.get(doing, f"{base}/aliases"):
            self._forget(doing, f"{base}/aliases/{segment(str(row['name']))}")
        self.set_firewall_options(node, vmid, {}, delete=sorted(self.firewall_options(node, vmid)))

    def _firewall(self, node: str, vmid: int) -> str:
        return f"{self._vm(node, vmid)}/firewall"

    def _entries(self, node: str, vmid: int, name: str) -> list[tuple[str, str, bool]] | None:
        """Entries of a set as (typed, canonical, is exception); None when there is no such set."""
        path = f"{self._firewall(node, vmid)}/ipset/{segment(name)}"
        try:
            rows = self._api.get(f"read IP set {name} of VM {vmid}", path)
        except NotFound:
            return None
        return [(str(row["cidr"]), _network(str(row["cidr"])), bool(int(row.get("nomatch") or 0))) for row in rows]

    def _create(self, node: str, vmid: int, name: str) -> None:
        try:
            self._api.post(f"create IP set {name} of VM {vmid}", f"{self._firewall(node, vmid)}/ipset", {"name": name})
        except Conflict:
            return

    def _add(self, node: str, vmid: int, name: str, network: str) -> None:
        path = f"{self._firewall(node, vmid)}/ipset/{segment(name)}"
        try:
            self._api.post(f"add {network} to IP set {name} of VM {vmid}", path, {"cidr": network})
        except Conflict:
            return

    def _remove(self, node: str, vmid: int, name: str, typed: str) -> None:
        path = f"{self._firewall(node, vmid)}/ipset/{segment(name)}/{segment(typed)}"
        self._forget(f"remove {typed} from IP set {name} of VM {vmid}", path)

    def _forget(self, doing: str, path: str) -> None:
        try:
            self._api.delete(doing, path)
        except NotFound:
            return


def _network(text: str) -> str:
    """The canonical network of an entry; an alias, which is no network, stays as it is."""
    try:
        return canonical(text)
    except ValueError:
        return text
