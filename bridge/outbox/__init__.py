"""Mails, activity log entries and tickets leave through here: recorded with the state change, sent after it, once.

Every message is a row of `kvm_bridge_outbox`. Its life:

    pending ── claimed ──► sending ── answered ──► sent
       ▲                      │  │
       └── certainly failed ──┘  └── refused for good ──► failed (and a row in the module log)

A message that WHMCS itself has refused for an hour is `refused` instead of pending: it is tried on, and holds up nobody.

A row is claimed, and the claim committed, before the call. So a row that stays in `sending` means "we do not know": the
process died, or the answer was lost. Before such a message is sent again, WHMCS's own logs are searched for it (see
`evidence`). Messages of one client and kind leave one after the other, in the order in which they were recorded: that keeps
"Welcome" before "VM is ready", and makes sure that what is found in the client's log of that kind is this message and no other.
"""

from bridge.outbox.delivery import Delivery, Pace
from bridge.outbox.messages import ACTIVITY, MAIL, TICKET
from bridge.outbox.record import Outbox

__all__ = ["ACTIVITY", "MAIL", "TICKET", "Delivery", "Outbox", "Pace"]
