"""The client's public SSH keys, asked for at order time by a custom field of the product."""

import html
from collections.abc import Iterable
from typing import cast

from bridge.database import retry_lost_connection
from bridge.models.whmcs import CustomField, CustomFieldValue, Service

FIELD_NAMES = frozenset({"sshkeys", "ssh key", "ssh keys", "ssh_key", "ssh_keys"})


@retry_lost_connection
def ssh_keys_of(service_id: int) -> str:
    """The keys of a service, one per line; "" when its product asks for none or the client gave none.

    The field is known by its name, case and the label after a `|` aside: "SSH Keys", "ssh_keys|Your public keys".
    """
    answers = (
        CustomFieldValue.select(CustomField.fieldname, CustomFieldValue.value)
        .join(CustomField, on=CustomField.id == CustomFieldValue.fieldid)
        .join(Service, on=(Service.packageid == CustomField.relid) & (Service.id == CustomFieldValue.relid))
        .where(CustomField.type == "product", CustomFieldValue.relid == service_id)
        .order_by(CustomField.id, CustomFieldValue.id)
    )
    rows = cast("Iterable[tuple[str | None, str | None]]", answers.tuples())
    keys = [value for name, value in rows if value and value.strip() and _asks_for_keys(name)]
    return _one_per_line(html.unescape(keys[0])) if keys else ""


def _asks_for_keys(field_name: str | None) -> bool:
    return html.unescape(field_name or "").partition("|")[0].strip().casefold() in FIELD_NAMES


def _one_per_line(text: str) -> str:
    return "\n".join(line.strip() for line in text.splitlines() if line.strip())
