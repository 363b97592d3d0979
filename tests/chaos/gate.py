"""Every outgoing call of the daemon passes here: it is counted, and the process can be made to die at any of them."""

from dataclasses import dataclass, field
from enum import StrEnum

import requests


class Killed(BaseException):
    """The process is gone at this very moment. A BaseException: no `except Exception` may survive a SIGKILL."""


class Moment(StrEnum):
    """When a call is interrupted."""

    BEFORE = "before the call"
    AFTER = "after its effect, before its answer is stored"
    ANSWER_LOST = "its answer is lost, the process lives on"


@dataclass
class Gate:
    """`die_at` index of the call (from 0) and `moment`; None = only count."""

    die_at: int | None = None
    moment: Moment = Moment.BEFORE
    calls: list[str] = field(default_factory=list)
    struck: str = ""

    def before(self, request: requests.PreparedRequest | str) -> None:
        """A call is about to be sent."""
        self.calls.append(_name(request))
        if self._is_it(Moment.BEFORE):
            raise Killed(self.struck)

    def after(self, request: requests.PreparedRequest | str, answer: object = None) -> None:
        """A call has had its effect."""
        if self._is_it(Moment.AFTER):
            raise Killed(self.struck)
        if self._is_it(Moment.ANSWER_LOST):
            raise requests.exceptions.ConnectionError("connection reset by peer")

    def _is_it(self, moment: Moment) -> bool:
        if self.die_at is None or self.moment is not moment or len(self.calls) - 1 != self.die_at:
            return False
        self.struck = self.calls[-1]
        return True


def _name(request: requests.PreparedRequest | str) -> str:
    if isinstance(request, str):
        return f"WHMCS {request}"
    return f"{request.method} {str(request.path_url).removeprefix('/api2/json').partition('?')[0]}"
