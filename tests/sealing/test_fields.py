"""The door for a host's own tables: the person's key found, values wrapped, erasure obeyed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

import attrs
import pytest
from tests.sealing.support import (
    ANNA,
    BERT,
    RECORD,
    SHRED,
    DictStore,
    add_person,
    enc,
    make_keys,
    rotate,
)

from gdprkit.errors import InvalidValue, NotASubjectId
from gdprkit.sealing.envelope import SealedField, to_text, unseal
from gdprkit.sealing.errors import (
    AuthenticationFailed,
    ContextError,
    KeyMissing,
    KeyVersionUnknown,
    NotAnEnvelope,
    ProcessingRestricted,
    SubjectErased,
)
from gdprkit.sealing.fields import MigratingReader, PlaintextRead, SealedFields
from gdprkit.sealing.keys import SubjectKeys
from gdprkit.sealing.packed import SealedRecord
from gdprkit.sealing.settings import KeySettings
from gdprkit.words.identifiers import SubjectId
from gdprkit.words.personal import Personal
from gdprkit.words.vocabulary import RestrictedUse

EMAIL = SealedField("lead", "email")
NOTE = SealedField("lead", "note", revisioned=True)


class Desk:
    """A host: two people with keys, and the door."""

    def __init__(self, **settings: Any) -> None:
        self.store = DictStore()
        self.keys = make_keys(self.store, settings=KeySettings(**settings))
        add_person(self.keys, self.store)
        add_person(self.keys, self.store, BERT)
        self.fields = SealedFields(self.keys)

    def elsewhere(self) -> SubjectKeys:
        """Another process with the same store."""
        return make_keys(self.store)

    def shred_elsewhere(self) -> None:
        tombstone = self.elsewhere().tombstone_for(ANNA, **SHRED)
        self.store.shred(ANNA, tombstone)


def test_values_open_as_personal_in_their_own_place() -> None:
    """Single, many, each and record: what comes out is Personal, and only where it belongs."""
    desk = Desk()
    one = desk.fields.seal(ANNA, "anna@example.com", EMAIL, 1)
    found = desk.fields.open(ANNA, one, EMAIL, 1)
    assert type(found) is Personal
    assert found.reveal() == "anna@example.com"
    many = desk.fields.seal_many(ANNA, [("a", EMAIL, 1), (Personal("b"), EMAIL, 2)])
    items = [(many[0], EMAIL, 1), (many[1], EMAIL, 2)]
    assert [value.reveal() for value in desk.fields.open_many(ANNA, items)] == ["a", "b"]
    each = desk.fields.open_each(ANNA, [*items, (many[0], EMAIL, 3)])
    assert [type(one.value) for one in each] == [Personal, Personal, type(None)]
    assert type(each[2].error) is AuthenticationFailed
    lead = SealedRecord("lead")
    packed = desk.fields.seal_record(ANNA, {"name": "Anna"}, lead, 1)
    assert desk.fields.open_record(ANNA, packed, lead, 1)["name"].reveal() == "Anna"
    with pytest.raises(KeyVersionUnknown):
        desk.fields.open(BERT, one, EMAIL, 1)
    with pytest.raises(AuthenticationFailed):
        desk.fields.open(ANNA, one, EMAIL, 2)


def test_d09_a_renamed_table_still_opens() -> None:
    """The declared ids bind, not names of tables: a host that renames both reads as before."""
    desk = Desk()
    stored = desk.fields.seal(ANNA, "anna@example.com", SealedField("lead", "email"), 7)
    renamed_table = {"prospects": {"mail_address": stored}}
    blob = renamed_table["prospects"]["mail_address"]
    assert desk.fields.open(ANNA, blob, SealedField("lead", "email"), 7).reveal()
    with pytest.raises(AuthenticationFailed):
        desk.fields.open(ANNA, blob, SealedField("prospects", "mail_address"), 7)


def test_revisions_stop_an_older_value_put_back() -> None:
    """Where the host keeps a revision, an older envelope of the same field is refused."""
    desk = Desk()
    old = desk.fields.seal(ANNA, "old", NOTE, 1, revision=1)
    new = desk.fields.seal(ANNA, "new", NOTE, 1, revision=2)
    assert desk.fields.open(ANNA, new, NOTE, 1, revision=2).reveal() == "new"
    with pytest.raises(AuthenticationFailed):
        desk.fields.open(ANNA, old, NOTE, 1, revision=2)
    calls: list[Callable[[], object]] = [
        lambda: desk.fields.open(ANNA, new, NOTE, 1),
        lambda: desk.fields.seal(ANNA, "x", NOTE, 1),
        lambda: desk.fields.seal_many(ANNA, [("x", NOTE, 1)]),
        lambda: desk.fields.seal(ANNA, "x", EMAIL, 1, revision=1),
    ]
    for call in calls:
        with pytest.raises(ContextError, match="revision"):
            call()


def test_d24_strict_writes_stop_at_once_and_others_within_the_ttl() -> None:
    """After an erasure elsewhere a strict writer is refused, another one for no longer than ttl."""
    strict, lax = Desk(strict_writes=True), Desk()
    for desk in (strict, lax):
        sealed = desk.fields.seal(ANNA, "x", EMAIL, 1)  # both have the key open now
        desk.shred_elsewhere()
        assert desk.fields.open(ANNA, sealed, EMAIL, 1).reveal() == "x"  # within ttl
    assert lax.fields.seal(ANNA, "x", EMAIL, 1)
    for write in (
        lambda: strict.fields.seal(ANNA, "x", EMAIL, 1),
        lambda: strict.fields.seal_many(ANNA, [("x", EMAIL, 1)]),
        lambda: strict.fields.seal_record(ANNA, {"a": "x"}, SealedRecord("lead"), 1),
    ):
        with pytest.raises(SubjectErased):
            write()
    lax.keys.forget(ANNA)
    with pytest.raises(SubjectErased):
        lax.fields.seal(ANNA, "x", EMAIL, 1)


def test_unknown_people_are_missing() -> None:
    """Sealing for somebody who has no key makes none: only the store's batch does."""
    desk = Desk()
    stranger = SubjectId(UUID(int=99))
    with pytest.raises(KeyMissing):
        desk.fields.seal(stranger, "x", EMAIL, 1)
    assert stranger not in desk.store.rows


