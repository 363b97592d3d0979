"""The pages about what clients do say what the code does."""

import pytest

from bridge.lifecycle import firewall, firewall_form
from bridge.web import client, client_pages
from statemachines.package import Package
from tests.unit.house.import_graph import ROOT

FUNCTIONS = (ROOT / "docs/client-functions.md").read_text(encoding="utf-8")
FIREWALL = (ROOT / "docs/firewall.md").read_text(encoding="utf-8")
PROTOCOL = (ROOT / "docs/protocol.md").read_text(encoding="utf-8")


@pytest.mark.req("ISO-09")
def test_the_page_tells_what_booting_from_an_image_needs() -> None:
    assert "the boot order of the VM has to include the CD/DVD drive" in FUNCTIONS


def test_the_page_names_the_setting_of_the_storage() -> None:
    assert "`iso_storage`" in FUNCTIONS
    assert hasattr(Package(), "iso_storage")


def test_the_page_tells_the_limits_of_rules() -> None:
    assert f"at most {firewall.MOST_RULES} rules" in FIREWALL
    assert f"at most {firewall_form.LONGEST_COMMENT} characters" in FIREWALL
    assert f"at most {firewall_form.MOST_PORTS} numbers" in FIREWALL
    assert all(name in FIREWALL for name in firewall_form.WITH_PORTS)


@pytest.mark.parametrize("name", [name for name, function in client.FUNCTIONS.items() if function])
def test_the_protocol_describes_every_function_for_clients(name: str) -> None:
    section = PROTOCOL.partition("### For clients")[2].partition("## Signatures")[0]
    assert f"`{name}`" in section


@pytest.mark.parametrize("name", client_pages.STAFF_FUNCTIONS)
def test_the_protocol_describes_what_staff_asks(name: str) -> None:
    section = PROTOCOL.partition("### For admins")[2].partition("### For clients")[0]
    assert f"| `{name}` |" in section
