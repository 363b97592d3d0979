"""Signatures: what fits, what does not, and what a refusal says."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.protocol.signing import (
    BadSignature,
    Expired,
    RequestSignature,
    Signer,
    Unsigned,
)

SECRET = "0123456789abcdef0123456789abcdef"
NONCE = "a1" * 16
NOW = 1_800_000_000

signer = Signer(SECRET)


def sign(body: bytes = b"{}", path: str = "/v1/module/CreateAccount", at: int = NOW) -> RequestSignature:
    return signer.sign_request("POST", path, at, NONCE, body)


def check(
    claim: RequestSignature, *, body: bytes = b"{}", path: str = "/v1/module/CreateAccount", now: float = NOW
) -> None:
    signer.check_request(claim, "POST", path, body, now)


def test_a_signed_request_is_let_in() -> None:
    check(sign())
    with pytest.raises(BadSignature):
        check(replace(sign(), signature="0" * 64))


@pytest.mark.req("PRT-02")
@pytest.mark.parametrize(
    ("changed", "arguments"),
    [
        ("method", ("GET", "/v1/module/CreateAccount", b"{}")),
        ("path", ("POST", "/v1/module/TerminateAccount", b"{}")),
        ("body", ("POST", "/v1/module/CreateAccount", b"{ }")),
    ],
)
def test_a_request_that_was_changed_on_the_way_is_refused(changed: str, arguments: tuple[str, str, bytes]) -> None:
    method, path, body = arguments
    with pytest.raises(BadSignature):
        signer.check_request(sign(), method, path, body, NOW)


@pytest.mark.req("PRT-02")
@pytest.mark.parametrize("claim", [replace(sign(), timestamp=str(NOW + 1)), replace(sign(), nonce="b2" * 16)])
def test_time_and_nonce_are_covered_by_the_signature(claim: RequestSignature) -> None:
    with pytest.raises(BadSignature):
        check(claim)


def test_another_secret_does_not_fit() -> None:
    stranger = Signer(SECRET[::-1])
    with pytest.raises(BadSignature):
        stranger.check_request(sign(), "POST", "/v1/module/CreateAccount", b"{}", NOW)


@pytest.mark.parametrize("signature", ["", "ä" * 64, "\udcff" * 64, "0" * 10_000])
def test_a_signature_that_is_no_signature_is_refused_and_breaks_nothing(signature: str) -> None:
    with pytest.raises(BadSignature):
        check(replace(sign(), signature=signature))


@pytest.mark.req("PRT-03")
@pytest.mark.parametrize("seconds", [-60, -59.5, 0, 60])
def test_a_request_within_a_minute_is_let_in(seconds: float) -> None:
    check(sign(), now=NOW + seconds)


@pytest.mark.req("PRT-03")
@pytest.mark.parametrize("seconds", [-61, 61, 86_400])
def test_a_request_a_minute_off_is_refused_with_the_difference(seconds: int) -> None:
    with pytest.raises(Expired, match=f"{abs(seconds)} s away"):
        check(sign(), now=NOW + seconds)


@pytest.mark.req("PRT-01")
@pytest.mark.parametrize("missing", list(sign().headers()))
def test_a_request_without_one_of_its_headers_is_unsigned(missing: str) -> None:
    headers = {name: value for name, value in sign().headers().items() if name != missing}
    with pytest.raises(Unsigned):
        RequestSignature.from_headers(headers.get)


@pytest.mark.parametrize(
    ("header", "value"),
    [
        ("X-KVM-Bridge-Timestamp", "yesterday"),
        ("X-KVM-Bridge-Timestamp", "-5"),
        ("X-KVM-Bridge-Timestamp", "1e9"),
        ("X-KVM-Bridge-Timestamp", "9" * 13),
        ("X-KVM-Bridge-Timestamp", "١٢٣"),
        ("X-KVM-Bridge-Nonce", "short"),
        ("X-KVM-Bridge-Nonce", "x" * 65),
        ("X-KVM-Bridge-Nonce", "a b" * 8),
        ("X-KVM-Bridge-Nonce", "a1" * 16 + "\n"),
    ],
)
def test_malformed_headers_are_refused_as_unsigned(header: str, value: str) -> None:
    headers = {**sign().headers(), header: value}
    with pytest.raises(Unsigned):
        RequestSignature.from_headers(headers.get)


def test_a_signature_made_for_one_kind_of_message_fits_no_other() -> None:
    digest = "0" * 64
    signatures = {
        sign().signature,
        signer.sign_response(200, NONCE, b"{}"),
        signer.sign_stream_start(200, NONCE),
        signer.sign_stream_end(NONCE, 200, digest),
    }
    assert len(signatures) == 4


@pytest.mark.req("PRT-07")
def test_an_answer_fits_only_its_own_request_status_and_body() -> None:
    signature = signer.sign_response(200, NONCE, b"body")
    assert signer.response_fits(signature, 200, NONCE, b"body")
    assert not signer.response_fits(signature, 500, NONCE, b"body")
    assert not signer.response_fits(signature, 200, "c3" * 16, b"body")
    assert not signer.response_fits(signature, 200, NONCE, b"bodY")


@given(body=st.binary(max_size=300), flip=st.integers(min_value=0, max_value=10_000))
def test_any_body_passes_and_no_changed_body_does(body: bytes, flip: int) -> None:
    claim = sign(body)
    check(claim, body=body)
    changed = bytearray(body + b"\0")
    changed[flip % len(changed)] ^= 1
    with pytest.raises(BadSignature):
        check(claim, body=bytes(changed))


def test_a_short_secret_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 8"):
        Signer("short")


@pytest.mark.req("PRT-17")
def test_a_signer_does_not_show_its_secret() -> None:
    assert SECRET not in repr(signer)
    assert SECRET not in str(vars(RequestSignature.from_headers(sign().headers().get)))
