"""The stand-in's external API: who may call, which action answers, and what a planned fault makes of it.

Source of actions, parameters and messages: developers.whmcs.com/api-reference.
"""

import hmac
import threading
from collections.abc import Callable, Mapping
from typing import Any

from bridge.sandbox.whmcs import actions
from bridge.sandbox.whmcs.answers import Answer, Refused, failure, success
from bridge.sandbox.whmcs.faults import FaultKind, Faults
from bridge.sandbox.whmcs.module_calls import module_parameters
from bridge.sandbox.whmcs.passwords import Passwords
from bridge.sandbox.whmcs.shop import Clock, Mail, Shop

MAINTENANCE = "<html><head><title>Down for Maintenance</title></head><body>Back soon</body></html>"
PHP_NOISE = "<br />\n<b>Warning</b>:  Undefined array key {0} in hooks.php on line 7<br />\n"

# WHMCS encodes what it takes in for HTML, as PHP's htmlspecialchars(ENT_QUOTES) does.
_ENCODED = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#039;"})


class WhmcsSandbox:
    """A shop's API over the connected database. `clock.now()` gives epoch seconds.

    `allowed_ips` None = any address may call. `denied_actions` are not part of the credential's role. `module` is called by
    the Module… actions with the function's name and WHMCS's parameters, and returns "success" or an error text.
    `faults` plans trouble; `calls` are the actions called so far.
    """

    def __init__(
        self,
        clock: Clock,
        *,
        identifier: str = "sandbox-identifier",
        secret: str = "sandbox-secret",
        encryption_hash: str = "sandbox",
        allowed_ips: set[str] | None = None,
        access_key: str = "",
        denied_actions: frozenset[str] = frozenset(),
        module: Callable[[str, dict[str, Any]], str] | None = None,
    ) -> None:
        self.identifier = identifier
        self.secret = secret
        self.allowed_ips = allowed_ips
        self.access_key = access_key
        self.denied_actions = denied_actions
        self.shop = Shop(clock, Passwords(encryption_hash), module)
        self.faults = Faults()
        self.calls: list[str] = []
        self._lock = threading.RLock()

    @property
    def mails(self) -> list[Mail]:
        """All mails that left, the oldest first."""
        return self.shop.mails

    @property
    def passwords(self) -> Passwords:
        """WHMCS's encryption, for those who write its tables."""
        return self.shop.passwords

    def module_parameters(self, service_id: int) -> dict[str, Any]:
        """What WHMCS would hand to a provisioning function of the module."""
        return module_parameters(self.shop, service_id)

    def handle(self, fields: Mapping[str, str], remote_ip: str = "127.0.0.1") -> Answer:
        """One POST to api.php with its form fields."""
        with self._lock:
            action = fields.get("action", "")
            fault = self.faults.take(action)
            if fault in (FaultKind.DOWN, FaultKind.CUT_BEFORE):
                return Answer(0, "", cut=True)
            if fault is FaultKind.NONSENSE:
                return Answer(503, MAINTENANCE, "text/html")
            self.calls.append(action)
            return self._bent(self._answer(action, fields, remote_ip, fault), fault)

    def _answer(self, action: str, fields: Mapping[str, str], remote_ip: str, fault: FaultKind | None) -> Answer:
        try:
            self._admit(action, fields, remote_ip)
            if fault is FaultKind.MAILER:
                raise Refused("Sending Failed. Please see documentation.")
            carry_out = actions.ACTIONS.get(action.lower())
            if carry_out is None:
                raise Refused("Command Not Found")
            return success(carry_out(self.shop, {name: value.translate(_ENCODED) for name, value in fields.items()}))
        except Refused as refused:
            return failure(refused)

    def _admit(self, action: str, fields: Mapping[str, str], remote_ip: str) -> None:
        """The front door, in WHMCS's order: address, credential, role."""
        knows_key = bool(self.access_key) and fields.get("accesskey") == self.access_key
        if self.allowed_ips is not None and remote_ip not in self.allowed_ips and not knows_key:
            raise Refused(f"Invalid IP {remote_ip}", 403)
        identifier = fields.get("identifier") or fields.get("username", "")
        secret = fields.get("secret") or fields.get("password", "")
        if not identifier or not secret:
            raise Refused("Authentication Failed", 403)
        if identifier != self.identifier:
            raise Refused("Invalid or missing credentials", 403)
        if not hmac.compare_digest(secret.encode(), self.secret.encode()):
            raise Refused("Authentication Failed", 403)
        if action in self.denied_actions:
            raise Refused(f'Invalid Permissions: API action "{action.lower()}" is not allowed', 403)

    def _bent(self, answer: Answer, fault: FaultKind | None) -> Answer:
        if fault is FaultKind.CUT_AFTER:
            return Answer(0, "", cut=True)
        if fault is FaultKind.SLOW:
            return Answer(answer.status, answer.text, answer.content_type, delay=self.faults.delay)
        if fault is FaultKind.NONSENSE_AFTER:
            return Answer(200, MAINTENANCE, "text/html")
        if fault is FaultKind.NOISE:
            return Answer(answer.status, PHP_NOISE + answer.text, "text/html")
        return answer
