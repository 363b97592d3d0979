"""Cloud-init's addresses of one card: `ipconfig0: ip=192.0.2.5/24,gw=192.0.2.1,ip6=2001:db8::5/64,gw6=2001:db8::1`."""

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Interface, IPv6Address, IPv6Interface
from typing import Self

from providers.proxmox import property_string


@dataclass(frozen=True)
class IpConfig:
    """Addresses for one card: at most one of each family; further ones are the guest's own business.

    `ip` is `address/prefix` or "dhcp"; `ip6` `address/prefix`, "dhcp" or "auto" (SLAAC). Addresses are kept in canonical
    form, so two of these are equal when they mean the same. Raises ValueError for anything else, and for a gateway
    without an address, as Proxmox would.
    """

    ip: str | None = None
    gw: str | None = None
    ip6: str | None = None
    gw6: str | None = None
    extra: property_string.Pairs = ()

    def __post_init__(self) -> None:
        if self.gw and not self.ip:
            raise ValueError(f"gateway {self.gw} without an IPv4 address")
        if self.gw6 and not self.ip6:
            raise ValueError(f"gateway {self.gw6} without an IPv6 address")
        set_ = object.__setattr__
        if self.ip and self.ip != "dhcp":
            set_(self, "ip", str(IPv4Interface(self.ip)))
        if self.ip6 and self.ip6 not in ("dhcp", "auto"):
            set_(self, "ip6", str(IPv6Interface(self.ip6)))
        if self.gw:
            set_(self, "gw", str(IPv4Address(self.gw)))
        if self.gw6:
            set_(self, "gw6", str(IPv6Address(self.gw6)))

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read an ipconfigN value."""
        found: dict[str, str] = {}
        extra = []
        for key, value in property_string.parse(text):
            if key in ("ip", "gw", "ip6", "gw6"):
                found[key] = value
            else:
                extra.append((key, value))
        return cls(**found, extra=tuple(extra))

    def with_(
        self, *, ip: str | None = None, gw: str | None = None, ip6: str | None = None, gw6: str | None = None
    ) -> Self:
        """The same with exactly these addresses; None leaves the key out."""
        return type(self)(ip or None, gw or None, ip6 or None, gw6 or None, self.extra)

    def __bool__(self) -> bool:
        return bool(str(self))

    def __str__(self) -> str:
        pairs = ((key, getattr(self, key)) for key in ("ip", "gw", "ip6", "gw6"))
        return property_string.render((*((key, value) for key, value in pairs if value), *self.extra))
