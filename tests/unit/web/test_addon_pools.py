"""The functions of the page IP Pools."""

from dataclasses import dataclass, field
from typing import Any

import pytest

from bridge.addresses.errors import PoolInUse, PoolRefused
from bridge.addresses.pool_admin import Saved
from bridge.addresses.pool_list import PoolPage, PoolQuery, PoolRow
from bridge.addresses.reverse_zone import ReverseZone
from bridge.addresses.usage import PoolUsage
from bridge.models.module import IpPool
from tests.daemon import RecordingServices
from tests.unit.web.conftest import Post

FIELDS = {"server_id": "19", "type": "ipv4", "gateway": "10.0.0.1"}


@dataclass
class RecordingPools:
    """Remembers what was asked; `failure` is raised instead of an answer."""

    failure: Exception | None = None
    asked: list[tuple[Any, ...]] = field(default_factory=list)

    def page(self, query: PoolQuery) -> PoolPage:
        self._note("page", query)
        row = IpPool(id=3, server_id=19, type="ipv4", address_start="10.0.0.2", address_stop="10.0.0.9")
        return PoolPage((PoolRow(row, "pve-waw1", PoolUsage(2, 8, 1), ReverseZone("0.0.10.in-addr.arpa")),), 1, 4)

    def servers(self) -> list[tuple[int, str]]:
        return [(19, "pve-waw1")]

    def add(self, fields: dict[str, object]) -> Saved:
        self._note("add", fields)
        return Saved(3, ("a warning",))

    def change(self, pool_id: int, fields: dict[str, object], carry_over: bool = False) -> Saved:
        self._note("change", pool_id, fields, carry_over)
        return Saved(pool_id)

    def delete(self, pool_id: int, confirmed: bool = False) -> None:
        self._note("delete", pool_id, confirmed)

    def _note(self, *what: Any) -> None:
        self.asked.append(what)
        if self.failure is not None:
            raise self.failure


@pytest.fixture
def pools(services: RecordingServices) -> RecordingPools:
    recording = RecordingPools()
    services.pools = recording  # type: ignore[attr-defined]
    return recording


@pytest.mark.req("IPP-32")
def test_the_list_comes_with_counts_and_the_servers_to_choose_from(post: Post, pools: RecordingPools) -> None:
    asked = {"page": "2", "size": 25, "search": "waw", "sort": "usage", "descending": True}
    result = post("/v1/addon/pools", asked).json["result"]
    assert pools.asked == [("page", PoolQuery(2, 25, "waw", "usage", True))]
    assert (result["found"], result["total"], result["servers"]) == (1, 4, [{"id": 19, "name": "pve-waw1"}])
    (row,) = result["rows"]
    shown = ("id", "server", "addresses", "reverse_zone", "usage", "quarantined")
    assert [row[name] for name in shown] == [
        3,
        "pve-waw1",
        "10.0.0.2 - 10.0.0.9",
        "0.0.10.in-addr.arpa",
        "25% (2/8)",
        1,
    ]


def test_a_list_without_wishes_is_the_first_page(post: Post, pools: RecordingPools) -> None:
    post("/v1/addon/pools")
    assert pools.asked == [("page", PoolQuery())]


@pytest.mark.parametrize(
    "params", [{"page": 0}, {"page": "x"}, {"size": 101}, {"size": 0}, {"search": "x" * 300}, {"descending": "perhaps"}]
)
def test_a_page_that_cannot_be_is_malformed(post: Post, pools: RecordingPools, params: dict[str, Any]) -> None:
    assert post("/v1/addon/pools", params).status_code == 400
    assert pools.asked == []


def test_a_pool_without_an_id_is_added(post: Post, pools: RecordingPools) -> None:
    answer = post("/v1/addon/pool_save", {"id": "", "fields": FIELDS}).json
    assert answer == {"result": {"id": 3, "warnings": ["a warning"]}}
    assert pools.asked == [("add", FIELDS)]


def test_a_pool_with_an_id_is_changed(post: Post, pools: RecordingPools) -> None:
    post("/v1/addon/pool_save", {"id": "7", "fields": {"vlan": 30}, "carry_over": True})
    post("/v1/addon/pool_save", {"id": 7, "fields": {"vlan": 30}})
    assert pools.asked == [("change", 7, {"vlan": 30}, True), ("change", 7, {"vlan": 30}, False)]


@pytest.mark.parametrize("params", [{}, {"fields": "x"}, {"id": -1, "fields": {}}, {"id": 1.5, "fields": {}}])
def test_a_form_without_fields_is_malformed(post: Post, pools: RecordingPools, params: dict[str, Any]) -> None:
    assert post("/v1/addon/pool_save", params).status_code == 400
    assert pools.asked == []


@pytest.mark.req("IPP-38")
def test_a_pool_is_deleted_against_its_services_only_when_that_is_confirmed(post: Post, pools: RecordingPools) -> None:
    post("/v1/addon/pool_delete", {"id": 7})
    post("/v1/addon/pool_delete", {"id": "7", "confirmed": True})
    assert pools.asked == [("delete", 7, False), ("delete", 7, True)]
    pools.failure = PoolInUse("pool 7 is in use by service 5", [5])
    answer = post("/v1/addon/pool_delete", {"id": 7})
    assert (answer.status_code, answer.json) == (200, {"error": "pool 7 is in use by service 5"})


@pytest.mark.parametrize("function", ["pools", "pool_save", "pool_delete"])
def test_what_is_refused_is_one_line(post: Post, pools: RecordingPools, function: str) -> None:
    pools.failure = PoolRefused({"mask": "Mask is wrong", "vlan": "Vlan is wrong"})
    answer = post(f"/v1/addon/{function}", {"id": 7, "fields": {}})
    assert (answer.status_code, answer.json) == (200, {"error": "Mask is wrong; Vlan is wrong"})


@pytest.mark.req("IPP-33")
@pytest.mark.parametrize(
    ("typed", "zone", "delegated"),
    [
        ({"gateway": "192.168.130.1", "mask": "24"}, "130.168.192.in-addr.arpa", ""),
        ({"address_start": "10.0.5.2", "gateway": "192.168.130.1", "mask": 24}, "5.0.10.in-addr.arpa", ""),
        ({"address_start": "10.0.", "gateway": "192.168.130.1", "mask": 24}, "130.168.192.in-addr.arpa", ""),
        (
            {"gateway": "192.0.2.65", "mask": "26"},
            "classless delegation required",
            "64/26.2.0.192.in-addr.arpa",
        ),
        ({"gateway": "192.168", "mask": "24"}, "", ""),
        ({"gateway": "192.168.130.1", "mask": ""}, "", ""),
        ({}, "", ""),
    ],
)
def test_the_hint_follows_what_is_typed(
    post: Post, pools: RecordingPools, typed: dict[str, Any], zone: str, delegated: str
) -> None:
    assert post("/v1/addon/pool_hint", typed).json == {
        "result": {"reverse_zone": zone, "reverse_zone_delegated": delegated}
    }


@pytest.mark.parametrize("function", ["pools", "pool_save", "pool_delete", "pool_hint"])
@pytest.mark.parametrize("actor", [{"type": "client", "id": 7}, {"type": "system"}])
def test_pools_are_for_admins(post: Post, pools: RecordingPools, function: str, actor: dict[str, Any]) -> None:
    answer = post(f"/v1/addon/{function}", {"id": 7, "fields": {}, "confirmed": True}, actor=actor)
    assert answer.json == {"error": "This page is for admins only."}
    assert pools.asked == []
