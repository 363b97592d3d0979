"""The narrow interfaces through which steps touch the world; `bridge` and `providers` implement them.

The cluster has a file of its own, `hypervisor`.

Errors: an implementation raises exceptions that carry `kind` (see `errors.Kind`) and a one-line message naming object and
cause. Every write may be repeated by a retry or after a crash; implementations and steps are built for that.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv6Address
from typing import Any, Protocol

Ip = IPv4Address | IPv6Address


@dataclass(frozen=True)
class Address:
    """One address of a VM with what the guest needs to use it.

    `prefix` is a CIDR length, `dns` the name servers in order, `vlan` 0 = untagged.
    """

    ip: Ip
    prefix: int
    gateway: str
    dns: tuple[str, ...] = ()
    bridge: str = "vmbr0"
    vlan: int = 0

    @property
    def text(self) -> str:
        """The stored and printed form: dotted IPv4, eight full lower-case groups for IPv6."""
        return self.ip.exploded

    @property
    def family(self) -> int:
        """4 or 6."""
        return self.ip.version


@dataclass
class Vm:
    """What we know about the VM of one service; the record store fills and keeps it.

    `vm_id` None = none reserved yet; `node` = where the VM was last seen; `template` = chosen at reinstall, None = the
    package's; `task` = UPID of the task that the current step waits for; `ticks` counts the paused ticks at the current
    state; `unmarked` True = the VM was made by the old module and carries no mark yet; `since` epoch seconds from
    when on the VMID has been this service's, 0 = unknown; `intent` small facts written down before acting (JSON types only);
    `queue` the limits of the scopes that were full at the last look, in memory only; `generation` tells a run that
    somebody has asked for something else since it began; `suspended` True = the VM must not run; `onboot` True = it
    started with its node before it was suspended; `snapshots` how many it had when they were counted last.
    """

    service_id: int
    client_id: int
    server_id: int
    status: str
    vm_id: int | None = None
    name: str = ""
    mac: str = ""
    rev_dns: dict[str, str] = field(default_factory=dict)
    node: str | None = None
    template: int | None = None
    task: str | None = None
    ticks: int = 0
    intent: dict[str, Any] = field(default_factory=dict)
    queue: Mapping[str, int] = field(default_factory=dict)
    generation: int = 0
    unmarked: bool = False
    since: float = 0.0
    suspended: bool = False
    onboot: bool = False
    snapshots: int = 0


@dataclass(frozen=True)
class Mail:
    """A mail to record together with a state change; it leaves through the outbox, once.

    `template` is the exact WHMCS template name, `variables` extra merge fields, `key` what makes it the same mail again.
    """

    template: str
    key: str
    variables: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Activity:
    """A line for the activity log of WHMCS, recorded like a mail. The client reads it, too."""

    text: str
    key: str


Notice = Mail | Activity


class Clock(Protocol):
    """Time, passed in."""

    def now(self) -> float:
        """Epoch seconds."""
        ...

    def stamp(self, epoch: float) -> str:
        """Local time of the installation as `YYYY-MM-DD HH:MM:SS`."""
        ...


NO_INTENT: Mapping[str, Any] = {}


class Store(Protocol):
    """Keeps the VM's record. Every method writes in one transaction and only while the lease is held, else LeaseLost."""

    def note(self, vm: Vm, **changes: Any) -> None:
        """Write fields of `vm` down (and set them on it) before acting on them. May run twice."""
        ...

    def clear(self, vm: Vm) -> None:
        """The VM is gone: forget its VMID, name, MAC, node, template, reverse names and task ids, and the service's domain.

        May run twice. The logs stay.
        """
        ...

    def advance(
        self,
        vm: Vm,
        state: str,
        run: Mapping[str, Any],
        mails: Sequence[Notice] = (),
        intent: Mapping[str, Any] = NO_INTENT,
    ) -> None:
        """Move the VM to `state` together with its log and the mails it causes; clears task and ticks, sets the intent.

        Only if the VM is still at the state that `vm` says; otherwise somebody changed it meanwhile: LeaseLost."""
        ...

    def keep(self, vm: Vm, run: Mapping[str, Any], *, cause: str, who: str) -> None:
        """Write the log of a run that paused: the state stays, `ticks` grows, the next try is planned.

        `who` names the person who has to act, empty when time may heal it; `cause` is the line the admin reads. Where somebody
        has to act, the activity log of WHMCS says so, once for as long as the VM is in trouble, to staff only.
        """
        ...

    def rest(self, vm: Vm) -> None:
        """Leave the VM as it is and have it looked at again after a while; nothing is wrong with it."""
        ...

    def reserve_vmid(self, vm: Vm, first: int, used: Collection[int]) -> int:
        """Reserve the lowest VMID >= `first` that neither `used` nor any row of ours holds; unique by database key.

        Returns the VMID already reserved when there is one. Raises NeedsAttention when the range is exhausted.
        """
        ...

    def give_up_vmid(self, vm: Vm) -> None:
        """Forget a reserved VMID that turned out to be a stranger's; it stays blocked for us."""
        ...

    def adopt_vmid(self, vm: Vm) -> None:
        """Reserve the VMID that the record of the old module shows, for its service. May run twice.

        Raises NeedsAttention when it is reserved for another service of the same cluster.
        """
        ...

    def acquire(self, vm: Vm, limits: Mapping[str, int]) -> str | None:
        """Take one slot in each named scope (all or none), e.g. {"node:pve1": 4, "storage:ceph": 2}.

        Returns None when held (also when already held by this VM), else the name of the first scope that is full.
        """
        ...

    def full(self, vm: Vm, limits: Mapping[str, int]) -> str | None:
        """The first of the scopes in which `acquire` would find no slot now, None when all have one. Writes nothing."""
        ...

    def release(self, vm: Vm) -> None:
        """Give all slots of this VM back. Harmless when none is held."""
        ...


