"""Real services for tests, on free loopback ports with data of their own.

A service that is not installed skips the test on a laptop and fails it where CI=true: there nothing may be left unproven.
"""

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from secrets import token_hex
from typing import NoReturn

import pymysql
import pytest


def require_program(*names: str) -> str:
    """Return the path of the first of `names` that is installed, also in the sbin folders; else skip, or fail in CI."""
    path = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"])
    found = next(filter(None, (shutil.which(name, path=path) for name in names)), None)
    return found or not_installed(" or ".join(names))


def not_installed(what: str) -> NoReturn:
    """Skip the test, or fail it in CI."""
    missing = f"{what} is not installed"
    if os.environ.get("CI") == "true":
        pytest.fail(missing)
    pytest.skip(missing)


def free_port() -> int:
    """Return a TCP port of 127.0.0.1 that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class MariaDb:
    """A MariaDB server of our own; stop, kill and start it as often as needed, port and data stay."""

    user = "bridge"
    password = "p@ss word/1"

    def __init__(self, folder: Path) -> None:
        self._server = require_program("mariadbd", "mysqld")
        installer = require_program("mariadb-install-db", "mysql_install_db")
        self._folder = folder
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None
        options = ["--no-defaults", f"--datadir={folder}/data", "--skip-test-db", *self._run_as()]
        subprocess.run([installer, *options], check=True, capture_output=True, timeout=120)
        grant = f"'{self.user}'@'127.0.0.1'"
        (folder / "init.sql").write_text(
            f"CREATE USER IF NOT EXISTS {grant} IDENTIFIED BY '{self.password}';\n"
            f"GRANT ALL ON *.* TO {grant} WITH GRANT OPTION;\n"
        )

    @staticmethod
    def _run_as() -> list[str]:
        return ["--user=root"] if os.geteuid() == 0 else []

    def start(self) -> None:
        """Start the server and return when it answers."""
        small = [
            "innodb-buffer-pool-size=32M",
            "innodb-log-file-size=16M",
            "key-buffer-size=1M",
            "performance-schema=OFF",
        ]
        quick = [
            "innodb-flush-method=nosync",
            "sync-frm=OFF",
            "innodb-flush-log-at-trx-commit=2",
            "innodb-file-per-table=0",
            "skip-name-resolve",
        ]
        private = [f"datadir={self._folder}/data", f"socket={self._folder}/s", f"pid-file={self._folder}/pid"]
        public = ["bind-address=127.0.0.1", f"port={self.port}", f"init-file={self._folder}/init.sql"]
        options = small + quick + private + public
        with (self._folder / "log").open("ab") as log:
            arguments = ["--no-defaults", *self._run_as(), *(f"--{option}" for option in options)]
            self._process = subprocess.Popen([self._server, *arguments], stdout=log, stderr=log)
        give_up_at = time.monotonic() + 60
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > give_up_at:
                raise RuntimeError(f"MariaDB does not start: {(self._folder / 'log').read_text()[-2000:]}")
            time.sleep(0.05)

    def _answers(self) -> bool:
        try:
            self.admin().close()
        except pymysql.err.OperationalError:
            return False
        return True

    def admin(self) -> "pymysql.Connection[pymysql.cursors.Cursor]":
        """A connection that may do everything, with autocommit."""
        return pymysql.connect(
            host="127.0.0.1", port=self.port, user=self.user, password=self.password, autocommit=True, connect_timeout=5
        )

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        """End the server: in order, or at once with SIGKILL. Harmless when it does not run."""
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(60)
            self._process = None

    def restart(self, how: signal.Signals = signal.SIGTERM) -> None:
        """Stop and start again on the same port with the same data."""
        self.stop(how)
        self.start()

    @contextmanager
    def database(self) -> Iterator[str]:
        """A new empty database; yields its URL and drops it afterwards."""
        name = f"t{token_hex(6)}"
        self._execute(f"CREATE DATABASE {name} CHARACTER SET utf8mb4")
        try:
            yield f"mysql://{self.user}:p%40ss%20word%2F1@127.0.0.1:{self.port}/{name}"
        finally:
            self._execute(f"DROP DATABASE IF EXISTS {name}")

    def _execute(self, sql: str) -> None:
        with self.admin() as connection, connection.cursor() as cursor:
            cursor.execute(sql)
