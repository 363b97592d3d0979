"""install-shim: what it puts where, what it keeps, what it refuses, and the way back."""

import shutil
from datetime import datetime
from pathlib import Path

import pytest
from click.testing import CliRunner

from bridge.commands.install_shim import install_shim_command
from bridge.installer import NotInstalled, ShimSettings, install_shim, restore_modules
from whmcs_shim import shim_root

SECRET = "a-secret-with-'quotes'-and-\\backslashes-0123"
SETTINGS = ShimSettings("http://127.0.0.1:8765", SECRET)
SERVER = Path("modules/servers/puqProxmoxKVM")
ADDON = Path("modules/addons/puq_proxmox_kvm")
NOON = datetime(2026, 4, 10, 12, 0, 0)


@pytest.fixture
def whmcs(tmp_path: Path) -> Path:
    """An empty WHMCS."""
    tree = tmp_path / "whmcs"
    for folder in ("modules/servers/other", "modules/addons"):
        (tree / folder).mkdir(parents=True)
    (tree / "init.php").write_text("<?php\n")
    return tree


@pytest.fixture
def old_module(whmcs: Path) -> dict[str, str]:
    """The old modules are in the WHMCS; gives the content of every file of the tree."""
    for path in (SERVER / "puqProxmoxKVM.php", SERVER / "lib/old.php", ADDON / "puq_proxmox_kvm.php"):
        (whmcs / path).parent.mkdir(parents=True, exist_ok=True)
        (whmcs / path).write_text(f"old {path}")
    return content(whmcs)


def content(tree: Path) -> dict[str, str]:
    return {str(path.relative_to(tree)): path.read_text() for path in sorted(tree.rglob("*")) if path.is_file()}


def install(whmcs: Path, settings: ShimSettings = SETTINGS, at: datetime = NOON) -> list[str]:
    return install_shim(whmcs, settings, now=lambda: at)


@pytest.mark.req("PRT-16")
def test_both_modules_are_put_into_the_tree(whmcs: Path) -> None:
    report = install(whmcs)
    assert report == [f"{ADDON} was installed.", f"{SERVER} was installed."]
    for source in (path for path in shim_root().glob("modules/**/*") if path.is_file()):
        assert (whmcs / source.relative_to(shim_root())).read_bytes() == source.read_bytes()


@pytest.mark.req("PRT-16")
def test_the_configuration_holds_the_secret_and_is_for_one_user_only(whmcs: Path) -> None:
    install(whmcs)
    config = whmcs / SERVER / "config.php"
    assert config.stat().st_mode & 0o777 == 0o600
    assert "'url' => 'http://127.0.0.1:8765'" in config.read_text()
    assert "'secret' => 'a-secret-with-\\'quotes\\'-and-\\\\backslashes-0123'" in config.read_text()


@pytest.mark.req("INS-13")
def test_nothing_outside_of_the_two_folders_is_written(whmcs: Path) -> None:
    before = content(whmcs)
    install(whmcs)
    written = {path for path in content(whmcs) if path not in before}
    assert {path for path in written if not path.startswith((f"{SERVER}/", f"{ADDON}/"))} == set()
    assert {path: text for path, text in content(whmcs).items() if path in before} == before


def test_a_second_installation_changes_nothing(whmcs: Path) -> None:
    install(whmcs)
    before = {path: path.stat().st_mtime_ns for path in whmcs.rglob("*")}
    assert install(whmcs) == [f"{ADDON} is up to date.", f"{SERVER} is up to date."]
    assert {path: path.stat().st_mtime_ns for path in whmcs.rglob("*") if path.is_file()}.items() <= before.items()


def test_another_secret_replaces_the_configuration_only(whmcs: Path) -> None:
    install(whmcs)
    report = install(whmcs, ShimSettings("https://bridge.example", "another secret " * 3))
    assert report == [f"{ADDON} is up to date.", f"{SERVER} was updated."]
    assert "another secret" in (whmcs / SERVER / "config.php").read_text()
    assert not (whmcs / "modules/.kvm-bridge-backups").exists()


def test_a_configuration_that_others_can_read_is_put_right(whmcs: Path) -> None:
    install(whmcs)
    (whmcs / SERVER / "config.php").chmod(0o644)
    install(whmcs)
    assert (whmcs / SERVER / "config.php").stat().st_mode & 0o777 == 0o600


