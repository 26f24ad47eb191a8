"""Ways round a stop, a hold or the vault that somebody tried; each stays closed."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import attrs
import pytest
from tests.keeper.support import EMAIL, Clock, House, evidence, jot, moment, relevance

from gdprkit import RecordKeeper, connection, consent, data, marketing, requests, retention
from gdprkit.acts.act import Act
from gdprkit.errors import ChainBroken, InvalidValue
from gdprkit.facts.data import DataErased, PersonErased
from gdprkit.facts.retention import MovedToMarketing
from gdprkit.policy.decisions import NotAllowed
from gdprkit.policy.plan import PlanAction
from gdprkit.sealing.providers import MemoryProvider
from gdprkit.sealing.rows import EpochKind
from gdprkit.state.connection import ConnectionStatus
from gdprkit.state.objection import PurposeObjectionStatus
from gdprkit.storage import MemoryStore
from gdprkit.words.identifiers import PurposeId, SubjectId
from gdprkit.words.vocabulary import ErasureReason, FilingSystem

BO = "bo.example@example.com"


def contact(house: House, mail: str, **more: object) -> SubjectId:
    """Add a contact with little but a mailbox, whose duties were looked into."""
    fields = {"email": mail, **more}
    return house.keeper.add_person(
        "company-contact", fields, source="contact-form", notice="v7", acts=[relevance()]
    )


def erase(house: House, about: SubjectId) -> None:
    """Erase everything of a person on request."""
    plan = house.keeper.plan(about, retention.erasure(reason="objected", reference="case-1"))
    assert house.keeper.apply(plan, approve=plan.digest).person_erased


class TestSuppression:
    def test_every_address_a_person_had_is_remembered(self, house: House) -> None:
        """Of two mailboxes of one field both are suppressed when the person objects (R-312)."""
        about = contact(house, EMAIL)
        house.keeper.record(about, data.collect({"email": BO}, source="contact-form"))
        house.keeper.record(about, marketing.object_to(via="email"))
        erase(house, about)
        assert not house.ask(contact(house, EMAIL))
        assert not house.ask(contact(house, BO))

    def test_an_address_corrected_away_in_the_same_commit_is_remembered(self, swift: House) -> None:
        """The mailbox a correction replaces is suppressed with the one that replaces it."""
        about = contact(swift, EMAIL)
        correction = data.rectify({"email": BO}, source="contact-form")
        swift.keeper.record(about, correction, marketing.object_to(via="email"))
        erase(swift, about)
        assert not swift.ask(contact(swift, EMAIL))
        assert not swift.ask(contact(swift, BO))

    def test_an_address_learnt_after_the_stop_is_remembered(self, swift: House) -> None:
        """A mailbox that came after the objection is suppressed when the person goes (R-416)."""
        about = contact(swift, EMAIL)
        swift.keeper.record(about, connection.start(reference="contract-1"))
        swift.keeper.record(about, marketing.object_to(via="email"))
        swift.keeper.record(about, data.rectify({"email": BO}, source="contact-form"))
        swift.keeper.record(
            about, connection.end(on=date(2024, 5, 14), cause="termination", evidence="letter-1")
        )
        plan = swift.keeper.plan(about, connection.after_end())
        assert swift.keeper.apply(plan, approve=plan.digest).person_erased
        assert not swift.ask(contact(swift, BO))

    def test_a_general_objection_stays_general(self, house: House) -> None:
        """Who objected to everything with a mailbox only is met again with an address: no post."""
        about = contact(house, EMAIL)
        house.keeper.record(about, marketing.object_to(via="email"))
        erase(house, about)
        again = contact(house, EMAIL, address="Example Street 1, 90000 Oulu")
        assert house.ask(again, "post").codes == {"objected"}

    def test_a_stop_for_one_channel_stays_narrow(self, swift: House) -> None:
        """Who said no to post only is written to by e-mail also when added anew."""
        about = contact(swift, EMAIL)
        swift.keeper.record(about, marketing.object_to(via="email", channels=["post"]))
        swift.keeper.record(about, connection.start(reference="contract-1"))
        again = contact(swift, BO)
        assert swift.ask(about)
        assert swift.ask(again)

    def test_a_new_consent_with_the_new_person_rules(self, swift: House) -> None:
        """A former objector who subscribes anew is a subscriber: the later consent wins (R-317)."""
        about = contact(swift, EMAIL)
        swift.keeper.record(about, marketing.object_to(via="email"))
        erase(swift, about)
        swift.clock.now += timedelta(days=30)
        proof = evidence(method="double-opt-in", proof=["mail-1"])
        again = swift.keeper.add_person(
            "company-contact",
            {"email": EMAIL},
            source="contact-form",
            notice="v7",
            acts=[consent.give("newsletter", evidence=proof)],
        )
        asked = marketing.may_contact(channel="email", purpose="newsletter")
        assert swift.keeper.ask(again, asked)
        assert not swift.ask(again)  # for marketing on interests the objection stands

    def test_a_newer_objection_elsewhere_outranks_the_consent(self, swift: House) -> None:
        """Of two records with one address, the newest objection on either counts for both."""
        first = contact(swift, EMAIL)
        other = contact(swift, BO)
        swift.keeper.record(other, data.collect({"email": EMAIL}, source="contact-form"))
        swift.keeper.record(first, marketing.object_to(via="email"))
        swift.clock.now += timedelta(days=1)
        proof = evidence(method="double-opt-in", proof=["mail-1"])
        swift.keeper.record(other, consent.give("newsletter", evidence=proof))
        asked = marketing.may_contact(channel="email", purpose="newsletter")
        assert swift.keeper.ask(other, asked)
        swift.clock.now += timedelta(days=1)
        swift.keeper.record(first, marketing.object_to(via="email"))
        assert swift.keeper.ask(other, asked).codes >= {"suppressed"}

    def test_a_suppressed_address_ends_a_marketing_entry(self, swift: House) -> None:
        """Correcting a person onto a suppressed mailbox stops the entry the same day (R-412)."""
        objector = contact(swift, BO)
        swift.keeper.record(objector, marketing.object_to(via="email"))
        about = swift.moved()
        swift.keeper.record(about, data.rectify({"email": BO}, source="contact-form"))
        standing = swift.keeper.standing(about)
        assert standing.connection.status is not ConnectionStatus.MARKETING
        assert standing.data.held(FilingSystem.MARKETING) == ()


class TestStopsAreTaken:
    @pytest.mark.parametrize("said", ["withdrawn", "objected"])
    def test_after_a_consent_stamped_by_a_clock_ahead(self, swift: House, said: str) -> None:
        """A stop made now answers what is on the line, although the clock was set back since."""
        about = contact(swift, EMAIL)
        proof = evidence(method="double-opt-in", proof=["mail-1"])
        swift.keeper.record(about, consent.give("newsletter", evidence=proof))
        asked = marketing.may_contact(channel="email", purpose="newsletter")
        assert swift.keeper.ask(about, asked)
        swift.clock.now -= timedelta(minutes=5)
        stop = (
            consent.withdraw("newsletter", via="email")
            if said == "withdrawn"
            else marketing.object_to(via="email")
        )
        swift.keeper.record(about, stop)
        swift.clock.now += timedelta(days=1)
        assert not swift.keeper.ask(about, asked)

    def test_a_restriction_typed_in_after_a_lift_goes_on(self, swift: House) -> None:
        """A second letter that lay on a desk while the first restriction was lifted counts."""
        about, day = contact(swift, EMAIL), timedelta(days=1)
        start, ground = swift.clock.now, "accuracy-contested"
        swift.keeper.record(about, retention.restrict(ground))
        swift.clock.now = start + 3 * day
        lift = retention.lift_restriction(ground, informed=swift.clock.now.date())
        swift.keeper.record(about, lift)
        assert not swift.keeper.standing(about).objection.restrictions
        swift.clock.now += day
        swift.keeper.record(about, retention.restrict(ground, at=start + 2 * day))
        assert not swift.keeper.ask(about, data.may_process("customer-care"))
        swift.clock.now += day
        lift = retention.lift_restriction(ground, informed=swift.clock.now.date())
        swift.keeper.record(about, lift)
        assert not swift.keeper.standing(about).objection.restrictions

    def test_an_objection_typed_in_after_a_decision_is_pending(self, swift: House) -> None:
        """A decision is about the objections that were known; a second decision looks at it."""
        about, day = contact(swift, EMAIL), timedelta(days=1)
        start, purpose = swift.clock.now, "customer-care"
        swift.keeper.record(about, retention.object_to_purpose(purpose, via="email"))
        swift.clock.now = start + 3 * day
        decide = retention.decide_objection(purpose, upheld=False, finding="finding-1")
        swift.keeper.record(about, decide)
        swift.clock.now += day
        late = retention.object_to_purpose(purpose, via="letter", at=start + 2 * day)
        swift.keeper.record(about, late)
        (objection,) = swift.keeper.standing(about).objection.objections
        assert objection.status is PurposeObjectionStatus.PENDING
        swift.clock.now += day
        again = retention.decide_objection(purpose, upheld=True, finding="finding-2")
        swift.keeper.record(about, again)
        swift.keeper.record(
            about,
            retention.decide_objection(
                purpose, upheld=False, finding="finding-3", at=swift.clock.now - day
            ),
        )
        (objection,) = swift.keeper.standing(about).objection.objections
        assert objection.status is PurposeObjectionStatus.UPHELD

    def test_with_a_damaged_value(self, swift: House) -> None:
        """An objection is recorded although a value in the vault is damaged; verify tells of it."""
        about = contact(swift, EMAIL, name="Anna Example")
        slot = swift.keeper.standing(about).data.values[0].slot
        swift.store._people[about].values[slot] = b"\xf8 damaged"  # type: ignore[attr-defined]
        swift.keeper.record(about, marketing.object_to(via="phone"))
        assert swift.ask(about).codes == {"objected"}
        with pytest.raises(ChainBroken):
            swift.keeper.verify(about)

    def test_after_the_marketing_purpose_was_renamed(self) -> None:
        """A register that no longer declares the purpose of an entry still takes the stop."""
        with MemoryStore() as store:
            keys = MemoryProvider()
            old = House(
                keeper=RecordKeeper(jot(), store=store, keys=keys, clock=(clock := Clock())),
                store=store,
                clock=clock,
            )
            about = old.moved()
            register = jot()
            purposes = {k: p for k, p in register.purposes.items() if k != "direct-marketing"}
            renamed = attrs.evolve(
                register,
                purposes=purposes,
                notices={
                    name: attrs.evolve(n, purposes=n.purposes & set(purposes))
                    for name, n in register.notices.items()
                },
                transfers={},
                marketing_register=None,
            )
            keeper = RecordKeeper(renamed, store=store, keys=keys, clock=clock)
            keeper.record(about, marketing.object_to(via="email"))
            assert keeper.standing(about).data.held(FilingSystem.MARKETING) == ()

    def test_with_a_text_after_the_erasure(self, swift: House) -> None:
        """A request with a text after the erasure is recorded without the text: there is no key."""
        about = contact(swift, EMAIL)
        erase(swift, about)
        asked = requests.receive(right="objection-to-marketing", channel="email", text="Stop!")
        assert swift.keeper.record(about, asked).case is not None
        assert swift.keeper.standing(about).data.values == ()

    def test_from_a_clock_a_little_ahead(self, swift: House) -> None:
        """A stop stamped by a faster clock counts from now; anything else ahead is refused."""
        about = contact(swift, EMAIL)
        ahead = swift.clock.now + timedelta(milliseconds=20)
        swift.keeper.record(about, marketing.object_to(via="email", at=ahead))
        assert not swift.ask(about)
        with pytest.raises(InvalidValue):
            swift.keeper.record(about, data.give_notice("v7", at=ahead))

    @pytest.mark.parametrize("right", ["erasure", "restriction", "objection"])
    def test_while_another_request_is_open(self, swift: House, right: str) -> None:
        """A «stop» ends the entry the same day, also where a request forbade messages before."""
        about = swift.moved()
        swift.keeper.record(about, requests.receive(right=right, channel="email"))
        assert not swift.ask(about)
        swift.keeper.record(about, marketing.object_to(via="email"))
        standing = swift.keeper.standing(about)
        assert standing.connection.status is not ConnectionStatus.MARKETING
        assert standing.data.held(FilingSystem.MARKETING) == ()

    def test_but_the_erasure_of_one_field_is_none(self, swift: House) -> None:
        """Who has one value erased keeps the entry without it, and has objected to nothing."""
        about = swift.moved()
        wanted = retention.erasure(reason="unlawful", reference="case-1", fields=["title"])
        plan = swift.keeper.plan(about, wanted)
        assert not plan.objects
        assert not swift.keeper.apply(plan, approve=plan.digest).person_erased
        standing = swift.keeper.standing(about)
        fields = {value.field for value in standing.data.held(FilingSystem.MARKETING)}
        assert "title" not in fields
        assert "email" in fields
        assert standing.objection.stops == ()
        assert standing.connection.status is ConnectionStatus.MARKETING
        assert swift.ask(about)


class TestDeeds:
    @pytest.mark.parametrize(
        "fact",
        [
            DataErased(slots=(), reason=ErasureReason.OBJECTED, rule="R-1"),
            PersonErased(reason=ErasureReason.OBJECTED, reference="case-1"),
            MovedToMarketing(
                values=(),
                purpose=PurposeId("direct-marketing"),
                expires_on=date(2099, 1, 1),
                plan="0" * 64,
            ),
        ],
    )
    def test_deeds_are_not_recorded_by_hand(self, swift: House, fact: object) -> None:
        """Only a plan moves, archives or erases: a raw fact would pass by guards and holds."""
        about = contact(swift, EMAIL)
        before = swift.keeper.line(about)
        with pytest.raises(InvalidValue):
            swift.keeper.record(about, Act(fact=fact))  # type: ignore[arg-type]
        assert swift.keeper.line(about) == before

    def test_a_correction_dated_back_leaves_the_line_whole(self, house: House) -> None:
        """A letter of correction from before the collection corrects; nothing is read as held
        that was deleted, also when a clock was set back."""
        about = contact(house, EMAIL)
        early = datetime(2023, 1, 1, tzinfo=UTC)
        house.keeper.record(about, data.rectify({"email": BO}, source="contact-form", at=early))
        house.clock.now -= timedelta(seconds=150)
        house.keeper.record(about, data.rectify({"email": EMAIL}, source="contact-form"))
        house.keeper.verify(about)
        assert house.keeper.read(about, "email")["email"].reveal() == EMAIL  # type: ignore[index]

    def test_a_field_of_many_values_wants_its_slot_named(self, swift: House) -> None:
        """Correcting one of two invoices wants its slot named; the other one stays."""
        about = contact(swift, EMAIL, invoices=["2025-001"])
        swift.keeper.record(about, data.collect({"invoices": ["2025-002"]}, source="contact-form"))
        with pytest.raises(InvalidValue):
            swift.keeper.record(about, data.rectify({"invoices": ["2025-009"]}, source="agreement"))
        held = [v for v in swift.keeper.standing(about).data.values if v.field == "invoices"]
        correction = data.rectify(
            {"invoices": ["2025-009"]}, source="agreement", replaces=[held[0].slot]
        )
        swift.keeper.record(about, correction)
        left = [v for v in swift.keeper.standing(about).data.values if v.field == "invoices"]
        assert len(left) == 2
        assert held[1].slot in {v.slot for v in left}
        assert held[0].slot not in {v.slot for v in left}

    def test_every_value_of_a_field_moves(self, swift: House) -> None:
        """Two product areas are two copies in the marketing register, as the plan says."""
        about = swift.customer()
        more = data.collect({"product-area": "spare parts"}, source="contact-form")
        swift.keeper.record(about, more)
        swift.clock.now = moment(2026, 4, 2)
        swift.keeper.record(
            about, connection.end(on=date(2026, 3, 31), cause="warranty-end", evidence="w-1")
        )
        plan = swift.keeper.plan(about, connection.after_end())
        swift.keeper.apply(plan, approve=plan.digest)
        copies = swift.keeper.standing(about).data.held(FilingSystem.MARKETING)
        assert len(copies) == len(plan.of(PlanAction.MOVE))
        assert sum(v.field == "product-area" for v in copies) == 2


class TestHolds:
    def test_a_stop_under_a_hold_ends_the_entry_and_deletes_nothing(self, house: House) -> None:
        """Under a legal hold a stop acts and the values stay; lifted, they are due (R-715)."""
        about = house.moved()
        house.keeper.record(about, retention.hold("court-1", reason="claim"))
        house.keeper.record(about, marketing.object_to(via="email"))
        standing = house.keeper.standing(about)
        assert standing.connection.status is not ConnectionStatus.MARKETING
        assert standing.data.held(FilingSystem.MARKETING)
        assert not house.ask(about)
        house.clock.now += timedelta(days=1)
        house.keeper.record(about, retention.lift_hold("court-1"))
        plan = house.keeper.plan(about, retention.due())
        gone = {item.filing for item in plan.of(PlanAction.ERASE)}
        assert gone == {FilingSystem.MARKETING}

    def test_a_correction_under_a_hold_keeps_the_old_value(self, swift: House) -> None:
        """A corrected value is the newest; the one under hold is not deleted."""
        about = contact(swift, EMAIL)
        swift.keeper.record(about, retention.hold("court-1", reason="claim"))
        swift.keeper.record(about, data.rectify({"email": BO}, source="contact-form"))
        assert len(swift.keeper.standing(about).data.values) == 2
        assert swift.keeper.read(about, "email")["email"].reveal() == BO  # type: ignore[index]

    def test_a_running_contract_keeps_its_key(self, swift: House) -> None:
        """A value that is over goes; the line of a live relation is not closed with it."""
        about = swift.keeper.add_person(
            "company-contact", {"cookies": "id-1"}, source="service-use", notice="v7"
        )
        swift.keeper.record(about, connection.start(reference="contract-1"))
        swift.clock.now += timedelta(days=3000)
        plan = swift.keeper.plan(about, retention.due())
        assert not plan.erases_person

    def test_an_open_access_request_keeps_the_data(self, swift: House) -> None:
        """Nothing is erased by our own plans before the person has the answer (R-561)."""
        about = swift.ended()
        receipt = swift.keeper.record(about, requests.receive(right="access", channel="email"))
        plan = swift.keeper.plan(about, connection.after_end())
        assert not plan.has_work
        assert receipt.case is not None
        answered = requests.fulfil(receipt.case, sent="letter-1", delivered=swift.clock.now)
        swift.keeper.record(about, answered)
        assert swift.keeper.plan(about, connection.after_end()).has_work


class TestStandings:
    def test_a_forged_standing_is_found(self, swift: House) -> None:
        """A stored standing that is not the fold of the line is told by verify."""
        about = contact(swift, EMAIL)
        stored = swift.store.standing(about)
        assert stored is not None
        swift.keeper.record(about, marketing.object_to(via="email"))
        after = swift.store.standing(about)
        assert after is not None
        person = swift.store._people[about]  # type: ignore[attr-defined]
        forged = stored.state.replace(b'"position":4', b'"position":5')
        person.standing = attrs.evolve(after, state=forged)
        with pytest.raises(ChainBroken):
            swift.keeper.verify(about)

    def test_somebody_named_twice_is_refused(self, swift: House) -> None:
        """One commit takes each person once."""
        about = contact(swift, EMAIL)
        note = data.give_notice("v7")
        with pytest.raises(InvalidValue):
            swift.keeper.record_many([(about, [note]), (about, [note])])

    def test_the_dead_take_no_reconnection(self, swift: House) -> None:
        """A new contract with somebody known to have died is refused (R-415)."""
        about = contact(swift, EMAIL)
        swift.keeper.record(about, data.note("deceased"))
        with pytest.raises(NotAllowed):
            swift.keeper.record(about, connection.start(reference="contract-2"))

    def test_the_dead_are_not_imported_anew(self, house: House) -> None:
        """Their contact points are remembered as keyed hashes; who lives there may consent."""
        about = contact(house, EMAIL)
        house.keeper.record(about, data.note("deceased"))
        house.clock.now += timedelta(days=60)
        plan = house.keeper.plan(about, retention.due())
        assert plan.erases_person
        house.keeper.apply(plan, approve=plan.digest)
        again = contact(house, EMAIL)
        assert "prohibited" in house.ask(again).codes
        house.keeper.record(
            again, consent.give("direct-marketing", channels=["email"], evidence=evidence())
        )
        assert house.ask(again).cell == "M-EM/B2B-R/C+"
        assert house.ask(again)

    def test_who_leaves_the_role_is_under_review(self, swift: House) -> None:
        """A contact who has left ends the connection; the dead address is not moved (R-417)."""
        about = swift.customer()
        swift.keeper.record(about, data.note("left-role"))
        assert swift.keeper.standing(about).status is ConnectionStatus.ENDED
        assert not swift.keeper.ask(about, marketing.may_move())


def test_a_bundle_is_readable_by_its_owner_only(swift: House, tmp_path: Path) -> None:
    """The answer to a request holds personal data in clear: nobody else may read its files."""
    about = swift.customer()
    case = swift.keeper.record(about, requests.receive(right="access", channel="email")).case
    assert case is not None
    for path in swift.keeper.answer(about, case).write(tmp_path / "answer"):
        assert path.stat().st_mode & 0o077 == 0


class TestKeys:
    def test_a_used_key_swallows_no_other_act(self, house: House) -> None:
        """An objection under an idempotency key used before is recorded; a true repeat is not."""
        about = contact(house, EMAIL)
        first = house.keeper.record(about, data.give_notice("v7-reminder"), key="form-1")
        assert house.keeper.record(about, data.give_notice("v7-reminder"), key="form-1").repeated
        stopped = house.keeper.record(about, marketing.object_to(via="letter"), key="form-1")
        assert not first.repeated
        assert not stopped.repeated
        assert not house.ask(about)

    def test_a_key_on_hold_cannot_be_destroyed(self, house: House) -> None:
        """A hold stands on the key row as well, whoever tries to shred, and goes with it."""
        about = contact(house, EMAIL)
        house.keeper.record(about, retention.hold("court-1", reason="claim"))
        assert [row.on_hold for row in house.store.keys(about)] == [True]
        house.clock.now += timedelta(days=1)
        house.keeper.record(about, retention.lift_hold("court-1"))
        assert [row.on_hold for row in house.store.keys(about)] == [False]

    def test_entries_say_who_wrote_them(self, house: House) -> None:
        """A staff id is kept with each entry of the act, and of a plan carried out."""
        about = house.ended()
        house.keeper.record(about, data.give_notice("v7-reminder"), by="staff-7")
        house.clock.now += timedelta(days=31)  # the reminder's window has passed
        plan = house.keeper.plan(about, connection.after_end())
        house.keeper.apply(plan, approve=plan.digest, by="staff-8")
        writers = [entry.by for entry in house.keeper.line(about)]
        assert "staff-7" in writers
        assert writers[-1] == "staff-8"
        with pytest.raises(InvalidValue):
            house.keeper.record(about, data.give_notice("v6"), by=EMAIL)

    def test_the_list_outlives_the_index_epoch(self, swift: House) -> None:
        """Suppression hashes hang on the lasting epoch: a new index epoch forgets no stop."""
        about = contact(swift, EMAIL)
        swift.keeper.record(about, marketing.prohibit(via="letter", by="company"))
        erase(swift, about)
        store = swift.store
        assert isinstance(store, MemoryStore)
        store._epochs = {
            name: row for name, row in store._epochs.items() if name[0] is not EpochKind.INDEX
        }
        keys = swift.keeper._bench.keys
        keys._roots.refresh()
        again = contact(swift, EMAIL)
        kinds = {(s.kind.value, s.by.value) for s in swift.keeper.standing(again).objection.stops}
        assert ("prohibition", "company") in kinds
        assert not swift.ask(again)


@pytest.mark.parametrize("part", ["register", "store", "keys"])
def test_a_path_is_no_part_of_a_keeper(part: str) -> None:
    """A path where register, store or keys belong is refused at once, with what to pass."""
    parts = {"register": jot(), "store": MemoryStore(), "keys": MemoryProvider(), part: "a/path"}
    with pytest.raises(InvalidValue, match="pass"):
        RecordKeeper(parts["register"], store=parts["store"], keys=parts["keys"])  # type: ignore[arg-type]


def test_a_second_no_under_a_used_key_is_a_second_no(house: House) -> None:
    """The link of an old message carries the same key: after a new consent its no counts again, and
    pressed twice it is recorded once."""
    about = contact(house, EMAIL)
    no = marketing.object_to(via="unsubscribe-link")
    yes = consent.give("direct-marketing", channels=["email"], evidence=evidence())
    assert not house.keeper.record(about, no, key="link-1").repeated
    assert house.keeper.record(about, no, key="link-1").repeated
    house.clock.now += timedelta(days=1)
    house.keeper.record(about, yes)
    assert house.ask(about)
    house.clock.now += timedelta(days=1)
    assert not house.keeper.record(about, no, key="link-1").repeated
    assert not house.ask(about)


def test_a_second_no_on_a_line_that_was_merged_away_is_a_second_no(house: House) -> None:
    """The consent came on the line that goes on; the old link of the other one still closes it."""
    other, about = contact(house, BO), contact(house, EMAIL)
    no = marketing.object_to(via="unsubscribe-link")
    yes = consent.give("direct-marketing", channels=["email"], evidence=evidence())
    house.keeper.record(other, no, key="link-1")
    house.keeper.merge(about, other, verified=True)
    house.clock.now += timedelta(days=1)
    house.keeper.record(about, yes)
    assert house.ask(about)
    house.clock.now += timedelta(days=1)
    assert not house.keeper.record(other, no, key="link-1").repeated
    assert not house.ask(about)
