"""What cannot be right is refused: one typed error that says what to do, shows no personal value
and leaves the store as it was.
"""

from __future__ import annotations

import sqlite3
import traceback
from collections.abc import Callable
from contextlib import closing
from datetime import date, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from tests.keeper.support import EMAIL, House, dump, evidence, jot, moment, provider, relevance

from gdprkit import (
    GdprkitError,
    Keyring,
    NewPerson,
    RecordKeeper,
    connection,
    consent,
    data,
    marketing,
    requests,
    retention,
)
from gdprkit.acts.act import Act
from gdprkit.errors import (
    AlreadyKnown,
    ApprovalMissing,
    ChainBroken,
    EvidenceMissing,
    InvalidValue,
    NaiveMoment,
    NewerSchema,
    NotAStore,
    NotASubjectId,
    UnknownName,
    UnknownNotice,
    UnknownPurpose,
    UnknownSubject,
    UnreadableEntry,
)
from gdprkit.facts.objection import RestrictionImposed
from gdprkit.ledger.chain import link
from gdprkit.sealing.errors import (
    FieldCryptoError,
    KeyIntegrityError,
    KeyProviderDenied,
    KeyProviderUnavailable,
)
from gdprkit.sealing.providers import MemoryProvider
from gdprkit.storage import SqliteStore
from gdprkit.storage.schema import SCHEMA_VERSION

# Any: most of what is passed here has the wrong type on purpose
MARK: Any = "marker-7731"
ADDRESS: Any = f"{MARK}@example.com"
LISTED: Any = [ADDRESS]
NAIVE = datetime(2024, 5, 1)  # noqa: DTZ001  # the mistake under test
AHEAD = moment(2030, 1, 1)
STRANGER: Any = UUID(int=7, version=4)


def shown(error: BaseException) -> str:
    """Return all that an error shows: text, repr, arguments, notes, the whole chain."""
    parts = ["".join(traceback.format_exception(error))]
    seen: set[int] = set()
    one: BaseException | None = error
    while one is not None and id(one) not in seen:
        seen.add(id(one))
        parts += [str(one), repr(one), repr(one.args), repr(getattr(one, "__notes__", ""))]
        one = one.__cause__ or one.__context__
    return "\n".join(parts)


def refused(
    house: House, path: Path, kind: type[GdprkitError], deed: Callable[[], object]
) -> GdprkitError:
    """Carry out *deed*; hold its one error against all that every error promises."""
    before = dump(path)
    with pytest.raises(GdprkitError) as caught:
        deed()
    error = caught.value
    assert type(error) is kind
    assert ";" in str(error), "an error says what to do"
    text = shown(error)
    for value in (MARK, EMAIL, "Anna Example"):
        # the traceback quotes the lines of this test, never what stood in a variable
        assert value not in text
    assert dump(path) == before
    return error


def add(house: House, **fields: object) -> object:
    return house.keeper.add_person("consumer", fields, source="contact-form")


def newsletter(**more: Any) -> Act:
    return consent.give("newsletter", evidence=evidence(**more))


_AT: dict[str, Callable[[House, Any], object]] = {
    "add-person": lambda h, _: h.anna(at=NAIVE, fields={"name": MARK}),
    "record": lambda h, a: h.keeper.record(a, data.note("adult", at=NAIVE)),
    "ask": lambda h, a: h.ask(a, at=NAIVE),
    "ask-known-by": lambda h, a: h.ask(a, known_by=NAIVE),
    "standing": lambda h, a: h.keeper.standing(a, at=NAIVE),
    "standing-known-by": lambda h, a: h.keeper.standing(a, known_by=NAIVE),
    "waking": lambda h, _: list(h.keeper.waking(NAIVE)),
}


@pytest.mark.parametrize("door", _AT)
def test_a_naive_moment_is_refused_at_every_door(filed: House, path: Path, door: str) -> None:
    """A datetime without a zone is NaiveMoment wherever a moment can be passed."""
    anna = filed.customer()
    refused(filed, path, NaiveMoment, lambda: _AT[door](filed, anna))


