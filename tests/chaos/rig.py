"""A whole installation in one process, on virtual time: database, sandbox WHMCS, sandbox Proxmox, and the daemon.

The daemon can die at any outgoing call and be started again; what it remembers is what it wrote down.
"""

from __future__ import annotations

import heapq
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from bridge.config import Config
from bridge.console import Console
from bridge.models.companion import Setting
from bridge.models.module import VmInfo
from bridge.models.whmcs import Service
from bridge.outbox import Delivery
from bridge.sandbox.proxmox import demo_cluster
from bridge.sandbox.proxmox.adapter import InProcessAdapter
from bridge.sandbox.whmcs.adapter import WhmcsAdapter
from bridge.sandbox.whmcs.core import WhmcsSandbox
from bridge.sandbox.whmcs.seed import ProxmoxAccess, seed
from bridge.web.interfaces import Actor
from bridge.wiring import House, Outside
from statemachines.engine import Ended, Later
from statemachines.errors import LeaseLost
from tests.chaos.clock import VirtualClock
from tests.chaos.gate import Gate, Killed
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
    "main_domain": ".example.com",
}
INSTALL = "c0ffee00"
LONGEST = 6 * 3600.0  # virtual seconds until a run that does not come to rest is given up


class Rig:
    """One installation. `settings` override the demo product's."""

    def __init__(self, folder: Path, settings: dict[str, str] | None = None, url: str | None = None) -> None:
        self.clock = VirtualClock()
        self.url = url or f"sqlite:///{folder}/whmcs.sqlite?synchronous=off"
        installed(self.url)
        Setting.update(value=INSTALL).where(Setting.name == "install_id").execute()
        self.cluster = demo_cluster(self.clock)
        self.whmcs = WhmcsSandbox(self.clock)
        access = ProxmoxAccess("pve1", 8006, self.cluster.demo_token_id, self.cluster.demo_token_secret)
        self.shop = seed(self.whmcs.shop, access, {**PRODUCT, **(settings or {})})
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
        proxmox = InProcessAdapter(self.cluster, before=self.gate.before, after=self.gate.after)
        whmcs = WhmcsAdapter(self.whmcs, before=self.gate.before, after=self.gate.after)
        self.house = House(config, self.clock, Outside(proxmox=lambda server: proxmox, whmcs=whmcs))  # type: ignore[arg-type]

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
        house, console = self.house, Console(self.lines.append)
        Delivery(house.whmcs(), house.journal, self.clock, jitter=lambda: 0.5).deliver_due()  # type: ignore[arg-type]
        waiting: list[tuple[float, int, Any]] = []
        for service_id in house.claims.take(100):
            block = console.block()
            run = house.runs.open(service_id, block)
            if run is None:
                house.claims.settle(service_id)
                continue
            run.start()
            heapq.heappush(waiting, (self.clock.now(), service_id, run))
        while waiting:
            at, service_id, run = heapq.heappop(waiting)
            self.clock.advance(at - self.clock.now())
            house.claims.renew([service_id, *(entry[1] for entry in waiting)])
            try:
                turn = run.turn()
            except LeaseLost:
                continue
            if isinstance(turn, Later):
                heapq.heappush(waiting, (turn.at, service_id, run))
            elif isinstance(turn, Ended):
                run.board.close()
                house.claims.give_back(service_id)
        Delivery(house.whmcs(), house.journal, self.clock, jitter=lambda: 0.5).deliver_due()  # type: ignore[arg-type]
        return self._sleep_until_something_is_due()

    def _sleep_until_something_is_due(self) -> bool:
        from bridge.models.companion import OutboxMessage, VmWork

        times = [row.due_at for row in VmWork.select(VmWork.due_at).where(VmWork.due_at.is_null(False))]
        unfinished = OutboxMessage.select().where(OutboxMessage.state.in_(["pending", "sending"]))
        times += [message.next_try_at or self.clock.now() for message in unfinished]
        if not times:
            return False
        self.clock.advance(min(times) - self.clock.now() + 0.001)
        return True

    def states(self) -> dict[int, str]:
        """`vm_status` by service."""
        return {row.service_id: row.vm_status for row in VmInfo.select()}
