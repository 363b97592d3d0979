"""Rows of the old addon's tables, whose columns nobody has documented, become rows of ours."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.takeover.columns import pool_columns, zone_columns

OURS = {
    "id": 3,
    "server_id": 19,
    "type": "ipv4",
    "bridge": "vmbr1",
    "vlan": 30,
    "gateway": "192.168.130.1",
    "mask": 24,
    "dns1": "8.8.8.8",
    "dns2": "1.1.1.1",
    "address_start": "192.168.130.2",
    "address_stop": "192.168.130.30",
}

SPELLINGS: list[dict[str, Any]] = [
    OURS,
    {**OURS, "type": "IPv4", "vlan": "30", "mask": "24", "server_id": "19"},
    {
        "Id": 3,
        "Server": "19",
        "IP_Type": "4",
        "Bridge": " vmbr1 ",
        "vlan_tag": 30,
        "gw": "192.168.130.1",
        "Netmask": "255.255.255.0",
        "DNS_1": "8.8.8.8",
        "DNS_2": "1.1.1.1",
        "start": "192.168.130.2",
        "end": "192.168.130.30",
    },
    {
        "id": 3,
        "server": "pve-waw1",
        "bridge": "vmbr1",
        "vlan": 30,
        "gateway": "192.168.130.1",
        "prefix": "/24",
        "dns": "8.8.8.8, 1.1.1.1",
        "startAddress": "192.168.130.2",
        "stopAddress": "192.168.130.30",
    },
    {"id": 3, "data": json.dumps({**OURS, "id": 99})},
    {"id": 3, "settings": json.dumps(OURS).replace('"', "&quot;")},
]


def server_named(name: str) -> int | None:
    return {"pve-waw1": 19}.get(name)


@pytest.mark.req("MIG-18")
@pytest.mark.parametrize("row", SPELLINGS)
def test_a_pool_is_the_same_however_its_columns_are_called(row: dict[str, Any]) -> None:
    assert pool_columns(row, server_named) == OURS


def test_what_a_pool_lacks_is_empty() -> None:
    columns = pool_columns({"server": "no such server", "address_start": "2001:db8::2"}, server_named)
    assert columns == {
        "id": None,
        "server_id": 0,
        "type": "ipv6",
        "bridge": "",
        "vlan": 0,
        "gateway": "",
        "mask": None,
        "dns1": "",
        "dns2": "",
        "address_start": "2001:db8::2",
        "address_stop": "",
    }


NO_ZONE = dict.fromkeys(("account_id", "zone_id", "api_token", "server", "admin", "user", "password", "api_key"), "")
CLOUDFLARE = NO_ZONE | {
    "id": 1,
    "zone": "example.com",
    "type": "cloudflare",
    "account_id": "a1",
    "zone_id": "z1",
    "api_token": "t0ken&amp;1",
}
HESTIA = NO_ZONE | {
    "id": 2,
    "zone": "130.168.192.in-addr.arpa",
    "type": "hestiacp",
    "server": "https://hestia.example.com:8083/",
    "admin": "admin",
    "password": " s3cret ".strip(),
    "user": "dns",
}
POWERDNS = NO_ZONE | {
    "id": 3,
    "zone": "example.org.",
    "type": "powerdns",
    "server": "https://pdns.example.com:8081",
    "api_key": "k3y",
}


@pytest.mark.req("MIG-18")
@pytest.mark.parametrize(
    ("row", "zone"),
    [
        (CLOUDFLARE, CLOUDFLARE),
        (
            {"id": 1, "domain": "example.com", "provider": "Cloudflare", "account": "a1", "zone_id": "z1"}
            | {"token": "t0ken&amp;1"},
            CLOUDFLARE,
        ),
        (
            {"id": 2, "zone": "130.168.192.in-addr.arpa", "type": "Hestia", "url": "https://hestia.example.com:8083/"}
            | {"admin_user": "admin", "admin_password": "s3cret", "user": "dns"},
            HESTIA,
        ),
        (
            {"id": 3, "zone": "example.org.", "type": "powerdns"}
            | {"config": json.dumps({"server": "https://pdns.example.com:8081", "api_key": "k3y", "zone": "wrong"})},
            POWERDNS,
        ),
        (
            {"id": 3, "zone": "example.org.", "type": "PowerDNS"}
            | {
                "settings": json.dumps(
                    {
                        "powerdns": {"Server URL": "https://pdns.example.com:8081", "API Key": "k3y"},
                        "cloudflare": {"api_token": "other"},
                    }
                )
            },
            POWERDNS,
        ),
    ],
)
def test_a_zone_is_the_same_in_columns_and_in_json_and_its_secrets_are_untouched(
    row: dict[str, Any], zone: dict[str, Any]
) -> None:
    assert zone_columns(row) == zone


@given(st.dictionaries(st.text(max_size=12), st.one_of(st.none(), st.integers(), st.text(max_size=40), st.binary())))
def test_no_row_stops_the_import(row: dict[str, Any]) -> None:
    assert set(pool_columns(row, server_named)) == set(OURS)
    assert set(zone_columns(row)) == set(CLOUDFLARE)
