"""What the tests of HestiaCP's adapter share: record sets, and a look at the commands that were sent."""

from collections.abc import Callable

from providers.dns import RecordSet
from tests.contract.dns_hestiacp_fake import FakeHestia
from tests.contract.dns_wire import Reply, Sent

VM = "vm.example.com"


def a(name: str, *values: str) -> RecordSet:
    return RecordSet(name, "A", values)


def many(number: int) -> list[RecordSet]:
    return [a(f"vm{each}.example.com", f"192.0.2.{each}") for each in range(number)]


def names(server: FakeHestia) -> list[str]:
    """The commands so far, without their arguments."""
    return [command[0] for command in server.commands]


def changes(server: FakeHestia) -> list[list[str]]:
    """The commands so far that change something."""
    return [command for command in server.commands if not command[0].startswith("v-list")]


def is_change(sent: Sent) -> bool:
    return not sent.form["cmd"].startswith("v-list")


def before_the_change(server: FakeHestia, action: Callable[[], None]) -> None:
    """Somebody else does `action` between the look and the first change."""
    actions = [action]

    def strikes(sent: Sent) -> bool:
        if is_change(sent) and actions:
            actions.pop()()
        return False

    server.fail(Reply(), to=strikes)
