"""The answer to a request for access: what concerns the person, told in plain words."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import attrs
import pytest
from tests.keeper.support import EMAIL, House, evidence, house_on, jot

from gdprkit import connection, consent, data, marketing, requests, retention
from gdprkit.acts.consent import ConsentMethod
from gdprkit.errors import UnknownName
from gdprkit.keeper.answer import Bundle
from gdprkit.keeper.answer_page import (
    FILINGS,
    MECHANISMS,
    RIGHTS,
    SENTENCES,
    STOPS,
    TRIGGERS,
    basis_words,
    period_words,
)
from gdprkit.ledger.codec import KINDS
from gdprkit.register.parties import Fallback, TransferMechanism
from gdprkit.register.purposes import Purpose
from gdprkit.state.objection import StopKind
from gdprkit.storage import MemoryStore
from gdprkit.words.identifiers import CaseId, FieldId, PurposeId, SubjectId
from gdprkit.words.moments import Period
from gdprkit.words.personal import Personal
from gdprkit.words.vocabulary import FilingSystem, LegalBasis, Right, Trigger

NEWSLETTER = "Newsletter by e-mail to those who asked for it"
PROFILING = "Profiles of interests for marketing, drawn from what a person uses and buys"
MARKETING = "Direct marketing of our own products to customers, their people and former customers"
VOUCHERS = "Keeping vouchers: invoices, receipts and letters about transactions"
REQUESTS = "Handling requests of data subjects and showing that they were answered"


def confirmed() -> Any:
    """Return a consent to the newsletter that is valid: it was confirmed."""
    return consent.give(
        "newsletter",
        evidence=evidence(method=ConsentMethod.DOUBLE_OPT_IN, proof=("mail-1",)),
    )


def ask(house: House, about: SubjectId, **more: Any) -> CaseId:
    case = house.keeper.record(
        about, requests.receive(**{"right": "access", "channel": "email", **more})
    ).case
    assert case is not None
    return case


def answered(house: House, about: SubjectId, **more: Any) -> Bundle:
    return house.keeper.answer(about, ask(house, about, **more))


def page_of(bundle: Bundle, folder: Path) -> str:
    bundle.write(folder)
    return (folder / "answer.md").read_text(encoding="utf-8")


def section(page: str, title: str) -> str:
    """Return the text under one heading of the second level."""
    return page.split(f"\n## {title}\n")[1].split("\n## ")[0]


def purposes(bundle: Bundle) -> dict[str, Any]:
    return {item["purpose"]: item for item in bundle.facts["purposes"]}


class TestWhatConcernsThePerson:
    """Only what data of the person is held for is told (R-501)."""

    def test_a_consent_that_nobody_gave_is_no_purpose(self, swift: House) -> None:
        """A purpose that rests on consent is not told of somebody who gave none."""
        bundle = answered(swift, swift.customer())
        assert purposes(bundle).keys() & {NEWSLETTER, PROFILING} == set()
        assert not any(item["basis"] == "your consent" for item in bundle.facts["purposes"])

    def test_a_consent_in_force_is_a_purpose(self, swift: House) -> None:
        """A valid consent brings its own purpose and no other."""
        about = swift.customer()
        swift.keeper.record(about, confirmed())
        found = purposes(answered(swift, about))
        assert found[NEWSLETTER]["basis"] == "your consent"
        assert found[NEWSLETTER]["consent"] == "in force"
        assert PROFILING not in found

    def test_an_invalid_consent_is_no_purpose(self, swift: House) -> None:
        """A consent that was never confirmed, where the register asks for it, starts nothing."""
        about = swift.customer()
        swift.keeper.record(about, consent.give("newsletter", evidence=evidence()))
        assert NEWSLETTER not in purposes(answered(swift, about))

    def test_a_withdrawn_consent_is_told_while_its_data_stays(
        self, swift: House, tmp_path: Path
    ) -> None:
        """The data is held for 30 days after the withdrawal and told with it, then no more."""
        about = swift.customer()
        swift.keeper.record(about, confirmed())
        swift.clock.now += timedelta(days=10)
        swift.keeper.record(about, consent.withdraw("newsletter", via="email"))
        case = ask(swift, about)
        soon = swift.keeper.answer(about, case)
        assert purposes(soon)[NEWSLETTER]["consent"] == "ended"
        assert "that consent has ended" in page_of(soon, tmp_path)
        swift.clock.now += timedelta(days=31)
        assert NEWSLETTER not in purposes(swift.keeper.answer(about, case))

    def test_a_purpose_for_other_kinds_of_people_is_left_out(self, swift: House) -> None:
        """The contact of a company is not told what is done with consumers' data."""
        found = purposes(answered(swift, swift.customer()))
        assert "Performing a contract with a person who is a party to it" not in found

    def test_the_register_entry_and_the_archive_have_their_own_purposes(self, swift: House) -> None:
        """After the move nothing of the customer file is told, only what each copy serves."""
        bundle = answered(swift, swift.moved(), text="What do you hold?")
        assert set(purposes(bundle)) == {MARKETING, VOUCHERS, REQUESTS}

    def test_each_purpose_names_the_data_held_for_it(self, swift: House) -> None:
        """Labels of fields stand with the purpose they serve."""
        found = purposes(answered(swift, swift.moved()))
        assert found[VOUCHERS]["data"] == ["Invoices"]
        assert "Invoices" not in found[MARKETING]["data"]

    def test_a_value_whose_periods_are_over_keeps_its_purposes(self, swift: House) -> None:
        """What waits to be erased is told with what it was held for."""
        about = swift.ended()
        swift.clock.now += timedelta(days=400)
        found = purposes(answered(swift, about))
        assert "Messages a customer needs: customer service, updates, delivery, faults" in found


