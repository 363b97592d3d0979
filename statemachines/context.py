"""Everything a step may touch, in one object. `bridge` builds it; parts are made when first asked for, so that a missing
credential fails the step that needs it, with its own line in the log, and no other."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from statemachines.hypervisor import Hypervisor
from statemachines.package import Package
from statemachines.ports import Addresses, Clock, Dns, Journal, Service, Store, Vm


@dataclass(frozen=True)
class Tuning:
    """Settings that steer the steps. Times in seconds; the limits are numbers of heavy operations at one time."""

    migration_enabled: bool = True
    migration_timeout: float = 300.0
    start_wait_ticks: int = 5
    heavy_per_node: int = 4
    heavy_per_storage: int = 2


class Naming(Protocol):
    """Names and secrets that are made once."""

    def vm_name(self) -> str:
        """The VM's name by the product's rule; expanded anew at each call, so write it down."""
        ...

    def fqdn(self, vm_name: str) -> str:
        """Name and main domain together."""
        ...

    def search_domain(self) -> str:
        """The main domain without leading and trailing dots."""
        ...

    def username(self) -> str:
        """The product's OS username, or a random one; anew at each call."""
        ...

    def password(self) -> str:
        """A random password of letters and digits; anew at each call."""
        ...


class Mark(Protocol):
    """Our mark on a VM."""

    @property
    def description(self) -> str:
        """The line we put into the VM's description."""
        ...

    @property
    def tag(self) -> str:
        """The tag we put on the VM."""
        ...

    def tags_with(self, tags: frozenset[str]) -> str:
        """The `tags` value that adds our tag to the VM's own."""
        ...

    def is_ours(self, config: Any) -> bool:
        """Whether this configuration carries the mark of this very service."""
        ...

    def is_foreign(self, config: Any) -> bool:
        """Whether this configuration carries somebody else's mark."""
        ...

    def made(self, note: Any) -> bool:
        """Whether the note of a backup says that it was made for this very service."""
        ...


class Context(Protocol):
    """What the engine hands to a step. Each part may raise when it is first asked for."""

    vm: Vm
    say: Callable[[str], None]  # prints a live line of the current step at once, e.g. a DNS operation; set by the run

    @property
    def package(self) -> Package: ...
    @property
    def service(self) -> Service: ...
    @property
    def hypervisor(self) -> Hypervisor: ...
    @property
    def addresses(self) -> Addresses: ...
    @property
    def dns(self) -> Dns: ...
    @property
    def store(self) -> Store: ...
    @property
    def journal(self) -> Journal: ...
    @property
    def clock(self) -> Clock: ...
    @property
    def tuning(self) -> Tuning: ...
    @property
    def naming(self) -> Naming: ...
    @property
    def mark(self) -> Mark: ...
    @property
    def server_name(self) -> str: ...
    @property
    def server_host(self) -> str: ...

    def close(self) -> None:
        """The run has ended, in whatever way: nobody goes on with what it has begun outside."""
        ...
