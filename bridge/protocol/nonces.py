"""Nonces are accepted once: in the database, so that it holds across web processes, or in memory for tests."""

from typing import Protocol

import peewee

from bridge.database import Patience, retry_lost_connection, transaction
from bridge.models.protocol import Nonce
from bridge.protocol.signing import WINDOW_SECONDS

# A request from a clock one window ahead is still valid two windows later; the third covers web hosts whose clocks differ.
KEPT_SECONDS = 3 * WINDOW_SECONDS
PURGE_EVERY_SECONDS = 60
SHORT_PATIENCE = Patience(seconds=3)


class Nonces(Protocol):
    """Remembers the nonces of accepted requests."""

    def accept(self, nonce: str, now: float) -> bool:
        """Take the nonce; False when it was taken before. Of any number of simultaneous calls exactly one gets True."""


class DatabaseNonces:
    """Nonces in `kvm_bridge_nonce`. Old ones are deleted now and then, by whichever process notices first.

    A lost connection is waited out for a few seconds. When the answer to the COMMIT is lost the nonce counts as used: the
    caller is refused and asks again with another one, which is the safe side.
    """

    def __init__(self, patience: Patience = SHORT_PATIENCE) -> None:
        self._next_purge = 0.0
        self._insert_patiently = retry_lost_connection(self._insert, patience)

    def accept(self, nonce: str, now: float) -> bool:
        """Insert the nonce; the primary key decides between simultaneous requests, also of other processes.

        Raises DatabaseUnavailable when the database does not come back in time.
        """
        try:
            self._insert_patiently(nonce, now)
        except peewee.IntegrityError:
            return False
        return True

    def _insert(self, nonce: str, now: float) -> None:
        with transaction():
            if now >= self._next_purge:
                Nonce.delete().where(Nonce.expires_at < int(now)).execute()
            Nonce.insert(nonce=nonce, expires_at=int(now) + KEPT_SECONDS).execute()
        if now >= self._next_purge:
            self._next_purge = now + PURGE_EVERY_SECONDS


class MemoryNonces:
    """Nonces of one process, for tests."""

    def __init__(self) -> None:
        self._expiry: dict[str, float] = {}

    def accept(self, nonce: str, now: float) -> bool:
        """Take the nonce unless it is held."""
        self._expiry = {held: expiry for held, expiry in self._expiry.items() if expiry >= now}
        if nonce in self._expiry:
            return False
        self._expiry[nonce] = now + KEPT_SECONDS
        return True
