"""A whole installation of real processes: MariaDB, both sandboxes over HTTP, WHMCS's PHP with the shim, and the daemon.

The sandboxes serve from threads of the test's process, so that a test can look into them; the daemon's roles are children,
each the leader of a process group, and whatever still lives at the end is killed by its own id.
"""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bridge.clock import SystemClock
from bridge.database import close_connection
from bridge.models.companion import OutboxMessage, Setting, VmWork
from bridge.protocol.client import BridgeClient, BridgeUnavailable
from bridge.sandbox.proxmox import Cluster, Request, demo_cluster
from bridge.sandbox.proxmox.server import serve
from bridge.sandbox.whmcs.core import WhmcsSandbox
from bridge.sandbox.whmcs.seed import ProxmoxAccess, seed
from bridge.sandbox.whmcs.server import serving
from statemachines.states import READY
from tests.chaos.observed import INSTALL, Observed
from tests.chaos.rig import PRODUCT
from tests.conftest import installed
from tests.daemon import SECRET
from tests.integration.shim.whmcs import ADMIN, Browser, Whmcs
from tests.services import free_port, require_program

ROOT = Path(__file__).parents[2]
SPEED = 20.0  # a clone of 4 s takes 0.2 s
STARTUP = 30.0  # seconds a role may take until it works, on a machine that is busy with other tests


