"""PHP's serialize format for flat maps of strings."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.whmcs import phpserialize

TEXT = st.text(st.characters(exclude_categories=["Cs"]))


@pytest.mark.parametrize(
    ("values", "serialized"),
    [
        ({}, b"a:0:{}"),
        ({"vm_id": "2001"}, b'a:1:{s:5:"vm_id";s:4:"2001";}'),
        ({"name": "Zoë"}, 'a:1:{s:4:"name";s:4:"Zoë";}'.encode()),
        ({"a": '"quoted";'}, b'a:1:{s:1:"a";s:9:""quoted";";}'),
    ],
)
def test_a_map_is_written_as_php_writes_it(values: dict[str, str], serialized: bytes) -> None:
    assert phpserialize.dumps(values) == serialized


def test_a_number_as_key_is_read_as_text() -> None:
    assert phpserialize.loads(b'a:1:{i:7;s:1:"x";}') == {"7": "x"}


@given(st.dictionaries(TEXT, TEXT))
def test_any_map_of_strings_survives_the_round_trip(values: dict[str, str]) -> None:
    assert phpserialize.from_parameter(phpserialize.to_parameter(values)) == values


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"N;",
        b'O:8:"stdClass":0:{}',
        b'a:2:{s:1:"a";s:1:"b";}',
        b'a:1:{s:9:"a";s:1:"b";}',
        b'a:1:{s:-1:"a";s:1:"b";}',
        b'a:1:{s:1:"a";O:1:"X":0:{}}',
        b'a:1:{s:1:"a";s:1:"b";} trailing',
    ],
)
def test_anything_but_a_map_of_strings_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match="no serialized map of strings"):
        phpserialize.loads(data)


@given(st.binary(max_size=60))
def test_arbitrary_bytes_are_read_or_refused_and_never_crash(data: bytes) -> None:
    try:
        values = phpserialize.loads(data)
    except ValueError:
        return
    assert all(isinstance(key, str) and isinstance(value, str) for key, value in values.items())


def test_a_parameter_that_is_not_base64_is_refused() -> None:
    with pytest.raises(ValueError, match="not base64"):
        phpserialize.from_parameter("a:0:{}")
