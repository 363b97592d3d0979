"""Puts the parts together, once per process and role. Nothing here decides anything."""

import logging
import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property, partial

from requests.adapters import BaseAdapter

from bridge import database
from bridge.addresses.book import AddressBook
from bridge.addresses.pool_admin import Pools
from bridge.addresses.quarantine import Quarantine
from bridge.claims import Claims, new_owner
from bridge.clock import SystemClock
from bridge.config import Config, ConfigError, load_config
from bridge.console import Emit, to_stdout
from bridge.cron import Cron
from bridge.dns.check import DnsCheck
from bridge.dns.connection import Providers
from bridge.dns.credentials import Vault
from bridge.dns.listing import DnsList
from bridge.dns.pending import Pending
from bridge.dns.resolver import Resolver
from bridge.dns.retries import Retries
from bridge.dns.reverse import Resolve, ReverseNames
from bridge.dns.sync import DnsSync
from bridge.dns.zone_admin import ZoneAdmin
from bridge.dns.zones import ZonePool, Zones
from bridge.dns_log import DnsLog
from bridge.hypervisors import Hypervisors
from bridge.lifecycle.adoption import Adoption
from bridge.lifecycle.backup_list import BackupList
from bridge.lifecycle.backup_schedule import ScheduledBackups
from bridge.lifecycle.backup_takeover import LeftBackups, LeftRestores
from bridge.lifecycle.direct import Direct
from bridge.lifecycle.errands import Errands
from bridge.lifecycle.explain import Explanations
from bridge.lifecycle.password import Passwords
from bridge.lifecycle.records import Records
from bridge.lifecycle.requests import Requests
from bridge.lifecycle.snapshot_duty import Snapshots
from bridge.lifecycle.suspension import Suspension
from bridge.models.module import DnsZone
from bridge.models.whmcs import Server
from bridge.module_log import ADDON, ModuleLog
from bridge.observation.gauges import Gauges
from bridge.observation.health import Health
from bridge.observation.meters import Meters
from bridge.observation.process import ProcessObservation
from bridge.observation.pulse import TELL_SECONDS, Pulse
from bridge.orders import Orders
from bridge.outbox import Delivery, Outbox
from bridge.proxmox_log import DebugSwitch, ProxmoxLog
from bridge.runs import WORKING_STATES, Runs
from bridge.scheduler import Chore, Scheduler
from bridge.settings import Settings, install_id
from bridge.statistics.collector import Statistics
from bridge.store import RecordStore
from bridge.tasks import BACKUPS, PROCESS, RESTORES, SCHEDULE, SNAPSHOTS, STATISTICS, TASKS, Duty
from bridge.trust import Trust
from bridge.vm_context import Shop
from bridge.worker import Worker
from providers.dns import Zone
from providers.whmcs import WhmcsApi

log = logging.getLogger(__name__)

WHMCS_API = ("whmcs_api_url", "whmcs_api_identifier", "whmcs_api_secret")  # what every role that works needs
SWEEP_SECONDS = 60
DELIVER_SECONDS = 1
BURY_SECONDS = 5
ENFORCE_SECONDS = 60
DNS_SECONDS = 5
LOOK_SECONDS = 1  # between two looks whether a task's interval is over


@dataclass(frozen=True)
class Outside:
    """What takes the place of network and time in tests: sandboxes in process, and a clock that a pause moves."""

    proxmox: Callable[[Server], BaseAdapter | None] = lambda server: None
    whmcs: BaseAdapter | None = None
    dns: Callable[[DnsZone], Zone | None] = lambda row: None
    resolve: Resolve = field(default_factory=Resolver)
    pause: Callable[[float], None] = time.sleep


