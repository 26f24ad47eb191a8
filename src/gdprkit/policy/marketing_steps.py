"""The steps of a marketing decision, one rule each, in the order of precedence (R-316).

Each step is a generator of reasons about one question that was placed in the matrix. Leaves out in
what order they are asked and where the asking ends: that is for ``policy.marketing``; and the
conditions of a cell, which stand in ``policy.conditions``. Always true: a step that does not speak
allows nothing by its silence.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Final

from gdprkit.policy.case import FORMER, Case
from gdprkit.policy.conditions import CONDITIONS, from_population_register
from gdprkit.policy.decisions import Outcome, Reason, allow, forbid, need
from gdprkit.policy.matrix import ALWAYS, LISTS, MATRIX, Allowed, Column, Row
from gdprkit.policy.placing import Asked, company_word
from gdprkit.register.purposes import Purpose
from gdprkit.state.connection import ConnectionStatus
from gdprkit.state.objection import StopKind
from gdprkit.words.citations import (
    Citation,
    credit_act,
    dpa_fi,
    ecsa,
    gdpr,
    population_act,
    project,
)
from gdprkit.words.identifiers import FieldId
from gdprkit.words.moments import add_months, civil_date
from gdprkit.words.vocabulary import (
    Channel,
    CheckedList,
    Circumstance,
    DataTag,
    FieldKind,
    LegalBasis,
    Right,
)

__all__ = [
    "MOBILE_SUBSCRIPTION",
    "PENDING_STOPS",
    "PERSON_CHECKS",
    "STEPS",
    "UNPROVEN_ENTRY",
    "UNSELECTED_STEPS",
    "basis_swapped",
    "company_reasons",
    "membership_reasons",
]

_PENDING: Final[Mapping[Right, Reason]] = {
    Right.OBJECTION: forbid("request-pending", "R-507", gdpr("18(1)(d)")),
    Right.OBJECTION_TO_MARKETING: forbid("request-pending", "R-508", gdpr("21(3)")),
    Right.ERASURE: forbid("request-pending", "R-414", gdpr("21(3)")),
    Right.RESTRICTION: forbid("request-pending", "R-504", gdpr("18(1)")),
}

#: While one of these requests is open nothing is marketed (R-403 T5, R-414, R-507, R-504).
PENDING_STOPS: Final = frozenset(_PENDING)

#: The group of products whose telemarketing is banned (ECSA s. 201; R-305).
MOBILE_SUBSCRIPTION: Final = "mobile-subscription"

# asked in every decision: looking a member up on its enumeration costs as much as a rule
_FORBIDDEN: Final = Outcome.FORBIDDEN
_ERASED: Final = ConnectionStatus.ERASED
_ENDED: Final = ConnectionStatus.ENDED
_NO_CONNECTION: Final = ConnectionStatus.NONE
_MARKETING: Final = ConnectionStatus.MARKETING
_UNPROVEN: Final = ConnectionStatus.UNPROVEN
_GIVEN: Final = Column.GIVEN
_SOFT: Final = Column.SOFT
_MINOR: Final = Circumstance.MINOR
_ADULT: Final = Circumstance.ADULT
_PHONE: Final = Channel.PHONE
_CONSENT: Final = LegalBasis.CONSENT
_GEN: Final = Row.GEN

# --- steps 1 to 7 -----------------------------------------------------------------------------

PERSON_DECEASED: Final = forbid("person-deceased", "R-415", gdpr("recital 27"))
PERSON_ERASED: Final = forbid("person-erased", "R-316", gdpr("17(1)"))
PERSON_UNKNOWN: Final = forbid("person-unknown", "R-314", gdpr("5(2)"))
RESTRICTED: Final = forbid("restricted", "R-316", gdpr("18(2)"))
OBJECTED: Final = forbid("objected", "R-508", gdpr("21(3)"))
KIND_NOT_COVERED: Final = forbid("kind-not-covered", "R-101", gdpr("5(1)(b)"))
UNDER_REVIEW: Final = forbid("under-review", "R-402", gdpr("5(1)(b)"))
MERGED_AWAY: Final = forbid("merged-away", "R-416", gdpr("5(1)(d)"))

#: Known about a person, these end marketing to them (R-403 T8, T11; R-417).
_GONE: Final[Mapping[Circumstance, Reason]] = {
    Circumstance.DECEASED: PERSON_DECEASED,
    Circumstance.LEFT_ROLE: forbid("left-role", "R-417", gdpr("5(1)(d)")),
    Circumstance.ADDRESS_DEAD: forbid("address-dead", "R-417", gdpr("5(1)(d)")),
    Circumstance.SAFETY_BAN: forbid("safety-ban", "R-403", project("R-403 T8")),
}


def _person(asked: Asked) -> Iterator[Reason]:  # step 1
    standing, data = asked.case.standing, asked.case.standing.data
    if data.erased_at is not None or asked.status is _ERASED:
        yield PERSON_ERASED.on(data.erased_position)
    if standing.merge.into is not None:
        yield MERGED_AWAY.on(standing.merge.into.position)
    if data.kind is None:
        yield PERSON_UNKNOWN
    elif asked.purpose.subjects and data.kind not in asked.purpose.subjects:
        yield KIND_NOT_COVERED
    for known in data.circumstances:
        if known.circumstance in _GONE:
            yield _GONE[known.circumstance].on(known.position)
    for restriction in standing.objection.restrictions:
        yield RESTRICTED.on(restriction.position)
    for request in standing.request.open:
        if request.right in _PENDING:
            yield _PENDING[request.right].on(request.position)
    for objection in standing.objection.objections:
        # marketing has no overriding grounds, 21(3); a later consent of theirs counts
        said_since = asked.consent is not None and asked.consent.word.at > objection.at
        if objection.purpose == asked.purpose.id and not said_since:
            yield OBJECTED.on(objection.position)
    if asked.status is _ENDED and not asked.as_member:
        yield UNDER_REVIEW.on(standing.connection.position)


PROHIBITED_BY_COMPANY: Final = forbid("prohibited", "R-306", ecsa("202"))

_STOPS: Final[Mapping[StopKind, Reason]] = {
    StopKind.OBJECTION: forbid("objected", "R-311", gdpr("21(3)")),
    StopKind.PROHIBITION: forbid("prohibited", "R-304", ecsa("200(2)")),
    StopKind.WITHDRAWAL: forbid("consent-withdrawn", "R-211", gdpr("7(3)")),
    StopKind.REFUSAL: forbid("consent-refused", "R-211", gdpr("4(11)")),
}


def _stops(asked: Asked) -> Iterator[Reason]:  # step 2
    stop = asked.stop
    if stop is not None:
        generic = stop.kind is StopKind.PROHIBITION and asked.row is _GEN
        yield (PROHIBITED_BY_COMPANY if generic else _STOPS[stop.kind]).on(stop.position)


COMPANY_PROHIBITED: Final = forbid("company-prohibited", "R-316", ecsa("202"))
COMPANY_CONSENTED: Final = allow("company-consented", "R-316", ecsa("202"))

ORGANISATION_UNKNOWN: Final = need(
    "organisation-unknown",
    "R-418",
    ecsa("202"),
    missing="what the organisation has prohibited: its standing in the case",
)


def _company_stop(asked: Asked) -> Iterator[Reason]:  # step 3
    return company_reasons(asked.case, asked.channel, asked.purpose)


def company_reasons(case: Case, channel: Channel, purpose: Purpose) -> Iterator[Reason]:
    """Yield what a person's organisation said about the channel (R-306, R-316.3)."""
    stop, consent = company_word(case, channel, purpose)
    connection = case.standing.connection
    if stop is not None and consent is None:
        yield COMPANY_PROHIBITED.on(stop.position)
    elif connection.organisation is not None and case.organisation is None:
        yield ORGANISATION_UNKNOWN.on(connection.organisation_position)
    elif consent is not None:
        yield COMPANY_CONSENTED.on(consent.word.position, until=consent.until)


