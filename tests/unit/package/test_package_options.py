"""Configurable options: names, values, precedence, and what happens to unusable choices."""

from dataclasses import asdict
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.package.effective import effective
from bridge.package.fields import BadSetting
from bridge.package.options import LEGACY_FIELDS, OPTION_FIELDS, assigned


def value(options: dict[str, object], path: str, **settings: object) -> Any:
    """The part of the effective package at `path`, e.g. "network.rate"."""
    found: Any = asdict(effective(settings, options)[0])
    for key in path.split("."):
        found = found[key]
    return found


OPTIONS = [
    # option, chosen, where it lands, value
    pytest.param("CPU Cores", "4|4 Cores", "cpu", 4, marks=pytest.mark.req("OPT-02")),
    pytest.param("RAM", "8|8 GB", "ram_gb", 8, marks=pytest.mark.req("OPT-03")),
    pytest.param("Backups", "7|7 backups", "backups", 7, marks=pytest.mark.req("OPT-04", "CFG-14")),
    pytest.param("Snapshots", "3|3 snapshots", "snapshots", 3, marks=pytest.mark.req("OPT-05", "CFG-15")),
    pytest.param("System Disk", "40|40 GB", "system_disk.size_gb", 40, marks=pytest.mark.req("OPT-06")),
    pytest.param("Additional Disk", "20|20 GB", "additional_disk.size_gb", 20, marks=pytest.mark.req("OPT-07")),
    pytest.param(
        "System Disk Read Bandwidth", "100|100 MB/s", "system_disk.limits.mbps_rd", 100, marks=pytest.mark.req("OPT-08")
    ),
    pytest.param(
        "System Disk Write Bandwidth", "90|90 MB/s", "system_disk.limits.mbps_wr", 90, marks=pytest.mark.req("OPT-09")
    ),
    pytest.param(
        "System Disk Read IOPS", "500|500 IOPS", "system_disk.limits.iops_rd", 500, marks=pytest.mark.req("OPT-10")
    ),
    pytest.param(
        "System Disk Write IOPS", "400|400 IOPS", "system_disk.limits.iops_wr", 400, marks=pytest.mark.req("OPT-11")
    ),
    pytest.param(
        "Additional Disk Read Bandwidth", "50|x", "additional_disk.limits.mbps_rd", 50, marks=pytest.mark.req("OPT-12")
    ),
    pytest.param(
        "Additional Disk Write Bandwidth", "40|x", "additional_disk.limits.mbps_wr", 40, marks=pytest.mark.req("OPT-13")
    ),
    pytest.param(
        "Additional Disk Read IOPS", "300|x", "additional_disk.limits.iops_rd", 300, marks=pytest.mark.req("OPT-14")
    ),
    pytest.param(
        "Additional Disk Write IOPS", "200|x", "additional_disk.limits.iops_wr", 200, marks=pytest.mark.req("OPT-15")
    ),
    pytest.param("Network Bandwidth", "10|10 MB/s", "network.rate", 10, marks=pytest.mark.req("OPT-16", "CFG-32")),
    pytest.param("IPv4 Addresses", "2|2 IPv4", "network.ipv4_count", 2, marks=pytest.mark.req("OPT-17", "CFG-35")),
    pytest.param("IPv6 Addresses", "4|4 IPv6", "network.ipv6_count", 4, marks=pytest.mark.req("OPT-18", "CFG-36")),
    pytest.param("Operating System", "9002|Debian 12", "template", 9002, marks=pytest.mark.req("OPT-19")),
]


@pytest.mark.parametrize(("option", "chosen", "path", "expected"), OPTIONS)
def test_an_option_sets_its_part_of_the_package(option: str, chosen: str, path: str, expected: int) -> None:
    assert value({option: chosen}, path) == expected
    assert value({}, path) != expected


@pytest.mark.req("OPT-01")
def test_exactly_the_eighteen_documented_names_are_recognised() -> None:
    assert set(OPTION_FIELDS) == {row.values[0] for row in OPTIONS}
    assert len(OPTION_FIELDS) == 18


@pytest.mark.req("OPT-01", "OPT-43")
@pytest.mark.parametrize(
    "name", ["cpu cores", "CPU CORES", "CPU cores", " CPU Cores", "CPU Cores ", "Color", "", "|", "b|x"]
)
def test_a_name_that_does_not_match_exactly_is_ignored_without_a_word(name: str) -> None:
    assert assigned({name: "4|four"}) == assigned({})


@pytest.mark.req("OPT-20")
@pytest.mark.parametrize("chosen", ["16|16 GB", "16", 16, " 16 |sixteen", "16|a|b", "16|"])
def test_the_part_before_the_pipe_is_the_value(chosen: object) -> None:
    assert assigned({"RAM": chosen}).values == {"ram": 16}


