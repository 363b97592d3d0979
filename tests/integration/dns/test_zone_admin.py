"""The admin's list of zones: secrets go in and never come out."""

from typing import Any

import pytest

from bridge.dns.credentials import PREFIX
from bridge.dns.zone_form import KEEP, ZoneRefused
from bridge.models.companion import PendingRecord
from bridge.models.module import DnsZone
from providers.errors import AuthFailed, Unreached
from tests.factories import make_dns_zone
from tests.integration.dns.desk import Desk, host_names, living_service

pytestmark = pytest.mark.usefixtures("sqlite_db")

CLOUDFLARE = {"zone": "example.com", "type": "cloudflare", "api_token": "cf-secret-token"}
HESTIA = {
    "zone": "example.com",
    "type": "hestiacp",
    "server": "https://hestia.example.net:8083",
    "admin": "admin",
    "password": "hestia-secret",
    "user": "dns",
}
POWERDNS = {"zone": "example.com.", "type": "powerdns", "server": "pdns.example.net:8081", "api_key": "pdns-secret"}


@pytest.fixture
def desk() -> Desk:
    return Desk()


def row(zone_id: int) -> DnsZone:
    return DnsZone.get_by_id(zone_id)


@pytest.mark.req("DNS-04", "DNS-06")
@pytest.mark.parametrize("typed", [CLOUDFLARE, HESTIA, POWERDNS])
def test_a_zone_of_each_provider_is_stored_with_its_fields(desk: Desk, typed: dict[str, str]) -> None:
    shown = desk.admin.show(desk.admin.save(typed))
    assert (shown["zone"], shown["type"]) == ("example.com", typed["type"])


@pytest.mark.req("DNS-06", "DNS-05", "DNS-07", "DNS-09")
@pytest.mark.parametrize(
    ("typed", "missing", "label"),
    [
        (CLOUDFLARE, "api_token", "API Token"),
        (HESTIA, "server", "Server URL"),
        (HESTIA, "admin", "Admin User"),
        (HESTIA, "password", "Admin Password"),
        (HESTIA, "user", "User"),
        (POWERDNS, "server", "Server URL"),
        (POWERDNS, "api_key", "API Key"),
    ],
)
def test_a_field_that_the_provider_needs_must_be_filled_in(
    desk: Desk, typed: dict[str, str], missing: str, label: str
) -> None:
    with pytest.raises(ZoneRefused, match=f"^{label}: must be filled in$"):
        desk.admin.save({**typed, missing: " "})
    assert DnsZone.select().count() == 0


def test_all_that_is_wrong_is_told_at_once(desk: Desk) -> None:
    with pytest.raises(ZoneRefused) as refused:
        desk.admin.save({"zone": "-x-", "type": "powerdns", "server": "ftp://x", "api_key": ""})
    assert str(refused.value).count(";") == 2


@pytest.mark.parametrize("typed", [{"type": "bind"}, {"type": ""}, {}])
def test_an_unknown_provider_is_refused(desk: Desk, typed: dict[str, str]) -> None:
    with pytest.raises(ZoneRefused, match="Type: must be one of cloudflare, hestiacp, powerdns"):
        desk.admin.save({"zone": "example.com", **typed})


@pytest.mark.req("DNS-08")
@pytest.mark.parametrize("typed", ["https://hestia.example.net:8083", "https://hestia.example.net:8083//"])
def test_the_server_url_gets_exactly_one_trailing_slash(desk: Desk, typed: str) -> None:
    assert row(desk.admin.save({**HESTIA, "server": typed})).server == "https://hestia.example.net:8083/"


@pytest.mark.parametrize(
    "typed", ["https://user:pw@dns.example.net", "https://", "https://a:99999", "javascript:alert(1)"]
)
def test_a_server_that_is_no_plain_url_is_refused(desk: Desk, typed: str) -> None:
    with pytest.raises(ZoneRefused, match="Server URL: must be like"):
        desk.admin.save({**POWERDNS, "server": typed})


@pytest.mark.req("DNS-48", "DNS-37")
@pytest.mark.parametrize(("typed", "column"), [(CLOUDFLARE, "api_token"), (HESTIA, "password"), (POWERDNS, "api_key")])
def test_secrets_are_encrypted_in_the_database(desk: Desk, typed: dict[str, str], column: str) -> None:
    stored = row(desk.admin.save(typed))
    assert getattr(stored, column).startswith(PREFIX)
    assert "secret" not in str(stored.__data__)
    assert desk.configured.providers.vault.open(getattr(stored, column)) == typed[column]


