"""The stage of the demo: both sandboxes in this process, the daemon in its own, all in one temporary folder."""

import os
import queue
import secrets
import shlex
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

from bridge import database
from bridge.clock import SystemClock
from bridge.migrations import migrate
from bridge.models.companion import VmWork
from bridge.models.module import DnsZone, VmInfo
from bridge.models.whmcs import Service
from bridge.module_log import ModuleLog
from bridge.protocol.client import BridgeClient, BridgeRefused, BridgeUnavailable
from bridge.sandbox.dns import DnsSandbox
from bridge.sandbox.dns.server import ZONES as DNS_API
from bridge.sandbox.dns.server import make_server as make_dns_server
from bridge.sandbox.proxmox import demo_cluster
from bridge.sandbox.proxmox.server import serve
from bridge.sandbox.whmcs.core import WhmcsSandbox
from bridge.sandbox.whmcs.schema import create_tables
from bridge.sandbox.whmcs.seed import ProxmoxAccess, seed
from bridge.sandbox.whmcs.server import make_server
from bridge.trust import Trust, server_key

PRODUCT = {
    "node": "pve2",
    "os_template": "9000",
    "clone_type": "full",
    "cpu": "2",
    "ram": "2",
    "sys_storage": "ceph-vm",
    "sys_size": "20",
    "sys_mbps_rd": "100",
    "sys_mbps_wr": "100",
    "sys_iops_rd": "500",
    "sys_iops_wr": "500",
    "add_size": "10",
    "net_bandwidth": "12",
    "ipv6_count": "1",
    "dhcp_ipv4": "off",
    "dhcp_ipv6": "off",
    "fw_ipfilter": "on",
    "main_domain": ".example.com",
}
ZONES = ("example.com", "130.168.192.in-addr.arpa", "8.b.d.0.1.0.0.2.ip6.arpa")
STARTUP = 60.0  # seconds the daemon may take to answer


class DemoFailed(Exception):
    """The demo cannot go on, or the VM did not become ready; the message says why."""


