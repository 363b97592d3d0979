"""A missing service may be skipped on a laptop; in CI it must fail."""

import pytest

from tests.services import require_program


@pytest.mark.parametrize(("ci", "outcome"), [("true", pytest.fail.Exception), (None, pytest.skip.Exception)])
def test_a_missing_program_skips_on_a_laptop_and_fails_in_ci(
    monkeypatch: pytest.MonkeyPatch, ci: str | None, outcome: type[BaseException]
) -> None:
    if ci is None:
        monkeypatch.delenv("CI", raising=False)
    else:
        monkeypatch.setenv("CI", ci)
    with pytest.raises(outcome, match="no-such-program or neither-this is not installed"):
        require_program("no-such-program", "neither-this")


def test_the_first_program_that_is_installed_is_taken() -> None:
    assert require_program("no-such-program", "sh").endswith("/sh")
