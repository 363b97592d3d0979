"""Resetting the guest's password: WHMCS keeps the new one first, then the VM follows it, however long that takes."""

import random
from collections.abc import Callable
from dataclasses import dataclass

from bridge.lifecycle.direct import Answer, Direct, Why
from bridge.lifecycle.requests import SUCCESS
from bridge.models.whmcs import Service
from bridge.package.naming import random_password
from providers.errors import ProviderError
from providers.whmcs import WhmcsApi
from statemachines.commands import Power
from statemachines.ports import Clock

SHORTEST, LONGEST = 5, 255  # the guest agent takes 5 to 1024 characters
RESET = "ChangePassword"
LABEL = "Reset password"


@dataclass(frozen=True)
class Passwords:
    """Changes guests' passwords."""

    direct: Direct
    whmcs: Callable[[], WhmcsApi]
    clock: Clock

    def reset(self, service_id: int) -> Answer:
        """Give the guest a new random password. The client learns it by mail and in no other way.

        `facts["password_applies"]` tells from when on it is valid. An answer that has begun is carried to its end, also if
        that takes longer or is interrupted.
        """
        return self._change(service_id, random_password(random.SystemRandom()))

    def change(self, service_id: int, password: str) -> str:
        """Give the guest the password that was typed in WHMCS; "success" or one line. Success once it is stored."""
        if not SHORTEST <= len(password) <= LONGEST or not password.isprintable():
            return f"The new password must have {SHORTEST} to {LONGEST} characters and no line breaks."
        answer = self._change(service_id, password)
        return SUCCESS if answer.begun else answer.text

    def _change(self, service_id: int, password: str) -> Answer:
        # WHMCS's API need not be asked for a VM that is gone or locked.
        refused = self.direct.examine(service_id, LABEL, Power.ANY)
        if refused:
            return refused
        try:
            encrypted = self.whmcs().encrypt(password)
        except ProviderError as error:
            return Answer(f"{LABEL} is not possible now: {error}", why=Why.FAILED)
        store = Service.update(password=encrypted).where(Service.id == service_id)
        return self.direct.run(service_id, RESET, {"asked_at": self.clock.now()}, together=store.execute)