def test_a_clock_without_a_zone_is_refused(filed: House, path: Path) -> None:
    """The keeper's own clock is held to the same rule."""
    anna = filed.customer()
    keeper = RecordKeeper(jot(), store=filed.store, keys=provider(), clock=lambda: NAIVE)
    refused(filed, path, NaiveMoment, lambda: keeper.record(anna, data.note("adult")))


_AHEAD: dict[str, Callable[[House, Any], object]] = {
    "add-person": lambda h, _: h.anna(at=AHEAD, fields={"name": MARK}),
    "record": lambda h, a: h.keeper.record(a, data.note("adult", at=AHEAD)),
    "second-act": lambda h, a: h.keeper.record(a, data.note("adult"), data.note("minor", at=AHEAD)),
    "record-many": lambda h, a: h.keeper.record_many([(a, [data.note("adult", at=AHEAD)])]),
}


@pytest.mark.parametrize("door", _AHEAD)
def test_what_has_not_happened_is_not_recorded(filed: House, path: Path, door: str) -> None:
    """An act in the future is InvalidValue, and nothing of the same call is stored."""
    anna = filed.customer()
    refused(filed, path, InvalidValue, lambda: _AHEAD[door](filed, anna))


_NAMES: dict[str, tuple[type[GdprkitError], str, Callable[[House, Any], object]]] = {
    "purpose-asked": (
        UnknownPurpose,
        "direct-marketing",
        lambda h, a: h.keeper.ask(
            a, marketing.may_contact(channel="email", purpose="direct-marketin")
        ),
    ),
    "purpose-processed": (
        UnknownPurpose,
        "newsletter",
        lambda h, a: h.keeper.ask(a, data.may_process("newsleter")),
    ),
    "purpose-consented": (
        UnknownPurpose,
        "newsletter",
        lambda h, a: h.keeper.record(a, consent.give("newsleter", evidence=evidence())),
    ),
    "purpose-withdrawn": (
        UnknownPurpose,
        "newsletter",
        lambda h, a: h.keeper.record(a, consent.withdraw("newsleter", via="email")),
    ),
    "notice": (
        UnknownNotice,
        "v7-14",
        lambda h, a: h.keeper.record(a, data.give_notice("v7-15")),
    ),
    "notice-of-a-consent": (
        UnknownNotice,
        "v7",
        lambda h, a: h.keeper.record(a, newsletter(notice="v77")),
    ),
    "source": (
        UnknownName,
        "contact-form",
        lambda h, _: h.keeper.add_person("consumer", {"name": MARK}, source="contact-from"),
    ),
    "field": (UnknownName, "email", lambda h, _: add(h, emial=ADDRESS)),
    "field-read": (UnknownName, "email", lambda h, a: h.keeper.read(a, "emial")),
    "field-found": (UnknownName, "email", lambda h, _: h.keeper.find(emial=ADDRESS)),
    "recipient": (
        UnknownName,
        "hosting",
        lambda h, a: h.keeper.record(
            a, data.disclose("hostin", purpose="customer-care", fields=["email"])
        ),
    ),
    "recipient-asked": (
        UnknownName,
        "hosting",
        lambda h, a: h.keeper.ask(a, data.may_disclose("hostin", purpose="enquiries")),
    ),
    "field-asked": (
        UnknownName,
        "email",
        lambda h, a: h.keeper.ask(
            a, data.may_disclose("hosting", purpose="enquiries", fields=["emial"])
        ),
    ),
    "transfer-asked": (
        UnknownName,
        "usa",
        lambda h, a: h.keeper.ask(a, data.may_transfer("use", purpose="website-operation")),
    ),
    "kind": (InvalidValue, "consumer", lambda h, _: h.keeper.add_person("consumr", {}, source="x")),
    "channel": (
        InvalidValue,
        "email",
        lambda h, a: h.ask(a, channel="emial"),
    ),
    "cause": (
        InvalidValue,
        "dormancy",
        lambda h, a: h.keeper.record(a, connection.end(on=date(2024, 5, 1), cause="dormncy")),
    ),
    "right": (
        InvalidValue,
        "access",
        lambda h, a: h.keeper.record(a, requests.receive(right="acess", channel="email")),
    ),
}