@pytest.mark.req("DNS-34", "DNS-37")
def test_no_list_and_no_form_shows_a_secret(desk: Desk) -> None:
    for typed in (CLOUDFLARE, HESTIA, POWERDNS):
        desk.admin.save(typed)
    page = desk.admin.page()
    assert [next(value for value in entry.values() if value == KEEP) for entry in page["rows"]] == [KEEP] * 3
    assert "secret" not in str(page)
    assert PREFIX not in str(page)


@pytest.mark.req("DNS-36")
@pytest.mark.parametrize("left_alone", [{}, {"api_key": ""}, {"api_key": KEEP}])
def test_a_secret_that_is_left_alone_keeps_its_value(desk: Desk, left_alone: dict[str, str]) -> None:
    zone_id = desk.admin.save(POWERDNS)
    desk.admin.save({"server": "https://other.example.net/", **left_alone}, zone_id)
    assert row(zone_id).server == "https://other.example.net/"
    assert desk.configured.providers.vault.open(row(zone_id).api_key) == "pdns-secret"


@pytest.mark.req("DNS-36")
def test_a_new_secret_takes_the_place_of_the_old_one(desk: Desk) -> None:
    zone_id = desk.admin.save(POWERDNS)
    desk.admin.save({"api_key": "another"}, zone_id)
    assert desk.configured.providers.vault.open(row(zone_id).api_key) == "another"


@pytest.mark.req("DNS-48")
def test_a_secret_that_the_old_module_left_in_clear_is_encrypted_with_the_first_save(desk: Desk) -> None:
    zone = make_dns_zone(api_key="left-in-clear")
    assert desk.admin.show(zone.id)["api_key"] == KEEP
    desk.admin.save({"api_key": KEEP}, zone.id)
    assert row(zone.id).api_key.startswith(PREFIX)
    assert desk.configured.providers.vault.open(row(zone.id).api_key) == "left-in-clear"


@pytest.mark.req("DNS-36")
def test_another_provider_does_not_inherit_secrets(desk: Desk) -> None:
    zone_id = desk.admin.save(POWERDNS)
    with pytest.raises(ZoneRefused, match="API Token: must be filled in"):
        desk.admin.save({"type": "cloudflare", "api_token": KEEP}, zone_id)
    desk.admin.save({"type": "cloudflare", "api_token": "new"}, zone_id)
    assert (row(zone_id).api_key, row(zone_id).server) == (None, None)


def test_another_provider_does_not_inherit_the_address(desk: Desk) -> None:
    zone_id = desk.admin.save(POWERDNS)
    moved = {name: value for name, value in HESTIA.items() if name != "server"}
    with pytest.raises(ZoneRefused, match=r"^Server URL: must be filled in$"):
        desk.admin.save(moved, zone_id)


@pytest.mark.req("DNS-37")
@pytest.mark.parametrize("server", ["https://me:pa/ss@dns.example.net:8081/", "me:pa/ss@dns.example.net:8081/"])
def test_a_password_that_an_older_module_kept_in_the_address_is_not_shown(desk: Desk, server: str) -> None:
    zone = make_dns_zone(server=server)
    assert desk.admin.show(zone.id)["server"] == server.replace("me:pa/ss@", "")


@pytest.mark.req("DNS-48")
def test_without_a_key_nothing_is_stored(desk: Desk) -> None:
    desk.start(key=None)
    with pytest.raises(ZoneRefused, match="neither KVM_BRIDGE_ENCRYPTION_KEY nor KVM_BRIDGE_SECRET is set"):
        desk.admin.save(POWERDNS)
    assert DnsZone.select().count() == 0


@pytest.mark.req("DNS-48")
def test_with_another_key_the_zone_says_so_and_takes_a_new_secret(desk: Desk) -> None:
    zone_id = desk.admin.save(POWERDNS)
    desk.start(key="another key")
    assert "stored with another KVM_BRIDGE_ENCRYPTION_KEY or KVM_BRIDGE_SECRET" in desk.admin.test(zone_id)
    with pytest.raises(ZoneRefused, match="API Key: must be filled in"):
        desk.admin.save({}, zone_id)
    desk.admin.save({"api_key": "entered-anew"}, zone_id)
    assert desk.configured.providers.vault.open(row(zone_id).api_key) == "entered-anew"


@pytest.mark.req("DNS-48")
def test_for_switching_back_all_secrets_are_stored_in_clear_again(desk: Desk) -> None:
    ids = [desk.admin.save(typed) for typed in (CLOUDFLARE, HESTIA, POWERDNS)]
    assert desk.admin.disclose() == 3
    assert (row(ids[0]).api_token, row(ids[1]).password, row(ids[2]).api_key) == (
        "cf-secret-token",
        "hestia-secret",
        "pdns-secret",
    )
    assert desk.admin.disclose() == 0