class TestRights:
    """Only rights that the bases present open are told (5.1)."""

    def rights(self, bundle: Bundle) -> set[str]:
        return set(bundle.facts["your rights"])

    def test_interests_open_objection_but_no_portability(self, swift: House) -> None:
        """Marketing by interest and a legal duty open no portability and nothing to withdraw."""
        rights = self.rights(answered(swift, swift.moved()))
        assert rights >= {"rectification", "erasure", "restriction", "objection"}
        assert "objection-to-marketing" in rights
        assert rights & {"portability", "withdraw-consent", "human-review"} == set()

    def test_a_consent_opens_portability_and_withdrawal(self, swift: House) -> None:
        """A consent in force can be withdrawn, and its data taken along."""
        about = swift.customer()
        swift.keeper.record(about, confirmed())
        assert self.rights(answered(swift, about)) >= {"portability", "withdraw-consent"}

    def test_what_is_withdrawn_is_not_withdrawn_again(self, swift: House) -> None:
        """After the withdrawal there is no consent left to withdraw."""
        about = swift.customer()
        swift.keeper.record(about, confirmed())
        swift.clock.now += timedelta(days=1)
        swift.keeper.record(about, consent.withdraw("newsletter", via="email"))
        assert "withdraw-consent" not in self.rights(answered(swift, about))


