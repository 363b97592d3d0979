"""Clusters to talk to; afterwards nothing that passed may have contradicted the published API."""

from collections.abc import Iterator

import pytest

from bridge.sandbox.proxmox.schema import VERSIONS

from .proxmox_world import World


@pytest.fixture(params=VERSIONS)
def any_world(request: pytest.FixtureRequest) -> Iterator[World]:
    """A cluster of each version; afterwards nothing may have contradicted the schema."""
    world = World(request.param)
    yield world
    assert world.wire.complaints == []


@pytest.fixture
def world() -> Iterator[World]:
    world = World()
    yield world
    assert world.wire.complaints == []
