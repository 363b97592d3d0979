"""Whatever an admin pastes into the host field leads to one cluster, and no secret shows anywhere."""

import pytest

from providers.proxmox import Endpoint, Proxmox, Tls


@pytest.mark.req("SRV-06")
@pytest.mark.parametrize(
    ("host", "port", "url"),
    [
        ("pve1.example.com", 8006, "https://pve1.example.com:8006/api2/json"),
        ("pve1.example.com", 443, "https://pve1.example.com:443/api2/json"),
        ("pve1.example.com", 0, "https://pve1.example.com:8006/api2/json"),
        (" https://pve1.example.com/ ", 8006, "https://pve1.example.com:8006/api2/json"),
        ("https://pve1.example.com:8006/api2/json/", 8006, "https://pve1.example.com:8006/api2/json"),
        ("https://pve1.example.com:8006/api2/json/api2/json", 8006, "https://pve1.example.com:8006/api2/json"),
        ("PVE1.example.com:9006", 8006, "https://pve1.example.com:9006/api2/json"),
        ("192.0.2.1", 8006, "https://192.0.2.1:8006/api2/json"),
        ("2001:db8::1", 8006, "https://[2001:db8::1]:8006/api2/json"),
        ("[2001:db8::1]:9006", 8006, "https://[2001:db8::1]:9006/api2/json"),
        ("https://[2001:db8::1]/", 8006, "https://[2001:db8::1]:8006/api2/json"),
    ],
)
def test_host_and_port_are_understood_in_every_form(host: str, port: int, url: str) -> None:
    assert Endpoint(host, port).base_url == url


@pytest.mark.parametrize(
    "host", ["", "   ", "https://", "not a host", "pve 1", "pve1:99999999", "bär\nx", "a" * 64, "a..b", "."]
)
def test_what_is_no_host_is_refused(host: str) -> None:
    with pytest.raises(ValueError):
        Endpoint(host)


@pytest.mark.req("PRV-07")
def test_the_secret_shows_in_no_representation() -> None:
    endpoint = Endpoint("pve1", token_id="root@pam!whmcs", token_secret="11111111-2222-3333-4444-555555555555")
    client = Proxmox(endpoint)
    for text in (repr(endpoint), str(endpoint), repr(client), repr(vars(client))):
        assert "55555555" not in text


def test_a_token_pasted_with_blanks_around_it_is_taken() -> None:
    endpoint = Endpoint("pve1", token_id=" root@pam!whmcs\n", token_secret="1111-2222\n")
    assert (endpoint.token_id, endpoint.token_secret) == ("root@pam!whmcs", "1111-2222")


@pytest.mark.parametrize(
    ("token", "secret"), [("root@pam!whmcs", "1111\n2222"), ("root@pam!whm…", "1111"), ("a!b", "ü")]
)
def test_a_token_that_fits_no_header_is_refused_without_showing_it(token: str, secret: str) -> None:
    with pytest.raises(ValueError, match="holds characters that no API token has") as caught:
        Endpoint("pve1", token_id=token, token_secret=secret)
    assert secret not in str(caught.value)


def test_a_password_is_taken_as_it_is() -> None:
    assert Endpoint("pve1", token_id="root@pam", token_secret=" pässword ").token_secret == " pässword "


@pytest.mark.req("SRV-02", "SRV-03")
@pytest.mark.parametrize(("user", "token"), [("root@pam!whmcs-dev", True), ("root@pam", False)])
def test_an_exclamation_mark_in_the_user_name_means_api_token(user: str, token: bool) -> None:
    assert Endpoint("pve1", token_id=user).uses_token is token


def test_a_fingerprint_is_taken_in_any_usual_spelling() -> None:
    spelled = ":".join(["AB"] * 32)
    assert Tls(fingerprint=spelled).fingerprint == "ab" * 32


@pytest.mark.parametrize("fingerprint", ["", "ab", "zz" * 32, "ab" * 20])
def test_a_fingerprint_that_is_no_sha256_is_refused(fingerprint: str) -> None:
    with pytest.raises(ValueError, match="64 hex digits"):
        Tls(fingerprint=fingerprint)
