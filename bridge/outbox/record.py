"""Recording messages: the half of the outbox that belongs into the caller's transaction."""

import contextlib
from collections.abc import Mapping
from typing import Any

import peewee

from bridge.database import transaction
from bridge.models.companion import OutboxMessage
from bridge.models.whmcs import EmailTemplate, Product, Service
from bridge.outbox import messages
from emailtemplates import WELCOME
from statemachines.ports import Clock


class Outbox:
    """Writes messages down. Nothing leaves from here; a transaction that is rolled back takes its messages with it."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def add(
        self, kind: str, dedupe_key: str, service_id: int, payload: Mapping[str, Any], *, for_client: bool = True
    ) -> None:
        """Record a message inside the caller's transaction. The same `dedupe_key` twice is one message: safe to repeat.

        `kind` and the fields of `payload` as in `bridge.outbox.messages`; `for_client` False = not the business of the service's
        client. Raises ValueError when they do not fit.
        """
        owner = for_client and Service.select(Service.userid).where(Service.id == service_id).tuples().first()
        # Not INSERT IGNORE, which on MySQL would also cut a value that is too long. All columns are given, so the only
        # integrity that can be violated is the key's.
        with contextlib.suppress(peewee.IntegrityError), transaction():
            OutboxMessage.create(
                kind=kind,
                dedupe_key=dedupe_key,
                service_id=service_id,
                client_id=owner[0] if owner else 0,
                payload=messages.encode(kind, payload),
                created_at=self._clock.now(),
            )

    def mail(self, dedupe_key: str, service_id: int, template: str, variables: Mapping[str, str] | None = None) -> None:
        """Record a mail by the exact name of its template; `variables` are merge fields beyond WHMCS's own."""
        self.add(messages.MAIL, dedupe_key, service_id, {"template": template, "variables": dict(variables or {})})

    def welcome(self, dedupe_key: str, service_id: int, variables: Mapping[str, str] | None = None) -> bool:
        """Record the welcome mail, unless WHMCS sends that very template itself as the product's welcome mail [C-42].

        Returns whether it was recorded.
        """
        sent_by_whmcs = (
            Service.select(EmailTemplate.name)
            .join(Product, on=(Product.id == Service.packageid))
            .join(EmailTemplate, on=(EmailTemplate.id == Product.welcomeemail))
            .where(Service.id == service_id)
            .tuples()
            .first()
        )
        if sent_by_whmcs and sent_by_whmcs[0] == WELCOME:
            return False
        self.mail(dedupe_key, service_id, WELCOME, variables)
        return True

    def activity(self, dedupe_key: str, service_id: int, description: str) -> None:
        """Record a line for the Activity Log of the service's client. Name the service in it: WHMCS links "Service ID: n"."""
        self.add(messages.ACTIVITY, dedupe_key, service_id, {"description": description})

    def staff_activity(self, dedupe_key: str, service_id: int, description: str) -> None:
        """Record a line for the Activity Log that no client sees: it may tell causes, and name servers and nodes."""
        self.add(messages.ACTIVITY, dedupe_key, service_id, {"description": description}, for_client=False)

    def ticket(
        self, dedupe_key: str, service_id: int, department_id: int, subject: str, message: str, priority: str = "Medium"
    ) -> None:
        """Record a ticket to be opened in the name of the service's client."""
        payload = {"department_id": department_id, "subject": subject, "message": message, "priority": priority}
        self.add(messages.TICKET, dedupe_key, service_id, payload)