SELECTED_BY_UNDECLARED: Final = forbid("selected-by-undeclared", "R-117", gdpr("5(1)(c)"))
SPECIAL_ON_EXPLICIT_CONSENT: Final = allow("special-on-explicit-consent", "R-109", gdpr("9(2)(a)"))

_CLOSED: Final[Mapping[DataTag, Reason]] = {
    DataTag.SPECIAL: forbid("closed-data-used", "R-316", gdpr("9(1)")),
    # free text may contain anything
    DataTag.FREE_TEXT: forbid("closed-data-used", "R-109", gdpr("9(1)")),
    DataTag.CRIMINAL: forbid("closed-data-used", "R-110", gdpr("10")),
    DataTag.CREDIT: forbid("closed-data-used", "R-119", credit_act("19")),
    DataTag.IDENTITY_CODE: forbid("closed-data-used", "R-111", gdpr("87"), dpa_fi("29")),
    DataTag.CHILD: forbid("closed-data-used", "R-112", gdpr("recital 38")),
    DataTag.THIRD_PERSON: forbid("closed-data-used", "R-404", gdpr("5(1)(c)")),
}


def _closed_data(asked: Asked) -> Iterator[Reason]:  # step 4
    for name in sorted(asked.question.selected_by):
        field = asked.case.register.field(FieldId(name))
        for tag in sorted(field.tags & _CLOSED.keys()):
            if tag is DataTag.SPECIAL and _explicit(asked, field.id):
                yield SPECIAL_ON_EXPLICIT_CONSENT
            else:
                yield _CLOSED[tag]
        if field.id not in asked.purpose.fields:
            yield SELECTED_BY_UNDECLARED