class TestThePage:
    """The page is written for a person (R-527)."""

    def test_the_head_names_who_answers_what_and_when(self, swift: House, tmp_path: Path) -> None:
        """Controller with address and e-mail, the right, the day of receipt and of the answer."""
        about = swift.customer()
        case = ask(swift, about)
        swift.clock.now += timedelta(days=3, hours=14)  # past midnight in Helsinki
        head = page_of(swift.keeper.answer(about, case), tmp_path).split("\n## ")[0]
        for expected in (
            "JOT Automation Oy",
            "Elektroniikkatie 17, 90590 Oulu",
            "info@jotautomation.com",
            "Your request: access, received on 14 May 2024",
            "Date of this answer: 18 May 2024",
        ):
            assert expected in head

    def test_no_ids_of_the_machine_stand_on_it(self, swift: House, tmp_path: Path) -> None:
        """Neither request, person, slots nor declared names are shown, only labels."""
        about = swift.moved()
        swift.keeper.record(
            about,
            data.disclose("storage-partners", purpose="bookkeeping", fields=["invoices"]),
            marketing.prohibit(via="email", by="subject"),
        )
        bundle = answered(swift, about, text="What do you hold?")
        page = page_of(bundle, tmp_path)
        slots = [v.slot for v in swift.keeper.standing(about).data.values]
        for one in (bundle.case, about, *slots):
            assert str(one) not in page
        assert not re.search(r"[0-9a-f]{16}", page)
        register = jot()
        names = {
            name
            for table in (register.purposes, register.fields, register.recipients, register.sources)
            for name in table
            if "-" in name
        }
        # these are words of our own sentences, in the same spelling
        allowed = {"direct-marketing"}
        assert {name for name in names - allowed if name in page} == set()
        assert "request-text" not in page

    def test_labels_bases_and_filing_systems_are_in_words(
        self, swift: House, tmp_path: Path
    ) -> None:
        """Fields, grounds and places are called what people call them."""
        page = page_of(answered(swift, swift.moved()), tmp_path)
        assert f"- E-mail address: {EMAIL}" in page
        assert "- Invoices: 2025-017" in page
        assert "### In our direct-marketing register" in page
        assert "our legitimate interest: Offering products related" in page
        assert "a legal duty: Accounting Act 1336/1997" in page

    def test_complaint_and_court(self, swift: House, tmp_path: Path) -> None:
        """The authority is named, and that a court may be turned to."""
        found = section(
            page_of(answered(swift, swift.customer()), tmp_path), "If you are not content"
        )
        assert "Office of the Data Protection Ombudsman" in found
        assert "court" in found

    def test_history_is_in_sentences(self, swift: House, tmp_path: Path) -> None:
        """What happened is told with its day, in words, with the purpose's label."""
        about = swift.customer()
        swift.keeper.record(about, confirmed(), data.note("adult"))
        found = section(page_of(answered(swift, about), tmp_path), "What happened")
        assert "- 14 May 2024: You were entered in our register (company contact)." in found
        assert f"A consent of yours was recorded ({NEWSLETTER}; email)." in found
        assert "Something about your situation was noted (adult)." in found

    def test_staff_are_left_out_and_that_is_told(self, swift: House, tmp_path: Path) -> None:
        """Who wrote an entry is no data of the person: left out of both files, and told."""
        about = swift.customer()
        swift.keeper.record(about, data.note("adult"), by="clerk-77")
        bundle = answered(swift, about)
        page = page_of(bundle, tmp_path)
        assert "clerk-77" not in page + (tmp_path / "data.json").read_text(encoding="utf-8")
        assert "Which member of our staff" in section(page, "What was left out")

    def test_nothing_is_said_of_staff_that_none_names(self, swift: House, tmp_path: Path) -> None:
        """Where no entry names its writer only the rest of what was left out is told."""
        found = section(page_of(answered(swift, swift.customer()), tmp_path), "What was left out")
        assert "staff" not in found
        assert "Other people's data: none is recorded" in found

    def test_a_value_makes_no_marks_on_the_page(self, swift: House, tmp_path: Path) -> None:
        """A message with headings, links and tags is shown as text."""
        about = swift.anna(fields={"email": EMAIL, "message": "hello\n# Big <b>[x](y)"})
        found = section(page_of(answered(swift, about), tmp_path), "What we hold")
        assert "- Contents of a message: hello\n  \\# Big \\<b>\\[x](y)" in found

    def test_after_an_erasure_the_page_says_so(self, swift: House, tmp_path: Path) -> None:
        """Nobody's values are shown when none are held; the stop and the history still are."""
        about = swift.anna(fields={"email": EMAIL})
        swift.keeper.record(about, marketing.object_to(via="email"))
        plan = swift.keeper.plan(about, retention.erasure(reason="objected", reference="erasure-1"))
        swift.keeper.apply(plan, approve=plan.digest)
        page = page_of(answered(swift, about), tmp_path)
        assert "We hold no values about you" in page
        assert EMAIL not in page
        assert "An objection to direct marketing, since 14 May 2024" in page


