"""Delivering messages: claim a row, call WHMCS, write down how it ended. Several processes may do so at the same time."""

import logging
import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import peewee

from bridge.database import DatabaseUnavailable, retry_lost_connection
from bridge.models.base import proxy
from bridge.models.companion import OutboxMessage
from bridge.outbox import evidence, messages
from providers.errors import NotFound, ProviderError, Rejected
from providers.whmcs import SendingFailed, TemplateDisabled, WhmcsApi
from statemachines.ports import Clock, Journal

log = logging.getLogger(__name__)

PENDING, REFUSED, SENDING, SENT, FAILED = "pending", "refused", "sending", "sent", "failed"
UNSENT = (PENDING, REFUSED, SENDING)


@dataclass(frozen=True)
class Pace:
    """Seconds. `lease`: how long a claim is respected, and how long WHMCS may still work on a call whose answer was lost.

    `first_pause` doubles with every failed attempt up to `longest_pause`; a message that WHMCS itself refuses holds up the
    later ones of its client for `in_order` and is given up after `patience`; one that makes our own code fail rests for
    `after_bug`, and is given up as late.
    """

    lease: float = 60.0
    first_pause: float = 5.0
    longest_pause: float = 900.0
    in_order: float = 3600.0
    patience: float = 3 * 86400.0
    after_bug: float = 3600.0


