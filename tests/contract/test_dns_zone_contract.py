"""What every DNS provider's adapter promises, on all of them alike: the real PowerDNS, and the stand-ins of the others."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from traceback import format_exception

import pytest

from providers.dns import RecordSet, Zone
from providers.errors import AuthFailed, Conflict, ProviderError, Unreached

from .dns_providers import PROVIDERS, Provider


@pytest.fixture(params=sorted(PROVIDERS))
def provider(request: pytest.FixtureRequest) -> Iterator[Provider]:
    """An empty zone at each provider."""
    with PROVIDERS[request.param](request) as found:
        yield found


@pytest.fixture
def zone(provider: Provider) -> Zone:
    return provider.zone


@pytest.fixture
def vm(zone: Zone) -> str:
    """The name of a VM in the zone."""
    return f"vm.{zone.name}"


def a(name: str, *values: str) -> RecordSet:
    return RecordSet(name, "A", values)


def test_the_zone_of_the_provider_passes_its_test(zone: Zone) -> None:
    zone.test()


def test_a_record_set_that_was_not_there_is_created(provider: Provider, zone: Zone, vm: str) -> None:
    assert zone.store([a(vm, "192.0.2.1")]) == {}
    assert provider.held() == {(vm, "A"): {"192.0.2.1"}}


def test_several_record_sets_are_created_at_once(provider: Provider, zone: Zone, vm: str) -> None:
    pointer = RecordSet(f"7.{zone.name}", "PTR", ("vm.example.net",))
    assert zone.store([a(vm, "192.0.2.1"), RecordSet(vm, "AAAA", ("2001:db8::1",)), pointer]) == {}
    assert provider.held() == {(vm, "A"): {"192.0.2.1"}, (vm, "AAAA"): {"2001:db8::1"}, pointer.key: {"vm.example.net"}}


def test_a_record_set_at_the_name_of_the_zone_is_created(provider: Provider, zone: Zone) -> None:
    assert zone.store([a(zone.name, "192.0.2.1")]) == {}
    assert provider.held() == {(zone.name, "A"): {"192.0.2.1"}}


def test_a_record_set_holds_several_values(provider: Provider, zone: Zone, vm: str) -> None:
    assert zone.store([a(vm, "192.0.2.1", "192.0.2.2", "192.0.2.3")]) == {}
    assert provider.held() == {(vm, "A"): {"192.0.2.1", "192.0.2.2", "192.0.2.3"}}


@pytest.mark.parametrize("values", [("192.0.2.9",), ("192.0.2.2",), ("192.0.2.2", "192.0.2.9")])
def test_a_record_set_is_replaced_as_a_whole(provider: Provider, zone: Zone, vm: str, values: tuple[str, ...]) -> None:
    provider.put(vm, "A", "192.0.2.1", "192.0.2.2")
    assert zone.store([a(vm, *values)]) == {}
    assert provider.held() == {(vm, "A"): set(values)}


def test_a_pointer_is_replaced(provider: Provider, zone: Zone, vm: str) -> None:
    provider.put(vm, "PTR", "old.example.net")
    assert zone.store([RecordSet(vm, "PTR", ("new.example.net",))]) == {}
    assert provider.held() == {(vm, "PTR"): {"new.example.net"}}


def test_a_record_set_without_values_is_deleted(provider: Provider, zone: Zone, vm: str) -> None:
    provider.put(vm, "A", "192.0.2.1", "192.0.2.2")
    assert zone.store([a(vm)]) == {}
    assert provider.held() == {}


def test_deleting_what_is_not_there_is_no_failure(provider: Provider, zone: Zone, vm: str) -> None:
    assert zone.store([a(vm), RecordSet(vm, "AAAA"), RecordSet(f"7.{zone.name}", "PTR")]) == {}
    assert provider.held() == {}


def test_creating_and_deleting_go_together(provider: Provider, zone: Zone, vm: str) -> None:
    provider.put(vm, "A", "192.0.2.1")
    assert zone.store([a(vm), RecordSet(vm, "AAAA", ("2001:db8::1",))]) == {}
    assert provider.held() == {(vm, "AAAA"): {"2001:db8::1"}}


def test_storing_a_second_time_changes_nothing(provider: Provider, zone: Zone, vm: str) -> None:
    sets = [a(vm, "192.0.2.1", "192.0.2.2"), RecordSet(f"7.{zone.name}", "PTR", ("vm.example.net",)), a(f"x.{vm}")]
    zone.store(sets)
    before = provider.held()
    assert zone.store(sets) == {}
    assert provider.held() == before


def test_storing_nothing_is_no_failure(provider: Provider, zone: Zone) -> None:
    assert zone.store([]) == {}
    assert provider.held() == {}


def test_other_records_are_left_alone(provider: Provider, zone: Zone, vm: str) -> None:
    others = {
        (vm, "TXT"): '"kept"',
        (vm, "AAAA"): "2001:db8::5",
        (f"www.{vm}", "A"): "192.0.2.5",
        (zone.name, "A"): "192.0.2.6",
    }
    for (name, record_type), value in others.items():
        provider.put(name, record_type, value)
    zone.store([a(vm, "192.0.2.1")])
    zone.store([a(vm)])
    assert provider.held() == {key: {value} for key, value in others.items()}


def test_several_threads_may_store_at_once(provider: Provider, zone: Zone) -> None:
    sets = [a(f"vm{number}.{zone.name}", f"192.0.2.{number}") for number in range(8)]
    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(lambda wanted: zone.store([wanted]), sets)) == [{}] * 8
    assert provider.held() == {wanted.key: set(wanted.values) for wanted in sets}


def test_what_was_stored_is_fetched(zone: Zone, vm: str) -> None:
    sets = [a(vm, "192.0.2.1", "192.0.2.2"), RecordSet(vm, "AAAA", ("2001:db8::1",))]
    zone.store(sets)
    assert zone.fetch([wanted.key for wanted in sets]) == {wanted.key: set(wanted.values) for wanted in sets}


def test_what_is_not_there_is_fetched_as_an_empty_set(provider: Provider, zone: Zone, vm: str) -> None:
    provider.put(vm, "AAAA", "2001:db8::1")
    keys = [(vm, "A"), (f"7.{zone.name}", "PTR")]
    assert zone.fetch(keys) == {key: set() for key in keys}


def test_many_record_sets_are_fetched_like_few(zone: Zone) -> None:
    sets = [a(f"vm{number}.{zone.name}", f"192.0.2.{number}") for number in range(30)]
    zone.store(sets)
    assert zone.fetch([wanted.key for wanted in sets]) == {wanted.key: set(wanted.values) for wanted in sets}


@pytest.mark.parametrize(
    ("record_type", "spelled", "canonical"),
    [("AAAA", "2001:0DB8:0:0:0:0:0:00AB", "2001:db8::ab"), ("PTR", "Mail.Example.NET", "mail.example.net")],
)
def test_values_come_in_their_canonical_form_however_they_were_entered(
    provider: Provider, zone: Zone, vm: str, record_type: str, spelled: str, canonical: str
) -> None:
    provider.put(vm, record_type, spelled)
    assert zone.fetch([(vm, record_type)]) == {(vm, record_type): {canonical}}


def test_one_refused_record_set_does_not_keep_the_others_from_being_written(
    provider: Provider, zone: Zone, vm: str
) -> None:
    provider.put(vm, "AAAA", "2001:db8::1")
    last = a(f"last.{zone.name}", "192.0.2.3")
    failed = zone.store([a(vm, "192.0.2.1"), provider.refused, RecordSet(vm, "AAAA"), last])
    assert set(failed) == {provider.refused.key}
    assert failed[provider.refused.key].kind == "permanent"
    assert provider.held() == {(vm, "A"): {"192.0.2.1"}, last.key: {"192.0.2.3"}}


def test_an_alias_in_the_way_is_a_conflict_and_stays(provider: Provider, zone: Zone, vm: str) -> None:
    provider.put(vm, "CNAME", "www.example.net")
    other = a(f"other.{zone.name}", "192.0.2.2")
    failed = zone.store([a(vm, "192.0.2.1"), other])
    assert {key: type(error) for key, error in failed.items()} == {(vm, "A"): Conflict}
    assert provider.held() == {(vm, "CNAME"): {"www.example.net"}, other.key: {"192.0.2.2"}}


def test_deleting_addresses_beside_an_alias_is_no_failure(provider: Provider, zone: Zone, vm: str) -> None:
    provider.put(vm, "CNAME", "www.example.net")
    assert zone.store([a(vm), RecordSet(vm, "AAAA")]) == {}
    assert provider.held() == {(vm, "CNAME"): {"www.example.net"}}


def test_a_wrong_credential_writes_nothing_and_is_told_for_every_record_set(provider: Provider, vm: str) -> None:
    failed = provider.stranger.store([a(vm, "192.0.2.1"), RecordSet(vm, "AAAA", ("2001:db8::1",))])
    assert {key: type(error) for key, error in failed.items()} == {(vm, "A"): AuthFailed, (vm, "AAAA"): AuthFailed}
    assert provider.held() == {}


def test_a_wrong_credential_fails_the_test(provider: Provider) -> None:
    with pytest.raises(AuthFailed):
        provider.stranger.test()


def test_a_wrong_credential_reads_nothing(provider: Provider, vm: str) -> None:
    with pytest.raises(AuthFailed):
        provider.stranger.fetch([(vm, "A")])


def test_a_zone_that_the_provider_does_not_have_fails_the_test_by_name(provider: Provider) -> None:
    with pytest.raises(ProviderError, match=provider.misnamed.name):
        provider.misnamed.test()


def test_a_provider_that_is_not_reached_is_told_for_every_record_set(provider: Provider, vm: str) -> None:
    failed = provider.unreachable.store([a(vm, "192.0.2.1"), RecordSet(vm, "AAAA")])
    assert {key: type(error) for key, error in failed.items()} == {(vm, "A"): Unreached, (vm, "AAAA"): Unreached}


def test_a_provider_that_is_not_reached_fails_test_and_reading(provider: Provider, vm: str) -> None:
    with pytest.raises(Unreached):
        provider.unreachable.test()
    with pytest.raises(Unreached):
        provider.unreachable.fetch([(vm, "A")])


def test_no_secret_is_seen_in_an_error_a_log_or_a_repr(
    provider: Provider, vm: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    seen = []
    for zone in (provider.zone, provider.stranger, provider.misnamed, provider.unreachable):
        seen += [repr(zone), str(zone), repr(zone.store([a(vm, "192.0.2.1"), provider.refused]))]
    for zone in (provider.stranger, provider.misnamed, provider.unreachable):
        with pytest.raises(ProviderError) as trouble:
            zone.test()
        seen += [repr(trouble.value), "".join(format_exception(trouble.value))]
    text = caplog.text + "".join(seen)
    assert [secret for secret in provider.secrets if secret in text] == []
