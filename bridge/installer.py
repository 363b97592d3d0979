"""Puts the PHP shim into a WHMCS tree, and takes it out again.

Each of the two module folders is built beside its place and moved in with a rename, so WHMCS sees the old or the new one,
never half of it. A folder that is not ours (the old module) is moved into a dated backup; `restore_modules` moves it back.
"""

import contextlib
import hashlib
import ipaddress
import json
import os
import re
import secrets
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from urllib.parse import urlsplit

from bridge.protocol.signing import MIN_SECRET_LENGTH
from whmcs_shim import shim_root

SERVER = Path("modules/servers/puqProxmoxKVM")
ADDON = Path("modules/addons/puq_proxmox_kvm")
BACKUPS = Path("modules/.kvm-bridge-backups")
CONFIG = Path("config.php")
MANIFEST = Path("kvm-bridge.json")
# Who may read dns.php is written into this file by the operator: an update must not overwrite it.
OPERATORS_OWN = frozenset({Path("lib/dns/.htaccess")})
NUMBERS = frozenset(
    {
        "connect_timeout",
        "timeout",
        "hook_timeout",
        "long_timeout",
        "stream_idle_timeout",
        "max_request_bytes",
        "max_response_bytes",
    }
)
_DENY = "<IfModule mod_authz_core.c>\n    Require all denied\n</IfModule>\ndeny from all\n"


class NotInstalled(Exception):
    """Nothing was changed; the message is one line that says why."""


@dataclass(frozen=True)
class ShimSettings:
    """What the shim has to know: `url` is http://host:port, https://host:port or unix:/path/of/socket.

    `numbers` replaces timeouts (seconds) and sizes (bytes) of the shim; the names are those of lib/Config.php.
    """

    url: str
    secret: str = field(repr=False)
    ca_file: str = ""
    numbers: Mapping[str, int] = field(default_factory=dict)

    def problem(self) -> str:
        """One line that says what is wrong with these settings; empty when nothing is."""
        if not re.fullmatch(r"https?://[^/\s]+/?|unix:/\S.*", self.url):
            return f"{self.url!r} is no address of the daemon: use http://host:port, https://host:port or unix:/socket."
        if len(self.secret) < MIN_SECRET_LENGTH or not self.secret.isprintable():
            return f"The secret needs at least {MIN_SECRET_LENGTH} printable characters."
        for name, value in self.numbers.items():
            if name not in NUMBERS or value < 1:
                return f"{name}={value} is no setting of the shim; known are {', '.join(sorted(NUMBERS))}, all from 1."
        return ""

    def warning(self) -> str:
        """One line about what works but is unwise; empty when nothing is."""
        if self.url.startswith("http://") and not _is_loopback(urlsplit(self.url).hostname or ""):
            return "Warning: calls to another host go unencrypted over http; use https there."
        return ""

    def as_php(self) -> str:
        """The file config.php."""
        values = {"url": self.url, "secret": self.secret, "ca_file": self.ca_file}
        lines = "".join(f"    '{name}' => {_php_literal(value)},\n" for name, value in values.items())
        lines += "".join(f"    '{name}' => {value},\n" for name, value in sorted(self.numbers.items()))
        return (
            "<?php\n\n// Written by kvm-bridge install-shim. Holds a secret: keep it readable by the web server's user only.\n"
            f"return [\n{lines}];\n"
        )


def install_shim(
    whmcs: Path,
    settings: ShimSettings,
    *,
    force: bool = False,
    now: Callable[[], datetime] = datetime.now,
) -> list[str]:
    """Put both modules into the WHMCS tree `whmcs`; returns lines that tell what was done.

    May run any number of times: an identical shim is left alone, files that the operator added are kept. `force` skips the
    check that `whmcs` is a WHMCS tree. As root, everything gets the owner of the folder `modules`. Raises NotInstalled
    before anything was changed.
    """
    if problem := settings.problem():
        raise NotInstalled(problem)
    _check_tree(whmcs, force)
    report = [settings.warning()] if settings.warning() else []
    with _staged(whmcs, settings) as staged:
        changed = {place: built for place, built in staged.items() if not _same(built, whmcs / place)}
        for place in staged.keys() - changed.keys():
            report.append(f"{place} is up to date.")
        backup = _backup_folder(whmcs, now())
        report += _swap(whmcs, changed, backup)
    return sorted(report)