@pytest.mark.parametrize("case", _NAMES)
def test_an_unknown_name_is_told_the_close_one(filed: House, path: Path, case: str) -> None:
    """A misspelt name is refused with the declared word that is closest to it."""
    anna = filed.customer()
    kind, close, deed = _NAMES[case]
    error = refused(filed, path, kind, lambda: deed(filed, anna))
    assert f"did you mean {close!r}?" in str(error)


_PLANTED: dict[str, Callable[[House, Any], object]] = {
    "kind": lambda h, _: h.keeper.add_person(ADDRESS, {}, source="contact-form"),
    "field": lambda h, _: add(h, **{ADDRESS: "x"}),
    "source": lambda h, _: h.keeper.add_person("consumer", {"name": MARK}, source=ADDRESS),
    "notice": lambda h, _: h.anna(notice=ADDRESS),
    "purpose": lambda h, a: h.keeper.ask(a, data.may_process(ADDRESS)),
    "recipient-asked": lambda h, a: h.keeper.ask(
        a, data.may_disclose(ADDRESS, purpose="enquiries")
    ),
    "fields-disclosed": lambda h, a: h.keeper.ask(
        a, data.may_disclose("hosting", purpose="enquiries", fields=[ADDRESS])
    ),
    "transfer-asked": lambda h, a: h.keeper.ask(
        a, data.may_transfer(ADDRESS, purpose="website-operation")
    ),
    "purpose-shape": lambda h, a: h.keeper.record(a, consent.withdraw(ADDRESS, via="email")),
    "channel": lambda h, a: h.ask(a, channel=ADDRESS),
    "channels": lambda h, _: consent.refuse("newsletter", via="email", channels=[ADDRESS]),
    "channels-as-text": lambda h, _: consent.refuse("newsletter", via="email", channels=MARK),
    "via": lambda h, _: marketing.object_to(via=ADDRESS),
    "by": lambda h, _: marketing.object_to(via="email", by=ADDRESS),
    "cause": lambda h, _: connection.end(on=date(2024, 5, 1), cause=ADDRESS),
    "ground": lambda h, _: retention.restrict(ADDRESS),
    "circumstance": lambda h, _: data.note(ADDRESS),
    "list": lambda h, _: marketing.check_list(ADDRESS, hit=False),
    "refusal": lambda h, _: requests.refuse(
        STRANGER, grounds=[ADDRESS], sent="letter-1", letter=[]
    ),
    "reason": lambda h, _: retention.erasure(reason=ADDRESS, reference="r-1"),
    "request": lambda h, a: h.keeper.deadline(a, ADDRESS),
    "answer": lambda h, a: h.keeper.answer(a, ADDRESS),
    "selected-by": lambda h, a: h.keeper.ask(
        a,
        marketing.may_contact(channel="email", purpose="direct-marketing", selected_by=[ADDRESS]),
    ),
    "question": lambda h, a: h.keeper.ask(a, ADDRESS),
    "plan-question": lambda h, a: h.keeper.plan(a, ADDRESS),
    "plan": lambda h, _: h.keeper.apply(ADDRESS, approve=ADDRESS),
    "act": lambda h, a: h.keeper.record(a, ADDRESS),
    "person": lambda h, _: h.keeper.add_people([ADDRESS]),
    "table": lambda h, _: h.keeper.add_person("consumer", LISTED, source="contact-form"),
    "collected-table": lambda h, _: data.collect(LISTED, source="contact-form"),
    "moment": lambda h, a: h.ask(a, at=ADDRESS),
    "long-reference": lambda h, _: connection.start(reference=ADDRESS * 20),
    "phone": lambda h, _: add(h, phone=ADDRESS),
    "no-address": lambda h, _: add(h, email=MARK),
    "found-address": lambda h, _: h.keeper.find(email=MARK),
    "not-looked-up-by": lambda h, _: h.keeper.find(name=ADDRESS),
    "surrogate": lambda h, _: add(h, name=f"{MARK}\ud800"),
    "surrogate-reference": lambda h, _: connection.start(reference=f"{MARK}\ud800"),
    "surrogate-language": lambda h, _: newsletter(language=f"{MARK}\ud800"),
    "surrogate-key": lambda h, a: h.keeper.record(a, data.note("adult"), key=f"{MARK}\ud800"),
    "key-of-another-type": lambda h, a: h.keeper.record(a, data.note("adult"), key=LISTED),
    "value-of-another-type": lambda h, _: add(h, name={MARK, "x"}),
    "months": lambda h, _: requests.extend(STRANGER, months=MARK, reasons="volume"),
    "day": lambda h, _: connection.end(on=MARK, cause="dormancy"),
    "finding": lambda h, _: relevance(related=MARK),
    "plain-word": lambda h, _: Act(fact=RestrictionImposed(ground=MARK)),
}


