"""Mails, tickets and entries of the activity log leave through the outbox and in no other way."""

import ast
from pathlib import Path

import pytest

from tests.unit.house.import_graph import PACKAGES, ROOT

SENDING = frozenset({"send_email", "log_activity", "open_ticket"})
ACTIONS = frozenset({"SendEmail", "LogActivity", "OpenTicket"})
THE_WAY_OUT = "bridge/outbox/messages.py"


def senders(source: str) -> set[str]:
    """Methods and actions of WHMCS's API in this source that something would leave by."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            arguments = {arg.value for arg in node.args if isinstance(arg, ast.Constant)}
            found |= ({node.func.attr} & SENDING) | (arguments & ACTIONS)
    return found


def product_files() -> list[Path]:
    """Everything of ours but the client of the API itself, and the stand-in for WHMCS."""
    files = [path for package in PACKAGES for path in (ROOT / package).rglob("*.py")]
    return [path for path in files if not {"sandbox", "whmcs"} & set(path.relative_to(ROOT).parts)]


@pytest.mark.req("ENG-42")
def test_only_the_outbox_sends() -> None:
    found = {str(path.relative_to(ROOT)) for path in product_files() if senders(path.read_text(encoding="utf-8"))}
    assert found == {THE_WAY_OUT}


@pytest.mark.parametrize("source", ["whmcs.send_email('x', 1)", "self.api().call('OpenTicket', {})"])
def test_another_way_would_be_found(source: str) -> None:
    assert senders(source)
