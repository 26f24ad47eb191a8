"""Facts to bytes and back: every kind comes back as it was, and what cannot be read is typed."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, get_args, get_type_hints
from uuid import UUID
from zlib import crc32

import attrs
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from tests.ledger.golden import ABOUT

from gdprkit.errors import UnreadableEntry
from gdprkit.facts.connection import ConnectionEnded
from gdprkit.facts.entry import PROTECTIVE_WEIGHT, Entry, Fact
from gdprkit.ledger.codec import (
    KINDS,
    decode_entry,
    decode_standing,
    encode_entry,
    encode_standing,
)
from gdprkit.state.standing import FOLD_VERSION, HANDLERS, Standing, fold
from gdprkit.testing.strategies import KINDS_OF_FACTS, entries, facts, lines
from gdprkit.words.identifiers import SubjectId

GOLDEN = json.loads(
    (Path(__file__).parents[1] / "vectors/golden-entries.json").read_text(encoding="utf-8")
)
KIND_WORDS = {kind: cls for cls, (kind, _) in KINDS.items()}
AT = datetime(2026, 3, 31, 6, 30, 15, 123456, tzinfo=UTC)


def entry_of(fact: Fact, position: int = 3) -> Entry:
    return Entry(position=position, at=AT, recorded_at=AT, fact=fact)


def typed(value: Any) -> object:
    """Return a value with the type of each of its parts, so that a word is told from plain text."""
    if attrs.has(type(value)):
        parts = {f.name: typed(getattr(value, f.name)) for f in attrs.fields(type(value))}
        return type(value), parts
    if isinstance(value, (tuple, list)):
        return type(value), [typed(one) for one in value]
    if isinstance(value, frozenset):
        return type(value), {(type(one), one) for one in value}
    return type(value), value


def test_every_fact_has_a_kind_a_fold_and_a_strategy() -> None:
    """A fact added to the union and forgotten somewhere else fails here."""
    union = set(get_args(Fact))
    assert set(KINDS) == union == set(HANDLERS) == set(KINDS_OF_FACTS)
    assert len(KIND_WORDS) == len(union), "two facts share a kind"
    assert set(PROTECTIVE_WEIGHT) <= union


@pytest.mark.parametrize("cls", KINDS, ids=lambda cls: cls.__name__)
def test_every_kind_comes_back_as_it_was(cls: type[Fact]) -> None:
    """Decoding gives an equal entry whose every part has the very type it had."""

    @given(facts(cls))
    def round_trip(fact: Fact) -> None:
        entry = entry_of(fact)
        body = encode_entry(entry)
        back = decode_entry(body, 3)
        assert back == entry
        assert typed(back) == typed(entry)
        assert encode_entry(back) == body

    round_trip()


@given(lines())
def test_a_standing_comes_back_as_it_was(line: tuple[Entry, ...]) -> None:
    """The stored fold of any life is read back equal, with the types of all its parts."""
    standing = fold(line)
    state = encode_standing(standing, ABOUT)
    back = decode_standing(state, ABOUT)
    assert typed(back) == typed(standing)
    assert encode_standing(standing, ABOUT) == encode_standing(fold(line), ABOUT)


@given(entries())
def test_the_bytes_are_canonical(entry: Entry) -> None:
    """Sorted keys, no spaces, UTF-8: the same entry has one spelling."""
    body = encode_entry(entry)
    plain = json.loads(body)
    assert (
        body
        == json.dumps(plain, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    )


# --- golden bytes --------------------------------------------------------------------------------


def test_every_kind_has_a_golden_entry() -> None:
    """The file pins one example of every kind of the union, and no kind that is none."""
    assert set(GOLDEN["entries"]) == set(KIND_WORDS)


@pytest.mark.parametrize("kind", GOLDEN["entries"])
def test_the_golden_bytes_are_read_and_written_again(kind: str) -> None:
    """What an earlier gdprkit wrote is read, and is written today with the same bytes."""
    body = GOLDEN["entries"][kind].encode()
    entry = decode_entry(body, 3)
    assert type(entry.fact) is KIND_WORDS[kind]
    assert encode_entry(entry) == body
    assert set(json.loads(body)["fact"]) == {f.name for f in attrs.fields(KIND_WORDS[kind])}


@pytest.mark.parametrize("body", GOLDEN["older"])
def test_what_was_written_before_a_part_was_added_is_read(body: str) -> None:
    """An entry without the parts added since is read, and is written back with the same bytes."""
    assert encode_entry(decode_entry(body.encode(), 3)) == body.encode()


def test_the_golden_line_folds_into_the_golden_standing() -> None:
    """The stored form of a standing changes only together with FOLD_VERSION."""
    line = [
        attrs.evolve(decode_entry(body.encode(), 3), position=position)
        for position, body in enumerate(GOLDEN["entries"].values(), start=1)
    ]
    assert GOLDEN["standing"]["fold"] == FOLD_VERSION
    assert encode_standing(fold(line), ABOUT).decode() == GOLDEN["standing"]["state"]


# --- what cannot be read -------------------------------------------------------------------------

MARK = "marker-7731"
ENDED = json.loads(GOLDEN["entries"]["connection-ended"])


def unreadable(form: Any, position: int = 3) -> UnreadableEntry:
    """Decode what cannot be read; the error is bare of what it holds and of any cause."""
    body = form if isinstance(form, bytes) else json.dumps(form).encode()
    with pytest.raises(UnreadableEntry) as caught:
        decode_entry(body, position)
    error = caught.value
    assert error.position == position
    for text in (str(error), repr(error)):
        assert MARK not in text
    assert error.__cause__ is None
    return error


def changed(**parts: Any) -> dict[str, Any]:
    return {**ENDED, **parts}


def fact_with(**parts: Any) -> dict[str, Any]:
    return {**ENDED, "fact": {**ENDED["fact"], **parts}}


@pytest.mark.parametrize(
    ("form", "kind", "path"),
    [
        (changed(kind=MARK), "unknown", "$.kind"),
        (changed(kind=7), "unknown", "$.kind"),
        (changed(kind=[MARK]), "unknown", "$"),
        (changed(schema=2), "connection-ended", "$.schema"),
        (changed(schema=0), "connection-ended", "$.schema"),
        (changed(schema="1"), "unknown", "$"),
        (changed(schema=True), "unknown", "$"),
        (changed(position=4), "connection-ended", "$"),
        (changed(extra=MARK), "connection-ended", "$"),
        ({k: v for k, v in ENDED.items() if k != "recorded_at"}, "connection-ended", "$"),
        (changed(at=MARK), "connection-ended", "$"),
        (changed(at=1.5), "connection-ended", "$"),
        (changed(at=10**30), "connection-ended", "$"),
        (changed(fact=MARK), "connection-ended", "$.fact"),
        (changed(fact=[MARK]), "connection-ended", "$.fact"),
        (fact_with(cause=MARK), "connection-ended", "$.fact.cause"),
        (fact_with(on=MARK), "connection-ended", "$.fact.on"),
        (fact_with(on=7), "connection-ended", "$.fact.on"),
        (fact_with(evidence=7), "connection-ended", "$.fact.evidence"),
        (fact_with(extra=MARK), "connection-ended", "$.fact"),
        ([], "unknown", "$"),
        ({}, "unknown", "$"),
        (b"", "unknown", "$"),
        (b"\xff\xfe" + MARK.encode(), "unknown", "$"),
        (b"[" * 200_000, "unknown", "$"),
        (b'{"a":' * 100_000, "unknown", "$"),
    ],
)
def test_what_is_no_entry_is_told_by_kind_position_and_path(
    form: Any, kind: str, path: str
) -> None:
    """An unknown kind, a newer schema, an extra key or a wrong type is told where, not what."""
    error = unreadable(form)
    assert (error.kind, error.path) == (kind, path)


@given(st.data())
def test_a_truncated_entry_is_never_read(data: st.DataObject) -> None:
    """No prefix of an entry is an entry."""
    body = data.draw(st.sampled_from(list(GOLDEN["entries"].values()))).encode()
    unreadable(body[: data.draw(st.integers(0, len(body) - 1))])


def _parts_by_type(*types: type) -> list[tuple[str, str]]:
    return [
        (kind, name)
        for kind, cls in KIND_WORDS.items()
        for name, declared in get_type_hints(cls).items()
        if (hint := getattr(declared, "__supertype__", declared)) in types
        or (isinstance(hint, type) and issubclass(hint, types))
    ]


@pytest.mark.parametrize(("kind", "part"), _parts_by_type(bool, int, str, date, UUID, StrEnum))
def test_no_part_is_read_as_another_type(kind: str, part: str) -> None:
    """Nothing is coerced: a part of another type is unreadable, it does not become a near one."""
    entry = json.loads(GOLDEN["entries"][kind])
    for wrong in (MARK, 7, 7.5, True, None, [MARK], {MARK: 1}):
        if type(wrong) is type(entry["fact"][part]):
            continue
        broken = {**entry, "fact": {**entry["fact"], part: wrong}}
        assert unreadable(broken).path.startswith("$.fact")


@pytest.mark.parametrize(
    "state",
    [b"", b"{}" * 2, b"[]", b"[" * 200_000, b'{"position":"7"}', b'{"extra":1}', b"\xff"],
    ids=range(7),
)
def test_a_state_that_cannot_be_read_is_none(state: bytes) -> None:
    """A standing is never the truth: whoever cannot read it folds the line anew."""
    assert decode_standing(state, ABOUT) is None
    check = b"%08x" % crc32(state, crc32(ABOUT.bytes))
    assert decode_standing(check + state, ABOUT) is None


@given(lines(), st.integers(0), st.integers(1, 255))
def test_a_state_with_a_changed_byte_is_none(
    line: tuple[Entry, ...], place: int, change: int
) -> None:
    """A byte that a disk changed never becomes another standing: the line is folded anew."""
    state = bytearray(encode_standing(fold(line), ABOUT))
    state[place % len(state)] ^= change
    assert decode_standing(bytes(state), ABOUT) is None


@given(lines(), st.uuids())
def test_a_state_of_somebody_else_is_none(line: tuple[Entry, ...], other: UUID) -> None:
    """A page in another's place gives nobody the standing of another person."""
    assume(other != ABOUT)
    assert decode_standing(encode_standing(fold(line), SubjectId(other)), ABOUT) is None


def test_an_empty_standing_is_the_empty_form() -> None:
    """Defaults are left out, so what nobody knows costs nothing."""
    state = encode_standing(Standing(), ABOUT)
    assert state == b"%08x{}" % crc32(b"{}", crc32(ABOUT.bytes))
    assert decode_standing(state, ABOUT) == Standing()


def test_moments_keep_their_microseconds() -> None:
    """A moment in any zone is stored in UTC to the microsecond."""
    fact = KIND_WORDS["connection-ended"]
    assert fact is ConnectionEnded
    entry = decode_entry(GOLDEN["entries"]["connection-ended"].encode(), 3)
    assert entry.at == AT
    assert entry.at.tzinfo is UTC