def test_values_are_renewed_under_the_newest_key_and_suite() -> None:
    """After a new version, and after a change of suite, each value is rewritten once."""
    desk = Desk()
    old = desk.fields.seal(ANNA, "x", EMAIL, 1)
    assert desk.fields.renewed(ANNA, old, EMAIL, 1) is old
    row = rotate(desk.keys, desk.store)
    new = desk.fields.renewed(ANNA, old, EMAIL, 1)
    assert new[2:22] == row.key_id != old[2:22]
    assert desk.fields.open(ANNA, new, EMAIL, 1).reveal() == "x"
    settings = KeySettings(suite=2, suites=[1, 2])
    later = SealedFields(make_keys(desk.store, settings=settings))
    longer = later.renewed(ANNA, new, EMAIL, 1)
    assert (longer[1], len(longer)) == (2, len(new) + 12)
    assert later.renewed(ANNA, bytearray(longer), EMAIL, 1) == longer
    with pytest.raises(AuthenticationFailed):
        later.renewed(ANNA, new, EMAIL, 2)


def test_a_migrating_reader_counts_and_warns_and_opens_what_is_sealed() -> None:
    """Plaintext passes through one door only, which says so each time."""
    desk = Desk()
    reader = MigratingReader(desk.fields)
    sealed = desk.fields.seal(ANNA, "sealed", EMAIL, 1)
    assert reader.read(ANNA, sealed, EMAIL, 1).reveal() == "sealed"
    assert reader.plaintexts == 0
    with pytest.warns(PlaintextRead, match="'lead' 'email' is not sealed yet") as warned:
        found = reader.read(ANNA, "anna@example.com", EMAIL, 1)
    assert type(found) is Personal
    assert found.reveal() == "anna@example.com"
    assert reader.plaintexts == 1
    assert "anna" not in str(warned[0].message)
    with pytest.raises(NotAnEnvelope):
        desk.fields.open(ANNA, b"anna@example.com", EMAIL, 1)
    with pytest.raises(AuthenticationFailed):
        reader.read(ANNA, sealed, EMAIL, 2)


