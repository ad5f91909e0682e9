import hashlib
import math
import re
import string
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sessions import secret

FAMILIES = ["widget", "store", "device"]
DIGITS = string.digits + string.ascii_uppercase + string.ascii_lowercase


def with_checksum(body: str) -> str:
    number, digits = zlib.crc32(body.encode()), ""
    for _ in range(6):
        number, digit = divmod(number, 62)
        digits = DIGITS[digit] + digits
    return body + digits


@pytest.mark.parametrize("family", FAMILIES)
def test_a_secret_is_found_by_the_published_expression(family: str) -> None:
    value = secret.generate(family)

    assert re.fullmatch(f"SESS{family.upper()}[0-9A-Za-z]{{46}}", value)
    assert value.startswith(secret.prefix(family))
    assert secret.is_well_formed(family, value)


def test_a_secret_has_at_least_190_random_bits() -> None:
    made = [secret.generate("widget").removeprefix("SESSWIDGET")[:-6] for _ in range(400)]

    used = [{value[place] for value in made} for place in range(len(made[0]))]
    assert len(set(made)) == len(made)
    assert len(used) * math.log2(62) >= 190
    assert set().union(*used) == set(DIGITS)
    assert min(map(len, used)) > 50, "400 draws of 62 digits show nearly all of them at every place"


def test_a_secret_comes_from_the_generator_for_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("secrets.choice", lambda digits: digits[61])

    assert secret.generate("device") == with_checksum("SESSDEVICE" + "z" * 40)


def test_the_checksum_detects_every_change_of_one_character() -> None:
    value = secret.generate("device")

    for place, right in enumerate(value):
        for wrong in set(DIGITS + "-_ é") - {right}:
            assert not secret.is_well_formed("device", value[:place] + wrong + value[place + 1 :])


@pytest.mark.parametrize(
    "value",
    [
        "",
        "SESSDEVICE",
        with_checksum("SESSDEVICE"),
        with_checksum("SESSDEVICE" + "a" * 39),
        with_checksum("SESSDEVICE" + "a" * 41),
        with_checksum("SESSWIDGET" + "a" * 40),
        with_checksum("sessdevice" + "a" * 40),
        with_checksum("SESSDEVICE" + "a" * 40) + "\n",
        with_checksum("SESSDEVICE" + "a" * 40)[:-1],
    ],
)
def test_what_has_another_form_is_not_well_formed(value: str) -> None:
    assert not secret.is_well_formed("device", value)


def test_what_is_not_letters_and_digits_is_not_well_formed() -> None:
    assert not secret.is_well_formed("device", with_checksum("SESSDEVICE" + "-" * 40))


@given(st.text())
def test_no_text_is_too_odd_to_be_looked_at(value: str) -> None:
    assert not secret.is_well_formed("widget", value)
    assert re.fullmatch("[0-9a-f]{64}", secret.digest(value))
    assert secret.equal(value, value)
    assert not secret.equal(value, value + "x")


def test_lone_surrogates_are_compared_like_other_texts() -> None:
    assert secret.equal("\ud800", "\ud800")
    assert not secret.equal("\ud800", "\ud801")
    assert secret.digest("\ud800") != secret.digest("\ud801")
    assert not secret.is_well_formed("widget", "SESSWIDGET" + "\ud800" * 46)


def test_the_digest_is_sha_256() -> None:
    assert secret.digest("SESSé") == hashlib.sha256("SESSé".encode()).hexdigest()