def restore_modules(whmcs: Path, name: str = "") -> list[str]:
    """Put the modules of a backup back in place of the shim; returns lines that tell what was done.

    `name` is the dated folder; empty for the latest. The backup is used up. Raises NotInstalled when there is none, or
    when what is in place now is not our unchanged shim (it would be lost).
    """
    backups = whmcs / BACKUPS
    found = sorted(path.name for path in backups.glob("[0-9]*") if path.is_dir()) if backups.is_dir() else []
    if not found or (name and name not in found):
        raise NotInstalled(f"There is no backup {name or 'of other modules'} in {backups}.")
    backup = backups / (name or found[-1])
    for place in (SERVER, ADDON):
        if (whmcs / place).exists() and not _unchanged(whmcs / place):
            raise NotInstalled(f"{place} is not the unchanged shim; move it away first.")
    report = []
    for place in (SERVER, ADDON):
        if (whmcs / place).exists():
            _remove(whmcs / place)
        if (backup / place.relative_to("modules")).exists():
            (backup / place.relative_to("modules")).rename(whmcs / place)
            report.append(f"{place} is the one of {backup.name} again.")
        else:
            report.append(f"{place} was not there at {backup.name} and is gone again.")
    shutil.rmtree(backup)
    return report


def _check_tree(whmcs: Path, force: bool) -> None:
    for place in (SERVER, ADDON):
        if (whmcs / place).is_symlink():
            raise NotInstalled(f"{whmcs / place} is a symbolic link; put a folder there.")
    if force:
        for place in (SERVER, ADDON):
            (whmcs / place.parent).mkdir(parents=True, exist_ok=True)
    for needed in ("modules/servers", "modules/addons", *(() if force else ("init.php",))):
        if not (whmcs / needed).exists():
            raise NotInstalled(f"{whmcs} is no WHMCS installation: it has no {needed} (--force to install anyway).")
    if not os.access(whmcs / "modules/servers", os.W_OK) or not os.access(whmcs / "modules/addons", os.W_OK):
        raise NotInstalled(f"{whmcs}/modules is not writable; run this as its owner or as root.")


@contextlib.contextmanager
def _staged(whmcs: Path, settings: ShimSettings) -> Iterator[dict[Path, Path]]:
    """Both module folders, built beside their places; whatever is not moved away is removed at the end."""
    staged = {place: whmcs / place.parent / f".{place.name}.{secrets.token_hex(4)}" for place in (SERVER, ADDON)}
    try:
        for place, built in staged.items():
            _build(place, built, whmcs / place, settings)
        yield staged
    finally:
        for built in staged.values():
            shutil.rmtree(built, ignore_errors=True)