@pytest.mark.parametrize("place", _PLANTED)
def test_no_error_repeats_what_was_passed(filed: House, path: Path, place: str) -> None:
    """A personal value in the wrong place meets a typed error that does not show it."""
    anna = filed.customer()
    before = dump(path)
    with pytest.raises(GdprkitError) as caught:
        _PLANTED[place](filed, anna)
    assert MARK not in shown(caught.value)
    assert ";" in str(caught.value)
    assert dump(path) == before


_DOORS_OF_IDS: dict[str, Callable[[House, Any], object]] = {
    "record": lambda h, i: h.keeper.record(i, data.note("adult")),
    "record-many": lambda h, i: h.keeper.record_many([(i, [data.note("adult")])]),
    "ask": lambda h, i: h.ask(i),
    "standing": lambda h, i: h.keeper.standing(i),
    "deadline": lambda h, i: h.keeper.deadline(i, STRANGER),
    "read": lambda h, i: h.keeper.read(i),
    "plan": lambda h, i: h.keeper.plan(i, retention.due()),
    "answer": lambda h, i: h.keeper.answer(i, STRANGER),
    "verify": lambda h, i: h.keeper.verify(i),
    "reindex-person": lambda h, i: h.keeper.reindex_person(i),
}


@pytest.mark.parametrize("door", [*_DOORS_OF_IDS, "line"])
@pytest.mark.parametrize(
    ("value", "looks_like"),
    [(ADDRESS, "an e-mail address"), (MARK, "some other text"), (None, "a NoneType"), (7, "a int")],
)
def test_only_an_id_passes_for_an_id(
    filed: House, path: Path, door: str, value: object, looks_like: str
) -> None:
    """An e-mail address passed as a subject id is told how to find the person, unrepeated."""
    filed.customer()
    doors: dict[str, Callable[[House, Any], object]] = {
        **_DOORS_OF_IDS,
        "line": lambda h, i: h.keeper.line(i),
    }
    error = refused(filed, path, NotASubjectId, lambda: doors[door](filed, value))
    assert looks_like in str(error)
    assert "keeper.find(email=...)" in str(error)


@pytest.mark.parametrize("door", _DOORS_OF_IDS)
def test_a_stranger_is_unknown_at_every_door(filed: House, path: Path, door: str) -> None:
    """An id without a line is UnknownSubject: nothing is answered about nobody."""
    filed.customer()
    refused(filed, path, UnknownSubject, lambda: _DOORS_OF_IDS[door](filed, STRANGER))


