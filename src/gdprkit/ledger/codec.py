"""Facts and standings to bytes and back: the stored form.

Canonical JSON: sorted keys, no spaces, UTF-8; texts, whole numbers, booleans, lists and objects
only. Moments are microseconds since 1970 in UTC, days ISO dates, ids hexadecimal. Kinds are words
we chose (``KINDS``), each with a schema number; classes may be renamed, kinds never. A field that
holds its default is left out, so a default is part of the stored form and never changes; new
fields are optional. The exact bytes are stored, hashed and verified; nothing is canonicalised
again to verify.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import date, datetime
from enum import StrEnum
from functools import lru_cache
from types import NoneType, UnionType
from typing import (
    TYPE_CHECKING,
    Any,
    Final,
    TypeAlias,
    TypeVar,
    Union,
    get_args,
    get_origin,
)
from uuid import UUID
from zlib import crc32

import attrs

from gdprkit.errors import InvalidValue, UnreadableEntry
from gdprkit.facts import (
    connection,
    consent,
    data,
    disclosure,
    marketing,
    merge,
    notice,
    objection,
    request,
    retention,
)
from gdprkit.facts.entry import Entry, Fact
from gdprkit.state.standing import Standing
from gdprkit.words.identifiers import SubjectId
from gdprkit.words.moments import from_microseconds, microseconds

if TYPE_CHECKING:
    from cattrs import Converter

__all__ = [
    "KINDS",
    "decode_entry",
    "decode_standing",
    "encode_entry",
    "encode_standing",
    "plain_fact",
]

#: class -> (kind, schema number of the form written now).
KINDS: Final[Mapping[type, tuple[str, int]]] = {
    data.SubjectAdded: ("subject-added", 1),
    data.DataCollected: ("data-collected", 1),
    data.DataRectified: ("data-rectified", 1),
    data.DataErased: ("data-erased", 1),
    data.DataResealed: ("data-resealed", 1),
    data.PersonErased: ("person-erased", 1),
    data.CircumstanceNoted: ("circumstance-noted", 1),
    notice.NoticeGiven: ("notice-given", 1),
    consent.ConsentGiven: ("consent-given", 1),
    consent.ConsentRequested: ("consent-requested", 1),
    consent.ConsentConfirmed: ("consent-confirmed", 1),
    consent.ConsentRefused: ("consent-refused", 1),
    consent.ConsentWithdrawn: ("consent-withdrawn", 1),
    objection.MarketingObjection: ("marketing-objection", 1),
    objection.MarketingProhibition: ("marketing-prohibition", 1),
    objection.ObjectionRaised: ("objection-raised", 1),
    objection.ObjectionDecided: ("objection-decided", 1),
    objection.RestrictionImposed: ("restriction-imposed", 1),
    objection.RestrictionLifted: ("restriction-lifted", 1),
    connection.ConnectionStarted: ("connection-started", 1),
    connection.ConnectionEnded: ("connection-ended", 1),
    connection.ActivityNoted: ("activity-noted", 1),
    connection.ConnectionTied: ("connection-tied", 1),
    connection.ContactHeld: ("contact-held", 1),
    connection.RoleTaken: ("role-taken", 1),
    connection.OldEntryFound: ("old-entry-found", 1),
    merge.MergedFrom: ("merged-from", 1),
    merge.MergedInto: ("merged-into", 1),
    merge.MergeReversed: ("merge-reversed", 1),
    marketing.AddressObtainedAtSale: ("address-obtained-at-sale", 1),
    marketing.RelevanceAssessed: ("relevance-assessed", 1),
    marketing.ListChecked: ("list-checked", 1),
    disclosure.Disclosed: ("disclosed", 1),
    disclosure.RecipientNotified: ("recipient-notified", 1),
    retention.MovedToMarketing: ("moved-to-marketing", 1),
    retention.MarketingEntryEnded: ("marketing-entry-ended", 1),
    retention.Archived: ("archived", 1),
    retention.HoldPlaced: ("hold-placed", 1),
    retention.HoldLifted: ("hold-lifted", 1),
    retention.ClaimNoted: ("claim-noted", 1),
    retention.ClaimInterrupted: ("claim-interrupted", 1),
    request.RequestReceived: ("request-received", 1),
    request.RequestAcknowledged: ("request-acknowledged", 1),
    request.IdentityRequested: ("identity-requested", 1),
    request.IdentityInsufficient: ("identity-insufficient", 1),
    request.IdentityConfirmed: ("identity-confirmed", 1),
    request.ClarificationRequested: ("clarification-requested", 1),
    request.ClarificationReceived: ("clarification-received", 1),
    request.FeeAnnounced: ("fee-announced", 1),
    request.HandlingBegun: ("handling-begun", 1),
    request.RequestExtended: ("request-extended", 1),
    request.RequestFulfilled: ("request-fulfilled", 1),
    request.RequestPartlyRefused: ("request-partly-refused", 1),
    request.RequestRefused: ("request-refused", 1),
    request.SubjectNotIdentifiable: ("subject-not-identifiable", 1),
    request.RequestWithdrawn: ("request-withdrawn", 1),
}

_CLASSES: Final = {kind: cls for cls, (kind, _) in KINDS.items()}

#: (kind, n) -> function from the plain form of schema n to that of n + 1. Empty while all are 1.
UPGRADES: Final[Mapping[tuple[str, int], Callable[[dict[str, Any]], dict[str, Any]]]] = {}

T = TypeVar("T")


def _sorted_list(values: frozenset[Any], converter: Converter) -> list[Any]:
    return sorted(converter.unstructure(value) for value in values)


@lru_cache(maxsize=2)
def _converter(*, detailed: bool) -> Converter:
    """Make the converter; detailed only to find the path of a mistake, it costs a fifth more."""
    from attrs import has
    from cattrs import Converter
    from cattrs.gen import make_dict_structure_fn, make_dict_unstructure_fn

    made = Converter(detailed_validation=detailed, forbid_extra_keys=True)
    made.register_unstructure_hook(datetime, _written_moment)
    made.register_structure_hook(datetime, lambda value, _: from_microseconds(_whole(value)))
    made.register_unstructure_hook(date, date.isoformat)
    made.register_structure_hook(date, lambda value, _: date.fromisoformat(value))
    made.register_unstructure_hook(UUID, lambda value: value.hex)
    made.register_structure_hook(UUID, lambda value, _: UUID(hex=value))
    for plain in _PLAIN:
        # hooks of a class come before hooks of a function, and catch its subclasses as well
        made.register_structure_hook(plain, _exactly(plain))
    if not detailed:
        made.register_structure_hook_factory(_is_row, lambda hint: _row(hint, made))
        made.register_structure_hook_factory(_may_be_none, lambda hint: _or_none(hint, made))
    made.register_unstructure_hook_factory(_is_row, lambda hint: _written_row(hint, made))
    made.register_unstructure_hook_factory(_may_be_none, lambda hint: _written_or_none(hint, made))
    made.register_unstructure_hook_func(
        lambda cls: getattr(cls, "__origin__", None) is frozenset,
        lambda values: _sorted_list(values, made),
    )
    made.register_unstructure_hook_factory(
        has, lambda cls: make_dict_unstructure_fn(cls, made, _cattrs_omit_if_default=True)
    )
    if detailed:
        made.register_structure_hook_factory(
            has,
            lambda cls: make_dict_structure_fn(
                cls, made, _cattrs_forbid_extra_keys=True, _cattrs_detailed_validation=True
            ),
        )
    else:
        made.register_structure_hook_factory(has, lambda cls: _parts(cls, made))
    return made


def _whole(value: object) -> int:
    if type(value) is not int:
        raise TypeError("not a whole number")
    return value


_PLAIN: Final = (str, int, bool)

Hook: TypeAlias = Callable[[Any, Any], Any]


def _exactly(plain: type) -> Hook:
    """Make the hook that returns a plain value as it is, and makes a word of a list anew."""

    def structure(value: object, cls: Any) -> object:
        if type(value) is not plain:
            raise TypeError(f"not {plain.__name__}")
        # words of lists are subclasses of text
        return value if cls is plain else cls(value)

    return structure


def _parts(cls: Any, converter: Converter) -> Hook:
    """Make the hook of a class: what is there by name; what is unknown or lacks is refused."""
    hints = {field.name: field.type for field in attrs.fields(attrs.resolve_types(cls))}
    plain = {name: _plain(hint) for name, hint in hints.items()}
    hooks = {name: _hook(hint, converter) for name, hint in hints.items()}

    def structure(form: dict[str, Any], _: Any) -> Any:
        return cls(
            **{
                # most parts are plain and right: for these no hook is called
                name: value if type(value) is plain[name] else hooks[name](value, hints[name])
                for name, value in form.items()
            }
        )

    return structure


def _plain(hint: Any) -> Any:
    """Return the type whose values fit a hint as they are, or None."""
    if _may_be_none(hint):
        (hint,) = _choices(hint)
    base = getattr(hint, "__supertype__", hint)
    return base if base in _PLAIN else None


def _hook(hint: Any, converter: Converter) -> Hook:
    if not (isinstance(hint, type) and issubclass(hint, StrEnum)):
        return converter.get_structure_hook(hint)
    words = {word.value: word for word in hint}
    return lambda value, _: words[value]


def _is_row(hint: Any) -> bool:
    return get_origin(hint) is tuple and get_args(hint)[1:] == (Ellipsis,)


def _row(hint: Any, converter: Converter) -> Hook:
    item = get_args(hint)[0]
    hook = _hook(item, converter)
    return lambda values, _: tuple([hook(value, item) for value in values])


def _written_row(hint: Any, converter: Converter) -> Callable[[Any], Any]:
    from cattrs.fns import identity

    hook = converter.get_unstructure_hook(get_args(hint)[0])
    return hook if hook is identity else lambda values: [hook(value) for value in values]


def _may_be_none(hint: Any) -> bool:
    return get_origin(hint) in (Union, UnionType) and len(_choices(hint)) == 1


def _or_none(hint: Any, converter: Converter) -> Hook:
    (item,) = _choices(hint)
    hook = _hook(item, converter)
    return lambda value, _: None if value is None else hook(value, item)


def _written_or_none(hint: Any, converter: Converter) -> Callable[[Any], Any]:
    from cattrs.fns import identity

    (item,) = _choices(hint)
    hook = converter.get_unstructure_hook(item)
    return hook if hook is identity else lambda value: None if value is None else hook(value)


def _choices(hint: Any) -> list[Any]:
    """Return what a union allows beside None; both where None is not among them."""
    found = get_args(hint)
    others = [choice for choice in found if choice is not NoneType]
    return others if len(others) < len(found) else list(found)


#: The same few moments stand in a line, its standing and its rows.
_written_moment = lru_cache(maxsize=4096)(microseconds)

_ENCODER: Final = json.JSONEncoder(
    sort_keys=True,
    separators=(",", ":"),
    ensure_ascii=False,
    allow_nan=False,
    check_circular=False,  # facts and states are trees
)


def _dumps(value: object) -> bytes:
    return _ENCODER.encode(value).encode()


def plain_fact(fact: Fact) -> list[Any]:
    """Return kind, schema and plain form of a fact, as an entry holds them."""
    kind, schema = KINDS[type(fact)]
    return [kind, schema, _converter(detailed=False).unstructure(fact)]


def encode_entry(entry: Entry) -> bytes:
    """Return the canonical bytes of an entry."""
    kind, schema = KINDS[type(entry.fact)]
    writer = {} if entry.by is None else {"by": entry.by}
    return _dumps(
        {
            **writer,
            "at": _written_moment(entry.at),
            "fact": _converter(detailed=False).unstructure(entry.fact),
            "kind": kind,
            "position": entry.position,
            "recorded_at": _written_moment(entry.recorded_at),
            "schema": schema,
        }
    )


def decode_entry(body: bytes, position: int) -> Entry:
    """Return the entry that *body* holds.

    Args:
        body: The stored bytes.
        position: Where the store says it stands; the bytes must say the same.

    Raises:
        UnreadableEntry: the bytes are no entry of a kind and schema this version reads.
    """
    kind, schema, plain = _envelope(body, position)
    cls = _CLASSES[kind]
    form = plain["fact"]
    try:
        while schema < KINDS[cls][1]:
            form = UPGRADES[kind, schema](form)
            schema += 1
        at = from_microseconds(_whole(plain["at"]))
        recorded_at = from_microseconds(_whole(plain["recorded_at"]))
    except (KeyError, TypeError, ValueError):
        raise UnreadableEntry(kind, position, "$") from None
    fact: Fact = _structure(form, cls, kind, position)
    try:
        return Entry(
            position=position, at=at, recorded_at=recorded_at, fact=fact, by=plain.get("by")
        )
    except InvalidValue:
        raise UnreadableEntry(kind, position, "$.by") from None


def _envelope(body: bytes, position: int) -> tuple[str, int, dict[str, Any]]:
    """Return kind, schema and the whole of an entry's outer form, checked."""
    try:
        plain = json.loads(body)
        kind, schema = plain["kind"], _whole(plain["schema"])
        known = kind in _CLASSES
        shaped = set(plain) - {"by"} == _KEYS and _whole(plain["position"]) == position
    except (KeyError, TypeError, ValueError, RecursionError):
        raise UnreadableEntry("unknown", position, "$") from None
    if not known:
        raise UnreadableEntry("unknown", position, "$.kind")
    if not shaped or not 1 <= schema <= KINDS[_CLASSES[kind]][1]:
        raise UnreadableEntry(kind, position, "$.schema" if shaped else "$")
    return kind, schema, plain