def _explicit(asked: Asked, field: FieldId) -> bool:
    """Whether the consent in force expressly covers this special data (9(2)(a); R-316.4)."""
    evidence = asked.consent.word.evidence if asked.consent is not None else None
    return evidence is not None and evidence.explicit and field in evidence.data


#: Fields that say what somebody is like, and those gathered by watching them (R-318).
_PROFILE: Final = frozenset({FieldKind.PROFILE, FieldKind.INTEREST})
_WATCHED: Final = frozenset(
    {FieldKind.USAGE, FieldKind.COOKIE, FieldKind.DEVICE, FieldKind.IP_ADDRESS}
)

PROFILING_TOLD: Final = allow("profiling-told", "R-318", gdpr("21(2)"))
PROFILING_NOT_TOLD: Final = need(
    "profiling-not-told",
    "R-318",
    gdpr("21(2)"),
    missing="a notice that names marketing and the right to object before profiling",
)
WATCHED_WITHOUT_CONSENT: Final = forbid("watched-without-consent", "R-318", gdpr("6(1)(a)"))


def _profiling(asked: Asked) -> Iterator[Reason]:
    """Profiling for marketing is told; what is combined from use of services needs a consent."""
    if not asked.question.selected_by:
        return
    fields = (asked.case.register.field(FieldId(f)) for f in asked.question.selected_by)
    kinds = {field.kind for field in fields}
    if kinds & _WATCHED and asked.consent is None:
        yield WATCHED_WITHOUT_CONSENT
    if kinds & (_WATCHED | _PROFILE):
        yield from _told_of_profiling(asked)


def _told_of_profiling(asked: Asked) -> Iterator[Reason]:
    for given in asked.case.standing.notice.given:
        notice = asked.case.register.notices.get(given.notice)
        if notice is not None and notice.names_marketing and notice.names_right_to_object:
            yield PROFILING_TOLD.on(given.position)
            return
    yield PROFILING_NOT_TOLD


MINOR: Final = forbid("minor", "R-112", gdpr("recital 38"))
ADULT: Final = allow("adult", "R-112", project("R-112"))
AGE_UNKNOWN: Final = need(
    "age-unknown", "R-112", gdpr("recital 38"), missing="that the person is of age"
)


def _age(asked: Asked) -> Iterator[Reason]:  # step 5
    adult = 0
    for known in asked.case.standing.data.circumstances:
        if known.circumstance is _MINOR:
            yield MINOR.on(known.position)
            return
        if known.circumstance is _ADULT:
            adult = known.position
    if adult:
        yield ADULT.on(adult)
    else:
        yield ADULT if asked.case.is_business else AGE_UNKNOWN


PRODUCT_BANNED_IN_CALLS: Final = forbid("product-banned-in-calls", "R-305", ecsa("201"))
CALL_ASKED_FOR: Final = allow("call-asked-for", "R-305", ecsa("201"))


def _product(asked: Asked) -> Iterator[Reason]:  # step 6
    call = asked.channel is _PHONE or asked.question.automated
    if call and MOBILE_SUBSCRIPTION in asked.purpose.product_groups:
        yield CALL_ASKED_FOR if asked.question.asked_for else PRODUCT_BANNED_IN_CALLS


PROSPECT_PERIOD_OVER: Final = forbid("prospect-period-over", "R-116", gdpr("5(1)(e)"))
PROSPECT_FRESH: Final = allow("prospect-fresh", "R-116", gdpr("5(1)(e)"))


def _prospect(asked: Asked) -> Iterator[Reason]:
    """A prospect who never answered is not contacted for ever (R-116, R-715)."""
    if asked.status is not _NO_CONNECTION or asked.column is _GIVEN:
        return
    case, data = asked.case, asked.case.standing.data
    newest = data.last_act or data.added_at
    if newest is not None:
        day = civil_date(newest, case.zone)
        until = case.end_of(add_months(day, case.law.prospect_months))
        if case.at >= until:
            yield PROSPECT_PERIOD_OVER
        else:
            yield PROSPECT_FRESH.on(until=until)


UNPROVEN_ENTRY: Final = forbid("unproven-entry", "R-420", gdpr("5(2)"))
NOT_IN_MARKETING_REGISTER: Final = forbid("not-in-marketing-register", "R-316", gdpr("5(1)(b)"))
REGISTER_ENTRY_EXPIRED: Final = forbid("register-entry-expired", "R-406", gdpr("5(1)(e)"))
IN_MARKETING_REGISTER: Final = allow("in-marketing-register", "R-403", gdpr("6(4)"))