class TestSourcesRecipientsTransfers:
    """Where values came from and went to is told by name (Art. 15(1)(c), (g), 15(2))."""

    def test_each_value_has_its_source(self, swift: House) -> None:
        """Values of two sources are told apart; a request's text came with the request."""
        about = swift.anna()
        swift.keeper.record(
            about, data.collect({"phone": "+358401234567"}, source="trade-register", notice="v7-14")
        )
        found = {
            item["source"]: item
            for item in answered(swift, about, text="Hello").facts["where it came from"]
        }
        register = jot()
        trade = found[register.source("trade-register").label]
        assert trade["data"] == ["Telephone number"]
        assert trade["public"]
        assert "E-mail address" in found[register.source("contact-form").label]["data"]
        assert found["You, in your request"]["data"] == ["Text of your request"]

    def test_a_copy_keeps_the_source_of_its_original(self, swift: House) -> None:
        """After the move the originals are gone and their source is told all the same."""
        (only,) = answered(swift, swift.moved()).facts["where it came from"]
        assert only["source"] == jot().source("contact-form").label
        assert "Invoices" in only["data"]

    def test_recipients_are_named(self, tmp_path: Path) -> None:
        """Who received data is told by legal name, with purpose, day and data."""
        register = jot()
        known = attrs.evolve(
            register.recipient("storage-partners"), name="Rack Example Oy", country="FI"
        )
        changed = attrs.evolve(register, recipients={**register.recipients, known.id: known})
        with MemoryStore() as store:
            house = house_on(store, changed)
            about = house.customer()
            house.keeper.record(
                about, data.disclose("storage-partners", purpose="customer-care", fields=["email"])
            )
            found = section(page_of(answered(house, about), tmp_path), "Who received it")
        named = next(line for line in found.splitlines() if "Rack Example Oy" in line)
        assert "last on 14 May 2024" in named
        assert "Data: E-mail address." in named
        assert "no name" not in named

    def test_a_recipient_without_a_name_is_told_as_such(self, swift: House, tmp_path: Path) -> None:
        """Who is declared to receive data and has no legal name on record is not hidden."""
        found = section(page_of(answered(swift, swift.customer()), tmp_path), "Who received it")
        assert "Partners that run servers for us (we have no name on record" in found

    def test_a_transfer_without_safeguards_is_told_as_such(
        self, swift: House, tmp_path: Path
    ) -> None:
        """A recorded transfer whose safeguards nobody knows says so."""
        about = swift.customer()
        swift.keeper.record(
            about,
            data.disclose(
                "service-partners", purpose="customer-care", fields=["email"], transfer="usa"
            ),
        )
        found = section(page_of(answered(swift, about), tmp_path), "Outside the EU and the EEA")
        assert "Country US" in found
        assert "(recorded)" in found
        assert "Safeguard: not known." in found

    def test_a_transfer_with_safeguards_names_them(self, tmp_path: Path) -> None:
        """The mechanism and the importer are told in words."""
        register = jot()
        flow = attrs.evolve(
            register.transfer("usa"),
            importer="Cloud Example Inc.",
            mechanism=TransferMechanism.STANDARD_CLAUSES,
            evidence="contract-9",
        )
        changed = attrs.evolve(register, transfers={flow.id: flow})
        with MemoryStore() as store:
            house = house_on(store, changed)
            about = house.customer()
            house.keeper.record(
                about,
                data.disclose(
                    "service-partners", purpose="customer-care", fields=["email"], transfer="usa"
                ),
            )
            found = section(page_of(answered(house, about), tmp_path), "Outside the EU and the EEA")
        assert "Cloud Example Inc." in found
        assert "standard contractual clauses" in found
        assert "not known" not in found.lower()

    def test_flows_that_are_not_about_the_person_are_left_out(self, swift: House) -> None:
        """A transfer of visitors' data does not concern the contact of a company."""
        assert answered(swift, swift.customer()).facts["transfers outside the EEA"] == []

    def test_a_recorded_transfer_is_told_whoever_received_it(self, swift: House) -> None:
        """A flow that an entry names is told though the register declares another recipient."""
        about = swift.customer()
        swift.keeper.record(
            about,
            data.disclose(
                "storage-partners", purpose="customer-care", fields=["email"], transfer="usa"
            ),
        )
        (flow,) = answered(swift, about).facts["transfers outside the EEA"]
        assert flow["recorded"]
        assert flow["missing"] == ["importer", "safeguard", "evidence"]

    @pytest.mark.parametrize(
        ("purpose", "told"), [("customer-care", True), ("website-analytics", False)]
    )
    def test_a_declared_flow_is_told_for_purposes_of_the_person(
        self, purpose: str, told: bool
    ) -> None:
        """A flow is told when its purpose concerns the person, and else left out."""
        register = jot()
        flow = attrs.evolve(
            register.transfer("usa"),
            fields=frozenset({FieldId("email")}),
            purposes=frozenset({PurposeId(purpose)}),
        )
        changed = attrs.evolve(register, transfers={flow.id: flow})
        with MemoryStore() as store:
            house = house_on(store, changed)
            found = answered(house, house.customer()).facts["transfers outside the EEA"]
        assert [item["recorded"] for item in found] == ([False] if told else [])

    def test_a_fallback_is_told_beside_what_it_stands_in_for(self) -> None:
        """The safeguards of Art. 15(2) are both: the one of today and the one kept ready."""
        register = jot()
        flow = attrs.evolve(
            register.transfer("usa"),
            mechanism=TransferMechanism.ADEQUACY,
            fallback=Fallback(mechanism=TransferMechanism.STANDARD_CLAUSES, evidence="contract-9"),
            fields=frozenset({FieldId("email")}),
            purposes=frozenset({PurposeId("customer-care")}),
        )
        changed = attrs.evolve(register, transfers={flow.id: flow})
        with MemoryStore() as store:
            house = house_on(store, changed)
            (found,) = answered(house, house.customer()).facts["transfers outside the EEA"]
        assert found["safeguard"] == (
            "an adequacy decision of the European Commission (Art. 45); "
            "where that falls, standard contractual clauses (Art. 46(2)(c))"
        )

    def test_fingerprints_outlive_the_data_and_that_is_told(
        self, swift: House, tmp_path: Path
    ) -> None:
        """That the hash of a stopped address is kept after an erasure is said."""
        about = swift.customer()
        swift.keeper.record(about, marketing.object_to(via="email"))
        found = section(page_of(answered(swift, about), tmp_path), "Stops we remember")
        assert "An objection to direct marketing, since 14 May 2024, on every channel." in found
        assert "kept after your data is erased" in found


