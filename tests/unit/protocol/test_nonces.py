"""A nonce is accepted once, whoever asks and however many ask at once."""

import multiprocessing
from collections.abc import Iterator
from pathlib import Path

import pytest

from bridge.database import close_connection, connect
from bridge.models.protocol import Nonce
from bridge.protocol.nonces import KEPT_SECONDS, DatabaseNonces, MemoryNonces, Nonces
from bridge.protocol.signing import WINDOW_SECONDS

NOW = 1_800_000_000.5


@pytest.fixture
def database(tmp_path: Path) -> Iterator[str]:
    url = f"sqlite:///{tmp_path / 'nonces.db'}"
    connect(url)
    Nonce.create_table()
    yield url
    close_connection()


@pytest.fixture(params=["memory", "database"])
def nonces(request: pytest.FixtureRequest) -> Nonces:
    if request.param == "memory":
        return MemoryNonces()
    request.getfixturevalue("database")
    return DatabaseNonces()


def test_a_nonce_is_accepted_once(nonces: Nonces) -> None:
    assert nonces.accept("n" * 32, NOW)
    assert not nonces.accept("n" * 32, NOW)
    assert nonces.accept("m" * 32, NOW)


def test_a_nonce_is_remembered_as_long_as_its_request_could_be_valid(nonces: Nonces) -> None:
    nonces.accept("n" * 32, NOW)
    assert not nonces.accept("n" * 32, NOW + 2 * WINDOW_SECONDS)


def test_old_nonces_are_deleted(database: str) -> None:
    nonces = DatabaseNonces()
    nonces.accept("n" * 32, NOW)
    nonces.accept("m" * 32, NOW + KEPT_SECONDS + 1)
    assert [row.nonce for row in Nonce.select()] == ["m" * 32]


@pytest.mark.req("PRT-04")
def test_of_several_processes_exactly_one_accepts_a_nonce(database: str) -> None:
    context = multiprocessing.get_context("spawn")
    with context.Pool(4) as pool:
        answers = pool.starmap(_accept_in_process, [(database, f"{number:032}") for number in range(10)] * 4)
    assert sorted(answers) == [False] * 30 + [True] * 10


def _accept_in_process(url: str, nonce: str) -> bool:
    connect(url)
    try:
        return DatabaseNonces().accept(nonce, NOW)
    finally:
        close_connection()
