"""What the pages tell of plans, suspension, logs and the functions for admins and clients is what the code does."""

import re
from dataclasses import fields

import pytest

from bridge import wiring
from bridge.action_log import KEPT_RUNS
from bridge.lifecycle import admission, clients
from bridge.lifecycle.plan import ChangePlan
from bridge.web import addon, client
from bridge.web.forms import TOKEN_FIELD
from statemachines.package import LIVE, RESTART
from statemachines.steps.differences import Refusal
from statemachines.steps.repackage import SHUTDOWN_SECONDS
from tests.unit.house.import_graph import ROOT

PROTOCOL = (ROOT / "docs" / "protocol.md").read_text(encoding="utf-8")
ARCHITECTURE = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
README = (ROOT / "README.md").read_text(encoding="utf-8")


def section(title: str) -> str:
    """The text below a heading, up to the next one."""
    return re.split(r"^##+ ", PROTOCOL.partition(f"### {title}\n")[2], maxsplit=1, flags=re.MULTILINE)[0]


def functions(title: str) -> set[str]:
    """The functions in the first column of the section's table."""
    rows = [line for line in section(title).splitlines() if line.startswith("| `")]
    return {name for row in rows for name in re.findall(r"`(\w+)`", row.split("|")[1])}


def test_the_protocol_lists_the_functions_about_vms_for_admins() -> None:
    served = {name for name, function in addon.FUNCTIONS.items() if function is not None and name in addon.PAGES}
    assert addon.RECORD | addon.VM | {"status"} <= functions("For admins") <= served


def test_the_protocol_lists_what_clients_load_and_send() -> None:
    served = {name for name, function in client.FUNCTIONS.items() if function is not None}
    needed = {"status", "templates", "reinstall_start", "reset_password_start", *clients.POWER}
    assert needed <= functions("For clients") <= served


@pytest.mark.parametrize("part", [ChangePlan, Refusal])
def test_the_protocol_names_everything_that_a_plan_tells(part: type) -> None:
    told = section("For admins").partition("ChangePlan`")[2]
    assert [field.name for field in fields(part) if f"`{field.name}`" not in told] == []
    assert all(f"`{mode}`" in told for mode in (RESTART, LIVE))


def test_the_protocol_tells_the_terms_of_the_client_s_buttons() -> None:
    text = " ".join(section("For clients").split())
    assert f"stops it after {SHUTDOWN_SECONDS:.0f} seconds" in text
    assert f"`confirmation` has to be `{clients.CONFIRMATION}`" in text
    assert f"field `{TOKEN_FIELD}`" in text
    assert all(f"`{sentence}`" in text for sentence in (admission.ACCESS_DENIED, admission.SOMETHING_WRONG))


def test_the_protocol_tells_how_many_runs_a_log_has() -> None:
    assert f"`history` of at most {KEPT_RUNS} runs" in section("For admins")


def test_suspended_vms_are_looked_at_as_often_as_the_pages_tell() -> None:
    assert wiring.ENFORCE_SECONDS == 60
    assert "suspended VMs are looked at every minute" in " ".join(ARCHITECTURE.split())
    assert "by every tick before it takes work" in " ".join(ARCHITECTURE.split())
    assert "every minute does its work: orders, changes, mails, and suspended VMs" in " ".join(README.split())
