"""cron.php and the WHMCS cron started by hand: lines the moment they are made, flags passed through, exit codes."""

import hashlib
import os
import pty
import select
import socket
import subprocess
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from bridge.protocol.signing import SIGNATURE_HEADER, Signer
from tests.daemon import SECRET, RecordingServices
from tests.integration.shim.broken_daemons import (
    Behaviour,
    Received,
    answers,
    broken_daemon,
    says_nothing,
    signs,
    signs_json,
    streams,
)
from tests.integration.shim.whmcs import PHP_FOLDER, Whmcs
from tests.services import free_port


def cron(whmcs: Whmcs, *arguments: str) -> "subprocess.CompletedProcess[str]":
    command = [whmcs.php, "-q", "-d", "error_reporting=-1", "-d", "display_errors=1", str(whmcs.addon_file("cron.php"))]
    return subprocess.run([*command, *arguments], capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.req("CRN-04")
def test_the_lines_of_a_run_are_printed(whmcs: Whmcs, services: RecordingServices) -> None:
    services.cron.script = lambda argv: iter(["--- Deploy: service=5 ---", "", "[+]  1. Größe – zażółć", None, "end"])
    done = cron(whmcs)
    assert done.stdout == "--- Deploy: service=5 ---\n\n[+]  1. Größe – zażółć\nend\n"
    assert (done.stderr, done.returncode) == ("", 0)


def test_flags_are_passed_through_as_they_are(whmcs: Whmcs, services: RecordingServices) -> None:
    arguments = ["--task=processVirtualMachines", "--force", "--no-lock", "--unknown=ä 'x'"]
    cron(whmcs, *arguments)
    assert services.cron.runs == [(arguments, "standalone")]


@pytest.mark.req("CRN-35")
@pytest.mark.parametrize("code", [0, 1, 7])
def test_the_exit_code_is_the_daemon_s(whmcs: Whmcs, services: RecordingServices, code: int) -> None:
    services.cron.exit_code = code
    assert cron(whmcs).returncode == code


@pytest.mark.req("PRT-19", "CRN-46")
def test_a_line_is_printed_while_the_run_is_still_at_work(whmcs: Whmcs, services: RecordingServices) -> None:
    go_on = threading.Event()

    def script(argv: Sequence[str]) -> Iterator[str | None]:
        yield "first"
        assert go_on.wait(30), "the first line never arrived"
        yield "second"

    services.cron.script = script
    process = subprocess.Popen([whmcs.php, str(whmcs.addon_file("cron.php"))], stdout=subprocess.PIPE)
    assert process.stdout is not None
    with process:
        assert process.stdout.readline() == b"first\n"
        go_on.set()
        assert process.stdout.read() == b"second\n"
    assert process.returncode == 0


def test_a_run_that_breaks_is_reported_after_its_lines(whmcs: Whmcs, services: RecordingServices) -> None:
    def script(argv: Sequence[str]) -> Iterator[str | None]:
        yield "first"
        raise RuntimeError("our bug")

    services.cron.script = script
    done = cron(whmcs)
    assert done.stdout == "first\n"
    assert done.stderr.startswith("Error: The connection to KVM Bridge ")
    assert done.returncode == 2


def streams_without_a_start(connection: socket.socket, request: Received, over: threading.Event) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\n\r\nforged line\n")


def signed_end(code: int, of: bytes, secret: str = SECRET) -> "Behaviour":
    """A stream whose end record belongs to the lines `of`."""

    def end(nonce: str) -> bytes:
        signature = Signer(secret).sign_stream_end(nonce, code, hashlib.sha256(of).hexdigest())
        return f"\x1eend {code} {signature}\n".encode()

    return streams(b"a line\n", end=end)


BROKEN: dict[str, tuple[Behaviour, str, str]] = {
    "a page": (answers(b"<html>"), "", "Something other than KVM Bridge answered"),
    "lines of a stranger": (streams_without_a_start, "", "Something other than KVM Bridge answered"),
    "a refusal": (signs_json({"error": "The request has expired."}), "", "The request has expired."),
    "a result in place of lines": (signs_json({"result": 1}), "", "cannot be understood"),
    "another secret": (signs(b"{}", secret=SECRET[::-1]), "", "not signed with our secret"),
    "no end": (streams(b"a line\n"), "a line\n", "ended in the middle of the run"),
    "half a line": (streams(b"a line\nhalf"), "a line\n", "ended in the middle of the run"),
    "the end of other lines": (signed_end(0, b"other\n"), "a line\n", "do not trust them"),
    "an end under another secret": (signed_end(0, b"a line\n", SECRET[::-1]), "a line\n", "do not trust them"),
    "an endless line": (streams(b"x" * 100_000), "", "a line that is too long"),
    "silence": (says_nothing, "", "did not answer within 2 seconds"),
}


@pytest.mark.req("PRT-07", "PRT-12")
@pytest.mark.parametrize("name", BROKEN)
def test_a_stream_that_is_not_whole_or_not_ours_ends_with_one_line_and_code_2(
    php: str, tmp_path: Path, name: str
) -> None:
    behaviour, printed, line = BROKEN[name]
    with broken_daemon(behaviour) as url:
        done = cron(Whmcs(php, tmp_path, url))
    assert done.stdout == printed
    assert done.stderr.startswith("Error: ")
    assert line in done.stderr
    assert done.stderr.count("\n") == 1
    assert done.returncode == 2


def test_the_end_of_the_run_is_believed_when_it_fits(php: str, tmp_path: Path) -> None:
    with broken_daemon(signed_end(3, b"a line\n")) as url:
        done = cron(Whmcs(php, tmp_path, url))
    assert (done.stdout, done.stderr, done.returncode) == ("a line\n", "", 3)


@pytest.mark.req("PRT-10")
def test_with_no_daemon_cron_says_so(php: str, tmp_path: Path) -> None:
    done = cron(Whmcs(php, tmp_path, f"http://127.0.0.1:{free_port()}"))
    assert (done.stdout, done.returncode) == ("", 2)
    assert done.stderr == "Error: KVM Bridge cannot be reached: is its service running?\n"


def test_a_run_may_be_silent_for_longer_than_a_call_may_take(whmcs: Whmcs, services: RecordingServices) -> None:
    """The timeouts of calls do not hold for runs: a VM may be waited for between two lines."""
    quick = Whmcs(whmcs.php, whmcs.tree.parent, whmcs.settings.url, timeout=1, stream_idle_timeout=30)

    def script(argv: Sequence[str]) -> Iterator[str | None]:
        yield "before"
        time.sleep(1.5)
        yield "after"

    services.cron.script = script
    assert cron(quick).stdout == "before\nafter\n"


@pytest.mark.req("CRN-49")
def test_the_documented_command_works_from_the_root_of_whmcs(
    whmcs: Whmcs, services: RecordingServices, tmp_path: Path
) -> None:
    services.cron.script = lambda argv: iter(["first", "Größe"])
    log = tmp_path / "puq-cron.log"
    command = f"'{whmcs.php}' modules/addons/puq_proxmox_kvm/cron.php --force 2>&1 | tee '{log}'"
    done = subprocess.run(["sh", "-c", command], cwd=whmcs.tree, capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == log.read_text(encoding="utf-8") == "first\nGröße\n"
    assert services.cron.runs == [(["--force"], "standalone")]


@pytest.mark.req("CRN-50")
def test_whmcs_s_cron_started_by_hand_prints_the_lines(
    whmcs: Whmcs, services: RecordingServices, tmp_path: Path
) -> None:
    services.cron.script = lambda argv: iter(["a line of the run"])
    by_hand = tmp_path / "cron.php"
    by_hand.write_text(
        f"<?php require '{PHP_FOLDER}/whmcs.php'; require '{whmcs.addon_file('hooks.php')}';"
        "foreach (Standin::$hooks['AfterCronJob'] as $hook) { $hook(); }"
        "exit(count(Standin::$problems));"
    )
    terminal, console = pty.openpty()
    # As in `php -q crons/cron.php | tee file`: the output is a pipe, but somebody sits at the console.
    process = subprocess.run(
        [whmcs.php, "-q", str(by_hand)], stdin=console, stdout=subprocess.PIPE, stderr=console, timeout=60, check=False
    )
    complaints = os.read(terminal, 4096) if select.select([terminal], [], [], 0)[0] else b""
    os.close(console)
    os.close(terminal)
    assert (process.stdout, complaints, process.returncode) == (b"a line of the run\n", b"", 0)
    assert services.cron.runs == [([], "hook")]
    assert services.cron.woken == 0


def test_the_signature_of_a_stream_is_that_of_its_own_request(php: str, tmp_path: Path) -> None:
    def replayed(connection: socket.socket, request: Received, over: threading.Event) -> None:
        start = Signer(SECRET).sign_stream_start(200, "n" * 32)
        connection.sendall(f"HTTP/1.1 200 OK\r\n{SIGNATURE_HEADER}: {start}\r\n\r\nold line\n".encode())

    with broken_daemon(replayed) as url:
        done = cron(Whmcs(php, tmp_path, url))
    assert (done.stdout, done.returncode) == ("", 2)
