"""The plan of an erasure a person asked for, written out in full (GDPR Art. 17; R-503)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from tests.policy.plans import FORM, asked, holding, item, keep, live, over, planned
from tests.policy.support import (
    NEWSLETTER,
    consented,
    moved,
    sealed,
    with_purpose,
)

from gdprkit.facts.consent import ConsentWithdrawn
from gdprkit.facts.data import CircumstanceNoted, DataCollected, PersonErased
from gdprkit.facts.entry import Fact
from gdprkit.facts.objection import ObjectionDecided, ObjectionRaised, RestrictionImposed
from gdprkit.facts.request import RequestReceived
from gdprkit.facts.retention import Archived, HoldPlaced
from gdprkit.policy.plan import Plan, PlanItem
from gdprkit.policy.retention import Erasure, plan_erasure
from gdprkit.register.register import Register
from gdprkit.words.identifiers import CaseId, FieldId, PurposeId
from gdprkit.words.vocabulary import (
    Channel,
    Circumstance,
    ErasureReason,
    FilingSystem,
    IntakeChannel,
    LegalBasis,
    RestrictionGround,
    Right,
)

CARE = PurposeId("customer-care")
CASE = CaseId(sealed("request").slot)
WITHDRAWN = Erasure(reference="request-7")
HOLD = HoldPlaced(reference="hold-1", reason="court")
RESTRICTED = RestrictionImposed(ground=RestrictionGround.UNLAWFUL)
INVOICES = item(
    "invoices",
    "archive",
    "legal-obligation",
    "R-408",
    purpose="bookkeeping",
    until=date(2032, 12, 31),
)
ORDERS = item(
    "orders", "archive", "legal-claims", "R-408", purpose="claims", until=date(2029, 1, 1)
)
ENTRY = ("email", "name", "address")
ARCHIVED = Archived(
    values=[sealed("invoices", FilingSystem.ARCHIVE)],
    purpose=PurposeId("bookkeeping"),
    until=date(2026, 3, 31),
)


def erased(*fields: str, filing: FilingSystem = FilingSystem.CUSTOMER) -> tuple[PlanItem, ...]:
    return tuple(item(f, "erase", "erasure-asked", "R-503", filing=filing) for f in fields)


def erasure(found: Any, *items: PlanItem, question: Erasure = WITHDRAWN, **more: Any) -> Plan:
    """Write out the plan of an erasure; as a rule it counts as an objection to marketing."""
    more.setdefault("objects", True)
    return planned(
        found,
        question,
        "erasure",
        *items,
        reason=question.reason,
        reference=question.reference,
        **more,
    )


def of(*fields: str) -> Erasure:
    return Erasure(fields=frozenset(map(FieldId, fields)), reference="request-8")


# --- what is kept ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("facts", "code", "rule"),
    [
        ([HOLD], "legal-hold", "R-715"),
        ([RESTRICTED], "restricted", "R-504"),
        ([RESTRICTED, HOLD], "legal-hold", "R-715"),
    ],
)
def test_a_hold_or_a_restriction_keeps_everything(facts: list[Fact], code: str, rule: str) -> None:
    """Nothing is erased now; that the request is an objection to marketing is recorded (R-414)."""
    found = asked([*over("name", "message"), *facts])
    kept = keep(code, rule, "name", "message")
    assert plan_erasure(found, WITHDRAWN) == erasure(found, *kept)
    named = of("name")
    assert plan_erasure(found, named) == erasure(found, *kept, question=named, objects=False)
    empty = asked([*over(), *facts])
    assert plan_erasure(empty, WITHDRAWN) == erasure(empty, objects=False)


def test_an_open_request_does_not_make_an_erasure_wait() -> None:
    """What the person asked for is done, whatever else they asked for (R-503)."""
    access = RequestReceived(case=CASE, right=Right.ACCESS, channel=IntakeChannel.EMAIL)
    found = asked([*over("name"), access])
    assert plan_erasure(found, WITHDRAWN).items == erased("name")


def test_a_live_relation_keeps_what_it_needs() -> None:
    """What customer care needs stays where the ground does not reach it; the rest goes."""
    found = asked(live("name", "usage"))
    assert plan_erasure(found, WITHDRAWN) == erasure(
        found, *keep("still-needed", "R-503", "name"), *erased("usage")
    )


def test_a_duty_that_has_not_begun_keeps_the_value_where_it_lies() -> None:
    """A claim's period begins with the end of the relation: until then there is no archive."""
    question = Erasure(reason=ErasureReason.UNLAWFUL)
    found = asked(live("orders", "name", "invoices"))
    assert plan_erasure(found, question) == erasure(
        found,
        *keep("legal-claims", "R-503", "orders"),
        *erased("name"),
        INVOICES,
        *erased("invoices"),
        question=question,
    )


def test_after_the_end_only_duties_and_claims_keep_a_copy() -> None:
    """A purpose of the relation keeps nothing now; papers go to the archive (17(3)(b), (e))."""
    found = asked(over("name", "invoices", "orders"))
    assert plan_erasure(found, WITHDRAWN) == erasure(
        found,
        *erased("name"),
        INVOICES,
        *erased("invoices"),
        ORDERS,
        *erased("orders"),
    )


