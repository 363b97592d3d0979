"""What an admin can mend is one line on stderr and exit code 1, whatever the command; never a traceback, never a secret."""

import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import pytest

from bridge.commands import main
from bridge.database import close_connection
from tests.services import MariaDb, free_port

PASSWORD = "the-database-password"
COMPLETE = {
    "KVM_BRIDGE_SECRET": "a-secret-of-sixteen-characters",
    "KVM_BRIDGE_WHMCS_API_URL": "http://127.0.0.1:9/",
    "KVM_BRIDGE_WHMCS_API_IDENTIFIER": "identifier",
    "KVM_BRIDGE_WHMCS_API_SECRET": "the-secret-of-the-api",
}
COMMANDS = {
    "cron": ["cron"],
    "scheduler": ["scheduler"],
    "serve": ["serve"],
    "migrate": ["migrate"],
    "product show": ["product", "show", "1"],
    "product set": ["product", "set", "1", "cpu=2"],
    "server trust": ["server", "trust", "1"],
}


@dataclass(frozen=True)
class Done:
    """How a command ended."""

    code: object
    stdout: str
    stderr: str


class Terminal(Protocol):
    """Runs `kvm-bridge` with these arguments and this environment."""

    def __call__(self, arguments: list[str], **environment: str) -> Done: ...


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Terminal]:
    def command(arguments: list[str], **environment: str) -> Done:
        for name in [name for name in os.environ if name.startswith("KVM_BRIDGE_")]:
            monkeypatch.delenv(name)
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(sys, "argv", ["kvm-bridge", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        return Done(ended.value.code, *capsys.readouterr())

    yield command
    close_connection()


def is_refused_in_one_line(done: Done, expected: str) -> None:
    assert (done.code, done.stdout) == (1, "")
    assert done.stderr.count("\n") == 1, done.stderr
    assert expected in done.stderr
    for secret in (PASSWORD, *COMPLETE.values()):
        assert secret not in done.stderr


@pytest.mark.req("OPS-05")
@pytest.mark.parametrize("name", [*COMMANDS, "web"])
def test_a_missing_database_url_is_named(run: Terminal, name: str) -> None:
    is_refused_in_one_line(run(COMMANDS.get(name, [name]), **COMPLETE), "KVM_BRIDGE_DATABASE_URL")


@pytest.mark.req("OPS-05")
@pytest.mark.parametrize(
    ("url", "expected"),
    [
        (f"postgres://bridge:{PASSWORD}@127.0.0.1/whmcs", "use mysql://, mariadb:// or sqlite:///"),
        (f"mysql://bridge:{PASSWORD}@127.0.0.1:port/whmcs", "database_url"),
        (f"mysql://bridge:{PASSWORD}@127.0.0.1", "names no database"),
        (f"mysql://bridge:{PASSWORD}@127.0.0.1/whmcs?colour=blue", "colour"),
    ],
)
def test_a_bad_database_url_is_refused_with_the_reason(run: Terminal, url: str, expected: str) -> None:
    done = run(["cron"], **COMPLETE, KVM_BRIDGE_DATABASE_URL=url)
    is_refused_in_one_line(done, expected)
    assert "KVM_BRIDGE_DATABASE_URL" in done.stderr


@pytest.mark.parametrize("name", COMMANDS)
def test_a_wrong_database_password_is_said_at_once(run: Terminal, name: str, mariadb: MariaDb) -> None:
    url = f"mysql://{mariadb.user}:{PASSWORD}@127.0.0.1:{mariadb.port}/whmcs"
    is_refused_in_one_line(run(COMMANDS[name], **COMPLETE, KVM_BRIDGE_DATABASE_URL=url), "Access denied for user")


def test_a_database_that_is_away_is_named(run: Terminal) -> None:
    url = f"mysql://bridge:{PASSWORD}@127.0.0.1:{free_port()}/whmcs"
    done = run(["product", "show", "1"], **COMPLETE, KVM_BRIDGE_DATABASE_URL=url)
    is_refused_in_one_line(done, "Database whmcs on 127.0.0.1: Can't connect")


@pytest.mark.parametrize("name", sorted(set(COMMANDS) - {"migrate", "serve"}))
def test_a_database_that_was_never_migrated_is_told_from_a_bug(run: Terminal, name: str, mariadb_url: str) -> None:
    is_refused_in_one_line(run(COMMANDS[name], **COMPLETE, KVM_BRIDGE_DATABASE_URL=mariadb_url), "kvm-bridge migrate")


@pytest.mark.parametrize("name", ["cron", "scheduler", "serve"])
def test_what_sends_mails_needs_the_api_of_whmcs(run: Terminal, name: str, tmp_path: Path) -> None:
    incomplete = {key: value for key, value in COMPLETE.items() if not key.endswith("API_SECRET")}
    done = run(COMMANDS[name], **incomplete, KVM_BRIDGE_DATABASE_URL=f"sqlite:///{tmp_path}/whmcs.sqlite")
    is_refused_in_one_line(done, "KVM_BRIDGE_WHMCS_API_SECRET")
