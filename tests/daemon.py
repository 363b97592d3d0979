"""A daemon for tests: the real web application over recording services, and the same served on a free loopback port."""

import contextlib
import threading
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, Literal

from werkzeug.serving import make_server

from bridge.lifecycle.explain import UnknownService
from bridge.lifecycle.records import RecordRefused
from bridge.lifecycle.rules import Operation
from bridge.protocol.nonces import MemoryNonces, Nonces
from bridge.web import create_app
from bridge.web.callers import Actor, ServerDetails
from statemachines.commands import Power

SECRET = "a-secret-of-the-tests-4f1d9c7b2e8a"
UNKNOWN = 4711
"""A service that nobody knows."""


@dataclass
class RecordingOrders:
    """Answers `reply` and remembers who ordered what."""

    reply: str = "success"
    failure: Exception | None = None
    created: list[tuple[int, Actor]] = field(default_factory=list)

    def create(self, service_id: int, actor: Actor) -> str:
        self.created.append((service_id, actor))
        if self.failure is not None:
            raise self.failure
        return self.reply


@dataclass
class RecordingConnections:
    """Answers `reply` and remembers what was tested."""

    reply: tuple[bool, str] = (True, "")
    tested: list[ServerDetails] = field(default_factory=list)

    def test(self, server: ServerDetails) -> tuple[bool, str]:
        self.tested.append(server)
        return self.reply


@dataclass
class ScriptedCron:
    """Yields the lines of `script`, which may be a function of the arguments, and returns `exit_code`."""

    script: Callable[[Sequence[str]], Iterator[str | None]] = lambda argv: iter(["one line"])
    exit_code: int = 0
    runs: list[tuple[list[str], str]] = field(default_factory=list)
    woken: int = 0

    def run(self, argv: Sequence[str], mode: Literal["standalone", "hook"]) -> Generator[str | None, None, int]:
        self.runs.append((list(argv), mode))
        yield from self.script(argv)
        return self.exit_code

    def wake(self) -> None:
        self.woken += 1


@dataclass
class RecordingInstallation:
    """Remembers what was asked of it."""

    calls: list[str] = field(default_factory=list)

    def activate(self) -> str:
        self.calls.append("activate")
        return "The tables are in place."

    def deactivate(self) -> str:
        self.calls.append("deactivate")
        return "All data were kept."

    def upgrade(self, from_version: str) -> None:
        self.calls.append(f"upgrade from {from_version}")


@dataclass
class RecordingLifecycle:
    """Requests, commands, suspension and passwords in one: each call is noted as (what, service id) and succeeds."""

    asked: list[tuple[str, int]] = field(default_factory=list)

    def ask(self, service_id: int, operation: Operation, **facts: Any) -> str:
        return self._note(operation.value, service_id)

    def run(self, service_id: int, name: str) -> SimpleNamespace:
        return SimpleNamespace(text=self._note(name, service_id), facts={})

    def look(self, service_id: int, label: str, wanted: Power) -> str:
        return ""

    def suspend(self, service_id: int) -> str:
        return self._note("suspend", service_id)

    def unsuspend(self, service_id: int) -> str:
        return self._note("unsuspend", service_id)

    def change(self, service_id: int, password: str) -> str:
        return self._note("change password", service_id)

    def _note(self, what: str, service_id: int) -> str:
        self.asked.append((what, service_id))
        return "success"


