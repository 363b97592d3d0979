"""What the activity log of WHMCS says of a VM that somebody has to do something about."""

from collections.abc import Mapping
from typing import Any

from bridge.models.companion import VmWork
from bridge.outbox import Outbox


def tell_staff(outbox: Outbox, work: VmWork, run: Mapping[str, Any]) -> None:
    """Record the line inside the caller's transaction; `work` says who has to act, why and since when, `run` is the log.

    There is one line for as long as the trouble lasts, however often it is met again and whatever its words are by then. It
    names causes, nodes and servers, so it is not for the client.
    """
    key = f"attention:{work.service_id}:{work.attention_since:.6f}"
    where = ", ".join([run["action"], *(step["step"] for step in run["steps"][-1:])])
    line = f"Virtual machine needs attention ({work.attention_who}): {where}: {work.attention_cause}"
    outbox.staff_activity(key, work.service_id, f"{line} - Service ID: {work.service_id}")