def test_a_period_that_is_over_gives_no_archive() -> None:
    """Until the midnight that ends its last day a copy is made; at it, nothing is kept for it."""
    midnight = datetime(2029, 1, 1, 22, tzinfo=UTC)
    before = asked(over("orders"), at=midnight - timedelta(microseconds=1))
    assert plan_erasure(before, WITHDRAWN).items == (ORDERS, *erased("orders"))
    after = asked(over("orders"), at=midnight)
    assert plan_erasure(after, WITHDRAWN).items == erased("orders")


def test_the_archive_keeps_its_values_until_their_day() -> None:
    """A duty outlasts the request; once its day is over the request erases them (R-408)."""
    in_archive: dict[str, Any] = {"filing": FilingSystem.ARCHIVE, "until": date(2026, 3, 31)}
    kept = item("invoices", "keep", "legal-obligation-or-claims", "R-408", **in_archive)
    gone = item("invoices", "erase", "period-over", "R-408", **in_archive)
    midnight = datetime(2026, 3, 31, 21, tzinfo=UTC)  # summer time
    last = asked([*over(), ARCHIVED], at=midnight - timedelta(microseconds=1))
    assert plan_erasure(last, WITHDRAWN) == erasure(last, kept)
    after = asked([*over(), ARCHIVED], at=midnight)
    assert plan_erasure(after, WITHDRAWN) == erasure(after, gone, erases_person=True)


def test_the_archive_keeps_its_own_values_only() -> None:
    """What lies beside it goes all the same, and from no other filing system a copy is made."""
    papers = DataCollected(values=[sealed("invoices", FilingSystem.REQUESTS)], source=FORM)
    found = asked([*over(), ARCHIVED, papers])
    kept = item(
        "invoices",
        "keep",
        "legal-obligation-or-claims",
        "R-408",
        filing=FilingSystem.ARCHIVE,
        until=date(2026, 3, 31),
    )
    assert plan_erasure(found, WITHDRAWN) == erasure(
        found, kept, *erased("invoices", filing=FilingSystem.REQUESTS)
    )


# --- what it reaches ------------------------------------------------------------------------------


def test_a_request_for_some_fields_erases_these_only() -> None:
    """The others are kept as not asked for, and it is no objection to marketing (R-414)."""
    found = asked(over("message", "name", "feedback"))
    question = of("name")
    assert plan_erasure(found, question) == erasure(
        found,
        *keep("not-asked", "R-503", "message"),
        *erased("name"),
        *keep("not-asked", "R-503", "feedback"),
        question=question,
        objects=False,
    )


def test_where_nothing_stays_the_person_is_erased_once() -> None:
    """The key goes with the last value; what comes after an erasure erases nobody a second time."""
    found = asked(over("name"))
    assert plan_erasure(found, WITHDRAWN) == erasure(found, *erased("name"), erases_person=True)
    gone = PersonErased(reason=ErasureReason.CONSENT_WITHDRAWN, reference="request-1")
    letter = RequestReceived(
        case=CASE,
        right=Right.ERASURE,
        channel=IntakeChannel.LETTER,
        text=sealed("message", FilingSystem.REQUESTS),
    )
    again = asked([*over("name"), gone, letter])
    assert plan_erasure(again, WITHDRAWN) == erasure(
        again, *erased("message", filing=FilingSystem.REQUESTS)
    )


def test_where_nothing_is_held_there_is_nothing_to_object_to() -> None:
    """The plan is empty: it erases the person and records no objection."""
    found = asked(over())
    assert plan_erasure(found, WITHDRAWN) == erasure(found, erases_person=True, objects=False)


def test_an_erasure_ends_the_entry_in_the_register() -> None:
    """Every value of it goes, whatever purpose the customer file still has (R-414)."""
    found = asked([*over(), moved()])
    assert plan_erasure(found, WITHDRAWN) == erasure(
        found,
        *erased(*ENTRY, filing=FilingSystem.MARKETING),
        erases_person=True,
        ends_marketing=True,
    )


def test_an_entry_of_which_something_stays_goes_on() -> None:
    """One address erased is not the entry ended; every field of it named is, and objects."""
    marketing = FilingSystem.MARKETING
    found = asked([*over(), moved()])
    one = of("email")
    assert plan_erasure(found, one) == erasure(
        found,
        *erased("email", filing=marketing),
        *(item(f, "keep", "not-asked", "R-503", filing=marketing) for f in ("name", "address")),
        question=one,
        objects=False,
    )
    every = of(*ENTRY)
    assert plan_erasure(found, every) == erasure(
        found,
        *erased(*ENTRY, filing=marketing),
        question=every,
        erases_person=True,
        ends_marketing=True,
    )


# --- why a live purpose keeps a value -------------------------------------------------------------

