"""A daemon for tests: the real web application over recording services, and the same served on a free loopback port."""

import contextlib
import threading
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, Literal

from werkzeug.serving import make_server

from bridge.lifecycle.rules import Operation
from bridge.protocol.nonces import MemoryNonces, Nonces
from bridge.web import create_app
from bridge.web.interfaces import Actor, ServerDetails
from statemachines.commands import Power

SECRET = "a-secret-of-the-tests-4f1d9c7b2e8a"


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
class RecordingServices:
    """Everything the views call, each part remembering its calls."""

    nonces: Nonces = field(default_factory=MemoryNonces)
    orders: RecordingOrders = field(default_factory=RecordingOrders)
    connections: RecordingConnections = field(default_factory=RecordingConnections)
    lifecycle: RecordingLifecycle = field(default_factory=RecordingLifecycle)
    cron: ScriptedCron = field(default_factory=ScriptedCron)
    installation: RecordingInstallation = field(default_factory=RecordingInstallation)
    opened: int = 0
    closed: int = 0

    @property
    def requests(self) -> RecordingLifecycle:
        return self.lifecycle

    commands = suspension = passwords = requests

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