def test_one_secret_that_cannot_be_read_keeps_all_of_them_encrypted(desk: Desk) -> None:
    first = desk.admin.save(CLOUDFLARE)
    desk.start(key="another key")
    desk.admin.save(POWERDNS)
    with pytest.raises(ZoneRefused, match=rf"zone example.com \(ID {first}\)"):
        desk.admin.disclose()
    assert all(PREFIX in f"{zone.api_token}{zone.api_key}" for zone in DnsZone.select())


@pytest.mark.req("DNS-02")
def test_zones_of_one_name_at_several_providers_are_allowed_but_not_the_same_one_twice(desk: Desk) -> None:
    first = desk.admin.save(POWERDNS)
    desk.admin.save(HESTIA)
    desk.admin.save({**POWERDNS, "server": "https://second.example.net"})
    with pytest.raises(ZoneRefused, match=rf"is there already \(ID {first}\)"):
        desk.admin.save(POWERDNS)


@pytest.mark.req("DNS-46")
def test_deleting_a_zone_forgets_what_is_pending_and_leaves_the_provider_alone(desk: Desk) -> None:
    kept = desk.zone("example.com")
    service = living_service("192.168.130.6")
    desk.refresh(service, host_names("192.168.130.6"))
    records, stored = dict(kept.records), kept.stored
    kept.failing = AuthFailed("no")
    desk.refresh(service, host_names("192.168.130.6"))
    kept.failing = None
    desk.admin.delete(1)
    assert DnsZone.select().count() == PendingRecord.select().count() == 0
    assert (kept.records, kept.stored) == (records, stored + 1)
    assert desk.refresh(service, host_names("192.168.130.6")).forward_ok == 0


@pytest.mark.parametrize("work", ["show", "delete", "test"])
def test_a_zone_that_does_not_exist_is_told(desk: Desk, work: str) -> None:
    with pytest.raises(ZoneRefused, match="there is no DNS zone 99"):
        getattr(desk.admin, work)(99)


@pytest.mark.req("DNS-60")
def test_the_list_is_searched_sorted_and_paged_by_the_database(desk: Desk) -> None:
    for number in range(7):
        make_dns_zone(zone=f"zone{number}.example.com")
    make_dns_zone(zone="130.168.192.in-addr.arpa", type="hestiacp")

    def zones(**query: Any) -> list[str]:
        return [entry["zone"] for entry in desk.admin.page(**query)["rows"]]

    assert zones(per_page=2, page=2) == ["zone2.example.com", "zone3.example.com"]
    assert zones(search="zone", sort="zone", descending=True)[0] == "zone6.example.com"
    assert zones(search="hestia") == ["130.168.192.in-addr.arpa"]
    assert desk.admin.page(per_page=2, search="example.com")["total"] == 7


@pytest.mark.req("DNS-61")
def test_the_test_tells_the_providers_own_error_or_nothing(desk: Desk) -> None:
    zone = desk.zone("example.com")
    assert desk.admin.test(1) == ""
    zone.failing = AuthFailed("dns.example.net: Unauthorized")
    assert desk.admin.test(1) == "dns.example.net: Unauthorized"


@pytest.mark.req("DNS-49")
@pytest.mark.parametrize("mended", ["test", "save"])
def test_what_is_pending_is_tried_at_once_when_the_zone_was_tested_or_changed(desk: Desk, mended: str) -> None:
    zone = desk.zone("example.com")
    zone.failing = AuthFailed("dns.example.net: Unauthorized")
    desk.refresh(living_service("192.168.130.6"), host_names("192.168.130.6"))
    assert desk.admin.test(1) != ""
    assert desk.retries.work() == 0
    zone.failing = None
    if mended == "test":
        desk.admin.test(1)
    else:
        desk.admin.save({"api_key": "the right one"}, 1)
    assert desk.retries.work() == 2
    assert zone.records


@pytest.mark.req("DNS-49", "DNS-52")
def test_a_zone_that_was_left_alone_is_used_again_as_soon_as_it_was_tested_well(desk: Desk) -> None:
    zone = desk.zone("example.com")
    service = living_service("192.168.130.6")
    zone.failing = Unreached("dns.example.net refuses connections")
    desk.refresh(service, host_names("192.168.130.6"))
    zone.failing = None
    assert desk.admin.test(1) == ""
    assert desk.retries.work() == 2
    assert zone.records