def _membership(asked: Asked) -> Iterator[Reason]:  # step 7
    if not asked.as_member and asked.status in FORMER:
        yield from membership_reasons(asked.case)


def membership_reasons(case: Case) -> Iterator[Reason]:
    """Yield whether somebody whose relation is over stands in the marketing register (R-316.7)."""
    connection = case.standing.connection
    if connection.status is _UNPROVEN:
        yield UNPROVEN_ENTRY.on(connection.found_position)
        return
    expires = connection.marketing_expires
    if connection.status is not _MARKETING or expires is None:
        yield NOT_IN_MARKETING_REGISTER
        return
    end = case.end_of(expires)
    if case.at >= end:
        yield REGISTER_ENTRY_EXPIRED.on(connection.marketing_position)
    else:
        yield IN_MARKETING_REGISTER.on(connection.marketing_position, until=end)


# --- step 8: lists and the cell -------------------------------------------------------------------

SUPPRESSED: Final = forbid("suppressed", "R-312", gdpr("21(3)"))
ROBINSON_HIT: Final = forbid("robinson-hit", "R-315", project("R-315"))
POPULATION_REGISTER_BAN: Final = forbid("population-register-ban", "R-315", population_act("28"))


def _lists(asked: Asked) -> Iterator[Reason]:  # column LIST
    looked = asked.case.suppressed
    since = looked.hits.get(asked.channel) if looked is not None else None
    if since is not None and (asked.consent is None or asked.consent.word.at <= since):
        yield SUPPRESSED
    for which in LISTS[asked.channel].get(asked.row, ()):
        check = asked.case.standing.marketing.check(which)
        if check is None or not check.hit:
            continue
        if which is not CheckedList.POPULATION_REGISTER:
            # self-regulation: a consent given to this controller for this channel outranks it
            if asked.consent is None:
                yield ROBINSON_HIT.on(check.position)
        elif from_population_register(asked):
            yield POPULATION_REGISTER_BAN.on(check.position)


SOFT_OPT_IN: Final = allow("soft-opt-in", "R-108", ecsa("200(3)"))

#: (whether the cell allows, its section) -> reason
_CELL_REASONS: Final[Mapping[tuple[bool, Citation], Reason]] = {
    (isinstance(cell, Allowed), cell.cite): (
        allow("cell-allows", "R-316", cell.cite)
        if isinstance(cell, Allowed)
        else forbid("cell-forbids", "R-316", cell.cite)
    )
    for rows in MATRIX.values()
    for columns in rows.values()
    for cell in columns.values()
}


def _cell(asked: Asked) -> Iterator[Reason]:
    cell, consent = asked.cell, asked.consent
    reason = _CELL_REASONS[isinstance(cell, Allowed), cell.cite]
    if consent is None:
        yield reason
    else:
        yield reason.on(consent.word.position, until=consent.until)
    if asked.column is _SOFT and isinstance(cell, Allowed) and "own" in cell.conditions:
        yield SOFT_OPT_IN  # Art. 6(1) is not tested besides, for this message


BASIS_IS_CONSENT: Final = forbid("basis-is-consent", "R-115", gdpr("6(1)(a)"))


def basis_swapped(asked: Asked) -> Iterator[Reason]:
    """A purpose declared to rest on consent is not carried by an opt-out cell (R-115)."""
    if asked.consent is None and asked.purpose.basis is _CONSENT:
        yield BASIS_IS_CONSENT


def _conditions(asked: Asked) -> Iterator[Reason]:  # steps 9 and 10
    if not isinstance(asked.cell, Allowed):
        return
    for name in asked.cell.conditions:
        yield from CONDITIONS[name](asked)
    if asked.column is _GIVEN:
        for name in ALWAYS[asked.channel]:
            if name not in asked.cell.conditions:
                yield from CONDITIONS[name](asked)


STEPS: Final[tuple[Callable[[Asked], Iterator[Reason]], ...]] = (
    _person,
    _stops,
    _company_stop,
    _closed_data,
    _profiling,
    _age,
    _product,
    _prospect,
    _membership,
    _lists,
    _cell,
    basis_swapped,
    _conditions,
)


#: The steps where nobody was chosen by any field.
UNSELECTED_STEPS: Final = tuple(s for s in STEPS if s not in (_closed_data, _profiling))


#: What is asked about the person whatever the kind of message: its state, age, membership.
PERSON_CHECKS: Final = (_person, _company_stop, _age, _membership)