def test_what_the_operator_added_is_kept(whmcs: Path) -> None:
    install(whmcs)
    (whmcs / SERVER / "templates").mkdir()
    (whmcs / SERVER / "templates/own.tpl").write_text("own")
    (whmcs / SERVER / "lib/dns/.htaccess").write_text("Require ip 192.0.2.10")
    install(whmcs, ShimSettings("http://127.0.0.1:9", SECRET))
    assert (whmcs / SERVER / "templates/own.tpl").read_text() == "own"
    assert (whmcs / SERVER / "lib/dns/.htaccess").read_text() == "Require ip 192.0.2.10"


def test_the_old_modules_are_kept_in_a_dated_folder(whmcs: Path, old_module: dict[str, str]) -> None:
    report = install(whmcs)
    backup = "modules/.kvm-bridge-backups/20260410-120000"
    assert f"{SERVER} was replaced; what was there is kept in {backup}/servers/puqProxmoxKVM." in report
    assert (whmcs / backup / "servers/puqProxmoxKVM/lib/old.php").read_text() == f"old {SERVER}/lib/old.php"
    assert not (whmcs / SERVER / "lib/old.php").exists()
    assert (whmcs / "modules/.kvm-bridge-backups").stat().st_mode & 0o777 == 0o700


def test_who_may_read_the_old_dns_list_may_read_the_new_one(whmcs: Path, old_module: dict[str, str]) -> None:
    (whmcs / SERVER / "lib/dns").mkdir()
    (whmcs / SERVER / "lib/dns/.htaccess").write_text("allow from 192.0.2.10")
    install(whmcs)
    assert (whmcs / SERVER / "lib/dns/.htaccess").read_text() == "allow from 192.0.2.10"


def test_the_old_modules_come_back(whmcs: Path, old_module: dict[str, str]) -> None:
    install(whmcs)
    install(whmcs, ShimSettings("http://127.0.0.1:9", SECRET))
    restore_modules(whmcs)
    assert {path: text for path, text in content(whmcs).items() if ".kvm-bridge-backups" not in path} == old_module


def test_a_module_that_was_not_there_before_is_gone_again(whmcs: Path, old_module: dict[str, str]) -> None:
    shutil.rmtree(whmcs / ADDON)
    install(whmcs)
    report = restore_modules(whmcs)
    assert f"{ADDON} was not there at 20260410-120000 and is gone again." in report
    assert not (whmcs / ADDON).exists()
    assert (whmcs / SERVER / "lib/old.php").exists()


def test_a_shim_that_was_changed_by_hand_is_not_thrown_away(whmcs: Path) -> None:
    install(whmcs)
    (whmcs / ADDON / "cron.php").write_text("<?php // mine\n")
    install(whmcs)
    [kept] = whmcs.glob("modules/.kvm-bridge-backups/*/addons/puq_proxmox_kvm/cron.php")
    assert kept.read_text() == "<?php // mine\n"
    assert "mine" not in (whmcs / ADDON / "cron.php").read_text()


def test_backups_of_the_same_second_do_not_meet(whmcs: Path) -> None:
    for text in ("first", "second"):
        install(whmcs)
        (whmcs / ADDON / "cron.php").write_text(text)
    install(whmcs)
    kept = sorted(whmcs.glob("modules/.kvm-bridge-backups/*/addons/puq_proxmox_kvm/cron.php"))
    assert [path.read_text() for path in kept] == ["first", "second"]


def test_nothing_is_restored_over_what_would_be_lost(whmcs: Path, old_module: dict[str, str]) -> None:
    install(whmcs)
    (whmcs / ADDON / "cron.php").write_text("mine")
    before = content(whmcs)
    with pytest.raises(NotInstalled, match="not the unchanged shim"):
        restore_modules(whmcs)
    assert content(whmcs) == before


@pytest.mark.parametrize("name", ["", "20200101-000000", "../.."])
def test_without_a_backup_there_is_no_way_back(whmcs: Path, name: str) -> None:
    install(whmcs)
    before = content(whmcs)
    with pytest.raises(NotInstalled, match="no backup"):
        restore_modules(whmcs, name)
    assert content(whmcs) == before