class Stage:
    """Starts everything when entered, ends everything when left."""

    def __init__(self, speed: float = 1.0) -> None:
        self._speed = speed
        self._folder = tempfile.TemporaryDirectory(prefix="kvm-bridge-demo-")
        self._lines: queue.Queue[str] = queue.Queue()
        self._secret = secrets.token_urlsafe(32)

    def __enter__(self) -> "Stage":
        folder = Path(self._folder.name)
        self.database_url = f"sqlite:///{folder / 'whmcs.sqlite'}"
        clock = SystemClock()
        self._cluster = demo_cluster(clock, speed=self._speed)
        self._proxmox = serve(self._cluster, "127.0.0.1", 0, folder)
        self._proxmox.start()
        tables = database.connect(self.database_url)
        create_tables()
        migrate(tables)
        self.whmcs = WhmcsSandbox(clock, identifier=secrets.token_hex(16), secret=secrets.token_hex(16))
        self.whmcs.shop.module = self._call_module
        self._whmcs_server = make_server(self.whmcs)
        threading.Thread(target=self._whmcs_server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        self.whmcs_url = f"http://127.0.0.1:{self._whmcs_server.server_address[1]}"
        port = int(self._proxmox.base_url.rpartition(":")[2])
        token, _, secret = self._cluster.demo_token.partition("=")
        self._names = DnsSandbox(secrets.token_urlsafe(24))
        self._dns_server = make_dns_server(self._names)
        threading.Thread(target=self._dns_server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        self._dns_url = f"http://127.0.0.1:{self._dns_server.server_address[1]}"
        access = ProxmoxAccess("127.0.0.1", port, token, secret)
        self.shop = seed(self.whmcs.shop, access, PRODUCT, self.whmcs_url)
        Trust(ModuleLog(clock)).choose(server_key(self.shop.server_id), {"fingerprint": self._proxmox.fingerprint})
        for zone in ZONES:
            self._names.add(zone)
            DnsZone.create(zone=zone, type="powerdns", server=self._dns_url, api_key=self._names.api_key)
        try:
            self._start_daemon()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *exception: object) -> None:
        self._end_daemon()
        self._whmcs_server.shutdown()
        self._dns_server.shutdown()
        self._proxmox.stop()
        self._folder.cleanup()

    def describe(self) -> list[str]:
        """What was started, a line each."""
        return [
            f"Sandbox Proxmox VE  {self._proxmox.base_url}  three nodes, certificate {self._proxmox.fingerprint[:16]}…",
            f"Sandbox WHMCS       {self.whmcs_url}  tables in {self.database_url}",
            f"Sandbox PowerDNS    {self._dns_url}  zones {', '.join(ZONES)}",
            f"KVM Bridge          {self._url}  web and scheduler",
        ]

    def order(self) -> int:
        """Order the demo product as a client would and have WHMCS create it; returns the service id."""
        service_id = self.shop.order("my-server")
        answer = self._call_module("CreateAccount", self.whmcs.module_parameters(service_id))
        if answer != "success":
            raise DemoFailed(f"CreateAccount answered: {answer}")
        Service.update(domainstatus="Active").where(Service.id == service_id).execute()
        return service_id

    def next_line(self, timeout: float) -> str | None:
        """The daemon's next line of output, None when there is none for `timeout` seconds."""
        try:
            return self._lines.get(timeout=timeout)
        except queue.Empty:
            return None

    def status(self, service_id: int) -> str:
        """The VM's state."""
        row = VmInfo.get_or_none(VmInfo.service_id == service_id)
        return str(row.vm_status) if row else ""

    def cause(self, service_id: int) -> str:
        """Why the VM waits, as the daemon wrote it down."""
        row = VmWork.get_or_none(VmWork.service_id == service_id)
        return str(row.attention_cause or "no cause recorded") if row else "no record"

    def mail(self, service_id: int, template: str) -> list[str]:
        """The lines of a mail that the client got; empty when it has not left."""
        for mail in self.whmcs.mails:
            if mail.service_id == service_id and mail.template == template:
                return [f"To: {mail.to}", f"Subject: {mail.subject}", "", *mail.body.splitlines()]
        return []

    def broken(self) -> str:
        """Why the demo cannot go on; empty while the daemon runs."""
        return "" if self._daemon.poll() is None else f"the daemon ended with exit code {self._daemon.returncode}"

    def suggestions(self, service_id: int) -> list[str]:
        """Commands worth typing now."""
        bridge = f"KVM_BRIDGE_DATABASE_URL={self.database_url} {shlex.quote(sys.argv[0])}"
        return [
            f"curl -sk -H 'Authorization: PVEAPIToken={self._cluster.demo_token}' {self._proxmox.base_url}/api2/json/cluster/resources?type=vm",
            f"{bridge} product show {self.shop.product_id}",
            f"{bridge} product set {self.shop.product_id} cpu=4 ram=8",
            f"{bridge} cron --force",
            f"curl -s -H 'X-API-Key: {self._names.api_key}' {self._dns_url}{DNS_API}/{ZONES[0]}.",
            f"{bridge} dns check",
        ]

    def _call_module(self, function: str, params: dict[str, Any]) -> str:
        client = BridgeClient(self._url, self._secret)
        return str(client.call(f"/v1/module/{function}", params, {"type": "system", "id": None}))

    def _start_daemon(self) -> None:
        port = _free_port()
        self._url = f"http://127.0.0.1:{port}"
        environment = {
            **os.environ,
            "KVM_BRIDGE_DATABASE_URL": self.database_url,
            "KVM_BRIDGE_SECRET": self._secret,
            "KVM_BRIDGE_LISTEN": f"127.0.0.1:{port}",
            "KVM_BRIDGE_WHMCS_API_URL": self.whmcs_url,
            "KVM_BRIDGE_WHMCS_API_IDENTIFIER": self.whmcs.identifier,
            "KVM_BRIDGE_WHMCS_API_SECRET": self.whmcs.secret,
            "PYTHONUNBUFFERED": "1",
        }
        self._daemon = subprocess.Popen(
            [sys.executable, "-m", "bridge", "serve"],
            env=environment,
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )
        threading.Thread(target=self._read_daemon, daemon=True).start()
        try:
            self._wait_until_up()
        except BaseException:
            self._end_daemon()
            raise

    def _end_daemon(self) -> None:
        self._daemon.terminate()
        try:
            self._daemon.wait(30)
        except subprocess.TimeoutExpired:
            self._daemon.kill()

    def _read_daemon(self) -> None:
        assert self._daemon.stdout is not None
        for line in self._daemon.stdout:
            self._lines.put(line.rstrip("\n"))

    def _wait_until_up(self) -> None:
        client = BridgeClient(self._url, self._secret)
        give_up_at = time.monotonic() + STARTUP
        while True:
            try:
                client.call("/v1/module/MetaData", {})
                return
            except BridgeRefused:
                return  # it answers, signed; that it has nothing to say to this is no matter
            except BridgeUnavailable as error:
                if reason := self.broken() or (time.monotonic() > give_up_at and str(error)):
                    raise DemoFailed(str(reason)) from error
                time.sleep(0.1)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