@pytest.mark.parametrize("given", [None, MARK, {"wording": MARK}])
def test_a_consent_needs_evidence(filed: House, path: Path, given: Any) -> None:
    """A consent without evidence is refused, and the error names every part that proves one."""
    anna = filed.customer()
    error = refused(
        filed,
        path,
        EvidenceMissing,
        lambda: filed.keeper.record(anna, consent.give("newsletter", evidence=given)),
    )
    assert "ConsentEvidence" in str(error)
    assert "withdrawal_told" in str(error)


@pytest.mark.parametrize("value", [None, 7, f"{MARK} at home"])
def test_a_contact_point_that_is_none_is_refused_by_its_field(
    filed: House, path: Path, value: object
) -> None:
    """An address that is none is refused when the person is added, and when one is looked for;
    the error names the field, so that a form can show it in its place."""
    filed.customer()  # the first call of all makes the tenant's keys
    error = refused(filed, path, InvalidValue, lambda: add(filed, email=value))
    assert "email is no e-mail address" in str(error)
    refused(filed, path, InvalidValue, lambda: filed.keeper.find(email=value))  # type: ignore[arg-type]


def test_the_same_mailbox_twice_is_the_same_person(filed: House, path: Path) -> None:
    """Adding a known person again names the subject to record on, however the address is spelt."""
    anna = filed.customer()
    error = refused(
        filed, path, AlreadyKnown, lambda: filed.anna(fields={"email": f" {EMAIL.upper()} "})
    )
    assert str(anna) in str(error)


def test_two_new_people_of_one_call_may_not_share_a_mailbox(filed: House, path: Path) -> None:
    """A batch that names one mailbox twice stores nobody."""
    people = [
        NewPerson(kind="consumer", fields={"email": email}, source="contact-form")
        for email in ("one@example.com", "two@example.com", "ONE@example.com")
    ]
    filed.customer()
    refused(filed, path, AlreadyKnown, lambda: filed.keeper.add_people(people))


@pytest.mark.parametrize("approval", [None, "", "yes", "ä", "\ud800", 7, "0" * 64, MARK])
def test_only_the_digest_approves_a_plan(filed: House, path: Path, approval: Any) -> None:
    """Whatever is not the digest of the plan is no approval, of whatever type it is."""
    anna = filed.customer()
    plan = filed.keeper.plan(anna, retention.erasure(reason="objected", reference="r-1"))
    refused(filed, path, ApprovalMissing, lambda: filed.keeper.apply(plan, approve=approval))


# --- stores and keys ----------------------------------------------------------------------------


def _sqlite_of_somebody_else(path: Path) -> None:
    with closing(sqlite3.connect(path)) as other:
        other.execute("CREATE TABLE contacts (email TEXT)")
        other.execute("INSERT INTO contacts VALUES (?)", (ADDRESS,))
        other.commit()


@pytest.mark.parametrize(
    "make",
    [
        lambda path: path.write_text(f"email\n{ADDRESS}\n", encoding="utf-8"),
        lambda path: path.write_bytes(b"\x89PNG\r\n" + bytes(5000)),
        _sqlite_of_somebody_else,
    ],
    ids=["csv", "picture", "other-database"],
)
def test_a_file_that_is_no_store_is_left_untouched(
    tmp_path: Path, make: Callable[[Path], object]
) -> None:
    """A file of something else is NotAStore and not changed by a byte."""
    place = tmp_path / "contacts"
    make(place)
    before = place.read_bytes()
    with pytest.raises(NotAStore) as caught:
        SqliteStore(place)
    assert MARK not in shown(caught.value)
    assert place.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["contacts"]


def test_a_store_of_a_newer_schema_is_left_untouched(filed: House, path: Path) -> None:
    """A store that a newer gdprkit wrote is NewerSchema, which says to upgrade."""
    filed.customer()
    filed.store.close()
    with closing(sqlite3.connect(path)) as raw:
        raw.execute("PRAGMA user_version = 99")
        raw.commit()
    before = dump(path)
    with pytest.raises(NewerSchema, match="upgrade gdprkit") as caught:
        SqliteStore(path)
    assert (caught.value.found, caught.value.known) == (99, SCHEMA_VERSION)
    assert dump(path) == before


