"""From record sets to single records: what is changed, what is kept, what cannot be had."""

from collections.abc import Mapping, Sequence

import pytest

from providers.dns import Key, RecordSet
from providers.dns.changes import Change, Record, plan, with_second_look
from providers.errors import ChangedMeanwhile, Conflict, ProviderError, Rejected

NAME = "vm.example.com"
KEY = (NAME, "A")


def held(*values: str, sound: bool = True) -> list[Record]:
    """Records under KEY whose ids are their values with a mark."""
    return [Record(f"#{value}", *KEY, value, sound) for value in values]


def needed(wanted: Sequence[str], *records: Record) -> set[tuple[str | None, str | None]]:
    """The changes from `records` to `wanted`, each as the id of the record and its new value."""
    made = plan("example.com", [RecordSet(*KEY, tuple(wanted))], records)
    assert made.refused == {}
    return {(change.record.id if change.record else None, change.value) for change in made.changes.get(KEY, ())}


@pytest.mark.parametrize(
    ("before", "wanted", "changes"),
    [
        ([], ["1"], {(None, "1")}),
        (["1"], ["1"], set()),
        (["1"], ["2"], {("#1", "2")}),
        (["1"], [], {("#1", None)}),
        (["1", "2"], ["2"], {("#1", None)}),
        (["1", "2"], ["2", "3"], {("#1", "3")}),
        (["1"], ["2", "3"], {("#1", "2"), (None, "3")}),
        (["1", "2", "3"], ["4"], {("#1", "4"), ("#2", None), ("#3", None)}),
        ([], ["1", "1"], {(None, "1")}),
    ],
)
def test_records_are_kept_or_given_another_value_before_any_is_created_or_deleted(
    before: list[str], wanted: list[str], changes: set[tuple[str | None, str | None]]
) -> None:
    assert needed(wanted, *held(*before)) == changes


def test_of_two_equal_records_one_is_deleted() -> None:
    assert needed(["1"], Record("first", *KEY, "1"), Record("second", *KEY, "1")) == {("second", None)}


def test_a_record_that_is_listed_twice_is_no_spare_one_of_itself() -> None:
    """Something was added while the pages of a listing were read, so the last one of a page came first on the next."""
    twice = [*held("1"), *held("1")]
    assert needed(["1"], *twice) == set()
    assert needed(["2"], *twice) == {("#1", "2")}
    assert needed([], *twice) == {("#1", None)}


def test_a_record_that_is_not_served_is_mended_with_its_own_value() -> None:
    assert needed(["1", "2"], *held("3"), *held("2", sound=False)) == {("#3", "1"), ("#2", "2")}


def test_of_two_equal_records_the_one_that_is_served_stays() -> None:
    assert needed(["1"], Record("asleep", *KEY, "1", sound=False), Record("served", *KEY, "1")) == {("asleep", None)}


def test_records_of_other_types_and_names_are_no_concern() -> None:
    others = [Record("a", NAME, "AAAA", "1"), Record("b", "www.example.com", "A", "1"), Record("c", NAME, "TXT", "1")]
    assert needed([], *others) == set()


def test_the_changes_are_told_by_key() -> None:
    made = plan("example.com", [RecordSet(*KEY, ("1",))], [])
    assert made.changes == {KEY: (Change(KEY, None, "1"),)}


def test_an_alias_in_the_way_is_a_conflict_that_names_it() -> None:
    made = plan("example.com", [RecordSet(*KEY, ("1",))], [Record("x", NAME, "CNAME", "www.example.net")])
    assert made.changes == {}
    assert type(made.refused[KEY]) is Conflict
    assert str(made.refused[KEY]) == "vm.example.com is an alias (CNAME) of www.example.net and can have no A record"


def test_an_alias_of_another_name_is_in_nobodys_way() -> None:
    assert needed(["1"], Record("x", f"www.{NAME}", "CNAME", "example.net")) == {(None, "1")}


@pytest.mark.parametrize("name", ["vm.example.net", "vm.notexample.com", "com"])
def test_a_name_outside_of_the_zone_is_refused(name: str) -> None:
    made = plan("example.com", [RecordSet(name, "A", ("1",))], [])
    assert made.changes == {}
    assert isinstance(made.refused[name, "A"], Rejected)
    assert f"{name} is not in zone example.com" in str(made.refused[name, "A"])


def test_what_changed_in_between_is_looked_at_a_second_time_and_only_that() -> None:
    moved, bad = RecordSet("moved", "A"), RecordSet("bad", "A")
    calls: list[list[RecordSet]] = []

    def write(sets: Sequence[RecordSet]) -> Mapping[Key, ProviderError]:
        calls.append(list(sets))
        return {moved.key: ChangedMeanwhile("x"), bad.key: Rejected("bad")} if len(calls) == 1 else {}

    assert {key: str(error) for key, error in with_second_look([moved, bad], write).items()} == {bad.key: "bad"}
    assert calls == [[moved, bad], [moved]]


def test_what_has_changed_again_at_the_second_look_has_failed() -> None:
    moved = RecordSet("moved", "A")
    failed = with_second_look([moved], lambda sets: {wanted.key: ChangedMeanwhile("x") for wanted in sets})
    assert set(failed) == {moved.key}