class Addresses(Protocol):
    """The address book."""

    def allocate(self, vm: Vm, network: Any, hostname: str) -> list[Address]:
        """Hold as many addresses as the package wants and record them in WHMCS; returns all that are held.

        One transaction; a service that already holds enough gets the same ones again. Raises a PERMANENT error that names
        server and family when none is free.
        """
        ...

    def release(self, service_id: int, keep: Collection[Address] = ()) -> None:
        """Take back all addresses of the service but `keep`, also from what WHMCS shows. May run twice."""
        ...

    def held(self, vm: Vm) -> list[Address]:
        """What the service holds: primary IPv4, further IPv4, IPv6. Raises when an address has no network data any more."""
        ...

    def ips(self, service_id: int) -> list[Ip]:
        """The addresses that the service holds or shows, in the same order, whether their network is known or not."""
        ...

    def names(self, service_id: int) -> dict[str, str]:
        """The reverse names of the service's addresses as they are now, by address in its stored form."""
        ...

    def rename(self, service_id: int, former: str, name: str) -> None:
        """Give the addresses whose reverse name is `former` the name `name`. May run twice."""
        ...


class Service(Protocol):
    """The WHMCS service behind the VM."""

    @property
    def domain(self) -> str:
        """The FQDN as WHMCS has it."""
        ...

    @property
    def username(self) -> str:
        """The guest's user name as WHMCS has it."""
        ...

    @property
    def ssh_keys(self) -> str:
        """Public keys of the guest, one per line; empty when there are none."""
        ...

    def password(self) -> str:
        """The guest password in clear, decrypted by WHMCS; kept in memory only."""
        ...

    def set_credentials(self, username: str, password: str | None) -> None:
        """Store the guest's user name, and a new password (encrypted by WHMCS) unless None. May run twice."""
        ...

    def set_domain(self, domain: str) -> None:
        """Store the VM's FQDN as the service's domain. May run twice."""
        ...


@dataclass(frozen=True)
class HostNames:
    """A VM as the DNS sees it: host names, addresses, and the reverse name of each address.

    `fqdns` absolute host names, in use are those of the first; `ips` primary IPv4, further IPv4, IPv6; `reverse` host names
    by address in its stored form, an address without one has the first FQDN. Nothing in it = no records.
    """

    fqdns: tuple[str, ...] = ()
    ips: tuple[Ip, ...] = ()
    reverse: Mapping[str, str] = field(default_factory=dict)

    def reverse_name(self, ip: Ip) -> str:
        """The name that `ip` stands for; empty when there is none."""
        return self.reverse.get(ip.exploded) or (self.fqdns[0] if self.fqdns else "")


@dataclass(frozen=True)
class DnsResult:
    """How a round of DNS work ended; a failed record never stops the pipeline.

    Counted are operations that end in a record being there or gone, each once; `messages` has a line for each failed one.
    """

    forward_ok: int = 0
    forward_err: int = 0
    rev_ok: int = 0
    rev_err: int = 0
    messages: tuple[str, ...] = ()


class Dns(Protocol):
    """Forward and reverse records in every matching zone."""

    def sync(self, service_id: int, gone: HostNames, wanted: HostNames, say: Callable[[str], None]) -> DnsResult | None:
        """Delete all records of `gone`, then create those of `wanted`, and print each operation at once through `say`.

        None = the providers are still at work: ask again, the arguments of the first call hold. That is so for less than a
        minute. Never raises for a provider's failure: what failed is remembered for the service and tried again later. Raises
        LeaseLost when the VM is another's by the end. May run twice.
        """
        ...

    def confirm(self) -> None:
        """Compare what the last `sync` has written with what the service should have by now; what differs is tried again."""
        ...

    def recheck(self, service_id: int, names: HostNames, seconds: float) -> None:
        """Have all records of `names` looked at again in `seconds`, for what the service should have then. May run twice."""
        ...


class Journal(Protocol):
    """The module log of WHMCS (secrets masked by the implementation)."""

    def record(self, action: str, request: Any, response: Any) -> None:
        """Write one row; never raises."""
        ...
