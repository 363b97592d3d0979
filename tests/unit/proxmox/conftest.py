"""A client whose network is played by `responses`."""

from collections.abc import Iterator
from urllib.parse import parse_qs

import pytest
import responses

from providers.proxmox import Endpoint, Proxmox

ENDPOINT = Endpoint("pve1.example.com", token_id="bridge@pve!whmcs", token_secret="very-secret-token")
API = ENDPOINT.base_url


@pytest.fixture
def net() -> Iterator[responses.RequestsMock]:
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        yield mock


@pytest.fixture
def proxmox() -> Proxmox:
    return Proxmox(ENDPOINT)


class Calls:
    """What was sent, readable: `POST /nodes/pve1/qemu/9000/clone`, and the form fields."""

    def __init__(self, net: responses.RequestsMock) -> None:
        self._net = net

    @property
    def lines(self) -> list[str]:
        return [f"{call.request.method} {str(call.request.url).removeprefix(API)}" for call in self._net.calls]

    def form(self, index: int = -1) -> dict[str, str]:
        body = self._net.calls[index].request.body or ""
        text = body.decode() if isinstance(body, bytes) else str(body)
        return {key: values[0] for key, values in parse_qs(text, keep_blank_values=True).items()}


@pytest.fixture
def sent(net: responses.RequestsMock) -> Calls:
    return Calls(net)
