"""Puts the parts together, once per process and role. Nothing here decides anything."""

import logging
import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property

from flask import Flask
from requests.adapters import BaseAdapter

from bridge import database
from bridge.addresses.book import AddressBook
from bridge.claims import Claims, new_owner
from bridge.clock import SystemClock
from bridge.config import Config, ConfigError, load_config
from bridge.console import Emit, to_stdout
from bridge.cron import Cron
from bridge.hypervisors import Hypervisors
from bridge.lifecycle.adoption import Adoption
from bridge.lifecycle.direct import Direct
from bridge.lifecycle.farewell import PromptRequests
from bridge.lifecycle.password import Passwords
from bridge.lifecycle.plan import Planner
from bridge.lifecycle.records import Records
from bridge.lifecycle.requests import Requests
from bridge.lifecycle.suspension import Suspension
from bridge.migrations import migrate
from bridge.models.whmcs import Server
from bridge.module_log import ModuleLog
from bridge.orders import Orders
from bridge.outbox import Delivery, Outbox
from bridge.protocol.nonces import DatabaseNonces
from bridge.runs import WORKING_STATES, Runs
from bridge.scheduler import Chore, Scheduler
from bridge.server_test import ConnectionTest
from bridge.settings import Settings, install_id
from bridge.store import RecordStore
from bridge.streamed_cron import StreamedCron
from bridge.trust import Trust
from bridge.vm_context import Shop
from bridge.web.app import create_app
from bridge.worker import Worker
from bridge.zones import Zones
from providers.whmcs import WhmcsApi

log = logging.getLogger(__name__)

WHMCS_API = ("whmcs_api_url", "whmcs_api_identifier", "whmcs_api_secret")  # what every role that works needs
SWEEP_SECONDS = 60
DELIVER_SECONDS = 1
BURY_SECONDS = 5
ENFORCE_SECONDS = 60


@dataclass(frozen=True)
class Outside:
    """What takes the place of network and time in tests: sandboxes in process, and a clock that a pause moves."""

    proxmox: Callable[[Server], BaseAdapter | None] = lambda server: None
    whmcs: BaseAdapter | None = None
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
        self.hypervisors = Hypervisors(self.whmcs, lambda: self.settings, self.trust, outside.proxmox)
        self.outbox = Outbox(self.clock)
        self.orders = Orders(self.outbox, self.clock)
        self.requests = Requests(self.clock)
        self.suspension = Suspension(self.clock, lambda: self.hypervisors)
        self.records = Records(self.clock)
        self._per_thread = threading.local()

    def whmcs(self) -> WhmcsApi:
        """This thread's client of WHMCS's API. Raises ConfigError when the API is not configured."""
        api = getattr(self._per_thread, "whmcs", None)
        if api is None:
            api = self._per_thread.whmcs = self._connect_whmcs()
        return api

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
    def runs(self) -> Runs:
        """Opens runs."""
        return Runs(
            Shop(
                clock=self.clock,
                store=self.store,
                addresses=AddressBook(self.clock),
                dns=Zones(self.journal),
                journal=self.journal,
                hypervisors=self.hypervisors,
                settings=self.settings,
                install_id=install_id(),
            )
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
    def cron(self) -> Cron:
        """Ticks, and the scheduler's flow of work."""
        worker = Worker(self.claims, self.runs, self.clock, self.config.workers)
        return Cron(self.claims, worker, self.settings, self.clock)

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
            Chore("suspended VMs", ENFORCE_SECONDS, self.suspension.enforce),
        ]
        return Scheduler(self.cron, self.claims, chores, emit)

    @cached_property
    def web_services(self) -> "WebServices":
        """What the web application serves."""
        return WebServices(self)

    def web(self) -> Flask:
        """The web role's application. Raises ConfigError without a secret."""
        if self.config.secret is None:
            raise ConfigError("secret: not set, the web role needs KVM_BRIDGE_SECRET")
        return create_app(self.web_services, self.config.secret.get_secret_value())

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


class WebServices:
    """Implements `bridge.web.interfaces.Services`."""

    def __init__(self, house: House) -> None:
        self._house = house
        self.nonces = DatabaseNonces()
        self.orders = house.orders
        self.requests = PromptRequests(house.requests, lambda: house.runs.shop)
        self.suspension = house.suspension
        self.records = house.records
        self.connections = ConnectionTest(house.hypervisors, house.settings)
        self.cron = StreamedCron(lambda: house.cron, house.settings, house.delivering)
        self.installation = InstallationLife(house)

    @property
    def plans(self) -> Planner:
        """What package changes would do."""
        return Planner(self._house.runs.shop)

    @property
    def commands(self) -> Direct:
        """Commands on VMs."""
        return self._house.direct

    @property
    def adoption(self) -> Adoption:
        """Existing VMs for services."""
        return self._house.adoption

    @property
    def passwords(self) -> Passwords:
        """Passwords of guests."""
        return self._house.passwords

    def open(self) -> None:
        """Connections open at the first query."""

    def close(self) -> None:
        """Gunicorn's threads are few and keep their connection; peewee replaces one that died."""


class InstallationLife:
    """Implements `bridge.web.interfaces.Installation`."""

    def __init__(self, house: House) -> None:
        self._house = house

    def activate(self) -> str:
        """Bring the schema up to date."""
        applied = migrate(self._house.database)
        return f"The database is up to date ({len(applied)} migrations applied now)." if applied else "Up to date."

    def deactivate(self) -> str:
        """Everything is kept."""
        return "All tables are kept, so that nothing is lost."

    def upgrade(self, from_version: str) -> None:
        """Bring the schema up to date."""
        self.activate()


def house_from_environment(environment: Mapping[str, str] = os.environ, need: tuple[str, ...] = ()) -> House:
    """The house that the environment describes. Raises ConfigError."""
    return House(load_config(environment, need))


def create_application() -> Flask:
    """gunicorn's application."""
    return house_from_environment(need=("secret",)).web()
