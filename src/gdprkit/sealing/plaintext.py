"""Values to bytes and back, inside the sealed part of an envelope.

Decides the code byte in front and the bytes behind it, so that a read returns the type that was
written and nothing is guessed. Leaves out encryption. Always true: a type that would come back as
another type is refused; a value never stands in an error.

=====  ========  ==========================================================================
code   type      bytes
=====  ========  ==========================================================================
0x01   bytes     as they are
0x02   str       UTF-8
0x03   int       minimal two's complement, big-endian
0x04   bool      one byte, 0 or 1
0x05   date      ``2026-03-31``
0x06   datetime  ``2026-03-31T09:00:00+03:00``, then ``[Europe/Helsinki]`` for a named zone
0x07   Decimal   its exact text
0x08   JSON      dict or list: UTF-8, sorted keys, no spaces, finite numbers
0x09   record    several values; ``packed`` alone reads and writes it
+0x80  padded    ISO/IEC 7816-4: 0x80, then zeros up to a multiple of the stated block
=====  ========  ==========================================================================
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from math import isfinite
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from gdprkit.errors import InvalidValue
from gdprkit.sealing.errors import PlaintextTooLarge, PlaintextTypeError, UnsupportedFormat

__all__ = [
    "DEFAULT_LIMIT",
    "HARD_LIMIT",
    "PAD_LIMIT",
    "SURROGATES",
    "check_limit",
    "check_pad",
    "decode",
    "encode",
    "padded",
    "unpadded",
]

DEFAULT_LIMIT: Final = 2**20
"""Most bytes of one value unless the caller says otherwise."""
HARD_LIMIT: Final = 2**24
"""Most bytes of one value that can ever be sealed; larger payloads need a chunked format."""
PAD_LIMIT: Final = 2**16
"""Largest block for padding, in bytes."""

SURROGATES: Final = ("str with lone surrogates", "pass valid Unicode text")
"""What is wrong with a text that UTF-8 cannot write, and the cure."""

_PADDED: Final = 0x80
_BYTES: Final = b"\x01"
_STR: Final = b"\x02"
_INT: Final = b"\x03"
_BOOL: Final = b"\x04"
_DATE: Final = b"\x05"
_DATETIME: Final = b"\x06"
_DECIMAL: Final = b"\x07"
_JSON: Final = b"\x08"
_JSON_LEAVES: Final = frozenset({str, int, float, bool, type(None)})


def encode(value: object, pad: int = 0, limit: int = DEFAULT_LIMIT) -> bytes:
    """Return *value* with its code byte in front.

    Args:
        value: bytes, str, int, bool, date, aware datetime, Decimal, or a dict or list of JSON.
            Exactly these types: a subclass would come back as its base.
        pad: Block in bytes up to which the length is hidden; 0 does not pad.
        limit: Most bytes of the value, code byte and padding not counted.

    Raises:
        PlaintextTypeError: another type (None among them: store a NULL instead), a naive datetime,
            a text with lone surrogates, or JSON that would not come back as it went in.
        PlaintextTooLarge: more than *limit* bytes.
        InvalidValue: *pad* or *limit* is out of range.
    """
    encoder = _ENCODERS.get(type(value))
    if encoder is None:
        raise PlaintextTypeError(
            type(value).__name__,
            "convert it to bytes, str, int, bool, date, datetime, Decimal, dict or list; "
            "store None as an absent value",
        )
    check_limit(limit)
    plain = encoder(value, limit)
    if len(plain) > limit + 1:
        raise PlaintextTooLarge(limit)
    return padded(plain, pad)


def decode(plain: bytes) -> object:
    """Return the value that ``encode`` was given, in the type it had.

    A datetime whose named zone this machine does not know comes back with its offset.

    Raises:
        UnsupportedFormat: the code byte is unknown or the bytes are not of its kind.
    """
    code = plain[0] if plain else 0
    body = plain[1:]
    decoder = _DECODERS.get(code)
    if decoder is None and code & _PADDED:
        decoder = _DECODERS.get(code & ~_PADDED)
    if decoder is not None:
        try:
            return decoder(unpadded(body) if code & _PADDED else body)
        except (ValueError, InvalidOperation, RecursionError):
            pass  # the error of a parser may hold the text
    raise UnsupportedFormat("value", code)


def unpadded(body: bytes) -> bytes:
    """Return what ``padded`` was given, code byte left out.

    Raises:
        ValueError: there is no padding.
    """
    kept = body.rstrip(b"\0")
    if not kept.endswith(b"\x80"):
        raise ValueError("no padding")
    return kept[:-1]


def check_pad(pad: object) -> None:
    """Refuse a block that is no whole number of bytes, or more than ``PAD_LIMIT``; 0 is none.

    Raises:
        InvalidValue: as said.
    """
    if type(pad) is not int or not 0 <= pad <= PAD_LIMIT:
        raise InvalidValue("pad", "is out of range", f"give a block of 0 to {PAD_LIMIT} bytes")


def check_limit(limit: object) -> None:
    """Refuse a limit that is no whole number of bytes, or more than ``HARD_LIMIT``.

    Raises:
        InvalidValue: as said.
    """
    if type(limit) is not int or not 0 <= limit <= HARD_LIMIT:
        raise InvalidValue("limit", "is out of range", f"give 0 to {HARD_LIMIT} bytes")


def padded(plain: bytes, pad: int) -> bytes:
    """Return encoded bytes with their length hidden, in blocks of *pad* bytes; 0 hides nothing.

    Raises:
        InvalidValue: *pad* is out of range.
    """
    check_pad(pad)
    if not pad:
        return plain
    # the body alone fills whole blocks; the code byte before it always costs one byte
    length = len(plain)  # body without its code byte, plus the byte 0x80
    zeros = b"\0" * (-length % pad)
    return bytes((plain[0] | _PADDED,)) + plain[1:] + b"\x80" + zeros


def _bytes(value: bytes, limit: int) -> bytes:
    if len(value) > limit:
        raise PlaintextTooLarge(limit)
    return _BYTES + value


def _str(value: str, limit: int) -> bytes:
    if len(value) > limit:  # a character takes a byte or more: no need to encode first
        raise PlaintextTooLarge(limit)
    try:
        return _STR + value.encode()
    except UnicodeEncodeError:
        pass  # the codec's error holds the text
    raise PlaintextTypeError(*SURROGATES)


def _int(value: int, limit: int) -> bytes:
    length = (value + (value < 0)).bit_length() // 8 + 1
    if length > limit:
        raise PlaintextTooLarge(limit)
    return _INT + value.to_bytes(length, "big", signed=True)


def _bool(value: bool, _limit: int) -> bytes:  # noqa: FBT001 -- the value itself
    return _BOOL + (b"\x01" if value else b"\0")


def _date(value: date, _limit: int) -> bytes:
    return _DATE + value.isoformat().encode("ascii")


def _datetime(value: datetime, _limit: int) -> bytes:
    if value.utcoffset() is None:
        raise PlaintextTypeError("datetime without a time zone", "give it its time zone")
    zone = value.tzinfo
    key = (zone.key or "") if isinstance(zone, ZoneInfo) else ""
    name = f"[{key}]" if key.isascii() and key else ""
    return _DATETIME + f"{value.isoformat()}{name}".encode("ascii")


def _decimal(value: Decimal, _limit: int) -> bytes:
    return _DECIMAL + str(value).encode("ascii")


def _json(value: object, _limit: int) -> bytes:
    found = "JSON nested too deeply, or with a number too long or a lone surrogate"
    text = None
    try:
        stray = _stray(value)
        if stray is None:
            text = json.dumps(
                value, ensure_ascii=False, allow_nan=False, sort_keys=True, separators=(",", ":")
            ).encode()
        else:
            found = stray
    except (ValueError, RecursionError):
        pass
    if text is None:
        raise PlaintextTypeError(
            found, "use only dict with str keys, list, str, int, finite float, bool and None"
        )
    return _JSON + text


def _stray(value: object) -> str | None:
    """Return the name of what JSON would change on its way, or None."""
    kind = type(value)
    if kind in _JSON_LEAVES:
        return "float that is not finite" if _infinite(value) else None
    if isinstance(value, list) and kind is list:
        return next((stray for item in value if (stray := _stray(item))), None)
    if isinstance(value, dict) and kind is dict:
        if any(type(key) is not str for key in value):
            return "dict with keys that are not str"
        return next((stray for item in value.values() if (stray := _stray(item))), None)
    return f"JSON with {kind.__name__}"


def _infinite(value: object) -> bool:
    return isinstance(value, float) and not isfinite(value)


def _read_bool(body: bytes) -> bool:
    if body not in (b"\0", b"\x01"):
        raise ValueError
    return body == b"\x01"


def _read_int(body: bytes) -> int:
    if not body:
        raise ValueError
    return int.from_bytes(body, "big", signed=True)


def _read_date(body: bytes) -> date:
    return date.fromisoformat(body.decode("ascii"))


def _read_datetime(body: bytes) -> datetime:
    text, bracket, name = body.decode("ascii").partition("[")
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError
    if not bracket:
        return moment
    try:
        zone = ZoneInfo(name.removesuffix("]"))
        for fold in (0, 1):
            there = moment.replace(tzinfo=zone, fold=fold)
            if there.utcoffset() == moment.utcoffset():
                return there
        return moment.astimezone(zone)  # the zone's rules have changed since: the instant counts
    except (ZoneInfoNotFoundError, ValueError, OSError, OverflowError):
        return moment  # the same instant; only the zone's name means nothing here


def _read_json(body: bytes) -> object:
    return json.loads(body)


_ENCODERS: Final[Mapping[type, Callable[..., bytes]]] = {
    bytes: _bytes,
    str: _str,
    int: _int,
    bool: _bool,
    date: _date,
    datetime: _datetime,
    Decimal: _decimal,
    dict: _json,
    list: _json,
}

_DECODERS: Final[Mapping[int, Callable[[bytes], object]]] = {
    _BYTES[0]: bytes,
    _STR[0]: bytes.decode,
    _INT[0]: _read_int,
    _BOOL[0]: _read_bool,
    _DATE[0]: _read_date,
    _DATETIME[0]: _read_datetime,
    _DECIMAL[0]: lambda body: Decimal(body.decode("ascii")),
    _JSON[0]: _read_json,
}