def test_a_wrong_root_key_opens_nothing_and_changes_nothing(filed: House, path: Path) -> None:
    """With another root key every door that needs a key is a typed refusal; nothing is written."""
    anna = filed.customer()
    clock = filed.clock
    wrong = RecordKeeper(jot(), store=filed.store, keys=MemoryProvider(bytes(32)), clock=clock)
    deeds: list[Callable[[], object]] = [
        lambda: wrong.read(anna),
        lambda: wrong.find(email=EMAIL),
        lambda: wrong.add_person("consumer", {"email": ADDRESS}, source="contact-form"),
        lambda: wrong.record(anna, data.collect({"name": MARK}, source="contact-form")),
        lambda: wrong.record(anna, marketing.object_to(via="email")),
        lambda: wrong.plan(anna, connection.after_end()),
    ]
    for deed in deeds:
        refused(filed, path, KeyIntegrityError, deed)


def test_a_missing_root_key_says_which(filed: House, path: Path, tmp_path: Path) -> None:
    """A keyring without the key in use, and a keyring that is not there, are told apart."""
    anna = filed.customer()
    other = Keyring.create(tmp_path / "other.key")
    keeper = RecordKeeper(jot(), store=filed.store, keys=other, clock=filed.clock)
    error = refused(filed, path, KeyProviderDenied, lambda: keeper.read(anna))
    assert "does not hold root key" in str(error)
    refused(
        filed,
        path,
        KeyProviderUnavailable,
        lambda: Keyring.from_file(tmp_path / "missing.key"),
    )


@pytest.mark.parametrize("text", ["", MARK, f"active a\na {MARK}\n", "active a\nb AAAA\n"])
def test_a_keyring_that_is_none_is_refused(tmp_path: Path, text: str) -> None:
    """A damaged keyring is refused with the line and the cure, never with what it holds."""
    place = tmp_path / "root.key"
    place.write_text(text, encoding="utf-8")
    place.chmod(0o600)
    with pytest.raises(KeyProviderDenied) as caught:
        Keyring.from_file(place)
    assert MARK not in shown(caught.value)


def _tampered(path: Path, *statements: str) -> None:
    """Change rows as somebody does who drops the guards first."""
    with closing(sqlite3.connect(path)) as raw:
        raw.execute("PRAGMA ignore_check_constraints = ON")
        names = raw.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall()
        for (name,) in names:
            raw.execute(f"DROP TRIGGER {name}")
        for statement in statements:
            assert raw.execute(statement).rowcount == 1
        raw.commit()


_ENTRY = "FROM gdprkit_entry WHERE position = 4"
_TAMPERING = {
    "changed-entry": (
        "UPDATE gdprkit_entry SET body = CAST(replace(CAST(body AS TEXT), 'contract-1', "
        "'contract-2') AS BLOB) WHERE position = 4"
    ),
    "deleted-entry": f"DELETE {_ENTRY}",
    "deleted-end": "DELETE FROM gdprkit_entry WHERE position = 5",
    "changed-digest": "UPDATE gdprkit_entry SET digest = zeroblob(32) WHERE position = 4",
    "changed-head": "UPDATE gdprkit_line SET head = zeroblob(32)",
    "changed-value": ("UPDATE gdprkit_value SET envelope = zeroblob(80) WHERE rowid = 1"),
    "deleted-value": "DELETE FROM gdprkit_value WHERE rowid = 1",
    "forgotten-line": "DELETE FROM gdprkit_line",
}


@pytest.mark.parametrize("how", _TAMPERING)
def test_a_tampered_row_breaks_the_chain(filed: House, path: Path, how: str) -> None:
    """Whatever row of a line is changed or gone, verify() says so and changes nothing."""
    anna = filed.customer()
    filed.keeper.verify(anna)
    _tampered(path, _TAMPERING[how])
    error = refused(filed, path, ChainBroken, lambda: filed.keeper.verify(anna))
    assert str(anna) in str(error)