def _build(place: Path, built: Path, current: Path, settings: ShimSettings) -> None:
    shutil.copytree(shim_root() / place, built)
    files = {str(path): _digest(built / path) for path in _files(built)}
    for path in _kept(current):
        (built / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(current / path, built / path)
    (built / MANIFEST).write_text(json.dumps({"files": files}, indent=1, sort_keys=True) + "\n")
    for path in _files(built):
        (built / path).chmod(0o644)
    if place == SERVER:
        with open(
            os.open(built / CONFIG, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8"
        ) as config:
            config.write(settings.as_php())
        (built / CONFIG).chmod(0o600)
    _give_to_owner_of(current.parent, built)


def _kept(current: Path) -> set[Path]:
    """Files of the folder in place that the new one must have too: the operator's own, and what he added to our shim."""
    if not current.is_dir():
        return set()
    there = set(_files(current))
    manifest = _manifest(current)
    added = there - {Path(name) for name in manifest} - {MANIFEST, CONFIG} if manifest is not None else set()
    return added | (there & OPERATORS_OWN)


def _swap(whmcs: Path, changed: dict[Path, Path], backup: Path) -> list[str]:
    """Move the old folders away and the new ones in; undone as a whole when one of the moves fails."""
    report: list[str] = []
    undo: list[tuple[Path, Path]] = []
    discarded: list[Path] = []
    try:
        for place, built in changed.items():
            current = whmcs / place
            if not current.exists():
                report.append(f"{place} was installed.")
            elif _unchanged(current):
                aside = built.with_name(built.name + ".old")
                _move(current, aside, undo)
                discarded.append(aside)
                report.append(f"{place} was updated.")
            else:
                _make_private(whmcs / BACKUPS)
                kept = backup / place.relative_to("modules")
                kept.parent.mkdir(parents=True, exist_ok=True)
                _move(current, kept, undo)
                report.append(f"{place} was replaced; what was there is kept in {kept.relative_to(whmcs)}.")
            _move(built, current, undo)
    except OSError as error:
        for source, destination in reversed(undo):
            destination.rename(source)
        raise NotInstalled(f"The modules could not be put in place, nothing was changed: {error.strerror}.") from error
    for aside in discarded:
        _remove(aside)
    return report


def _move(source: Path, destination: Path, undo: list[tuple[Path, Path]]) -> None:
    source.rename(destination)
    undo.append((source, destination))


def _backup_folder(whmcs: Path, now: datetime) -> Path:
    stamp = now.strftime("%Y%m%d-%H%M%S")
    taken = {path.name for path in (whmcs / BACKUPS).glob(f"{stamp}*")}
    names = [stamp, *(f"{stamp}-{number:03}" for number in range(1, 1000))]
    return whmcs / BACKUPS / next(name for name in names if name not in taken)


def _make_private(backups: Path) -> None:
    if not backups.is_dir():
        backups.mkdir(mode=0o700)
        (backups / ".htaccess").write_text(_DENY)


def _manifest(folder: Path) -> dict[str, str] | None:
    """The files that install-shim put into a folder, with their digests; None when the folder is not ours."""
    try:
        files = json.loads((folder / MANIFEST).read_text())["files"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return files if isinstance(files, dict) else None


def _unchanged(folder: Path) -> bool:
    """Whether a folder is our shim as install-shim left it, but for files that belong to the operator."""
    manifest = _manifest(folder)
    if manifest is None:
        return False
    ours = (Path(name) for name in manifest if Path(name) not in OPERATORS_OWN)
    return all((folder / path).is_file() and _digest(folder / path) == manifest[str(path)] for path in ours)


def _same(built: Path, current: Path) -> bool:
    if not current.is_dir() or set(_files(built)) != set(_files(current)):
        return False
    modes_fit = not (current / CONFIG).exists() or (current / CONFIG).stat().st_mode & 0o777 == 0o600
    return modes_fit and all((built / path).read_bytes() == (current / path).read_bytes() for path in _files(built))


def _files(folder: Path) -> list[Path]:
    return sorted(path.relative_to(folder) for path in folder.rglob("*") if path.is_file() or path.is_symlink())


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _remove(folder: Path) -> None:
    shutil.rmtree(folder)


def _give_to_owner_of(parent: Path, folder: Path) -> None:
    """As root, hand everything to whom the module folders of WHMCS belong: the web server's user has to read config.php."""
    if os.geteuid() != 0:
        return
    owner = parent.stat()
    for path in (folder, *folder.rglob("*")):
        os.chown(path, owner.st_uid, owner.st_gid, follow_symlinks=False)


def _php_literal(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
