"""Blind indexes: finding a sealed value by equality without opening anything.

Decides which indexes may be declared and the look-up term of a value: a keyed hash of its
normalised form, under a key of its own for each index. Leaves out where terms are kept, which
fields are indexed, and the keys (``roots``). Always true: a term names its epoch; the kind
``bucket`` finds candidates only, which ``matching`` sorts by what they hold once opened.

What an index gives away: that two people share a value, how often a value occurs, and what is
looked for. Where values are few or some are frequent, that tells the values themselves, so such an
index is refused unless somebody answers for it. A term is pseudonymous personal data (GDPR Art.
4(5)): it survives the destruction of the person's key until its row is deleted or its epoch's key
dies, so rows are deleted in the same batch that destroys the key.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any, Final, TypeAlias, TypeVar, final, overload

import attrs
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hmac import HMAC
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from gdprkit.errors import InvalidValue, did_you_mean
from gdprkit.sealing.canonical import lp, u32
from gdprkit.sealing.errors import (
    ContextError,
    FieldCryptoError,
    IndexRefused,
    PlaintextTypeError,
    Unindexable,
)
from gdprkit.sealing.expand import expand
from gdprkit.sealing.normalise import PLAIN_MAILBOX, known_normaliser, normalise
from gdprkit.sealing.secret import KeepsSecrets, bare
from gdprkit.words.moments import utc_moment
from gdprkit.words.personal import Personal, reveal

__all__ = [
    "BlindIndex",
    "IndexKind",
    "IndexOverride",
    "IndexSpec",
    "One",
    "Several",
    "check_value",
    "matching",
]

One: TypeAlias = str | Personal[str]
Several: TypeAlias = Sequence[str | Personal[str] | None]
T = TypeVar("T")

_UNIQUE_BITS: Final = 128
_FEW: Final = 1024
"""Below so many different values, counting how often each term occurs tells the values."""
_HMAC: Final = "hmac-sha256"
_ARGON: Final = "argon2id-v1"
_SALT_INFO: Final = b"gdprkit/argon2id/v1\0"
_HEADS: Final = tuple(u32(size + 1) + b"\x01" for size in range(255))
"""What ``lp`` writes in front of a text of so many bytes; no mailbox is longer (RFC 5321)."""

_NONE_PLAIN: Final = bytes(256).replace(b"\0", b" ")
"""As ``PLAIN_MAILBOX``, for normalisers without a short way: a space for whatever there is."""


class IndexKind(StrEnum):
    """What a hit in an index means."""

    UNIQUE = "unique"  # 128 bits: the same value
    BUCKET = "bucket"  # a few bits: one of several values, told apart by opening them


@final
@attrs.frozen(kw_only=True)
class IndexOverride:
    """Somebody answers for an index that tells more than an index should.

    Args:
        reason: Why it is needed all the same.
        who: A staff or service id; no name of a person.
        when: When it was decided.

    Raises:
        InvalidValue: *reason* or *who* is blank.
        NaiveMoment: *when* has no time zone.
    """

    reason: str
    who: str
    when: datetime = attrs.field(converter=utc_moment)

    def __attrs_post_init__(self) -> None:
        if not (self.reason.strip() and self.who.strip()):
            raise InvalidValue("override", "says no reason or not who", "name both")


def _names(given: str | Iterable[str]) -> tuple[str, ...]:
    names = tuple(known_normaliser(each) for each in ([given] if isinstance(given, str) else given))
    if not names:
        raise InvalidValue("normalisers", "is absent", "name one, or one for each part")
    return names


@final
@attrs.frozen(kw_only=True)
class IndexSpec:
    """One declared index. All of it but the gates is part of its key, so it never changes.

    Args:
        name: A name that never changes. Equal values in two indexes have nothing in common; fields
            that shall be found together share one index.
        normalisers: A name of ``normalise.NORMALISERS``; several make a compound index, found by
            all its parts together.
        kind: ``unique`` for identifiers with very many values; ``bucket`` where a full hash would
            give away too much.
        bits: Length of the hash: 128 for ``unique``. For ``bucket`` so many that a term is shared
            by at least 2 and by fewer than the square root of *population* values.
        population: How many different values are expected; a bucket index needs it.
        skewed: Some values are far more frequent than others, as with first names or towns.
        override: Lets few or skewed values pass, and only that.
        function: ``hmac-sha256``, or ``argon2id-v1`` for values that can be guessed one by one
            (telephone numbers, customer numbers) where theft of the index key is to be met too. Its
            price: 4 MiB of memory and three passes for every value written and for every epoch
            searched, 5 to 10 ms against 1 us, so that 100,000 values take about a quarter of an
            hour to index again. Without the key nobody can guess under either.
        lasting: The entries outlive the values, so they can never be made again: they hang on the
            epoch that is never destroyed.

    Raises:
        IndexRefused: a gate fails, or this build of OpenSSL has no Argon2id.
        InvalidValue: a normaliser, kind or function is not in its table, or no normaliser is given.
        ContextError: *name* is empty or too long.
    """

    name: str
    normalisers: tuple[str, ...] = attrs.field(converter=_names)
    kind: IndexKind = IndexKind.UNIQUE
    bits: int = _UNIQUE_BITS
    population: int | None = None
    skewed: bool = False
    override: IndexOverride | None = None
    function: str = _HMAC
    lasting: bool = False

    def __attrs_post_init__(self) -> None:
        lp(self.name, "index name")
        _in_table("kind", self.kind, [kind.value for kind in IndexKind])
        _in_table("function", self.function, [_HMAC, _ARGON])
        if self.kind == IndexKind.UNIQUE:
            if self.bits != _UNIQUE_BITS:
                raise IndexRefused(self.name, "is unique and has not 128 bits", "leave bits out")
        else:
            _check_bucket(self.name, self.bits, self.population)
        few = self.population is not None and self.population < _FEW
        if (few or self.skewed) and self.override is None:
            problem = f"has fewer than {_FEW} values" if few else "has values of uneven frequency"
            cure = (
                "leave the field unindexed, or pass an IndexOverride that says who answers for it"
            )
            raise IndexRefused(self.name, f"{problem}, which counting terms would tell", cure)
        if self.function == _ARGON:
            try:
                _argon2id(bytes(16))
            except UnsupportedAlgorithm:
                cure = "use hmac-sha256, or a build of cryptography whose OpenSSL has it"
                raise IndexRefused(self.name, "needs Argon2id, not offered here", cure) from None


def _in_table(field: str, word: str, known: Sequence[str]) -> None:
    if word not in known:
        close = did_you_mean(str(word), known)
        cure = f"did you mean {close!r}?" if close else f"use one of {', '.join(known)}"
        raise InvalidValue(field, "is not in the table", cure)


def _check_bucket(name: str, bits: int, population: int | None) -> None:
    if population is None:
        raise IndexRefused(name, "is a bucket index of unknown population", "pass population=")
    # 2 <= population / 2**bits < sqrt(population), in whole numbers
    if not (0 < bits <= _UNIQUE_BITS and 2 ** (bits + 1) <= population < 4**bits):
        fits = [b for b in range(1, _UNIQUE_BITS) if 2 ** (b + 1) <= population < 4**b]
        cure = f"choose {fits[0]} to {fits[-1]} bits" if fits else "leave the field unindexed"
        raise IndexRefused(name, f"has {bits} bits, which do not fit {population} values", cure)


def _argon2id(salt: bytes) -> Argon2id:
    return Argon2id(salt=salt, length=32, iterations=3, lanes=1, memory_cost=4096)  # KiB


@final
class BlindIndex(KeepsSecrets):
    """One index of one tenant in one index epoch; made by ``IndexRoot.index``.

    Args:
        key: 32 bytes, the index's own key.
        spec: What is declared.
        epoch: Number of the index epoch.
    """

    __slots__ = ("_copy", "_plain", "_prefix", "_salt", "_size", "_spare", "_spec")

    def __init__(self, key: bytes, *, spec: IndexSpec, epoch: int) -> None:
        self._copy: Final = HMAC(key, SHA256()).copy  # kept and copied: twice as fast as a new one
        self._spec: Final = spec
        self._prefix: Final = u32(epoch)
        self._size: Final = slice(-(-spec.bits // 8))
        self._spare: Final = -spec.bits % 8
        argon = spec.function == _ARGON
        self._salt: Final = expand(key, _SALT_INFO, 16) if argon else None
        quick = spec.normalisers == ("email-v1",) and not argon and not self._spare
        self._plain: Final = PLAIN_MAILBOX if quick else _NONE_PLAIN

    @overload
    def term(self, value: One) -> bytes: ...
    @overload
    def term(self, value: Several) -> bytes | None: ...
    def term(self, value: One | Several) -> bytes | None:
        """Return the look-up term of *value*: the epoch number in 4 bytes, then the hash.

        The hash fills whole bytes; bits of the last one that are not asked for are zero.

        Args:
            value: A text. For a compound index one for each part; when one of them is None there is
                no term, and None is returned.

        Raises:
            PlaintextTypeError: *value* is no text, or the index takes another number of parts.
            Unindexable: it is blank, too long or not valid under the index's normaliser.
        """
        # the usual mailbox, without the calls of the long way; the same bytes, tests say
        given: Any = value
        try:
            body = given.encode().translate(self._plain)
            head = _HEADS[len(body)]
        except (AttributeError, UnicodeEncodeError, IndexError):
            body = head = b""  # the long way says what is wrong, if anything is
        if 32 not in body and 64 in body and body[0] != 64 != body[-1]:
            mac = self._copy()
            mac.update(head + body)
            return self._prefix + mac.finalize()[self._size]
        try:
            message = _message(self._spec, value)
            return None if message is None else self._hash(message)
        except FieldCryptoError as error:
            refused = error
        del given, value, body
        raise bare(refused)

    def _hash(self, message: bytes) -> bytes:
        if self._salt is not None:
            message = _argon2id(self._salt).derive(message)
        mac = self._copy()
        mac.update(message)
        cut = mac.finalize()[self._size]
        if self._spare:
            cut = cut[:-1] + bytes((cut[-1] >> self._spare << self._spare,))
        return self._prefix + cut


@overload
def matching(spec: IndexSpec, value: One, candidates: Iterable[tuple[T, One]]) -> list[T]: ...
@overload
def matching(
    spec: IndexSpec, value: Several, candidates: Iterable[tuple[T, Several]]
) -> list[T]: ...
def matching(
    spec: IndexSpec, value: One | Several, candidates: Iterable[tuple[T, One | Several]]
) -> list[T]:
    """Return those whose opened value counts as *value* under the index's normalisers.

    Who searches a bucket index opens every hit and passes it here: most hits hold another value.

    Args:
        spec: The index searched.
        value: What was searched for, as for ``term``.
        candidates: Whatever stands for a hit, with the value opened from it. One without a place in
            the index does not match.

    Raises:
        PlaintextTypeError, Unindexable: *value* is refused, as in ``term``.
    """
    try:
        wanted = _message(spec, value)
        return [hit for hit, opened in candidates if wanted and _held(spec, opened) == wanted]
    except FieldCryptoError as error:
        refused = error
    del value, candidates
    raise bare(refused)


def check_value(spec: IndexSpec, value: One | Several) -> None:
    """Raise what ``term`` would raise for *value*, without a key."""
    _message(spec, value)


def _held(spec: IndexSpec, opened: One | Several) -> bytes | None:
    try:
        return _message(spec, opened)
    except (PlaintextTypeError, Unindexable):
        return None


def _message(spec: IndexSpec, value: One | Several) -> bytes | None:
    """Return what is hashed: different for different normal forms; None when a part is absent."""
    count = len(spec.normalisers)
    if count == 1:
        one: object = value.reveal() if isinstance(value, Personal) else value
        return _part(spec.normalisers[0], one)
    if isinstance(value, str | bytes | Personal) or not isinstance(value, Sequence):
        raise PlaintextTypeError(type(value).__name__, f"pass a list of {count} values")
    if len(value) != count:
        raise PlaintextTypeError(type(value).__name__, f"pass {count} values, one for each part")
    present = [each for each in value if each is not None]
    if len(present) != count:
        return None
    return u32(count) + b"".join(map(_part, spec.normalisers, map(reveal, present)))


def _part(normaliser: str, value: object) -> bytes:
    normal = normalise(normaliser, value)
    try:
        return lp(normal)
    except ContextError:
        raise Unindexable(normaliser, "is too long") from None  # its other reasons are met above