ZERO_COUNTS = [
    ("Backups", "backups", "backups", ["OPT-04", "OPT-30"]),
    ("B|Backup", "backups", "backups", ["OPT-30"]),
    ("Snapshots", "snapshots", "snapshots", ["OPT-05", "OPT-31"]),
    ("S|Snapshot", "snapshots", "snapshots", ["OPT-31"]),
    ("Additional Disk", "add_size", "additional_disk.size_gb", ["OPT-07"]),
    ("Network Bandwidth", "net_bandwidth", "network.rate", ["OPT-16", "OPT-26"]),
    ("IPv4 Addresses", "ipv4_count", "network.ipv4_count", ["OPT-28"]),
    ("IPv6 Addresses", "ipv6_count", "network.ipv6_count", ["OPT-28"]),
    ("System Disk Read Bandwidth", "sys_mbps_rd", "system_disk.limits.mbps_rd", ["OPT-27"]),
    ("Additional Disk Write IOPS", "add_iops_wr", "additional_disk.limits.iops_wr", ["OPT-27"]),
]


@pytest.mark.parametrize(
    ("option", "setting", "path"),
    [pytest.param(*row[:3], marks=pytest.mark.req("OPT-21", *row[3])) for row in ZERO_COUNTS],
)
def test_a_chosen_zero_wins_over_the_default_of_the_product(option: str, setting: str, path: str) -> None:
    assert value({}, path, **{setting: 5}) == 5
    assert value({option: "0|none"}, path, **{setting: 5}) == 0


@pytest.mark.req("OPT-21", "OPT-22")
def test_a_chosen_value_wins_and_the_default_applies_without_one() -> None:
    assert value({"CPU Cores": "1|1 Core"}, "cpu", cpu=2) == 1
    assert value({}, "cpu", cpu=2) == 2


LEGACY = [
    ("B|Sicherung", "3|drei", "backups", 3),
    ("S|Snapshot", "5|x", "snapshots", 5),
    ("CPU|Processor", "2|2 Cores", "cpu", 2),
    ("RAM|Memory", "16|16 GB", "ram_gb", 16),
    ("ipv4|IPv4", "8|8 IPv4", "network.ipv4_count", 8),
    ("ipv6|", "4|x", "network.ipv6_count", 4),
    ("OS|Operating system", "1012|Debian-12", "template", 1012),
    ("OS", "1012", "template", 1012),
    ("B", 3, "backups", 3),
]


@pytest.mark.req("OPT-32", "OPT-33", "MIG-16")
@pytest.mark.parametrize(("option", "chosen", "path", "expected"), LEGACY)
def test_a_legacy_name_is_recognised_by_its_prefix(option: str, chosen: object, path: str, expected: int) -> None:
    assert value({option: chosen}, path) == expected


def test_all_seven_legacy_prefixes_are_known() -> None:
    assert set(LEGACY_FIELDS) == {"B", "S", "CPU", "RAM", "ipv4", "ipv6", "OS"}


@pytest.mark.req("OPT-34")
@pytest.mark.parametrize("legacy_first", [True, False])
@pytest.mark.parametrize(
    ("legacy", "plain", "path"),
    [
        ("CPU|Processor", "CPU Cores", "cpu"),
        ("RAM|Memory", "RAM", "ram_gb"),
        ("OS|System", "Operating System", "template"),
    ],
)
def test_the_plain_name_wins_over_the_legacy_one(legacy: str, plain: str, path: str, legacy_first: bool) -> None:
    choices = [(legacy, "200|a"), (plain, "400|b")]
    assert value(dict(choices if legacy_first else reversed(choices)), path) == 400


def test_an_unusable_plain_choice_leaves_the_word_to_the_legacy_one() -> None:
    assert assigned({"CPU Cores": "many|x", "CPU|Processor": "2|x"}).values == {"cpu": 2}


UNUSABLE = [
    ("abc|x", "the chosen value is not a whole number"),
    ("", "the chosen value is empty"),
    (None, "the chosen value is empty"),
    ("|8 GB", "the chosen value is empty"),
    ("-4|minus four", "-4 is not a whole number from 1 to 4096"),
    ("0|none", "0 is not a whole number from 1 to 4096"),
    ("99999|absurd", "99999 is not a whole number from 1 to 4096"),
    ("4.5|x", "the chosen value is not a whole number"),
    ("9" * 6000, "the chosen value is not a whole number"),
    ("8 GB", "the chosen value is not a whole number"),
    ("４|fullwidth", "the chosen value is not a whole number"),
]


