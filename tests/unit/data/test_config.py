"""Configuration: where each key may come from, and what a person reads when it is wrong."""

from pathlib import Path

import pytest

from bridge.config import Config, ConfigError, load_config

URL = "mysql://bridge:hunter2secret@db.example.com:3306/whmcs"
SECRET = "0123456789abcdef-the-secret"
ENVIRONMENT = {"KVM_BRIDGE_DATABASE_URL": URL, "KVM_BRIDGE_SECRET": SECRET}


def toml(folder: Path, text: str) -> dict[str, str]:
    path = folder / "bridge.toml"
    path.write_text(text, encoding="utf-8")
    return {"KVM_BRIDGE_CONFIG": str(path)}


def refused(environment: dict[str, str], need: tuple[str, ...] = ()) -> str:
    with pytest.raises(ConfigError) as caught:
        load_config(environment, need)
    line = str(caught.value)
    assert "\n" not in line
    return line


def test_the_environment_alone_is_enough_and_the_rest_has_defaults() -> None:
    config = load_config(ENVIRONMENT)
    assert config.database_url.get_secret_value() == URL
    assert config.listen_address == ("127.0.0.1", 8787)
    assert config.workers == 8
    assert config.timezone is None


@pytest.mark.req("OPS-06")
def test_a_secret_is_read_from_the_file_that_the_environment_names(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text(SECRET + "\n")
    config = load_config({"KVM_BRIDGE_DATABASE_URL": URL, "KVM_BRIDGE_SECRET_FILE": str(tmp_path / "secret")})
    assert config.secret is not None
    assert config.secret.get_secret_value() == SECRET


def test_environment_goes_before_file_and_file_before_toml(tmp_path: Path) -> None:
    environment = toml(
        tmp_path, 'listen = "127.0.0.1:1"\nworkers = 2\nwhmcs_api_url = "https://toml.example.com/api"\n'
    )
    (tmp_path / "listen").write_text("127.0.0.1:2")
    (tmp_path / "workers").write_text("3")
    environment |= {
        **ENVIRONMENT,
        "KVM_BRIDGE_LISTEN": "127.0.0.1:3",
        "KVM_BRIDGE_LISTEN_FILE": str(tmp_path / "listen"),
        "KVM_BRIDGE_WORKERS_FILE": str(tmp_path / "workers"),
    }
    config = load_config(environment)
    assert (config.listen, config.workers, config.whmcs_api_url) == ("127.0.0.1:3", 3, "https://toml.example.com/api")


@pytest.mark.parametrize(
    ("listen", "address"),
    [
        ("unix:/run/kvm-bridge.sock", Path("/run/kvm-bridge.sock")),
        ("0.0.0.0:80", ("0.0.0.0", 80)),
        ("[::1]:8787", ("::1", 8787)),
    ],
)
def test_the_daemon_listens_on_a_port_or_a_unix_socket(listen: str, address: object) -> None:
    assert load_config({**ENVIRONMENT, "KVM_BRIDGE_LISTEN": listen}).listen_address == address


@pytest.mark.req("OPS-06")
def test_no_secret_is_in_the_repr_of_the_configuration() -> None:
    config = load_config({**ENVIRONMENT, "KVM_BRIDGE_WHMCS_API_SECRET": "api-secret-value"})
    shown = f"{config!r} {config} {config.model_dump()}"
    assert "db.example.com" not in shown
    for secret in ("hunter2secret", SECRET, "api-secret-value"):
        assert secret not in shown


@pytest.mark.req("OPS-05")
@pytest.mark.parametrize(
    ("variable", "value", "hint"),
    [
        ("KVM_BRIDGE_DATABASE_URL", "postgres://x/y", "mysql://"),
        ("KVM_BRIDGE_DATABASE_URL", "mysql://u:hunter2secret@host:notaport/db", "mysql://user:password@host:3306/name"),
        ("KVM_BRIDGE_DATABASE_URL", "mysql://u:hunter2secret@host", "names no database"),
        ("KVM_BRIDGE_DATABASE_URL", "mysql://u:hunter2secret@host/db?ssl_cat=1", "unknown option 'ssl_cat'"),
        ("KVM_BRIDGE_DATABASE_URL", "sqlite:///:memory:", "names no database"),
        ("KVM_BRIDGE_SECRET", "short", "at least 8 characters"),
        ("KVM_BRIDGE_LISTEN", "8787", "host:port or unix:/path"),
        ("KVM_BRIDGE_LISTEN", "127.0.0.1:99999", "host:port or unix:/path"),
        ("KVM_BRIDGE_LISTEN", "unix:relative.sock", "host:port or unix:/path"),
        ("KVM_BRIDGE_WHMCS_API_URL", "ftp://whmcs.example.com", "must be a URL like https://"),
        ("KVM_BRIDGE_WHMCS_API_URL", "https://u:hunter2secret@whmcs.example.com", "must not hold credentials"),
        ("KVM_BRIDGE_WORKERS", "many", "valid integer"),
        ("KVM_BRIDGE_WORKERS", "0", "greater than or equal to 1"),
        ("KVM_BRIDGE_TIMEZONE", "Europe/Atlantis", "time zone like Europe/Warsaw"),
        ("KVM_BRIDGE_TIMEZONE", "../../etc/passwd", "time zone like Europe/Warsaw"),
    ],
)
def test_a_bad_value_fails_with_key_source_and_hint_and_without_the_secret(
    variable: str, value: str, hint: str
) -> None:
    line = refused({**ENVIRONMENT, variable: value})
    assert line.startswith(f"{variable.removeprefix('KVM_BRIDGE_').lower()} ({variable}): ")
    assert hint in line
    assert "hunter2secret" not in line
    assert "short" not in line


@pytest.mark.req("OPS-05")
def test_an_unknown_key_of_the_file_is_named(tmp_path: Path) -> None:
    line = refused({**ENVIRONMENT, **toml(tmp_path, 'databse_url = "x"\n')})
    assert line.startswith(f"databse_url ({tmp_path}/bridge.toml): unknown key")
    assert "database_url" in line


@pytest.mark.req("OPS-05")
@pytest.mark.parametrize(
    ("environment", "line_start"),
    [
        ({}, "database_url: not set, give it as KVM_BRIDGE_DATABASE_URL"),
        ({"KVM_BRIDGE_CONFIG": "/nowhere/bridge.toml"}, "KVM_BRIDGE_CONFIG (/nowhere/bridge.toml): No such file"),
        ({"KVM_BRIDGE_DATABASE_URL_FILE": "/nowhere/url"}, "KVM_BRIDGE_DATABASE_URL_FILE (/nowhere/url): No such file"),
    ],
)
def test_missing_keys_and_files_are_named(environment: dict[str, str], line_start: str) -> None:
    assert refused(environment).startswith(line_start)


def test_a_broken_file_is_named_with_the_place_of_the_mistake(tmp_path: Path) -> None:
    line = refused(toml(tmp_path, 'database_url = "unclosed\n'))
    assert line.startswith(f"KVM_BRIDGE_CONFIG ({tmp_path}/bridge.toml): no valid TOML")
    assert "line 1" in line


def test_a_file_that_is_no_text_is_named(tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(b"\xff\xfe\x00")
    environment = {"KVM_BRIDGE_DATABASE_URL": URL, "KVM_BRIDGE_SECRET_FILE": str(tmp_path / "secret")}
    assert refused(environment) == f"KVM_BRIDGE_SECRET_FILE ({tmp_path}/secret): is not UTF-8 text"


def test_a_role_names_the_keys_that_it_cannot_work_without() -> None:
    line = refused(ENVIRONMENT, need=("secret", "whmcs_api_url"))
    assert line.startswith("whmcs_api_url: not set, give it as KVM_BRIDGE_WHMCS_API_URL")


def test_every_key_of_the_file_is_a_key_of_the_environment(tmp_path: Path) -> None:
    values = {
        "database_url": "sqlite:////var/lib/bridge.sqlite",
        "secret": SECRET,
        "encryption_key": "a key of its own",
        "listen": "unix:/run/b.sock",
        "metrics_listen": "127.0.0.1:9187",
        "whmcs_api_url": "http://127.0.0.1/includes/api.php",
        "whmcs_api_identifier": "id",
        "whmcs_api_secret": "api-secret",
        "workers": "4",
        "timezone": "Europe/Warsaw",
    }
    assert set(values) == set(Config.model_fields)
    lines = "".join(f'{key} = "{value}"\n' for key, value in values.items())
    from_file = load_config(toml(tmp_path, lines))
    from_environment = load_config({f"KVM_BRIDGE_{key.upper()}": value for key, value in values.items()})
    assert from_file == from_environment


@pytest.mark.req("DNS-48")
def test_secrets_are_encrypted_with_a_key_of_their_own_or_with_the_secret() -> None:
    url = {"KVM_BRIDGE_DATABASE_URL": "sqlite:////tmp/x.sqlite"}
    assert load_config(url).key_at_rest is None
    assert load_config({**url, "KVM_BRIDGE_SECRET": SECRET}).key_at_rest == SECRET
    both = {**url, "KVM_BRIDGE_SECRET": SECRET, "KVM_BRIDGE_ENCRYPTION_KEY": "a key of its own"}
    assert load_config(both).key_at_rest == "a key of its own"
