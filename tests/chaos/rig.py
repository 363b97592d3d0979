"""A whole installation in one process, on virtual time: database, sandbox WHMCS, sandbox Proxmox, and the daemon.

The daemon can die at any outgoing call and be started again; what it remembers is what it wrote down.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Any, TypeVar

import requests
from pydantic import SecretStr

from bridge.config import Config
from bridge.console import Console
from bridge.cron import Cron, Wanted
from bridge.dns.zones import ZonePool
from bridge.models.companion import OutboxMessage, PendingRecord, Setting, VmWork
from bridge.models.whmcs import Server, Service
from bridge.outbox import Delivery
from bridge.outbox.delivery import UNSENT
from bridge.sandbox.proxmox import demo_cluster
from bridge.sandbox.proxmox.adapter import InProcessAdapter
from bridge.sandbox.proxmox.cluster import Cluster
from bridge.sandbox.proxmox.messages import Answer
from bridge.sandbox.whmcs.adapter import WhmcsAdapter
from bridge.sandbox.whmcs.core import WhmcsSandbox
from bridge.sandbox.whmcs.seed import ProxmoxAccess, seed
from bridge.tasks import Task
from bridge.web.callers import Actor
from bridge.wiring import House, Outside
from tests.chaos.clock import VirtualClock
from tests.chaos.gate import Gate, Killed
from tests.chaos.observed import INSTALL, Observed
from tests.chaos.virtual_worker import VirtualWorker
from tests.conftest import installed

PRODUCT = {
    "os_template": "9000",
    "clone_type": "full",
    "cpu": "2",
    "ram": "2",
    "sys_storage": "ceph-vm",
    "sys_size": "20",
    "sys_mbps_rd": "100",
    "sys_iops_wr": "500",
    "add_size": "10",
    "add_mbps_rd": "50",
    "net_bandwidth": "12",
    "ipv4_count": "2",
    "ipv6_count": "1",
    "dhcp_ipv4": "off",
    "dhcp_ipv6": "off",
    "fw_ipfilter": "on",
    "iso_storage": "backup|nfs",
    "main_domain": ".example.com",
}
PATIENT_TRIES = 2  # of a DNS record

T = TypeVar("T")

LONGEST = 6 * 3600.0  # virtual seconds until a run that does not come to rest is given up


class OneByOne(ZonePool):
    """Zones are worked on in the thread that asks, so that calls have an order and the process can die at each."""

    def submit(self, zone_id: int, job: Callable[[], T]) -> Future[T]:
        """Done when it comes back."""
        done: Future[T] = Future()
        done.set_result(job())
        return done


class Rig(Observed):
    """One installation. `settings` override the demo product's, `version` is that of Proxmox VE.

    `witnesses` are called with every request to Proxmox and its answer.
    """

    def __init__(
        self, folder: Path, settings: dict[str, str] | None = None, url: str | None = None, version: str = "8.4"
    ) -> None:
        self.clock = VirtualClock()
        self.url = url or f"sqlite:///{folder}/whmcs.sqlite?synchronous=off"
        installed(self.url)
        Setting.update(value=INSTALL).where(Setting.name == "install_id").execute()
        self.cluster = demo_cluster(self.clock, version)
        self.whmcs = WhmcsSandbox(self.clock)
        token, _, secret = self.cluster.demo_token.partition("=")
        access = ProxmoxAccess("pve1", 8006, token, secret)
        self.shop = seed(self.whmcs.shop, access, {**PRODUCT, **(settings or {})})
        self.clusters = {self.shop.server_id: self.cluster}
        self.witnesses: list[Callable[[requests.PreparedRequest, Answer], None]] = []
        self.gate = Gate()
        self.lines: list[str] = []
        self.deaths = 0
        self.start_daemon()

    def start_daemon(self) -> None:
        """A fresh process: nothing of the old one is left but what is in the database."""
        config = Config(
            database_url=SecretStr(self.url),
            whmcs_api_url="http://whmcs.sandbox/",
            whmcs_api_identifier=SecretStr(self.whmcs.identifier),
            whmcs_api_secret=SecretStr(self.whmcs.secret),
        )
        self.house = House(config, self.clock, self.outside())  # type: ignore[arg-type]
        self.house.dns_pool = OneByOne()

    def outside(self) -> Outside:
        """The sandboxes in process, and time that passes when somebody waits."""
        whmcs = WhmcsAdapter(self.whmcs, before=self.gate.before, after=self.gate.after)
        return Outside(proxmox=self._adapter, whmcs=whmcs, pause=self.clock.advance)

    def _adapter(self, server: Server) -> InProcessAdapter:
        return InProcessAdapter(self.clusters[server.id], before=self.gate.before, after=self._answered)

    def _answered(self, request: requests.PreparedRequest, answer: Answer) -> None:
        for witness in self.witnesses:
            witness(request, answer)
        self.gate.after(request, answer)

    def add_server(self, cluster: Cluster, name: str) -> int:
        """Another server entry with a cluster of its own; its id. The cluster has to be on the rig's clock."""
        token, _, secret = cluster.demo_token.partition("=")
        first = Server.get_by_id(self.shop.server_id)
        server = Server.create(
            name=name,
            hostname=name,
            ipaddress=name,
            port=8006,
            type=first.type,
            username=token,
            password=self.whmcs.passwords.encrypt(secret),
            secure="on",
            active=1,
        )
        self.clusters[server.id] = cluster
        return int(server.id)

    def order(self, **options: int) -> int:
        """A client orders, WHMCS calls CreateAccount."""
        service_id = self.shop.order("my-server", **options)
        answer = self.house.orders.create(service_id, Actor())
        assert answer == "success", answer
        Service.update(domainstatus="Active").where(Service.id == service_id).execute()
        return service_id

    def run(self, die_at: int | None = None, moment: Any = None) -> Gate:
        """Let the daemon work until nothing is due any more; with `die_at` it dies once and is started again."""
        self.gate.__init__(die_at, moment or self.gate.moment)  # type: ignore[misc]
        finish = self.clock.now() + LONGEST
        while self.clock.now() < finish:
            try:
                if not self._work():
                    return self.gate
            except Killed:
                self.deaths += 1
                self.gate.die_at = None
                self.clock.advance(self.house.claims.lease + 1)
                self.start_daemon()
        raise AssertionError(f"not at rest after {LONGEST:.0f} s: {self.states()}\n" + "\n".join(self.lines[-20:]))

    def _work(self) -> bool:
        """One burst: everything due is driven to its end, the outbox is sent. False when there is nothing left to do."""
        self._deliver()
        self._worker().work(Console(self.lines.append), self.house.claims.take)
        self.house.dns_retries.work()
        self._deliver()
        return self._sleep_until_something_is_due()

    def tick(self, force: bool = True, tasks: tuple[Task, ...] | None = None) -> list[str]:
        """One cron run over what waits now, then the outbox; what it printed. `force` = whatever the interval says."""
        printed: list[str] = []
        self.cron().run(Wanted(tasks, force=force), printed.append)
        self._deliver()
        self.lines += printed
        return printed

    def cron(self) -> Cron:
        """Ticks on this rig's time."""
        house = self.house
        before, after = {"suspended VMs": house.suspension.enforce}, {"DNS records": house.dns_retries.work}
        return Cron(house.claims, self._worker(), house.settings, self.clock, house.duties, before, after)  # type: ignore[arg-type]

    def _worker(self) -> VirtualWorker:
        return VirtualWorker(self.house.claims, self.house.runs, self.clock)

    def _deliver(self) -> None:
        house = self.house
        Delivery(house.whmcs(), house.journal, self.clock, jitter=lambda: 0.5).deliver_due()  # type: ignore[arg-type]

    def _sleep_until_something_is_due(self) -> bool:
        times = [row.due_at for row in VmWork.select(VmWork.due_at).where(VmWork.due_at.is_null(False))]
        unfinished = OutboxMessage.select().where(OutboxMessage.state.in_(UNSENT))
        # What has no time of its own waits for an earlier message of the same client.
        # A provider that stays broken is asked again for ever; nobody waits for that here.
        pending = PendingRecord.select(PendingRecord.due_at).where(PendingRecord.attempts <= PATIENT_TRIES)
        times += [row.due_at for row in pending]
        times += [message.next_try_at for message in unfinished if message.next_try_at]
        if not times:
            return False
        self.clock.advance(min(times) - self.clock.now() + 0.001)
        return True
