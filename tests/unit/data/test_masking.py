"""No secret survives in a text, however it is spelled there."""

import base64
import html
import json
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import quote, quote_plus, urlencode

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from bridge.masking import MASK, mask, mask_text

SECRET = 'p@ss/w"örd +1<&é'

SPELLINGS: dict[str, Callable[[str], str]] = {
    "raw": str,
    "URL-encoded": lambda s: quote(s, safe=""),
    "URL-encoded path": quote,
    "URL-encoded form": quote_plus,
    "URL-encoded lower case": lambda s: re.sub("%..", lambda found: found[0].lower(), quote(s, safe="")),
    "URL-encoded twice": lambda s: quote(quote(s, safe=""), safe=""),
    "JSON": lambda s: json.dumps(s)[1:-1],
    "JSON in UTF-8": lambda s: json.dumps(s, ensure_ascii=False)[1:-1],
    "JSON as PHP writes it": lambda s: json.dumps(s)[1:-1].replace("/", "\\/"),
    "base64": lambda s: base64.b64encode(s.encode()).decode(),
    "base64 for URLs": lambda s: base64.urlsafe_b64encode(s.encode()).decode(),
    "base64 without padding": lambda s: base64.b64encode(s.encode()).decode().rstrip("="),
    "HTML": html.escape,
}


@pytest.mark.req("LOG-04", "DAT-06")
@pytest.mark.parametrize("spelling", SPELLINGS.values(), ids=SPELLINGS)
def test_a_known_secret_is_masked_in_every_spelling(spelling: Callable[[str], str]) -> None:
    text = f"before {spelling(SECRET)} after"
    assert spelling(SECRET) in text
    masked = mask_text(text, [SECRET])
    assert spelling(SECRET) not in masked
    assert masked == f"before {MASK} after"


@given(st.text(min_size=4, max_size=40), st.sampled_from(sorted(SPELLINGS)), st.text(max_size=20))
def test_no_secret_of_four_characters_or_more_is_left(secret: str, spelling: str, around: str) -> None:
    spelled = SPELLINGS[spelling](secret)
    assume(len(spelled) >= 8 and spelled not in MASK)
    masked = mask_text(f"{around} {spelled} {around}", [secret])
    assert spelled not in masked.replace(MASK, "\0")


def test_short_values_are_left_since_masking_them_would_blot_out_the_text() -> None:
    assert mask_text("101 VMs on vmbr1", ["1", "", "vm"]) == "101 VMs on vmbr1"


@pytest.mark.req("LOG-04", "DAT-06")
@pytest.mark.parametrize(
    "key",
    [
        "password",
        "cipassword",
        "serverpassword",
        "token",
        "api_token",
        "api_key",
        "apikey",
        "accesshash",
        "secret",
        "Authorization",
        "CSRFPreventionToken",
        "ticket",
        "cookie",
        "noVNC-password",
        "whmcs_api_secret",
    ],
)
def test_the_value_of_a_telling_key_is_masked_wherever_it_is(key: str) -> None:
    assert mask({"data": [{key: "hunter2"}]}) == {"data": [{key: MASK}]}
    assert "hunter2" not in mask_text(json.dumps({"vmid": 100, key: "hunter2", "node": "pve1"}))
    assert "hunter2" not in mask_text(urlencode({"vmid": 100, key: "hunter2", "node": "pve1"}))
    assert "pve1" in mask_text(urlencode({"vmid": 100, key: "hunter2", "node": "pve1"}))


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("Authorization: PVEAPIToken=root@pam!kvm=0b2c-4d5e", "PVEAPIToken=root@pam!kvm="),
        ("Cookie: PVEAuthCookie=PVE:root@pam:631738FC::abc==", "PVEAuthCookie="),
        ("authorization Basic dXNlcjpodW50ZXIy", "Basic"),
        ('{"a": "{\\"password\\": \\"hunter2\\"}"}', "password"),
    ],
)
def test_credentials_in_headers_and_nested_texts_are_masked(text: str, left: str) -> None:
    masked = mask_text(text)
    assert left in masked
    assert MASK in masked
    for secret in ("0b2c-4d5e", "631738FC", "dXNlcjpodW50ZXIy", "hunter2"):
        assert secret not in masked


def test_what_is_no_secret_stays_readable() -> None:
    request = {
        "vmid": 100,
        "node": "pve1",
        "net0": "virtio=BC:24:11:7F:40:9B,bridge=vmbr0",
        "token_id": "kvm",
        "password": "",
    }
    assert mask(request) == request


def test_values_of_any_type_become_json_types() -> None:
    circle: list[Any] = []
    circle.append(circle)
    for value in (object(), b"\xff", {1: {2, 3}}, circle, float("nan"), None):
        json.dumps(mask(value))