_KEYS: Final = {"at", "fact", "kind", "position", "recorded_at", "schema"}


def _structure(form: object, cls: type[T], kind: str, position: int) -> T:
    try:
        return _converter(detailed=False).structure(form, cls)
    except Exception:  # noqa: BLE001  # converters raise whatever the constructors raise
        path = _path_of_mistake(form, cls)
    raise UnreadableEntry(kind, position, path) from None


def _path_of_mistake(form: object, cls: type) -> str:
    from cattrs import BaseValidationError, transform_error

    try:
        _converter(detailed=True).structure(form, cls)
    except BaseValidationError as found:
        messages = transform_error(found, path="$.fact")
        return messages[0].rpartition(" @ ")[2] if messages else "$.fact"
    except Exception:  # noqa: BLE001  # the path is unknown; the error stays typed
        return "$.fact"
    return "$.fact"


_CHECK: Final = 8


def encode_standing(standing: Standing, about: SubjectId) -> bytes:
    """Return the bytes of a standing; its form belongs to ``FOLD_VERSION`` and may be refolded.

    A check of eight hexadecimal digits over the person's id and the form goes before it. A byte
    that a disk changed, or a page that it put in another's place, would otherwise answer questions
    until somebody verifies the line.
    """
    form = _dumps(_converter(detailed=False).unstructure(standing))
    return _check(about, form) + form


def decode_standing(state: bytes, about: SubjectId) -> Standing | None:
    """Return the standing, or None when the bytes are not one of this person.

    Then the line is folded anew.
    """
    form = state[_CHECK:]
    if state[:_CHECK] != _check(about, form):
        return None
    try:
        return _converter(detailed=False).structure(json.loads(form), Standing)
    except Exception:  # noqa: BLE001  # a standing is never the truth; whoever reads folds anew
        return None


def _check(about: SubjectId, form: bytes) -> bytes:
    return b"%08x" % crc32(form, crc32(about.bytes))
