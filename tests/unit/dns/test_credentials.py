"""Secrets at rest."""

import pytest

from bridge.dns.credentials import PREFIX, NoKey, Vault

KEY = "a-long-enough-key"


@pytest.mark.req("DNS-48")
def test_a_sealed_secret_is_not_readable_and_another_text_each_time() -> None:
    vault = Vault(KEY)
    first, second = vault.seal("cf-token-1"), vault.seal("cf-token-1")
    assert first != second
    assert first.startswith(PREFIX)
    assert "cf-token-1" not in first
    assert Vault(KEY).open(first) == vault.open(second) == "cf-token-1"


@pytest.mark.req("DNS-48")
@pytest.mark.parametrize("stored", ["plain-token", "", None])
def test_what_the_old_module_left_in_clear_is_read_as_it_is_even_without_a_key(stored: str | None) -> None:
    assert Vault(None).open(stored) == (stored or "")


def test_nothing_stays_nothing() -> None:
    assert Vault(KEY).seal("") == ""


def test_another_key_says_what_to_do() -> None:
    with pytest.raises(NoKey, match="another KVM_BRIDGE_ENCRYPTION_KEY or KVM_BRIDGE_SECRET; enter it anew"):
        Vault("another-long-key").open(Vault(KEY).seal("token"))


def test_without_a_key_nothing_can_be_stored_and_what_is_encrypted_cannot_be_read() -> None:
    with pytest.raises(NoKey, match="neither KVM_BRIDGE_ENCRYPTION_KEY nor KVM_BRIDGE_SECRET is set"):
        Vault(None).seal("token")
    with pytest.raises(NoKey, match="cannot read secrets"):
        Vault(None).open(Vault(KEY).seal("token"))
