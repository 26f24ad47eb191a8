"""What a canary looks like, and under which spellings its bytes may hide.

Decides which value is planted in a field of each kind, and what is looked for afterwards. Leaves
out where to look (``canary_scan``). Always true: a mark is drawn at random and long enough not to
stand anywhere by chance (18 letters for texts, of which 14 decide; the 10 digits of a telephone
number, so one place in 10**10 of a file of nothing but random digits); marks are plain letters or
digits, which escaping usually leaves as they are, and the spellings that escape every letter are
looked for as well.

A date, an identity code and a language are too short to be told from others by chance: fields of
those kinds carry no mark and are left out.
"""

from __future__ import annotations

import re
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from typing import Final, final

import attrs

from gdprkit.words.vocabulary import FieldKind

__all__ = ["OVERLAP", "Hit", "Mark", "hits", "ip_mark", "phone_mark", "raw_mark", "text_marks"]

OVERLAP: Final = 4096
"""No spelling of a mark is longer, in bytes, line breaks inside it included."""

NO_MARK: Final = frozenset({FieldKind.BIRTH_DATE, FieldKind.IDENTITY_CODE, FieldKind.LANGUAGE})
"""Kinds whose values are too short to carry a mark."""

_LETTERS: Final = "abcdefghijklmnopqrstuvwxyz"
_STEM: Final = 14
_TAIL: Final = 4

#: Kind -> the value around the mark; every other kind is a plain text.
_VALUES: Final[Mapping[FieldKind, str]] = {
    FieldKind.EMAIL: "{low}@example.com",
    FieldKind.NAME: "Canary {capital}",
    FieldKind.ORGANISATION: "{capital} Oy",
    FieldKind.POSTAL_ADDRESS: "{capital} Street 7, 00100 Helsinki, Finland",
    FieldKind.CUSTOMER_NUMBER: "C-{high}",
    FieldKind.ORDER: "O-{high}",
    FieldKind.INVOICE: "I-{high}",
    FieldKind.COOKIE: "{low}",
}
_TEXT: Final = "canary {low} sings"


@final
@attrs.frozen(eq=False)
class Mark:
    """Bytes to look for: those all of its fields share, and what follows for each field.

    Args:
        core: What is looked for first.
        tails: What follows it -> the field it was planted in.
        cased: It is a text whose letters may have been put into capitals or out of them.
        digits: Its characters may be parted by blanks, brackets, points, dashes and strokes.
        plain: It is bytes rather than text: it is not escaped and has no other encoding of text.
    """

    core: bytes = attrs.field(repr=False)
    tails: Mapping[bytes, str] = attrs.field(repr=False)
    cased: bool = False
    digits: bool = False
    plain: bool = False


@final
@attrs.frozen
class Hit:
    """A mark was found: where in the piece looked at, how long, how spelled, of which field."""

    start: int
    length: int
    encoding: str
    field: str


# --- what is planted -----------------------------------------------------------------------------


def _letters(count: int, random: Callable[[int], bytes]) -> str:
    # bytes from 234 on would favour the first letters
    drawn = ""
    while len(drawn) < count:
        drawn += "".join(_LETTERS[byte % 26] for byte in random(2 * count) if byte < 234)
    return drawn[:count]


def text_marks(
    fields: Mapping[str, FieldKind], random: Callable[[int], bytes]
) -> tuple[Mark, dict[str, str]]:
    """Return one mark for all fields that hold text, and the value of each."""
    stem = _letters(_STEM, random)
    tails: dict[bytes, str] = {}
    values: dict[str, str] = {}
    for field, kind in fields.items():
        tail = _letters(_TAIL, random)
        while tail.encode() in tails:
            tail = _letters(_TAIL, random)
        tails[tail.encode()] = field
        low = stem + tail
        form = _VALUES.get(kind, _TEXT)
        values[field] = form.format(low=low, high=low.upper(), capital=low.capitalize())
    return Mark(stem.encode(), tails, cased=True), values


def phone_mark(field: str, random: Callable[[int], bytes]) -> tuple[Mark, str]:
    """Return a Finnish mobile number in E.164 and the mark of its ten national digits."""
    digits = "40" + f"{int.from_bytes(random(8)) % 10**8:08}"
    return Mark(digits.encode(), {b"": field}, digits=True), f"+358{digits}"


def ip_mark(field: str, random: Callable[[int], bytes]) -> tuple[Mark, str]:
    """Return an IPv6 address of the range for documentation and its mark."""
    words = [0x1000 + int.from_bytes(random(4)) % 0xF000 for _ in range(6)]
    groups = ":".join(f"{word:x}" for word in words)  # one spelling only: nothing to shorten
    return Mark(groups.encode(), {b"": field}, cased=True), f"2001:db8:{groups}"


def raw_mark(field: str, raw: bytes) -> Mark:
    """Return a mark of bytes, such as a sealed value or an id."""
    return Mark(raw, {b"": field}, plain=True)


# --- the spellings -------------------------------------------------------------------------------


def _each(form: str) -> Callable[[bytes], bytes]:
    return lambda text: "".join(form.format(byte) for byte in text).encode()