@pytest.mark.parametrize("how", ["changed-value", "deleted-value"])
def test_a_tampered_value_is_not_read(filed: House, path: Path, how: str) -> None:
    """read() gives no value that is not the one its entry names."""
    anna = filed.customer()
    _tampered(path, _TAMPERING[how])
    refused(filed, path, ChainBroken, lambda: filed.keeper.read(anna))


def test_a_tampered_key_opens_nothing(filed: House, path: Path) -> None:
    """A subject key that was altered is an integrity error, not a wrong value."""
    anna = filed.customer()
    _tampered(path, "UPDATE gdprkit_key SET wrapped = zeroblob(60)")
    with pytest.raises(FieldCryptoError) as caught:
        filed.keeper.read(anna)
    assert EMAIL not in shown(caught.value)


@pytest.mark.parametrize(
    "body",
    [b"", b"{}", b"not json " + MARK.encode(), b"[" * 100_000],
    ids=["empty", "no-entry", "text", "deep"],
)
def test_an_unreadable_entry_is_typed(filed: House, path: Path, body: bytes) -> None:
    """Bytes that are no entry are UnreadableEntry with the position, without what they hold."""
    anna = filed.customer()
    *_, before, last = filed.store.line(anna)
    # written so: the chain holds
    digest = link(before.digest, body)
    _tampered(
        path,
        f"UPDATE gdprkit_entry SET body = x'{body.hex()}', digest = x'{digest.hex()}'"
        f" WHERE position = {last.position}",
        f"UPDATE gdprkit_line SET head = x'{digest.hex()}', state = x''",
    )
    error = refused(filed, path, UnreadableEntry, lambda: filed.keeper.line(anna))
    assert f"entry {last.position}" in str(error)


@pytest.mark.parametrize("reading", ["line", "standing", "reindex", "answer"])
def test_a_changed_entry_is_not_read(filed: House, path: Path, reading: str) -> None:
    """Whoever reads entries reads what was written: a changed one is told and not passed on."""
    anna = filed.customer()
    done = filed.keeper.record(anna, requests.receive(right="access", channel="email"))
    body = filed.store.line(anna)[2].body.replace(b'"at":17', b'"at":16')  # years before
    _tampered(
        path,
        f"UPDATE gdprkit_entry SET body = x'{body.hex()}' WHERE position = 3",
        "UPDATE gdprkit_line SET state = x''",
    )
    assert done.case is not None
    case = done.case
    readings: dict[str, Callable[[], object]] = {
        "line": lambda: filed.keeper.line(anna),
        "standing": lambda: filed.keeper.standing(anna),
        "reindex": lambda: filed.keeper.reindex_person(anna),
        "answer": lambda: filed.keeper.answer(anna, case),
    }
    error = refused(filed, path, ChainBroken, readings[reading])
    assert "position 3" in str(error)


def test_a_damaged_standing_is_folded_anew(filed: House, path: Path) -> None:
    """The stored fold is never the truth: damage to it changes no answer."""
    anna = filed.customer()
    whole = filed.keeper.standing(anna)
    _tampered(path, "UPDATE gdprkit_line SET state = x'7b7d7d'")
    assert filed.keeper.standing(anna) == whole


@pytest.mark.parametrize("part", ["register", "store", "keys", "key_settings", "erasures"])
def test_a_part_that_is_something_else_is_refused_by_name(filed: House, part: str) -> None:
    """A path or a mapping where a part belongs is refused at once, with what to pass."""
    parts: dict[str, Any] = {"register": jot(), "store": filed.store, "keys": provider()}
    for wrong in ("people.db", {"ttl": 5}):
        with pytest.raises(InvalidValue, match=rf"^{part} is no .*; pass "):
            RecordKeeper(**{**parts, part: wrong})
