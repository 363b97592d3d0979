"""VM names, FQDNs and generated guest credentials."""

import random
import re
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.package.hostnames import is_domain
from bridge.package.naming import fqdn, random_password, random_user_name, vm_name

NOW = datetime(2026, 4, 9, 4, 35, 7, tzinfo=UTC)
HOST_NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")


def name(rule: str, client_id: int = 142, service_id: int = 387, now: datetime = NOW, seed: int = 1) -> str:
    return vm_name(rule, client_id=client_id, service_id=service_id, now=now, rng=random.Random(seed))


RULES = [
    pytest.param("", "142-387", marks=pytest.mark.req("CFG-16")),
    pytest.param("   ", "142-387", marks=pytest.mark.req("CFG-16")),
    pytest.param("c{client_id}", "c142", marks=pytest.mark.req("CFG-18")),
    pytest.param("s{service_id}", "s387", marks=pytest.mark.req("CFG-19")),
    pytest.param("{unixtime}", str(int(NOW.timestamp())), marks=pytest.mark.req("CFG-22")),
    pytest.param("{year}-{month}-{day}", "2026-04-09", marks=pytest.mark.req("CFG-23")),
    pytest.param("{hour}-{minute}-{second}", "04-35-07", marks=pytest.mark.req("CFG-23")),
    pytest.param("{service_id}-{unixtime}", f"387-{int(NOW.timestamp())}"),
    pytest.param("{service_id}{service_id}", "387387"),
    pytest.param("{client_id}_{service_id}", "142-387", marks=pytest.mark.req("CFG-25")),
    pytest.param("web.{service_id}.lan", "web-387-lan", marks=pytest.mark.req("CFG-25")),
    pytest.param("--{service_id}--", "387", marks=pytest.mark.req("CFG-25")),
    pytest.param("VPS {service_id}", "vps-387", marks=pytest.mark.req("CFG-25")),
    pytest.param("Zoë-Größe-{service_id}", "zoe-gro-e-387", marks=pytest.mark.req("CFG-25")),
    pytest.param("сервер-{service_id}", "387", marks=pytest.mark.req("CFG-25")),
    pytest.param("服务器", "142-387", marks=pytest.mark.req("CFG-25")),
    pytest.param("{colour}-{service_id}", "colour-387", marks=pytest.mark.req("CFG-25")),
    pytest.param("{Service_id}", "service-id"),
    pytest.param("{{service_id}}", "387"),
    pytest.param("$(reboot);{service_id}", "reboot-387", marks=pytest.mark.req("CFG-25")),
]


@pytest.mark.parametrize(("rule", "expected"), RULES)
def test_a_rule_becomes_a_host_name(rule: str, expected: str) -> None:
    assert name(rule) == expected


def test_time_macros_speak_the_zone_of_the_given_time() -> None:
    assert name("{hour}", now=NOW.astimezone(timezone(timedelta(hours=2)))) == "06"


RANDOM = [
    pytest.param("{random_digit_4}", r"[0-9]{4}", marks=pytest.mark.req("CFG-20")),
    pytest.param("{random_digit_1}", r"[0-9]", marks=pytest.mark.req("CFG-20")),
    pytest.param("{random_letter_3}", r"[a-z]{3}", marks=pytest.mark.req("CFG-21")),
    pytest.param("{random_letter_12}", r"[a-z]{12}", marks=pytest.mark.req("CFG-21")),
    pytest.param("x{random_digit_0}y", "xy"),
    pytest.param("a{random_digit_2}b{random_letter_2}", r"a[0-9]{2}b[a-z]{2}"),
]


@pytest.mark.parametrize(("rule", "shape"), RANDOM)
def test_a_random_macro_gives_as_many_characters_as_asked(rule: str, shape: str) -> None:
    made = {name(rule, seed=seed) for seed in range(50)}
    assert all(re.fullmatch(shape, one) for one in made)


def test_random_macros_differ_from_vm_to_vm() -> None:
    assert len({name("{random_letter_8}", seed=seed) for seed in range(50)}) == 50


def test_a_silly_count_costs_nothing() -> None:
    assert re.fullmatch(r"[0-9]{59}-387", name("{random_digit_999999999}{random_digit_9}"))


def test_names_that_had_to_be_cut_still_end_in_the_service_id() -> None:
    rule = "a-very-long-prefix-" * 5 + "{service_id}"
    assert name(rule, service_id=387) != name(rule, service_id=388)
    assert name(rule, service_id=387).endswith("-387")


@pytest.mark.req("CFG-25")
@given(st.text(max_size=300), st.integers(min_value=0, max_value=2**31), st.integers(min_value=0, max_value=2**31))
def test_any_rule_gives_a_valid_host_name(rule: str, client_id: int, service_id: int) -> None:
    assert HOST_NAME.fullmatch(name(rule, client_id, service_id))


@given(
    st.lists(
        st.sampled_from(["{client_id}", "{service_id}", "{random_digit_9}", "{year}", "-", "x", "ß", "."]), max_size=40
    )
)
def test_any_mix_of_macros_gives_a_valid_host_name(parts: list[str]) -> None:
    assert HOST_NAME.fullmatch(name("".join(parts)))


@pytest.mark.req("CFG-56")
@pytest.mark.parametrize("domain", [".example.com", "example.com", "example.com.", "..example.com..", " .Example.COM "])
def test_dots_around_the_main_domain_do_not_matter(domain: str) -> None:
    assert fqdn("142-387", domain) == "142-387.example.com"


def test_a_domain_in_any_script_becomes_ascii() -> None:
    assert fqdn("web", ".bücher.example") == "web.xn--bcher-kva.example"


def test_without_a_main_domain_the_name_stands_alone() -> None:
    assert fqdn("web", ".") == "web"


@pytest.mark.req("INP-07")
@pytest.mark.parametrize(
    "domain", ["exa mple.com", "a..b", "-x.com", "x_.com", "a" * 64 + ".com", "ab.com/x", "é" * 200]
)
def test_what_is_no_domain_is_refused(domain: str) -> None:
    assert not is_domain(domain)
    with pytest.raises(ValueError, match="is not a domain name"):
        fqdn("web", domain)


@given(st.text(max_size=80))
def test_an_accepted_domain_always_gives_a_host_name(domain: str) -> None:
    if is_domain(domain):
        assert all(HOST_NAME.fullmatch(label) for label in fqdn("a" * 63, domain).split("."))
        assert len(fqdn("a" * 63, domain)) <= 253


def test_generated_user_names_are_valid_and_differ() -> None:
    names = {random_user_name(random.Random(seed)) for seed in range(100)}
    assert all(re.fullmatch(r"[a-z][a-z0-9]{7}", one) for one in names)
    assert len(names) == 100


@pytest.mark.req("CLD-10")
def test_generated_passwords_are_letters_and_digits_of_every_kind() -> None:
    passwords = {random_password(random.Random(seed)) for seed in range(100)}
    assert len(passwords) == 100
    for password in passwords:
        assert re.fullmatch(r"[A-Za-z0-9]{16}", password)
        assert all(re.search(kind, password) for kind in ("[a-z]", "[A-Z]", "[0-9]"))