class TestPeriods:
    """How long a value is kept, or what decides it (Art. 15(1)(d))."""

    def test_an_open_end_is_told_by_its_rule(self, swift: House, tmp_path: Path) -> None:
        """While the connection lasts, the period after it is told."""
        found = section(page_of(answered(swift, swift.customer()), tmp_path), "How long we keep it")
        assert "- E-mail address, in our customer file: 30 days after your connection" in found

    def test_a_known_day_is_told(self, swift: House, tmp_path: Path) -> None:
        """Values of the register and the archive have a last day."""
        found = section(page_of(answered(swift, swift.moved()), tmp_path), "How long we keep it")
        # the last act was on 14 May 2024, the cap is 36 months
        assert "in our direct-marketing register: until 14 May 2027." in found

    def test_a_hold_is_told(self, swift: House, tmp_path: Path) -> None:
        """While a legal hold is in force the person is told that nothing is erased."""
        about = swift.customer()
        swift.keeper.record(about, retention.hold("claim-1", reason="a claim"))
        page = page_of(answered(swift, about), tmp_path)
        assert "A legal hold is in force" in page
        assert "claim-1" not in page


class TestFiles:
    """What is written."""

    def test_the_data_file_keeps_its_form(self, swift: House, tmp_path: Path) -> None:
        """Machines find request, moment, data by field, facts and history."""
        bundle = answered(swift, swift.customer())
        bundle.write(tmp_path)
        body = json.loads((tmp_path / "data.json").read_text(encoding="utf-8"))
        assert list(body) == ["request", "made_at", "data", "facts", "history"]
        assert body["request"] == str(bundle.case)
        assert body["data"]["customer"]["email"] == [EMAIL]
        assert body["history"][0][1] == "subject added"

    def test_values_stay_personal_until_written(self, swift: House) -> None:
        """Neither the bundle nor its letter shows a value."""
        bundle = answered(swift, swift.customer())
        assert EMAIL not in repr(bundle)
        assert EMAIL not in repr((bundle.facts, bundle.letter, bundle.history))
        held = [v for fields in bundle.values.values() for vs in fields.values() for v in vs]
        assert held
        assert all(isinstance(value, Personal) for value in held)

    def test_a_request_of_nobody_is_refused(self, swift: House) -> None:
        """An answer needs a request of this very person."""
        mine, other = swift.customer(), swift.anna(fields={"email": "bo@example.org"})
        case = ask(swift, other)
        with pytest.raises(UnknownName):
            swift.keeper.answer(mine, case)