class House:
    """One process's view of the installation: every part made once, when first asked for."""

    def __init__(self, config: Config, clock: SystemClock | None = None, outside: Outside = Outside()) -> None:
        self.config = config
        self.clock = clock or SystemClock(config.timezone)
        self.outside = outside
        self.database = database.connect(config.database_url.get_secret_value())
        self.settings = Settings()
        self.journal = ModuleLog(self.clock, enabled=lambda: self.settings.module_log)
        self.trust = Trust(self.journal)
        debugging = DebugSwitch(self.clock.now)
        calls = ProxmoxLog(self.journal, debugging, self.clock.now)
        addon_journal = ModuleLog(self.clock, enabled=lambda: self.settings.module_log, module=ADDON)
        dns_calls = DnsLog(addon_journal, debugging, self.clock.now)
        self.meters = Meters()
        self.pulse = Pulse()
        self.hypervisors = Hypervisors(
            self.whmcs, lambda: self.settings, self.trust, outside.proxmox, calls, self.meters.proxmox
        )
        self.zones = Zones(Providers(Vault(config.key_at_rest), self.trust, dns_calls), self.clock.now, outside.dns)
        self.dns_pool = ZonePool()
        self.dns_pending = Pending(self.clock)
        self.outbox = Outbox(self.clock)
        self.orders = Orders(self.outbox, self.clock)
        self.requests = Requests(self.clock)
        self.suspension = Suspension(self.clock, lambda: self.hypervisors)
        self.records = Records(self.clock)
        self.pools = Pools(self.clock, self.quarantine)
        self.explanations = Explanations(self.clock, self.settings)
        self._per_thread = threading.local()

    def whmcs(self) -> WhmcsApi:
        """This thread's client of WHMCS's API. Raises ConfigError when the API is not configured."""
        api = getattr(self._per_thread, "whmcs", None)
        if api is None:
            api = self._per_thread.whmcs = self._connect_whmcs()
        return api

    def quarantine(self) -> Quarantine:
        """The quarantine of addresses as it stands at this moment."""
        return Quarantine(self.clock.now(), 60.0 * self.settings.address_quarantine)

    @cached_property
    def owner(self) -> str:
        """This process as a holder of leases. Named at first use, which in the web role is after the fork."""
        return new_owner()

    @cached_property
    def claims(self) -> Claims:
        """Leases in the name of this process."""
        return Claims(self.owner, WORKING_STATES, self.clock)

    @cached_property
    def store(self) -> RecordStore:
        """Records of the VMs that this process holds."""
        interval = 60.0 * max(1, self.settings.cron_interval("processVirtualMachines"))
        return RecordStore(self.owner, self.outbox, self.clock, retry_after=interval)

    @cached_property
    def dns(self) -> DnsSync:
        """Writes the records of VMs."""
        return DnsSync(self.zones, self.journal, self.dns_pending, self.clock.now, self.dns_pool)

    @cached_property
    def dns_retries(self) -> Retries:
        """Tries again what failed."""
        return Retries(self.zones, self.dns_pending, self.journal, self.dns_pool)

    @cached_property
    def zone_admin(self) -> ZoneAdmin:
        """The admin's list of zones."""
        return ZoneAdmin(self.zones, self.dns_pending)

    @cached_property
    def dns_check(self) -> DnsCheck:
        """Compares services with what the providers hold."""
        return DnsCheck(self.zones, self.dns_pending, self.dns_retries, self.dns_pool)

    @cached_property
    def reverse_names(self) -> ReverseNames:
        """Reverse names of addresses."""
        return ReverseNames(self.dns, self.dns_pending, self.outbox, self.outside.resolve)

    @cached_property
    def dns_list(self) -> DnsList:
        """The list behind dns.php."""
        return DnsList(self.settings)

    @cached_property
    def runs(self) -> Runs:
        """Opens runs."""
        return Runs(
            Shop(
                clock=self.clock,
                store=self.store,
                addresses=AddressBook(self.clock, self.quarantine),
                dns=self.dns,
                journal=self.journal,
                hypervisors=self.hypervisors,
                settings=self.settings,
                install_id=install_id(),
            ),
            self.meters.step,
        )

    @cached_property
    def observation(self) -> ProcessObservation:
        """Health and metrics of this process."""
        return ProcessObservation(
            Health(self.database, self.settings, self.clock),
            self.meters,
            Gauges(self.clock, self.settings, self.quarantine),
            self.settings,
        )

    @cached_property
    def direct(self) -> Direct:
        """Runs commands that somebody waits for."""
        return Direct(self.runs, self.claims, self.outside.pause)

    @cached_property
    def adoption(self) -> Adoption:
        """Sets the VMID of services."""
        return Adoption(self.runs, self.claims)

    @cached_property
    def passwords(self) -> Passwords:
        """Changes guests' passwords."""
        return Passwords(self.direct, self.whmcs, self.clock)

    @cached_property
    def duties(self) -> dict[str, Duty]:
        """What the cron tasks plan, by task."""
        shelves = BackupList(lambda: self.runs.shop)
        return {
            SCHEDULE.name: ScheduledBackups(self.errands, self.clock),
            BACKUPS.name: LeftBackups(lambda: self.runs.shop, shelves),
            RESTORES.name: LeftRestores(self.requests),
            SNAPSHOTS.name: Snapshots(self.errands, lambda: self.runs.shop, self.clock),
            STATISTICS.name: self.statistics,
        }

    @cached_property
    def errands(self) -> Errands:
        """Commands that cron tasks plan for VMs."""
        return Errands(self.clock)

    @cached_property
    def statistics(self) -> Statistics:
        """Collects traffic."""
        return Statistics(self.clock, self.hypervisors, install_id)

    @cached_property
    def cron(self) -> Cron:
        """Ticks, and the scheduler's flow of work."""
        worker = Worker(self.claims, self.runs, self.clock, self.config.workers)
        before = {"suspended VMs": self.suspension.enforce}
        after = {"DNS records": self.dns_retries.work}
        return Cron(self.claims, worker, self.settings, self.clock, self.duties, before, after)

    def deliver(self) -> int:
        """Send what is due in the outbox; returns how many left. For one thread at a time."""
        delivery = getattr(self._per_thread, "delivery", None)
        if delivery is None:
            delivery = self._per_thread.delivery = Delivery(self.whmcs(), self.journal, self.clock)
        return int(delivery.deliver_due())

    @contextmanager
    def delivering(self) -> Iterator[None]:
        """Send the outbox beside other work, and what is left once more at the end."""
        done = threading.Event()
        thread = threading.Thread(target=self._deliver_until, args=(done,), name="outbox")
        thread.start()
        try:
            yield
        finally:
            done.set()
            thread.join()

    def _deliver_until(self, done: threading.Event) -> None:
        last = False
        while not last:
            last = done.wait(DELIVER_SECONDS)
            try:
                self.deliver()
            except (ConfigError, database.DatabaseUnavailable) as error:
                log.warning("outbox: %s", error)
            except Exception:
                log.exception("the outbox could not be delivered; its messages stay")
        database.close_connection()

    def scheduler(self, emit: Emit = to_stdout) -> Scheduler:
        """The scheduler role."""
        chores = [
            Chore("outbox", DELIVER_SECONDS, self.deliver),
            Chore("dead leases", BURY_SECONDS, self.claims.bury),
            Chore("sweep", SWEEP_SECONDS, self.cron.sweep),
            Chore("DNS records", DNS_SECONDS, self.dns_retries.work),
            Chore("suspended VMs", ENFORCE_SECONDS, self.suspension.enforce),
            *(
                Chore(task.name, LOOK_SECONDS, partial(self.cron.tend, task, emit))
                for task in TASKS
                if task is not PROCESS
            ),
            Chore("sign of life", TELL_SECONDS, self.tell_alive),
        ]
        return Scheduler(self.cron, self.claims, chores, emit, self.pulse)

    def tell_alive(self) -> None:
        """Write down that this process works, while it does."""
        if self.pulse.alive:
            self.settings.set_scheduler_seen(self.clock.now())

    def _connect_whmcs(self) -> WhmcsApi:
        config = self.config
        if not (config.whmcs_api_url and config.whmcs_api_identifier and config.whmcs_api_secret):
            raise ConfigError(
                "the WHMCS API is not configured: set KVM_BRIDGE_WHMCS_API_URL, KVM_BRIDGE_WHMCS_API_IDENTIFIER "
                "and KVM_BRIDGE_WHMCS_API_SECRET"
            )
        return WhmcsApi(
            config.whmcs_api_url,
            config.whmcs_api_identifier.get_secret_value(),
            config.whmcs_api_secret.get_secret_value(),
            adapter=self.outside.whmcs,
        )


def house_from_environment(environment: Mapping[str, str] = os.environ, need: tuple[str, ...] = ()) -> House:
    """The house that the environment describes. Raises ConfigError."""
    return House(load_config(environment, need))