#: Spellings looked for where capitals make no difference.
_WIDE: Final[Mapping[str, Callable[[bytes], bytes]]] = {
    "UTF-8": bytes,
    "UTF-16": lambda text: b"\0".join(bytes((byte,)) for byte in text),
    "UTF-32": lambda text: b"\0\0\0".join(bytes((byte,)) for byte in text),
}
_HEX: Final[Mapping[str, Callable[[bytes], bytes]]] = {"hex": lambda text: text.hex().encode()}
_ESCAPED: Final[Mapping[str, Callable[[bytes], bytes]]] = {
    "JSON escapes": _each("\\u{:04x}"),
    "percent-encoding": _each("%{:02x}"),
    "HTML entities": _each("&#{};"),
    "HTML entities in hex": _each("&#x{:x};"),
    "quoted-printable": _each("={:02x}"),
}
#: What may part the digits of a telephone number, blanks as URLs and HTML write them included.
_PARTING: Final = rb"(?:[ ().\-/+_]|%20|&nbsp;|\xc2\xa0){0,3}"
_PARTING_16: Final = rb"\0(?:(?:[ ().\-/+_]|%\x002\x000)\0){0,3}"

_BLANKS: Final = b" \t\r\n"
_GAPS: Final = re.compile(rb"[ \t\r\n]+")
_SOFT: Final = re.compile(rb"=\r?\n")


def _base64(text: bytes, shift: int, encode: Callable[[bytes], bytes]) -> bytes:
    """Return the letters of base64 that *text* alone decides, *shift* bytes into a group."""
    whole = encode(bytes(shift) + text)
    return whole[-(-shift * 8 // 6) : (shift + len(text)) * 8 // 6]


def _spellings(mark: Mark, text: bytes) -> tuple[bytes, ...]:
    if not mark.cased:
        return (text,)
    return tuple(dict.fromkeys((text, text.upper(), text.capitalize())))


@lru_cache(maxsize=1024)
def _forms(mark: Mark, text: bytes) -> tuple[tuple[str, str, bytes], ...]:
    """Return encoding, the view it is looked for in, and bytes; the order depends on no value."""
    return tuple(_spelled(mark, text))


def _spelled(mark: Mark, text: bytes) -> Iterator[tuple[str, str, bytes]]:
    if mark.plain:
        yield "plain bytes", "exact", text
    else:
        yield from ((name, "lower", form(text)) for name, form in _WIDE.items())
    spelled = _spellings(mark, text)
    escapes = _HEX if mark.plain else {**_HEX, **_ESCAPED}
    for name, form in escapes.items():
        yield from ((name, "lower", form(each)) for each in spelled)
    for shift in range(3):
        for encode in (b64encode, urlsafe_b64encode):
            for each in spelled:
                yield "base64", "exact", _base64(each, shift, encode)
    if b":" in text and not mark.plain:
        yield "percent-encoding", "lower", text.replace(b":", b"%3a")


def hits(marks: tuple[Mark, ...], piece: bytes) -> Iterator[Hit]:
    """Find every mark in *piece*, in every spelling."""
    lower = piece.lower()
    views = {"exact": piece, "lower": lower}
    squeezed = {name: view.translate(None, _BLANKS) for name, view in views.items()}
    soft = None
    if b"=\n" in piece or b"=\r\n" in piece:
        soft = lower.replace(b"=\r\n", b"").replace(b"=\n", b"")
    seen: set[tuple[int, str, str]] = set()
    for mark in marks:
        for hit in _of(mark, piece, views, squeezed, soft):
            place = (hit.start, hit.encoding, hit.field)
            if place not in seen:
                seen.add(place)
                yield hit


def _of(
    mark: Mark,
    piece: bytes,
    views: Mapping[str, bytes],
    squeezed: Mapping[str, bytes],
    soft: bytes | None,
) -> Iterator[Hit]:
    tried: set[tuple[str, bytes]] = set()
    for number, (encoding, view, needle) in enumerate(_forms(mark, mark.core)):
        if (view, needle) in tried:  # the two alphabets of base64 mostly agree
            continue
        tried.add((view, needle))
        for start in _places(views[view], needle):
            yield Hit(start, len(needle), encoding, _field(mark, number, views[view], start))
        if encoding in ("base64", "hex"):  # often broken into lines
            broken = squeezed[view]
            for start in _places(broken, needle):
                place = _unsqueezed(_GAPS, piece, start)
                yield Hit(place, len(needle), encoding, _field(mark, number, broken, start))
        if soft is not None and encoding in ("UTF-8", "quoted-printable"):
            for start in _places(soft, needle):
                place = _unsqueezed(_SOFT, piece, start)
                if not views["lower"].startswith(needle, place):  # else it was found above
                    field = _field(mark, number, soft, start)
                    yield Hit(place, len(needle), "quoted-printable", field)
    if mark.digits:
        yield from _parted(mark, piece)


def _parted(mark: Mark, piece: bytes) -> Iterator[Hit]:
    """Find the digits of a telephone number with something between them."""
    digits = [bytes((byte,)) for byte in mark.core]
    (field,) = mark.tails.values()
    for encoding, parting in (("UTF-8", _PARTING), ("UTF-16", _PARTING_16)):
        for found in re.finditer(parting.join(digits), piece):
            yield Hit(found.start(), len(found[0]), encoding, field)


def _places(view: bytes, needle: bytes) -> Iterator[int]:
    start = view.find(needle)
    while start >= 0:
        yield start
        start = view.find(needle, start + 1)


def _field(mark: Mark, number: int, view: bytes, start: int) -> str:
    """Return the field whose tail follows, in the same spelling as the core."""
    for tail, field in mark.tails.items():
        if view.startswith(_forms(mark, mark.core + tail)[number][2], start):
            return field
    return "cut off, so one of " + ", ".join(mark.tails.values())


def _unsqueezed(gaps: re.Pattern[bytes], piece: bytes, start: int) -> int:
    """Return where byte *start* of the squeezed piece stands in the piece itself."""
    left_out = 0
    for gap in gaps.finditer(piece):
        if gap.start() - left_out > start:
            break
        left_out += len(gap[0])
    return start + left_out
