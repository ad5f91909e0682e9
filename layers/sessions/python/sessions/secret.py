"""Secrets: what a caller shows to say who it is. Made here, shown once, and kept only as their SHA-256.

A secret is letters and digits alone (API Gateway's keys may hold nothing else): the family's prefix, 40 random
base62 digits (238 bits), and six that check the rest (CRC-32), so that a secret scanner finds a leaked one by
`SESS(WIDGET|STORE|DEVICE)[0-9A-Za-z]{46}` and can tell a real one from a look-alike without asking us.
"""

import hashlib
import hmac
import secrets
import string
import zlib

_DIGITS = string.digits + string.ascii_uppercase + string.ascii_lowercase
_RANDOM_DIGITS = 40
_CHECK_DIGITS = 6


def prefix(family: str) -> str:
    """How every secret of the family begins."""
    return f"SESS{family.upper()}"


def generate(family: str) -> str:
    """A new secret of the family, unguessable."""
    body = prefix(family) + "".join(secrets.choice(_DIGITS) for _ in range(_RANDOM_DIGITS))
    return body + _check(body)


def is_well_formed(family: str, secret: str) -> bool:
    """Whether this has the form and the checksum of a secret of the family. It need not be a live one."""
    body, check = secret[:-_CHECK_DIGITS], secret[-_CHECK_DIGITS:]
    digits = body.removeprefix(prefix(family))
    is_long_enough = len(digits) == _RANDOM_DIGITS and body != digits
    return is_long_enough and set(digits) <= set(_DIGITS) and check == _check(body)


def digest(secret: str) -> str:
    """What is stored of a secret: its SHA-256, in hexadecimal. At 238 random bits no salt or stretching is needed."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def equal(left: str, right: str) -> bool:
    """Compares in a time that does not depend on where the two differ."""
    return hmac.compare_digest(left.encode("utf-8", "surrogatepass"), right.encode("utf-8", "surrogatepass"))


def _check(body: str) -> str:
    number = zlib.crc32(body.encode("utf-8", "surrogatepass"))
    digits = []
    for _ in range(_CHECK_DIGITS):
        number, digit = divmod(number, len(_DIGITS))
        digits.append(_DIGITS[digit])
    return "".join(reversed(digits))