_B, _E = LegalBasis, ErasureReason
RAISED = ObjectionRaised(purpose=CARE, via=IntakeChannel.EMAIL)
UPHELD = ObjectionDecided(purpose=CARE, upheld=True, finding="finding-1")
OVERRIDDEN = ObjectionDecided(purpose=CARE, upheld=False, finding="finding-1")
AGREED = consented(CARE, channels=())
NO_MORE = ConsentWithdrawn(purpose=CARE, via=IntakeChannel.EMAIL)


def is_kept(
    reason: ErasureReason, facts: Iterable[Fact] = (), register: Register | None = None, **more: Any
) -> bool:
    """Whether a title, which customer care alone needs, stays against a ground of erasure."""
    declared = with_purpose(CARE, register=register, **more)
    found = asked([*live("title"), *facts], register=declared)
    items = plan_erasure(found, Erasure(reason=reason)).items
    assert items in (keep("still-needed", "R-503", "title"), erased("title"))
    return items != erased("title")


@pytest.mark.parametrize(
    ("basis", "reason", "kept"),
    [
        (_B.CONTRACT, _E.NO_LONGER_NECESSARY, True),
        (_B.CONTRACT, _E.CONSENT_WITHDRAWN, True),
        (_B.CONTRACT, _E.UNLAWFUL, False),
        (_B.CONTRACT, _E.LEGAL_DUTY, False),
        (_B.LEGITIMATE_INTERESTS, _E.NO_LONGER_NECESSARY, True),
        (_B.LEGITIMATE_INTERESTS, _E.CONSENT_WITHDRAWN, True),
        (_B.LEGITIMATE_INTERESTS, _E.UNLAWFUL, False),
        (_B.LEGAL_OBLIGATION, _E.NO_LONGER_NECESSARY, True),
        (_B.LEGAL_OBLIGATION, _E.UNLAWFUL, True),
        (_B.LEGAL_OBLIGATION, _E.LEGAL_DUTY, False),
        (None, _E.NO_LONGER_NECESSARY, False),
    ],
)
def test_a_live_purpose_keeps_what_the_ground_does_not_reach(
    basis: LegalBasis | None, reason: ErasureReason, kept: bool
) -> None:
    """What is needed is not unnecessary; a live duty keeps all but against a duty to erase."""
    assert is_kept(reason, basis=basis) is kept


def test_marketing_keeps_nothing_against_an_erasure() -> None:
    """A request for erasure is an objection to marketing, which is absolute (R-414)."""
    assert is_kept(_E.CONSENT_WITHDRAWN, marketing=False)
    assert not is_kept(_E.CONSENT_WITHDRAWN, marketing=True)


@pytest.mark.parametrize(
    ("facts", "reason", "kept"),
    [
        ([AGREED], _E.NO_LONGER_NECESSARY, True),
        ([AGREED], _E.OBJECTED, True),
        ([AGREED], _E.CONSENT_WITHDRAWN, False),
        ([AGREED], _E.UNLAWFUL, False),
        ([AGREED, NO_MORE], _E.NO_LONGER_NECESSARY, False),
        ([AGREED, NO_MORE], _E.OBJECTED, False),
        ([], _E.NO_LONGER_NECESSARY, False),
    ],
)
def test_a_consent_keeps_a_value_while_it_is_in_force(
    facts: list[Fact], reason: ErasureReason, kept: bool
) -> None:
    """Withdrawn or never given it keeps nothing; in force, what its grounds do not reach."""
    assert is_kept(reason, facts, basis=_B.CONSENT) is kept


@pytest.mark.parametrize(
    ("basis", "facts", "kept"),
    [
        (_B.LEGITIMATE_INTERESTS, [], True),
        (_B.LEGITIMATE_INTERESTS, [RAISED], True),
        (_B.LEGITIMATE_INTERESTS, [RAISED, OVERRIDDEN], True),
        (_B.LEGITIMATE_INTERESTS, [RAISED, UPHELD], False),
        (_B.CONTRACT, [RAISED, UPHELD], True),
    ],
)
def test_an_objection_reaches_the_purpose_it_was_upheld_for(
    basis: LegalBasis, facts: list[Fact], kept: bool
) -> None:
    """Undecided or overridden it erases nothing yet; a contract is no purpose to object to."""
    assert is_kept(_E.OBJECTED, facts, basis=basis) is kept


def test_one_purpose_that_needs_a_value_is_enough() -> None:
    """A newsletter's withdrawn consent frees nothing that customer care still needs."""
    no = ConsentWithdrawn(purpose=NEWSLETTER, channels=[Channel.EMAIL], via=IntakeChannel.EMAIL)
    found = asked([*live("email"), consented(NEWSLETTER), no])
    assert plan_erasure(found, WITHDRAWN).items == keep("still-needed", "R-503", "email")


def test_a_prospect_and_the_dead_keep_nothing_by_a_purpose() -> None:
    """Only a live relation keeps what it needs: a death ends it with the person (R-415)."""
    died = CircumstanceNoted(circumstance=Circumstance.DECEASED)
    for facts in (holding("name"), [*live("name"), died], over("name")):
        assert plan_erasure(asked(facts), WITHDRAWN).items == erased("name")
