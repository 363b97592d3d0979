"""A stand-in shop for tests: virtual time, the sandbox WHMCS behind the real API client, the real outbox in front of it."""

from dataclasses import dataclass, field
from typing import Any

from bridge.models.companion import OutboxMessage
from bridge.models.whmcs import Client, EmailTemplate, Service
from bridge.outbox import Delivery, Outbox, Pace
from bridge.sandbox.whmcs import Faults, WhmcsAdapter, WhmcsSandbox
from emailtemplates import catalog
from providers.whmcs import WhmcsApi
from tests.factories import make_client, make_service


@dataclass
class VirtualClock:
    """Time that passes only when told to."""

    time: float = 1_800_000_000.0

    def now(self) -> float:
        return self.time

    def pass_by(self, seconds: float) -> None:
        self.time += seconds


@dataclass
class MemoryJournal:
    """Keeps what was recorded."""

    rows: list[tuple[str, Any, Any]] = field(default_factory=list)

    def record(self, action: str, request: Any, response: Any) -> None:
        self.rows.append((action, request, response))


class TestShop:
    """Needs the `database` fixture. `adapter.before` and `.after` are the places where a test may stop the process."""

    __test__ = False

    def __init__(self) -> None:
        self.clock = VirtualClock()
        self.sandbox = WhmcsSandbox(self.clock)
        self.adapter = WhmcsAdapter(self.sandbox)
        self.api = WhmcsApi("https://whmcs.sandbox", self.sandbox.identifier, self.sandbox.secret, adapter=self.adapter)
        self.journal = MemoryJournal()
        self.outbox = Outbox(self.clock)
        for template in catalog():
            add_template(template.name, template.subject, template.message)

    @property
    def faults(self) -> Faults:
        """Trouble to come."""
        return self.sandbox.faults

    def delivery(self, lease: float = 60.0) -> Delivery:
        """What one process would use."""
        return Delivery(self.api, self.journal, self.clock, Pace(lease=lease), jitter=lambda: 0.0)

    def subjects(self) -> list[str]:
        """Subjects of all mails that clients got, in order."""
        return [mail.subject for mail in self.sandbox.mails]


def add_template(name: str, subject: str, body: str = "Dear {$client_name}", **columns: Any) -> EmailTemplate:
    """A template of type product."""
    return EmailTemplate.create(**{"type": "product", "name": name, "subject": subject, "message": body, **columns})


def service_of(client: Client | None = None, **columns: Any) -> Service:
    """A service of a client, who is made when not given."""
    return make_service(userid=(client or make_client()).id, **columns)


def message(key: str) -> OutboxMessage:
    """The outbox row with this key."""
    return OutboxMessage.get(OutboxMessage.dedupe_key == key)