class TestWords:
    """Every word of a list has its words on the page."""

    def test_every_kind_of_fact_has_a_sentence(self) -> None:
        """The table of sentences is complete, and holds nothing else."""
        assert set(SENTENCES) == {kind for kind, _ in KINDS.values()}
        assert len(set(SENTENCES.values())) == len(SENTENCES)

    @pytest.mark.parametrize(
        ("table", "words"),
        [
            (FILINGS, FilingSystem),
            (RIGHTS, Right),
            (MECHANISMS, TransferMechanism),
            (STOPS, StopKind),
            (TRIGGERS, Trigger),
        ],
        ids=["filings", "rights", "mechanisms", "stops", "triggers"],
    )
    def test_every_word_has_its_words(self, table: Any, words: Any) -> None:
        """A word without words would stop an answer."""
        assert set(table) == set(words)

    @pytest.mark.parametrize(
        ("basis", "words"),
        [
            (LegalBasis.CONSENT, "your consent"),
            (LegalBasis.CONTRACT, "the contract with you"),
            (LegalBasis.LEGAL_OBLIGATION, "a legal duty: Example Act s. 1"),
            (LegalBasis.VITAL_INTERESTS, "vital interests, yours or another person's"),
            (LegalBasis.PUBLIC_TASK, "a public task: Example Act s. 1"),
            (LegalBasis.LEGITIMATE_INTERESTS, "our legitimate interest: Serving people"),
            (None, "no legal basis is declared"),
        ],
    )
    def test_every_basis_has_words(self, basis: LegalBasis | None, words: str) -> None:
        """A basis is told in words, with the statute or the interest it rests on."""
        purpose = Purpose(
            id=PurposeId("example"),
            label="Example",
            basis=basis,
            statute="Example Act s. 1",
            interest="Serving people",
        )
        assert basis_words(purpose) == words

    def test_periods_read_as_words(self) -> None:
        """Lengths are told with their unit, in the right number."""
        assert period_words(Period(months=24)) == "24 months"
        assert period_words(Period(years=1, days=2)) == "1 year and 2 days"


def test_a_new_connection_is_told_of_again(swift: House) -> None:
    """Whoever orders again after the move is told of the customer file as well."""
    about = swift.moved()
    swift.keeper.record(about, connection.start(reference="contract-2"))
    swift.keeper.record(about, data.collect({"email": EMAIL}, source="agreement", notice="v7"))
    found = purposes(answered(swift, about))
    assert "Messages a customer needs: customer service, updates, delivery, faults" in found


def test_marketing_allowed_now_is_a_purpose(swift: House) -> None:
    """Marketing to somebody still connected uses the customer file: the answer names it, and no
    more once they have objected (Art. 15(1)(a))."""
    about = swift.customer()
    case = ask(swift, about)
    assert MARKETING in purposes(swift.keeper.answer(about, case))
    swift.keeper.record(about, marketing.object_to(via="email"))
    assert MARKETING not in purposes(swift.keeper.answer(about, case))