@dataclass
class RecordingClients:
    """What clients do: each call is noted as (what, service id, actor) and succeeds."""

    asked: list[tuple[str, int, Actor]] = field(default_factory=list)

    def status(self, service_id: int, actor: Actor) -> dict[str, Any]:
        return self._note("status", service_id, actor)

    def power(self, service_id: int, actor: Actor, action: str) -> dict[str, Any]:
        return self._note(action, service_id, actor)

    def templates(self, service_id: int, actor: Actor) -> list[dict[str, Any]]:
        return [self._note("templates", service_id, actor)]

    def reinstall(self, service_id: int, actor: Actor, template: int, confirmation: str) -> dict[str, Any]:
        return self._note(f"reinstall {template} {confirmation}", service_id, actor)

    def reset_password(self, service_id: int, actor: Actor) -> dict[str, Any]:
        return self._note("reset_password", service_id, actor)

    def reverse_names(self, service_id: int, actor: Actor) -> list[dict[str, Any]]:
        return [self._note("names", service_id, actor)]

    def set_reverse_names(self, service_id: int, actor: Actor, names: Mapping[str, str]) -> dict[str, Any]:
        return self._note(f"names {dict(names)}", service_id, actor)

    def _note(self, what: str, service_id: int, actor: Actor) -> dict[str, Any]:
        self.asked.append((what, service_id, actor))
        return {"done": True}


@dataclass
class RecordingBackups:
    """Clients' backups, noted like everything else that clients do."""

    clients: RecordingClients

    def show(self, service_id: int, actor: Actor) -> dict[str, Any]:
        return self.clients._note("backups", service_id, actor)

    def now(self, service_id: int, actor: Actor, text: str) -> dict[str, Any]:
        return self.clients._note(f"backup {text}", service_id, actor)

    def remove(self, service_id: int, actor: Actor, id: str) -> dict[str, Any]:
        return self.clients._note(f"remove {id}", service_id, actor)

    def restore(self, service_id: int, actor: Actor, id: str) -> dict[str, Any]:
        return self.clients._note(f"restore {id}", service_id, actor)

    def save_schedule(self, service_id: int, actor: Actor, days: Mapping[str, str]) -> dict[str, Any]:
        return self.clients._note(f"schedule {dict(days)}", service_id, actor)


@dataclass
class RecordingSnapshots:
    """Clients' snapshots, noted like everything else that clients do."""

    clients: RecordingClients

    def list(self, service_id: int, actor: Actor) -> dict[str, Any]:
        return self.clients._note("snapshots", service_id, actor)

    def take(self, service_id: int, actor: Actor, description: str, with_ram: bool) -> dict[str, Any]:
        return self.clients._note(f"take {description!r} {with_ram}", service_id, actor)

    def roll_back(self, service_id: int, actor: Actor, name: str) -> dict[str, Any]:
        return self.clients._note(f"roll back {name}", service_id, actor)

    def remove(self, service_id: int, actor: Actor, name: str) -> dict[str, Any]:
        return self.clients._note(f"remove {name}", service_id, actor)

    def save_schedule(self, service_id: int, actor: Actor, days: Mapping[str, str]) -> dict[str, Any]:
        return self.clients._note(f"schedule {dict(days)}", service_id, actor)


@dataclass
class RecordingPages:
    """The subjects of the client's pages in one: each call is noted where `asked` is, and succeeds."""

    clients: RecordingClients

    def for_client(self, service_id: int, actor: Actor, timeframe: str = "information") -> dict[str, Any]:
        return self.clients._note(timeframe, service_id, actor)

    def for_staff(self, service_id: int, timeframe: str = "information") -> dict[str, Any]:
        return self.clients._note(f"staff {timeframe}", service_id, Actor("admin", 1))

    def listed(self, service_id: int, actor: Actor) -> dict[str, Any]:
        return self.clients._note("images", service_id, actor)

    def mount(self, service_id: int, actor: Actor, file: str) -> dict[str, Any]:
        return self.clients._note(f"mount {file}", service_id, actor)

    def unmount(self, service_id: int, actor: Actor) -> dict[str, Any]:
        return self.clients._note("unmount", service_id, actor)

    def read(self, service_id: int, actor: Actor) -> dict[str, Any]:
        return self.clients._note("firewall", service_id, actor)

    def save_policies(self, service_id: int, actor: Actor, policies: Mapping[str, str], digest: str) -> dict[str, Any]:
        return self.clients._note(f"policies {dict(policies)} {digest}", service_id, actor)

    def add_rule(self, service_id: int, actor: Actor, typed: Mapping[str, str], digest: str) -> dict[str, Any]:
        return self.clients._note(f"add {sorted(filter(None, typed.values()))} {digest}", service_id, actor)

    def delete_rule(self, service_id: int, actor: Actor, position: int, digest: str) -> dict[str, Any]:
        return self.clients._note(f"delete {position} {digest}", service_id, actor)

    def move_rule(self, service_id: int, actor: Actor, position: int, to: int, digest: str) -> dict[str, Any]:
        return self.clients._note(f"move {position} to {to} {digest}", service_id, actor)


