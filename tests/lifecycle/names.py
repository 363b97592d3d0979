"""A DNS provider that remembers its records; its calls pass the gate as those to Proxmox do."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import requests

from statemachines.ports import Address, DnsResult
from tests.chaos.gate import Gate

ZONE = "example.com"


@dataclass
class Names:
    """Implements `statemachines.ports.Dns`. `forward`: name -> addresses, `reverse`: address -> name; `broken` = it fails."""

    gate: Gate
    forward: dict[str, list[str]] = field(default_factory=dict)
    reverse: dict[str, str] = field(default_factory=dict)
    broken: bool = False
    served: list[str] = field(default_factory=list)

    def remove(
        self, fqdn: str, addresses: Sequence[Address], names: Mapping[str, str], say: Callable[[str], None]
    ) -> DnsResult:
        """Delete what there is about the name and the addresses."""
        return self._call("remove", fqdn, lambda: self._remove(fqdn, addresses, say))

    def refresh(
        self,
        fqdn: str,
        addresses: Sequence[Address],
        names: Mapping[str, str],
        say: Callable[[str], None],
        gone: Sequence[Address] = (),
    ) -> DnsResult:
        """Delete everything, then write the records of `addresses`."""

        def work() -> None:
            self._remove(fqdn, [*addresses, *gone], say)
            self.forward[fqdn] = [address.text for address in addresses]
            self.reverse |= {address.text: names.get(address.text, fqdn) for address in addresses}
            say(f"fwd OK [powerdns] {ZONE} ← {fqdn} ({len(addresses)} IPs)")

        return self._call("refresh", fqdn, work)

    def _remove(self, fqdn: str, addresses: Sequence[Address], say: Callable[[str], None]) -> None:
        if self.forward.pop(fqdn, None) is not None:
            say(f"fwd-del OK [powerdns] {ZONE} ← {fqdn}")
        for address in addresses:
            if self.reverse.pop(address.text, None) is not None:
                say(f"rev-del OK [powerdns] {ZONE} ← {address.text}")

    def _call(self, what: str, fqdn: str, work: Callable[[], None]) -> DnsResult:
        self.served.append(what)
        try:
            self.gate.before(f"DNS {what}")
            if self.broken:
                return DnsResult(forward_err=1, messages=(f"{fqdn}: connection refused",))
            work()
            self.gate.after(f"DNS {what}")
        except requests.exceptions.ConnectionError as error:
            return DnsResult(forward_err=1, messages=(str(error),))
        return DnsResult(forward_ok=1)