@pytest.mark.req("OPT-44", "INP-06")
@pytest.mark.parametrize(("chosen", "reason"), UNUSABLE)
def test_an_unusable_choice_falls_back_to_the_default_and_is_reported(chosen: object, reason: str) -> None:
    package, warnings = effective({"ram": 2}, {"RAM": chosen})
    assert package.ram_gb == 2
    assert warnings == [f'Configurable option "RAM": {reason}; the default of the product applies']


@pytest.mark.req("INP-06")
@pytest.mark.parametrize("chosen", ["-1|minus one", "abc|words", "2.5|half", "99999999999|absurd", "|nothing", ""])
@pytest.mark.parametrize("option", [*OPTION_FIELDS, *(f"{key}|label" for key in LEGACY_FIELDS)])
def test_an_absurd_value_of_any_option_counts_as_not_assigned(option: str, chosen: str) -> None:
    found = assigned({option: chosen})
    assert found.values == {}
    (line,) = found.warnings
    assert line.startswith(f'Configurable option "{option}": ')


@pytest.mark.req("OPT-23", "OPT-25")
def test_a_product_without_options_works_with_its_defaults() -> None:
    package, warnings = effective({"os_template": "9000"}, {})
    assert warnings == []
    assert (package.cpu, package.ram_gb, package.backups, package.snapshots) == (1, 1, 0, 0)
    assert (package.template, package.network.ipv4_count, package.network.ipv6_count, package.network.rate) == (
        9000,
        1,
        0,
        0,
    )
    assert package.system_disk.size_gb == package.additional_disk.size_gb == 0
    assert package.system_disk.limits.unlimited
    assert package.additional_disk.limits.unlimited


def test_only_a_chosen_size_counts_as_chosen() -> None:
    assert not effective({"add_size": 0}, {})[0].additional_disk.from_option
    assert not effective({"add_size": 0}, {"Additional Disk": "abc"})[0].additional_disk.from_option
    assert effective({"add_size": 0}, {"Additional Disk": "0|None"})[0].additional_disk.from_option
    assert not effective({}, {"Additional Disk": "0|None"})[0].system_disk.from_option


@pytest.mark.parametrize("limit", ["Read Bandwidth", "Write Bandwidth", "Read IOPS", "Write IOPS"])
def test_one_chosen_limit_makes_the_limits_of_that_disk_chosen(limit: str) -> None:
    package, _ = effective({}, {f"System Disk {limit}": "0|Unlimited"})
    assert package.system_disk.limits_from_option
    assert not package.additional_disk.limits_from_option


NUMBERS = st.integers(min_value=-(10**6), max_value=10**10)
CHOICES = st.one_of(st.none(), st.booleans(), NUMBERS, NUMBERS.map(lambda n: f"{n}|{n} x"), st.text(), st.floats())
NAMES = st.one_of(st.sampled_from([*OPTION_FIELDS, *(f"{key}|x" for key in LEGACY_FIELDS), *LEGACY_FIELDS]), st.text())
SETTINGS = st.dictionaries(st.sampled_from(sorted(OPTION_FIELDS.values())), CHOICES)


@given(SETTINGS, st.dictionaries(NAMES, CHOICES))
def test_no_settings_and_options_ever_raise_anything_but_the_clear_error(
    settings: dict[str, object], options: dict[str, object]
) -> None:
    complaints: set[str] = set()
    lines: list[str] = []
    try:
        lines = effective(settings, options)[1]
    except BadSetting as error:
        complaints = set(error.errors)
    assert complaints <= settings.keys() - set(assigned(options).values)
    assert all(line.isprintable() for line in lines)


@given(st.sampled_from(OPTIONS), st.integers(min_value=0, max_value=256), st.integers(min_value=0, max_value=256))
def test_an_assigned_option_always_beats_the_default(row: Any, default: int, chosen: int) -> None:
    option, _, path, _ = row.values
    shift = 100 if path == "template" else int(path in {"cpu", "ram_gb"})
    settings = {OPTION_FIELDS[option]: default + shift}
    assert value({}, path, **settings) == default + shift
    assert value({option: f"{chosen + shift}|label"}, path, **settings) == chosen + shift


@pytest.mark.req("INP-06")
@given(st.dictionaries(NAMES, CHOICES))
def test_no_option_reaches_the_package_outside_of_the_documented_ranges(options: dict[str, object]) -> None:
    package, _ = effective({}, options)
    assert 1 <= package.cpu <= 1024
    assert 1 <= package.ram_gb <= 4096
    assert 0 <= package.network.ipv4_count <= 256
    assert package.template is None or package.template >= 100