class Process:
    """One child: a command of `kvm-bridge`. What it prints is in two files, so that it never waits for a reader."""

    def __init__(self, arguments: Sequence[str], environment: Mapping[str, str], log: Path) -> None:
        self._stdout, self._stderr = log.with_suffix(".out"), log.with_suffix(".err")
        with self._stdout.open("wb") as out, self._stderr.open("wb") as err:
            self._child = subprocess.Popen(
                [sys.executable, "-m", "bridge", *arguments],
                env={**os.environ, "PYTHONUNBUFFERED": "1", **environment},
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                start_new_session=True,
            )
        self.pid = self._child.pid

    @property
    def printed(self) -> str:
        """Standard output so far."""
        return self._stdout.read_text(encoding="utf-8", errors="replace")

    @property
    def logged(self) -> str:
        """Standard error so far."""
        return self._stderr.read_text(encoding="utf-8", errors="replace")

    @property
    def running(self) -> bool:
        """Whether it has not ended."""
        return self._child.poll() is None

    def wait(self, timeout: float = 60.0) -> int:
        """Its exit code, negative for a signal."""
        return self._child.wait(timeout)

    def stop(self, timeout: float = 30.0) -> int:
        """Ask it to end; returns its exit code."""
        self._child.terminate()
        return self._child.wait(timeout)

    def kill(self) -> None:
        """SIGKILL for it and for what it started."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        self._child.wait(30)


@dataclass(frozen=True)
class ProxmoxCall:
    """A request that reached the sandbox cluster: when (epoch seconds), and what."""

    at: float
    method: str
    path: str


class Installation(Observed):
    """Everything but the daemon runs when entered; roles are started with `start`.

    `url` an empty database. `settings` override those of the rig's product. `cluster` replaces the demo cluster, which is
    `speed` times as fast as a real one.
    """

    def __init__(
        self,
        folder: Path,
        url: str,
        *,
        settings: Mapping[str, str] | None = None,
        speed: float = SPEED,
        cluster: Cluster | None = None,
    ) -> None:
        self.url = url
        self._folder = folder
        self.processes: list[Process] = []
        self._around = contextlib.ExitStack()
        self.cluster = cluster or demo_cluster(speed=speed)
        self.cluster.timing.listing_seconds /= self.cluster.timing.speed
        self.calls = _witnessed(self.cluster)
        self.whmcs = WhmcsSandbox(SystemClock())
        self._settings = {**PRODUCT, **(settings or {})}
        self.daemon_url = f"http://127.0.0.1:{free_port()}"

    def __enter__(self) -> "Installation":
        with self._around:
            self._set_up()
            self._around = self._around.pop_all()
        return self

    def __exit__(self, *exception: object) -> None:
        self._around.close()

    def _set_up(self) -> None:
        self._around.callback(close_connection)
        installed(self.url)
        Setting.update(value=INSTALL).where(Setting.name == "install_id").execute()
        self.proxmox = serve(self.cluster, "127.0.0.1", 0, self._folder)
        self._around.callback(self.proxmox.stop)
        self.proxmox.start()
        self.whmcs_url = self._around.enter_context(serving(self.whmcs))
        token, _, secret = self.cluster.demo_token.partition("=")
        self.shop = seed(
            self.whmcs.shop,
            ProxmoxAccess("127.0.0.1", self.proxmox.port, token, secret),
            self._settings,
            self.whmcs_url,
        )
        self.environment = {
            "KVM_BRIDGE_DATABASE_URL": self.url,
            "KVM_BRIDGE_SECRET": SECRET,
            "KVM_BRIDGE_LISTEN": self.daemon_url.removeprefix("http://"),
            "KVM_BRIDGE_WHMCS_API_URL": self.whmcs_url,
            "KVM_BRIDGE_WHMCS_API_IDENTIFIER": self.whmcs.identifier,
            "KVM_BRIDGE_WHMCS_API_SECRET": self.whmcs.secret,
        }
        self._around.callback(self._kill_all)
        self.php = Whmcs(require_program("php"), self._folder, self.daemon_url)
        self.command("install-shim", str(self.php.tree))
        self.whmcs.shop.module = self.call_module

    @property
    def secrets(self) -> list[str]:
        """What must be in no output of anybody."""
        database_password = self.url.partition("@")[0].rpartition(":")[2]
        return [SECRET, self.whmcs.secret, self.cluster.demo_token.partition("=")[2], database_password]

    @property
    def lines(self) -> list[str]:  # type: ignore[override]
        """What all roles printed, process after process."""
        return [line for process in self.processes for line in (process.printed + process.logged).splitlines()]

    def start(self, *arguments: str, **environment: str) -> Process:
        """Start a command; `web` and `serve` are returned when they answer."""
        log = self._folder / f"{len(self.processes)}-{arguments[0]}"
        process = Process(arguments, {**self.environment, **environment}, log)
        self.processes.append(process)
        if {"web", "serve"} & set(arguments):
            wait_until(lambda: self._answers(process), STARTUP, lambda: f"no answer from {arguments}: {process.logged}")
        return process

    def command(self, *arguments: str, timeout: float = 60.0, **environment: str) -> Process:
        """Run a command to its end; it must succeed."""
        process = self.start(*arguments, **environment)
        code = process.wait(timeout)
        assert code == 0, f"{arguments} ended with {code}: {process.logged}"
        return process

    def call_module(self, function: str, params: Mapping[str, Any], browser: Browser = ADMIN) -> Any:
        """WHMCS calls a function of the server module, in a PHP process of its own."""
        report = self.php.call(f"puqProxmoxKVM_{function}", dict(params), browser=browser)
        assert report.silent, report
        return report.result

    def order(self, **options: int) -> int:
        """A client orders and WHMCS sets the service up: its API's ModuleCreate, PHP, shim, daemon. Returns the service."""
        service_id = self.shop.order("my-server", **options)
        credential = {"identifier": self.whmcs.identifier, "secret": self.whmcs.secret}
        answer = self.whmcs.handle({"action": "ModuleCreate", "serviceid": str(service_id), **credential})
        assert '"success"' in answer.text, answer.text
        return service_id

    def wait_until_ready(self, services: Sequence[int], timeout: float = 60.0) -> None:
        """Until the VMs are ready and all their mails have left."""
        wait_until(lambda: self._at_rest(services), timeout, lambda: self.describe(timeout))

    def pass_time(self, seconds: float) -> None:
        """Let what is written down be `seconds` older: leases, claims and pauses end sooner. For while no role runs."""
        assert not any(process.running for process in self.processes)
        for table, columns in (
            (VmWork, ("due_at", "lease_until")),
            (OutboxMessage, ("next_try_at", "attempt_started_at")),
        ):
            table.update({column: getattr(table, column) - seconds for column in columns}).execute()

    def describe(self, timeout: float) -> str:
        """Where everything stands, for the message of a test that failed."""
        mails = [(mail.service_id, mail.state, mail.last_error) for mail in OutboxMessage.select()]
        return f"not at rest after {timeout:.0f} s: {self.states()}, mails {mails}\n" + "\n".join(self.lines[-60:])

    def _at_rest(self, services: Sequence[int]) -> bool:
        states = self.states()
        busy = VmWork.select().where(VmWork.lease_owner.is_null(False)).exists()
        unsent = OutboxMessage.select().where(OutboxMessage.state != "sent").exists()
        return all(states.get(service) == READY for service in services) and not busy and not unsent

    def _answers(self, process: Process) -> bool:
        assert process.running, process.logged
        try:
            BridgeClient(self.daemon_url, SECRET).call("/v1/module/DnsRecords", {})
        except BridgeUnavailable:
            return False
        return True

    def _kill_all(self) -> None:
        for process in self.processes:
            process.kill()


def wait_until(condition: Callable[[], object], timeout: float, failure: Callable[[], str]) -> None:
    """Look until it is so. Raises AssertionError with what `failure` says after `timeout` seconds."""
    give_up_at = time.monotonic() + timeout
    while not condition():
        if time.monotonic() > give_up_at:
            raise AssertionError(failure())
        time.sleep(0.02)


def _witnessed(cluster: Cluster) -> list[ProxmoxCall]:
    """A list that gets every request to the cluster."""
    calls: list[ProxmoxCall] = []
    handle, lock = cluster.handle, threading.Lock()

    def witness(request: Request) -> Any:
        with lock:
            calls.append(ProxmoxCall(time.time(), request.method, request.path.removeprefix("/api2/json")))
        return handle(request)

    cluster.handle = witness  # type: ignore[method-assign]
    return calls
