"""`kvm-bridge zone`, `dns` and `settings`: what an admin types and reads."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from bridge.commands import cli
from bridge.dns.credentials import PREFIX
from bridge.models.companion import Setting
from bridge.models.module import DnsZone

SECRET_KEY = "a-secret-of-the-tests"


class Shell:
    """Runs the command line on one database."""

    def __init__(self, url: str) -> None:
        self._environment = {"KVM_BRIDGE_DATABASE_URL": url, "KVM_BRIDGE_SECRET": SECRET_KEY}

    def __call__(self, *arguments: str, typed: str = "", **environment: str) -> Result:
        return CliRunner().invoke(cli, arguments, input=typed, env=self._environment | environment)


@pytest.fixture
def shell(sqlite_url: str, sqlite_db: object) -> Shell:
    return Shell(sqlite_url)


ADD = ("zone", "add", "example.com", "powerdns", "server=http://127.0.0.1:9")


def test_adding_a_zone_asks_for_its_secret_without_showing_it(shell: Shell) -> None:
    result = shell(*ADD, typed="pdns-secret\n")
    assert (result.exit_code, "pdns-secret" in result.output) == (0, False)
    assert DnsZone.get().api_key.startswith(PREFIX)
    listed = shell("zone", "list").output
    assert listed.split() == ["1", "example.com", "powerdns", "http://127.0.0.1:9/"]
    assert "secret" not in shell("zone", "list", "--json").output


@pytest.mark.req("DNS-02")
def test_all_zones_are_listed_however_many_there_are(shell: Shell) -> None:
    DnsZone.insert_many({"zone": f"zone{number}.example.com", "type": "powerdns"} for number in range(1001)).execute()
    assert len(shell("zone", "list").output.splitlines()) == 1001
    assert len(json.loads(shell("zone", "list", "--json").output)) == 1001


def test_a_secret_can_come_from_a_file(shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "key").write_text("from-a-file\n")
    assert shell(*ADD, f"api_key=@{tmp_path}/key").exit_code == 0
    assert shell("zone", "disclose", "--yes").output == "1 secrets are stored in clear now\n"
    assert DnsZone.get().api_key == "from-a-file"


def test_a_file_that_is_not_there_is_one_line(shell: Shell, tmp_path: Path) -> None:
    result = shell(*ADD, f"api_key=@{tmp_path}/missing")
    assert (result.exit_code, result.output) == (1, f"Error: {tmp_path}/missing: No such file or directory\n")


def test_a_zone_is_changed_tested_and_deleted(shell: Shell) -> None:
    shell(*ADD, typed="pdns-secret\n")
    assert shell("zone", "set", "1", "zone=example.net").output == "zone 1: changed\n"
    tested = shell("zone", "test", "1")
    assert (tested.exit_code, tested.output) == (1, "Error: zone 1: 127.0.0.1:9 refuses connections\n")
    assert shell("zone", "delete", "1", "--yes").output == "zone 1: deleted\n"
    assert shell("zone", "delete", "1", "--yes").output == "Error: there is no DNS zone 1\n"


def test_what_is_wrong_with_a_zone_is_one_line(shell: Shell) -> None:
    result = shell("zone", "add", "x..com", "hestiacp", "server=x", "password=p")
    assert result.exit_code == 1
    assert result.output == (
        'Error: Zone: "x..com" is not a domain name; Admin User: must be filled in; User: must be filled in\n'
    )


def test_another_key_is_told_and_not_a_traceback(shell: Shell) -> None:
    shell(*ADD, typed="pdns-secret\n")
    result = shell("zone", "test", "1", KVM_BRIDGE_ENCRYPTION_KEY="another key altogether")
    assert result.output == (
        "Error: zone 1: the secret was stored with another KVM_BRIDGE_ENCRYPTION_KEY or KVM_BRIDGE_SECRET; enter it anew\n"
    )


@pytest.mark.req("DNS-55")
def test_the_certificate_of_a_provider_is_chosen_like_that_of_a_server(shell: Shell) -> None:
    shell("zone", "add", "example.com", "powerdns", "server=https://dns.example.net:8081", "api_key=x")
    fingerprint = "ab" * 32
    assert "dns.example.net:8081: nothing yet" in shell("zone", "trust", "1").output
    assert fingerprint in shell("zone", "trust", "1", "--fingerprint", fingerprint).output
    assert Setting.get(Setting.name == "tls:dns:dns.example.net:8081")
    assert "64 hex digits" in shell("zone", "trust", "1", "--fingerprint", "abc").output
    assert "nothing yet" in shell("zone", "trust", "1", "--relearn").output


def test_a_check_of_an_installation_without_services_finds_nothing(shell: Shell) -> None:
    result = shell("dns", "check")
    assert (result.exit_code, result.output) == (0, "All records are as they should be.\n")


def test_settings_are_shown_and_changed_all_or_none(shell: Shell) -> None:
    assert "dns_list_allow = " in shell("settings", "show").output
    assert shell("settings", "set", "dns_list_allow=192.0.2.10, 2001:db8::/64").exit_code == 0
    assert json.loads(shell("settings", "show", "--json").output)["dns_list_allow"] == "192.0.2.10/32 2001:db8::/64"
    result = shell("settings", "set", "heavy_per_node=9", "dns_list_allow=everybody")
    assert result.exit_code == 1
    assert '"everybody" must be addresses and networks like' in result.output
    assert json.loads(shell("settings", "show", "--json").output)["heavy_per_node"] == 4


def test_what_is_no_assignment_is_wrong_usage(shell: Shell) -> None:
    assert shell("settings", "set", "heavy_per_node").exit_code == 2
