"""Looking up host names costs a fixed time at most, whatever the resolver does and however many names there are."""

import socket
import threading
import time
from collections.abc import Iterator
from ipaddress import ip_address
from typing import Any

import pytest

from bridge.dns import resolver
from bridge.dns.resolver import Resolver

pytestmark = pytest.mark.req("RDN-13")

FOUND = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("192.0.2.5", 0))]


@pytest.fixture
def hanging(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """A resolver that knows names with `fast`, says that those with `no` do not exist, and else does not answer."""
    asked: list[str] = []
    end = threading.Event()

    def look_up(name: str, *_: Any, **__: Any) -> Any:
        asked.append(name)
        if name.startswith("no"):
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        if not name.startswith("fast"):
            end.wait(20)
        return FOUND

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    monkeypatch.setattr(resolver, "SECONDS", 0.2)
    yield asked
    end.set()


def test_names_are_looked_up_side_by_side_and_those_without_an_answer_are_left_out(hanging: list[str]) -> None:
    found = Resolver()(["slow.example.com", "fast.example.com", "no.example.com"])
    assert found == {"fast.example.com": {ip_address("192.0.2.5")}, "no.example.com": set()}


def test_two_hundred_names_wait_no_longer_than_one(hanging: list[str]) -> None:
    began = time.monotonic()
    assert Resolver()([f"slow{number}.example.com" for number in range(200)]) == {}
    assert time.monotonic() - began < 2


def test_what_was_not_begun_in_time_keeps_nobody_waiting_later(hanging: list[str]) -> None:
    Resolver()([f"slow{number}.example.com" for number in range(200)])
    assert len(hanging) == resolver.THREADS
