"""The list behind the old `dns.php`: forward and reverse names of all addresses, for DNS automations outside of WHMCS."""

from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from typing import Any, cast

from bridge.addresses.shown import addresses_in, rev_dns_of
from bridge.database import retry_lost_connection
from bridge.models.module import VmInfo
from bridge.models.whmcs import Product, Service
from bridge.module_log import MODULE
from bridge.settings import Settings
from statemachines.states import REMOVE


class ListRefused(Exception):
    """The caller is not among those who may read the list."""


@dataclass(frozen=True)
class DnsList:
    """Read-only; who may read it says the setting `dns_list_allow`."""

    settings: Settings

    def read(self, caller: str) -> list[dict[str, str]]:
        """One entry per address: `forward`, `ip`, `reverse`. Raises ListRefused."""
        if not is_allowed(caller, self.settings.dns_list_allow):
            raise ListRefused(
                f"{caller or 'this caller'} may not read the DNS list; the setting dns_list_allow names who may"
            )
        return list(_entries())


def is_allowed(caller: str, allowed: str) -> bool:
    """Whether the address `caller` is in one of the addresses or networks that `allowed` lists; in none of nothing."""
    try:
        address = ip_address(caller.strip())
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return any((mapped or address) in ip_network(text) for text in allowed.split())


@retry_lost_connection
def _entries() -> Iterator[dict[str, str]]:
    """Entries without a name on either side are left out, as the old module did."""
    rows: Any = (
        Service.select(Service.domain, Service.dedicatedip, Service.assignedips, VmInfo.vm_rev_dns)
        .join(VmInfo, on=(VmInfo.service_id == Service.id))
        .switch(Service)
        .join(Product, on=(Product.id == Service.packageid))
        .where((Product.servertype == MODULE) & (VmInfo.vm_status != REMOVE))
        .order_by(Service.id)
        .tuples()
    )
    found = []
    for domain, dedicated, assigned, names in cast("list[tuple[str, str, str, str]]", rows):
        reverse = rev_dns_of(names)
        for ip in addresses_in(f"{dedicated or ''}\n{assigned or ''}"):
            if domain and reverse.get(ip):
                found.append({"forward": domain, "ip": ip.exploded, "reverse": reverse[ip]})
    return iter(found)