class Delivery:
    """Sends what is due. Belongs to one thread: the API client's connections do.

    `jitter` gives numbers in [0, 1) that spread retries of many messages.
    """

    def __init__(
        self,
        whmcs: WhmcsApi,
        journal: Journal,
        clock: Clock,
        pace: Pace = Pace(),
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._whmcs = whmcs
        self._journal = journal
        self._clock = clock
        self._pace = pace
        self._jitter = jitter

    def deliver_due(self, limit: int = 100) -> int:
        """Try up to `limit` messages that are due, oldest first; how many were sent or found to have left.

        Safe to run in several processes at once and after a crash at any point. Raises RuntimeError inside a transaction,
        as claims have to be committed before the call, and DatabaseUnavailable.
        """
        if proxy.obj.in_transaction():
            raise RuntimeError("the outbox cannot be delivered inside a transaction")
        sent = tried = 0
        while tried < limit:
            due = self._due(limit - tried)
            if not due:
                break
            for message in due:
                tried += 1
                in_doubt = message.state == SENDING
                if self._claim(message):
                    sent += self._deliver(message, in_doubt)
        return sent

    @retry_lost_connection
    def _due(self, limit: int) -> list[OutboxMessage]:
        """Due messages with nothing unfinished of the same client and kind before them."""
        earlier = OutboxMessage.alias()
        blocking = earlier.select(earlier.id).where(
            earlier.client_id == OutboxMessage.client_id,
            earlier.kind == OutboxMessage.kind,
            earlier.state.in_((PENDING, SENDING)),
            (earlier.id < OutboxMessage.id) | ((earlier.state == SENDING) & (earlier.id != OutboxMessage.id)),
        )
        query = (
            OutboxMessage.select()
            .where(
                OutboxMessage.state.in_(UNSENT),
                OutboxMessage.next_try_at.is_null() | (OutboxMessage.next_try_at <= self._clock.now()),
                ~peewee.fn.EXISTS(blocking),
            )
            # "+ 0" keeps MariaDB from walking the primary key through all that was ever sent.
            .order_by(OutboxMessage.id + 0)
            .limit(limit)
        )
        return list(query)

    def _claim(self, message: OutboxMessage) -> bool:
        """Make the message ours until the lease ends; False when another process was faster.

        `attempts` fences: it grows with every claim, and only the claim that carries the current number may write.
        """
        now = self._clock.now()
        changes: dict[str, Any] = {
            "state": SENDING,
            "attempts": message.attempts + 1,
            "attempt_started_at": now,
            "next_try_at": now + self._pace.lease,
        }
        if message.state != SENDING:
            changes["evidence_after"] = evidence.mark(message.kind)
        if not _write(message, message.state, changes):
            return False
        for name, value in changes.items():
            setattr(message, name, value)
        return True

    def _deliver(self, message: OutboxMessage, in_doubt: bool) -> bool:
        """Carry out a claimed message, after a look at WHMCS's log when an earlier attempt is `in_doubt`."""
        try:
            if in_doubt and evidence.found(message):
                return self._sent(message)
            messages.send(self._whmcs, message)
        except DatabaseUnavailable:
            raise
        except ProviderError as error:
            return self._not_sent(message, error)
        except Exception as error:
            # One message that makes our code fail must not stop the others. It stays in doubt, so it is searched for first.
            log.exception("Our bug: outbox message %s", message.id)
            self._rest(message, f"our bug: {type(error).__name__}")
            return False
        return self._sent(message)

    def _sent(self, message: OutboxMessage) -> bool:
        changes = {"state": SENT, "sent_at": self._clock.now(), "next_try_at": None, "last_error": None}
        if not _write(message, SENDING, changes):
            log.warning(
                "Outbox: %s took longer than its lease; another process looks after it", messages.label(message)
            )
            return False
        return True

    def _not_sent(self, message: OutboxMessage, error: ProviderError) -> bool:
        """Write a failure down. An unknown outcome leaves the row in `sending`: in doubt until it is found or the lease ends."""
        if error.outcome_unknown:
            if evidence.found(message):
                return self._sent(message)
            later = self._clock.now() + max(self._pace.lease, self._pause(message.attempts))
            _write(message, SENDING, {"next_try_at": later, "last_error": str(error)})
        elif self._hopeless(message, error):
            self._give_up(message, str(error))
        else:
            later = self._clock.now() + self._pause(message.attempts)
            aside = _is_refusal(error) and self._age(message) > self._pace.in_order
            state = REFUSED if aside else PENDING
            _write(message, SENDING, {"state": state, "next_try_at": later, "last_error": str(error)})
        return False

    def _rest(self, message: OutboxMessage, cause: str) -> None:
        """Our own code failed at the message: look again in a while, perhaps another version of it can."""
        if self._age(message) > self._pace.patience:
            self._give_up(message, cause)
        else:
            _write(message, SENDING, {"next_try_at": self._clock.now() + self._pace.after_bug, "last_error": cause})

    def _hopeless(self, message: OutboxMessage, error: ProviderError) -> bool:
        """Missing or disabled template, no such service: at once. What WHMCS refuses without a clear reason: after days."""
        if isinstance(error, NotFound | TemplateDisabled):
            return True
        return _is_refusal(error) and self._age(message) > self._pace.patience

    def _age(self, message: OutboxMessage) -> float:
        return self._clock.now() - message.created_at

    def _give_up(self, message: OutboxMessage, cause: str) -> None:
        if _write(message, SENDING, {"state": FAILED, "next_try_at": None, "last_error": cause}):
            line = f"{messages.label(message)} was not sent: {cause}"
            self._journal.record(f"outbox {message.kind}", messages.label(message), line)

    def _pause(self, attempts: int) -> float:
        doubled = self._pace.first_pause * 2.0 ** min(attempts - 1, 20)
        return min(doubled, self._pace.longest_pause) * (1 - 0.2 * self._jitter())


def _is_refusal(error: ProviderError) -> bool:
    """Whether WHMCS has looked at this very message and did not take it: others may fare better."""
    return isinstance(error, Rejected | SendingFailed)


@retry_lost_connection
def _write(message: OutboxMessage, state: str, changes: dict[str, Any]) -> bool:
    """Change the row if it is still in `state` under the same claim; whether it was."""
    row = OutboxMessage.update(changes).where(
        OutboxMessage.id == message.id, OutboxMessage.state == state, OutboxMessage.attempts == message.attempts
    )
    return bool(row.execute())
