"""Connections to Proxmox are kept and used again: a deployment has many calls and few connections."""

from typing import Any

import pytest

from bridge.sandbox.proxmox import Answer, Request
from tests.chaos.processes import Installation


@pytest.mark.req("PRV-06")
def test_several_deployments_share_a_few_connections(installation: Installation) -> None:
    http, cluster = installation.proxmox._http, installation.cluster
    accept, handle = http.get_request, cluster.handle
    accepted: list[Any] = []
    ended: list[int] = []

    def count_connection() -> Any:
        accepted.append(accept())
        return accepted[-1]

    def count_error(request: Request) -> Answer:
        """As on a real node, a connection ends with an error."""
        answer = handle(request)
        ended.extend([answer.status] if answer.status >= 400 else [])
        return answer

    http.get_request = count_connection  # type: ignore[method-assign]
    cluster.handle = count_error  # type: ignore[method-assign]
    installation.start("web")
    services = [installation.order() for _ in range(4)]
    installation.start("scheduler")
    installation.wait_until_ready(services)
    assert len(installation.calls) > 150
    assert len(accepted) - len(ended) <= 12
