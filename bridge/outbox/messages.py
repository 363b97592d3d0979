"""The kinds of message: what their payload holds and which action of WHMCS's API carries them out.

Payloads are JSON and hold no secret: WHMCS fills in the guest's password from the service when it sends the mail.
"""

import json
from collections.abc import Mapping
from typing import Any

from bridge.models.companion import OutboxMessage
from providers.whmcs import WhmcsApi

MAIL = "mail"
ACTIVITY = "activity"
TICKET = "ticket"

_FIELDS: Mapping[str, frozenset[str]] = {
    MAIL: frozenset({"template", "variables"}),
    ACTIVITY: frozenset({"description"}),
    TICKET: frozenset({"department_id", "subject", "message", "priority"}),
}


def encode(kind: str, payload: Mapping[str, Any]) -> str:
    """The payload as it is stored. Raises ValueError for an unknown kind or other fields than the kind has."""
    if kind not in _FIELDS:
        raise ValueError(f"the outbox knows no messages of kind {kind!r}")
    if set(payload) != _FIELDS[kind]:
        raise ValueError(f"a message of kind {kind!r} holds {sorted(_FIELDS[kind])}, not {sorted(payload)}")
    return json.dumps(payload, ensure_ascii=False, sort_keys=True)


def payload_of(message: OutboxMessage) -> dict[str, Any]:
    """The stored payload."""
    payload: dict[str, Any] = json.loads(message.payload)
    return payload


def label(message: OutboxMessage) -> str:
    """One line that names the message for logs: `mail "puqProxmoxKVM VM is ready" of service 5546`."""
    field = {MAIL: "template", ACTIVITY: "description", TICKET: "subject"}.get(message.kind, "")
    try:
        name = payload_of(message)[field]
    except (ValueError, KeyError, TypeError):
        name = message.dedupe_key  # a payload that nobody can read
    return f'{message.kind} "{name}" of service {message.service_id}'


def send(whmcs: WhmcsApi, message: OutboxMessage) -> None:
    """Carry the message out: one call. Raises ProviderError."""
    payload = payload_of(message)
    if message.kind == MAIL:
        whmcs.send_email(payload["template"], message.service_id, payload["variables"])
    elif message.kind == ACTIVITY:
        whmcs.log_activity(payload["description"], message.client_id)
    else:
        whmcs.open_ticket(
            payload["department_id"],
            message.client_id,
            payload["subject"],
            payload["message"],
            service_id=message.service_id,
            priority=payload["priority"],
        )