@dataclass
class RecordingFacts:
    """Explanations and logs in one: what they would tell."""

    def service(self, service_id: int) -> dict[str, Any]:
        if service_id == UNKNOWN:
            raise UnknownService(f"service {service_id} does not exist in WHMCS and has no VM record")
        return {"explained": service_id}

    def status(self) -> dict[str, Any]:
        return {"vms": {"ready": 3}}

    def show(self, service_id: int) -> dict[str, Any]:
        if service_id == UNKNOWN:
            raise RecordRefused(f"service {service_id} has no VM record")
        return {"logged": service_id}


@dataclass
class ScriptedObservation:
    """Answers what it is told to."""

    lacks: dict[str, str] = field(default_factory=dict)
    allowed: set[str] = field(default_factory=lambda: {"", "127.0.0.1"})

    def missing(self) -> dict[str, str]:
        return self.lacks

    def metrics(self) -> bytes:
        return b"kvm_bridge_info 1\n"

    def may_read_metrics(self, caller: str) -> bool:
        return caller in self.allowed


@dataclass
class RecordingUsage:
    """Usage that nobody knows yet; remembers who was asked for."""

    asked: list[tuple[int, str | None]] = field(default_factory=list)

    def of_month(self, server_id: int, tenant: str | None = None) -> dict[str, Any]:
        self.asked.append((server_id, tenant))
        return {"start": 0, "end": 1, "tenants": {}}


@dataclass
class RecordingServices:
    """Everything the views call, each part remembering its calls."""

    nonces: Nonces = field(default_factory=MemoryNonces)
    orders: RecordingOrders = field(default_factory=RecordingOrders)
    connections: RecordingConnections = field(default_factory=RecordingConnections)
    lifecycle: RecordingLifecycle = field(default_factory=RecordingLifecycle)
    clients: RecordingClients = field(default_factory=RecordingClients)
    explanations: RecordingFacts = field(default_factory=RecordingFacts)
    logs: RecordingFacts = field(default_factory=RecordingFacts)
    usage: RecordingUsage = field(default_factory=RecordingUsage)
    cron: ScriptedCron = field(default_factory=ScriptedCron)
    installation: RecordingInstallation = field(default_factory=RecordingInstallation)
    observation: ScriptedObservation = field(default_factory=ScriptedObservation)
    opened: int = 0
    closed: int = 0

    @property
    def requests(self) -> RecordingLifecycle:
        return self.lifecycle

    commands = suspension = passwords = requests

    @property
    def backups(self) -> RecordingBackups:
        return RecordingBackups(self.clients)

    @property
    def snapshots(self) -> RecordingSnapshots:
        return RecordingSnapshots(self.clients)

    @property
    def client_pages(self) -> SimpleNamespace:
        pages = RecordingPages(self.clients)
        return SimpleNamespace(charts=pages, firewall=pages, information=pages, iso=pages)

    def open(self) -> None:
        self.opened += 1

    def close(self) -> None:
        self.closed += 1


@contextlib.contextmanager
def served(services: RecordingServices, secret: str = SECRET, max_body_bytes: int = 1024 * 1024) -> Iterator[str]:
    """The application on a free loopback port; gives its URL."""
    app = create_app(services, secret, max_body_bytes=max_body_bytes)
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.port}"
    finally:
        server.shutdown()
        thread.join(5)
        server.server_close()