@pytest.mark.parametrize("state", ["restricted", "erased"])
def test_a_migrating_reader_passes_no_plaintext_by_a_restriction_or_an_erasure(state: str) -> None:
    """Art. 17 and 18 do not wait until a column is sealed."""
    desk = Desk()
    reader = MigratingReader(desk.fields)
    if state == "erased":
        desk.shred_elsewhere()
        desk.keys.forget(ANNA)
        with pytest.raises(SubjectErased):
            reader.read(ANNA, "anna@example.com", EMAIL, 1)
    else:
        [row] = desk.store.keys(ANNA)
        desk.store.replace_keys([(row, attrs.evolve(row, restricted=True))])
        desk.keys.forget(ANNA)
        with pytest.raises(ProcessingRestricted):
            reader.read(ANNA, "anna@example.com", EMAIL, 1)
        sealed = desk.fields.seal(ANNA, "sealed", EMAIL, 1)
        ground = RestrictedUse.LEGAL_CLAIMS
        assert reader.read(ANNA, sealed, EMAIL, 1, ground=ground).reveal() == "sealed"
    assert reader.plaintexts == 0


def test_the_door_seals_what_the_envelope_functions_do() -> None:
    """There is one format: what the door seals opens with the functions, and the reverse."""
    desk = Desk()
    versions = desk.keys.of(ANNA)
    assert unseal(desk.fields.seal(ANNA, "x", EMAIL, 1), EMAIL, 1, versions) == "x"
    sealed = enc("y", versions.newest, RECORD, record_type="lead", field="email")
    assert desk.fields.open(ANNA, sealed, EMAIL, RECORD).reveal() == "y"


def test_renewing_goes_by_the_keys_as_they_are_stored_now() -> None:
    """A process that has not heard of a new version does not take the old one for the newest.

    Whoever went over their columns destroys the old version next: what was left under it is lost.
    """
    desk = Desk()
    elsewhere = desk.elsewhere()
    old = desk.fields.seal(ANNA, "anna@example.com", EMAIL, RECORD)
    row = rotate(elsewhere, desk.store)
    assert desk.fields.renewed(ANNA, old, EMAIL, RECORD)[2:22] == row.key_id


def test_renewing_by_a_warm_process_leaves_what_is_newest() -> None:
    """An envelope under a version that this process has not heard of is not sealed under an old."""
    desk = Desk()
    elsewhere = desk.elsewhere()
    desk.keys.of(ANNA)
    rotate(elsewhere, desk.store)
    new = SealedFields(elsewhere).seal(ANNA, "anna@example.com", EMAIL, RECORD)
    assert desk.fields.renewed(ANNA, new, EMAIL, RECORD) == new


def test_a_migrating_reader_opens_the_text_form() -> None:
    """In a column of text a sealed value is its text form: it is opened, never handed back."""
    desk = Desk()
    reader = MigratingReader(desk.fields)
    text = to_text(desk.fields.seal(ANNA, "sealed", EMAIL, 1))
    assert reader.read(ANNA, text, EMAIL, 1).reveal() == "sealed"
    assert reader.plaintexts == 0
    with pytest.raises(KeyVersionUnknown):
        reader.read(BERT, text, EMAIL, 1)
    with pytest.warns(PlaintextRead):
        assert reader.read(ANNA, "gk1. is a note", EMAIL, 1).reveal() == "gk1. is a note"


def test_the_text_of_a_subject_id_stands_for_the_person() -> None:
    """An id that a host kept as text finds the person's keys; anything else is refused by name."""
    desk = Desk()
    told: Any = str(ANNA)
    envelope = desk.fields.seal(told, "dog", EMAIL, RECORD)
    assert desk.fields.open(told, envelope, EMAIL, RECORD).reveal() == "dog"
    assert desk.fields.open(ANNA, envelope, EMAIL, RECORD).reveal() == "dog"
    wrong: Any
    for wrong in ("anna@example.com", "17", 17, None):
        with pytest.raises(NotASubjectId):
            desk.fields.seal(wrong, "dog", EMAIL, RECORD)
        with pytest.raises(NotASubjectId):
            desk.fields.open(wrong, envelope, EMAIL, RECORD)


def test_sinks_are_names_and_not_letters() -> None:
    """One text in the place of a list of names is refused, for each letter would be a place."""
    with pytest.raises(InvalidValue, match="sinks is one text"):
        KeySettings(sinks="search")
    assert KeySettings(sinks=["search"]).sinks == ("search",)


def test_a_migrating_reader_opens_what_declares_a_revision() -> None:
    """While a column is being sealed its revisioned values open with their own revision only."""
    desk = Desk()
    envelope = desk.fields.seal(ANNA, "dog", NOTE, RECORD, revision=3)
    reader = MigratingReader(desk.fields)
    assert reader.read(ANNA, envelope, NOTE, RECORD, revision=3).reveal() == "dog"
    with pytest.raises(AuthenticationFailed):
        reader.read(ANNA, envelope, NOTE, RECORD, revision=2)
    assert reader.plaintexts == 0
