"""How a deployment talks to Proxmox: with its token, without a login, through one client for each server."""

import pytest
import requests

from bridge.models.whmcs import Server
from bridge.sandbox.proxmox import demo_cluster
from bridge.sandbox.proxmox.messages import Answer
from tests.deploy.conftest import Install


@pytest.mark.req("PRV-01")
def test_every_call_of_a_deployment_carries_the_token_and_none_logs_in(install: Install) -> None:
    rig = install()
    headers: list[tuple[str | bytes | None, str | bytes | None]] = []

    def remember(request: requests.PreparedRequest, answer: Answer) -> None:
        headers.append((request.headers.get("Authorization"), request.headers.get("Cookie")))

    rig.witnesses.append(remember)
    rig.deploy()
    assert len(headers) > 40
    assert set(headers) == {(f"PVEAPIToken={rig.cluster.demo_token}", None)}
    assert not [call for call in rig.sent if call.path.startswith("/access/")]


@pytest.mark.req("INS-05")
@pytest.mark.parametrize(("port", "reached"), [(None, 8006), (0, 8006), (8443, 8443)])
def test_every_call_goes_to_port_8006_by_https_unless_the_server_entry_names_another(
    install: Install, port: int | None, reached: int
) -> None:
    rig = install()
    Server.update(port=port, hostname="pve.example.com").where(Server.id == rig.shop.server_id).execute()
    urls: list[str] = []
    rig.witnesses.append(lambda request, answer: urls.append(str(request.url)))
    rig.deploy()
    assert len(urls) > 40
    assert {url.partition("/api2/json/")[0] for url in urls} == {f"https://pve.example.com:{reached}"}


@pytest.mark.req("PRV-06", "SRV-01")
def test_each_server_entry_leads_to_its_own_cluster_through_one_client(install: Install) -> None:
    rig = install()
    other = rig.add_server(demo_cluster(rig.clock), "pve-other")
    first = rig.house.hypervisors.for_server(rig.shop.server_id)
    second = rig.house.hypervisors.for_server(other)
    assert rig.house.hypervisors.for_server(rig.shop.server_id) is first
    assert rig.house.hypervisors.for_server(other) is second
    first.clone("pve1", 9000, 555, name="ours", description="", full=True)
    rig.clock.advance(60)
    assert (555 in first.used_vmids(), 555 in second.used_vmids()) == (True, False)
    Server.update(hostname="pve-moved").where(Server.id == other).execute()
    assert rig.house.hypervisors.for_server(other) is not second
    assert rig.house.hypervisors.for_server(rig.shop.server_id) is first