def test_a_folder_that_is_no_whmcs_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NotInstalled, match="no WHMCS installation: it has no modules/servers"):
        install(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_no_whmcs_can_be_forced(tmp_path: Path) -> None:
    install_shim(tmp_path, SETTINGS, force=True)
    assert (tmp_path / SERVER / "puqProxmoxKVM.php").is_file()


def test_a_module_folder_that_is_a_link_is_refused(whmcs: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (whmcs / SERVER).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(NotInstalled, match="symbolic link"):
        install(whmcs)
    assert list((tmp_path / "elsewhere").iterdir()) == []


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (ShimSettings("127.0.0.1:8765", SECRET), "no address"),
        (ShimSettings("http://host/path/", SECRET), "no address"),
        (ShimSettings("ftp://host", SECRET), "no address"),
        (ShimSettings("unix:relative", SECRET), "no address"),
        (ShimSettings("http://host", "short"), "8 printable"),
        (ShimSettings("http://host", "x" * 40 + "\n"), "8 printable"),
        (ShimSettings("http://host", SECRET, numbers={"timeuot": 5}), "timeuot=5"),
        (ShimSettings("http://host", SECRET, numbers={"timeout": 0}), "timeout=0"),
    ],
)
def test_settings_that_cannot_work_are_refused(whmcs: Path, settings: ShimSettings, said: str) -> None:
    before = content(whmcs)
    with pytest.raises(NotInstalled, match=said) as refused:
        install(whmcs, settings)
    assert content(whmcs) == before
    assert settings.secret not in str(refused.value)


@pytest.mark.parametrize(
    ("listen", "url"),
    [
        ("", "http://127.0.0.1:8787"),
        ("0.0.0.0:9000", "http://127.0.0.1:9000"),
        ("[::]:9000", "http://[::1]:9000"),
        ("10.0.0.5:9000", "http://10.0.0.5:9000"),
        ("unix:/run/kvm.sock", "unix:/run/kvm.sock"),
    ],
)
def test_without_an_address_the_shim_talks_to_the_daemon_of_this_machine(whmcs: Path, listen: str, url: str) -> None:
    environment = {"KVM_BRIDGE_SECRET": SECRET, "KVM_BRIDGE_LISTEN": listen}
    assert CliRunner(env=environment).invoke(install_shim_command, [str(whmcs)]).exit_code == 0
    assert f"'url' => '{url}'" in (whmcs / SERVER / "config.php").read_text()


@pytest.mark.parametrize(
    ("url", "warned"),
    [
        ("http://127.0.0.1:8765", False),
        ("http://[::1]:8765", False),
        ("http://localhost:8765", False),
        ("unix:/run/kvm-bridge.sock", False),
        ("https://bridge.example", False),
        ("http://192.0.2.5:8765", True),
        ("http://bridge.example", True),
    ],
)
def test_plain_http_to_another_host_is_warned_about(whmcs: Path, url: str, warned: bool) -> None:
    report = install(whmcs, ShimSettings(url, SECRET))
    assert any("unencrypted" in line for line in report) is warned


def test_when_a_folder_cannot_be_moved_the_old_modules_stay(
    whmcs: Path, old_module: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    rename, moved = Path.rename, []

    def failing(source: Path, destination: Path) -> Path:
        moved.append(source)
        if len(moved) == 4:
            raise OSError(28, "No space left on device")
        return rename(source, destination)

    monkeypatch.setattr(Path, "rename", failing)
    with pytest.raises(NotInstalled, match="nothing was changed: No space left on device"):
        install(whmcs)
    assert {path: text for path, text in content(whmcs).items() if ".kvm-bridge-backups" not in path} == old_module


@pytest.mark.req("PRT-17")
def test_the_settings_do_not_show_the_secret() -> None:
    assert SECRET not in repr(SETTINGS)


def test_the_command_installs_and_tells(whmcs: Path, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text(f"{SECRET}\n")
    arguments = [str(whmcs), "--url", "unix:/run/kvm.sock", "--secret-file", str(tmp_path / "secret")]
    result = CliRunner().invoke(install_shim_command, arguments)
    assert result.exit_code == 0
    assert f"{SERVER} was installed." in result.output
    assert SECRET not in result.output
    assert "unix:/run/kvm.sock" in (whmcs / SERVER / "config.php").read_text()


def test_the_command_reads_the_secret_from_the_environment(whmcs: Path) -> None:
    result = CliRunner(env={"KVM_BRIDGE_SECRET": SECRET}).invoke(install_shim_command, [str(whmcs)])
    assert result.exit_code == 0
    assert "backslashes" in (whmcs / SERVER / "config.php").read_text()


def test_the_command_refuses_with_one_line_and_code_1(whmcs: Path) -> None:
    result = CliRunner(env={"KVM_BRIDGE_SECRET": ""}).invoke(install_shim_command, [str(whmcs)])
    assert (result.exit_code, result.output.count("\n")) == (1, 1)
    assert result.output.startswith("Error: The secret needs")


def test_the_command_restores(whmcs: Path, old_module: dict[str, str]) -> None:
    install(whmcs)
    result = CliRunner().invoke(install_shim_command, [str(whmcs), "--restore"])
    assert result.exit_code == 0
    assert (whmcs / SERVER / "lib/old.php").exists()
