"""What the tests of Cloudflare's adapter share: record sets, answers, and a look at what was sent."""

from collections.abc import Callable
from typing import Any

from providers.dns import RecordSet
from tests.contract.dns_cloudflare_fake import FakeCloudflare
from tests.contract.dns_wire import Reply, Sent

VM = "vm.example.com"


def a(name: str, *values: str) -> RecordSet:
    return RecordSet(name, "A", values)


def many(number: int) -> list[RecordSet]:
    return [a(f"vm{each}.example.com", f"10.0.{each // 250}.{each % 250}") for each in range(number)]


def error(status: int, *errors: tuple[int, str]) -> Reply:
    told = [{"code": code, "message": message} for code, message in errors]
    return Reply(status, {"success": False, "errors": told, "messages": [], "result": None})


def is_batch(sent: Sent) -> bool:
    return sent.path.endswith("/batch")


def bodies(server: FakeCloudflare) -> list[Any]:
    return [sent.json for sent in server.sent if sent.method != "GET"]


def methods(server: FakeCloudflare) -> list[str]:
    return [sent.method for sent in server.sent]


def before_the_batch(server: FakeCloudflare, action: Callable[[], None]) -> None:
    """Somebody else does `action` between the look and the first batch."""
    actions = [action]

    def strikes(sent: Sent) -> bool:
        if is_batch(sent) and actions:
            actions.pop()()
        return False

    server.fail(Reply(), to=strikes)
