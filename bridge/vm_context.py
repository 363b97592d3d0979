"""What a run may touch, made for one VM. Implements `statemachines.context.Context`.

Parts are made when a step first asks for them, so a missing credential or a bad setting fails that step, with its line.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

from bridge.clock import SystemClock
from bridge.dns.sync import DnsSync, RunDns
from bridge.hypervisors import Hypervisors, host_of, server_entry
from bridge.models.whmcs import Service as ServiceRow
from bridge.package import naming
from bridge.package.hostnames import ascii_domain
from bridge.product_settings import effective_package
from bridge.settings import Settings
from bridge.whmcs_service import WhmcsService
from providers.proxmox import Mark, Proxmox
from statemachines.context import Tuning
from statemachines.package import Package
from statemachines.ports import Addresses, Journal, Store, Vm


@dataclass(frozen=True)
class Shop:
    """What all VMs of this installation share."""

    clock: SystemClock
    store: Store
    addresses: Addresses
    dns: DnsSync
    journal: Journal
    hypervisors: Hypervisors
    settings: Settings
    install_id: str


def no_lines(text: str) -> None:
    """Nobody reads along."""


class VmContext:
    """The context of one run."""

    def __init__(self, vm: Vm, service: ServiceRow, shop: Shop) -> None:
        self.vm = vm
        self.say: Callable[[str], None] = no_lines
        self._row = service
        self._shop = shop
        self.store = shop.store
        self.addresses = shop.addresses
        self.dns = RunDns(shop.dns, lambda: shop.store.note(vm))
        self.journal = shop.journal
        self.clock = shop.clock

    def close(self) -> None:
        """What DNS providers are still at work on is looked at again when they have done it."""
        self.dns.abandon()

    @cached_property
    def package(self) -> Package:
        """The effective package; warnings about options go to the module log."""
        package, warnings = effective_package(self.vm.service_id)
        if warnings:
            self.journal.record("effective_package", f"service {self.vm.service_id}", "\n".join(warnings))
        return package

    @cached_property
    def service(self) -> WhmcsService:
        """The service in WHMCS."""
        return WhmcsService(self._row, self._shop.hypervisors.whmcs)

    @cached_property
    def hypervisor(self) -> Proxmox:
        """The cluster of the service's server."""
        return self._shop.hypervisors.for_server(self.vm.server_id)

    @cached_property
    def naming(self) -> "Naming":
        """Names by the product's rules."""
        return Naming(self.vm, self.package, self.clock)

    @cached_property
    def mark(self) -> Mark:
        """Our mark for this service."""
        return Mark(self._shop.install_id, self.vm.service_id)

    @cached_property
    def server_name(self) -> str:
        """The server as the admin knows it."""
        return str(server_entry(self.vm.server_id).name)

    @cached_property
    def server_host(self) -> str:
        """The host name of the server, or its address when it has none."""
        return host_of(server_entry(self.vm.server_id))

    @property
    def tuning(self) -> Tuning:
        """Settings that steer the steps."""
        settings = self._shop.settings
        return Tuning(
            migration_enabled=settings.migration_enabled,
            migration_timeout=settings.migration_timeout,
            start_wait_ticks=settings.start_wait_ticks,
            heavy_per_node=settings.heavy_per_node,
            heavy_per_storage=settings.heavy_per_storage,
        )


class Naming:
    """Names and secrets made once. Implements `statemachines.context.Naming`."""

    def __init__(self, vm: Vm, package: Package, clock: SystemClock) -> None:
        self._vm = vm
        self._package = package
        self._clock = clock
        self._rng = random.SystemRandom()

    def vm_name(self) -> str:
        """The VM's name by the product's rule."""
        now = self._clock.local(self._clock.now())
        return naming.vm_name(
            self._package.vm_name_rule,
            client_id=self._vm.client_id,
            service_id=self._vm.service_id,
            now=now,
            rng=self._rng,
        )

    def fqdn(self, vm_name: str) -> str:
        """Name and main domain together."""
        return naming.fqdn(vm_name, self._package.main_domain)

    def search_domain(self) -> str:
        """The main domain in ASCII, without leading and trailing dots."""
        return ascii_domain(self._package.main_domain)

    def username(self) -> str:
        """The product's OS username, or a random one."""
        return self._package.os_username or naming.random_user_name(self._rng)

    def password(self) -> str:
        """A random password."""
        return naming.random_password(self._rng)
