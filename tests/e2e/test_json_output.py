"""What commands show, they show machines as JSON."""

import json
from collections.abc import Iterator
from typing import Any

import click
import pytest

from bridge.commands import cli
from tests.chaos.processes import Installation
from tests.factories import make_dns_zone

SHOWING = {
    "dns check": [],
    "explain": ["{service}"],
    "plan": ["{service}"],
    "pool list": [],
    "product show": ["{product}"],
    "record show": ["{service}"],
    "server trust": ["{server}"],
    "settings show": [],
    "status": [],
    "zone list": [],
    "zone trust": ["{zone}"],
}
ACTING = {
    *("cron", "demo", "install", "install-shim", "migrate", "run", "scheduler", "serve", "vnc", "web"),
    *("pool add", "pool delete", "pool set", "product set", "settings set"),
    *("record adopt", "record delete", "record reset", "record set", "sandbox proxmox", "sandbox whmcs"),
    *("zone add", "zone delete", "zone disclose", "zone set", "zone test"),
}


def commands(group: click.Group, above: str = "") -> Iterator[tuple[str, click.Command]]:
    """All commands as one types them."""
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from commands(command, f"{above}{name} ")
        else:
            yield f"{above}{name}", command


@pytest.mark.req("OPS-13")
def test_every_command_that_shows_something_has_the_option() -> None:
    """A new command belongs into one of the two tables above."""
    found = dict(commands(cli))
    assert set(found) == set(SHOWING) | ACTING
    with_json = {name for name, command in found.items() if any("--json" in option.opts for option in command.params)}
    assert with_json == set(SHOWING)


@pytest.mark.req("OPS-13")
def test_what_they_print_is_json_and_nothing_else(installation: Installation) -> None:
    installation.start("serve")
    service = installation.order()
    installation.wait_until_ready([service])
    ids: dict[str, Any] = {"service": service, "product": installation.shop.product_id}
    ids |= {"server": installation.shop.server_id, "zone": make_dns_zone(server="https://127.0.0.1:8081").id}
    shown: dict[str, Any] = {}
    for name, arguments in SHOWING.items():
        if name != "dns check":
            typed = [argument.format(**ids) for argument in arguments]
            shown[name] = json.loads(installation.command(*name.split(), *typed, "--json").printed)
    assert shown["explain"]["status"] == shown["record show"]["vm_status"] == "ready"
    assert shown["plan"]["service_id"] == service
    assert shown["product show"]["os_template"] == 9000
    assert shown["settings show"]["cron_mode"] == "whmcs"
    assert [zone["zone"] for zone in shown["zone list"]] == ["example.com"]
    assert len(shown["pool list"]["rows"]) == 2
    assert len(shown["server trust"]["accepted"]["fingerprint"]) == 64
    assert shown["zone trust"]["accepted"] is None
    assert shown["status"]["vms"] == {"ready": 1}
    assert shown["status"]["works"] is True


@pytest.mark.req("OPS-13")
def test_the_check_of_the_dns_prints_an_object_for_each_record(installation: Installation) -> None:
    installation.start("serve")
    service = installation.order()
    installation.wait_until_ready([service])
    make_dns_zone(server="http://127.0.0.1:9")
    check = installation.start("dns", "check", "--json")
    assert check.wait() == 1
    objects = [json.loads(line) for line in check.printed.splitlines()]
    assert {found["service"] for found in objects} == {service}
