"""What the API answers, in WHMCS's shapes, and how it says no."""

import json
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Answer:
    """An HTTP answer. `cut` = the connection ends before a byte of it; `delay` seconds pass before it."""

    status: int
    text: str
    content_type: str = "application/json"
    cut: bool = False
    delay: float = 0.0


class Refused(Exception):
    """The API answers `result=error` with this message; `status` is the HTTP status that goes with it."""

    def __init__(self, message: str, status: int = 200) -> None:
        super().__init__(message)
        self.status = status


def success(values: dict[str, Any]) -> Answer:
    """A good answer."""
    return Answer(200, json.dumps({"result": "success", **values}))


def failure(refused: Refused) -> Answer:
    """A refusal."""
    return Answer(refused.status, json.dumps({"result": "error", "message": str(refused)}))
