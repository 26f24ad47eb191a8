"""May we contact this person with marketing, on this channel, for this purpose?

Evaluated in the order of precedence (R-316), stopping at the first step that forbids: the person's
state, their stops, the company's stop, closed data, minors, membership of the marketing register,
then the cell of the matrix and its conditions. An objection beats everything earlier and everything
the controller does later; only a later valid consent of the person outranks it, for its scope and
while it lasts. Ask again when sending (R-331): a stop recorded in between wins.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Final, final

import attrs

from gdprkit.policy.case import Case
from gdprkit.policy.conditions import CONDITIONS, from_population_register
from gdprkit.policy.consent import valid_consent
from gdprkit.policy.decisions import Decision, Outcome, Reason, allow, forbid, need
from gdprkit.policy.matrix import ALWAYS, MATRIX, Allowed, Column, Row, cell_id
from gdprkit.policy.placing import (
    Asked,
    column_of,
    company_stop_for,
    relevance_of,
    row_of,
    stop_for,
)
from gdprkit.register.purposes import Purpose
from gdprkit.state.connection import ConnectionStatus
from gdprkit.state.objection import StopKind
from gdprkit.words.citations import Citation, credit_act, ecsa, gdpr, project
from gdprkit.words.identifiers import FieldId
from gdprkit.words.moments import add_months, civil_date
from gdprkit.words.vocabulary import (
    Channel,
    CheckedList,
    Circumstance,
    DataTag,
    LegalBasis,
    Right,
)

__all__ = ["PENDING_STOPS", "MayContact", "may_contact", "usable_channels"]


def _words(values: Iterable[str]) -> frozenset[str]:
    return frozenset(values)


@final
@attrs.frozen(kw_only=True)
class MayContact:
    """The question.

    Args:
        channel: The channel of the message.
        purpose: The declared marketing purpose.
        selected_by: Fields used to choose the person; closed data among them forbids (R-316.4).
    """

    channel: Channel = attrs.field(converter=Channel)
    purpose: str
    selected_by: frozenset[str] = attrs.field(default=frozenset(), converter=_words)


#: While one of these requests is open nothing is marketed (R-403 T5, R-414, R-507, R-504).
PENDING_STOPS: Final = frozenset(
    {Right.OBJECTION, Right.OBJECTION_TO_MARKETING, Right.ERASURE, Right.RESTRICTION}
)

#: Known about a person, these end marketing to them (R-403 T8, T11; R-415, R-417).
_GONE: Final[Mapping[Circumstance, Reason]] = {
    Circumstance.LEFT_ROLE: forbid("left-role", "R-417", gdpr("5(1)(d)")),
    Circumstance.ADDRESS_DEAD: forbid("address-dead", "R-417", gdpr("5(1)(d)")),
    Circumstance.SAFETY_BAN: forbid("safety-ban", "R-403", project("R-403 T8")),
}


# --- steps 1 to 7 -----------------------------------------------------------------------------


PERSON_DECEASED: Final = forbid("person-deceased", "R-415", gdpr("recital 27"))
PERSON_ERASED: Final = forbid("person-erased", "R-316", gdpr("17(1)"))
PERSON_UNKNOWN: Final = forbid("person-unknown", "R-314", gdpr("5(2)"))
RESTRICTED: Final = forbid("restricted", "R-316", gdpr("18(2)"))
KIND_NOT_COVERED: Final = forbid("kind-not-covered", "R-101", gdpr("5(1)(b)"))
UNDER_REVIEW: Final = forbid("under-review", "R-402", gdpr("5(1)(b)"))
REQUEST_PENDING: Final = forbid("request-pending", "R-414", gdpr("21(3)"))
OBJECTED: Final = forbid("objected", "R-508", gdpr("21(3)"))


def _person(asked: Asked) -> Iterator[Reason]:  # step 1
    case = asked.case
    data = case.standing.data
    dead = data.circumstance(Circumstance.DECEASED)
    if dead:
        yield PERSON_DECEASED.on(dead.position)
    if data.erased_at is not None or case.standing.status is ConnectionStatus.ERASED:
        yield PERSON_ERASED.on(data.erased_position)
    if data.kind is None:
        yield PERSON_UNKNOWN
    for circumstance, reason in _GONE.items():
        known = data.circumstance(circumstance)
        if known is not None:
            yield reason.on(known.position)
    for restriction in case.standing.objection.restrictions:
        yield RESTRICTED.on(restriction.position)
    for request in case.standing.request.open:
        if request.right in PENDING_STOPS:
            yield REQUEST_PENDING.on(request.position)
    for objection in case.standing.objection.objections:
        if objection.purpose == asked.purpose.id:  # marketing has no overriding grounds, 21(3)
            yield OBJECTED.on(objection.position)
    kinds = asked.purpose.subjects
    if kinds and data.kind is not None and data.kind not in kinds:
        yield KIND_NOT_COVERED
    if case.standing.status is ConnectionStatus.ENDED and not asked.as_member:
        yield UNDER_REVIEW.on(case.standing.connection.position)


def _stops(asked: Asked) -> Iterator[Reason]:  # step 2
    if asked.column not in (Column.OBJECTED, Column.STOPPED):
        return
    stop = stop_for(asked.case, asked.channel, asked.purpose)
    if stop is None:  # column_of found it
        return
    generic = stop.kind is StopKind.PROHIBITION and asked.row is Row.GEN
    yield (PROHIBITED_BY_COMPANY if generic else _STOPS[stop.kind]).on(stop.position)


_STOPS: Final[Mapping[StopKind, Reason]] = {
    StopKind.OBJECTION: forbid("objected", "R-311", gdpr("21(3)")),
    StopKind.PROHIBITION: forbid("prohibited", "R-316", ecsa("200(2)")),
    StopKind.WITHDRAWAL: forbid("consent-withdrawn", "R-211", gdpr("7(3)")),
    StopKind.REFUSAL: forbid("consent-refused", "R-211", gdpr("4(11)")),
}
PROHIBITED_BY_COMPANY: Final = forbid("prohibited", "R-316", ecsa("202"))


COMPANY_PROHIBITED: Final = forbid("company-prohibited", "R-316", ecsa("202"))


def _company_stop(asked: Asked) -> Iterator[Reason]:  # step 3
    stop = company_stop_for(asked.case, asked.channel, asked.purpose)
    if stop is not None:
        yield COMPANY_PROHIBITED.on(stop.position)


SELECTED_BY_UNDECLARED: Final = forbid("selected-by-undeclared", "R-117", gdpr("5(1)(c)"))


def _closed_data(asked: Asked) -> Iterator[Reason]:  # step 4
    for field in sorted(asked.selected_by):
        tags = asked.case.register.field(field).tags
        for tag in sorted(tags & _CLOSED.keys()):
            yield _CLOSED[tag]
        if field not in asked.purpose.fields:
            yield SELECTED_BY_UNDECLARED


_CLOSED: Final[Mapping[DataTag, Reason]] = {
    DataTag.SPECIAL: forbid("closed-data-used", "R-316", gdpr("9(1)")),
    # free text may contain anything
    DataTag.FREE_TEXT: forbid("closed-data-used", "R-109", gdpr("9(1)")),
    DataTag.CRIMINAL: forbid("closed-data-used", "R-110", gdpr("10")),
    DataTag.CREDIT: forbid("closed-data-used", "R-119", credit_act("19")),
}


MINOR: Final = forbid("minor", "R-112", gdpr("recital 38"))
ADULT: Final = allow("adult", "R-112", project("R-112"))
AGE_UNKNOWN: Final = need(
    "age-unknown", "R-112", gdpr("recital 38"), missing="that the person is of age"
)


def _age(asked: Asked) -> Iterator[Reason]:  # step 5
    data = asked.case.standing.data
    minor = data.circumstance(Circumstance.MINOR)
    if minor:
        yield MINOR.on(minor.position)
        return
    adult = data.circumstance(Circumstance.ADULT)
    if asked.case.is_business or adult:
        yield ADULT.on(adult.position if adult else 0)
    else:
        yield AGE_UNKNOWN


PROSPECT_PERIOD_OVER: Final = forbid("prospect-period-over", "R-116", gdpr("5(1)(e)"))
PROSPECT_FRESH: Final = allow("prospect-fresh", "R-116", gdpr("5(1)(e)"))


def _prospect(asked: Asked) -> Iterator[Reason]:
    """A prospect who never answered is not contacted for ever (R-116, R-715)."""
    case, data = asked.case, asked.case.standing.data
    never = case.standing.status is ConnectionStatus.NONE and asked.column is not Column.GIVEN
    newest = data.last_act or data.added_at
    if never and newest is not None:
        day = civil_date(newest, case.zone)
        until = case.end_of(add_months(day, case.law.prospect_months))
        if case.at >= until:
            yield PROSPECT_PERIOD_OVER
        else:
            yield PROSPECT_FRESH.on(until=until)


NOT_IN_MARKETING_REGISTER: Final = forbid("not-in-marketing-register", "R-316", gdpr("5(1)(b)"))
REGISTER_ENTRY_EXPIRED: Final = forbid("register-entry-expired", "R-406", gdpr("5(1)(e)"))
IN_MARKETING_REGISTER: Final = allow("in-marketing-register", "R-403", gdpr("6(4)"))


def _membership(asked: Asked) -> Iterator[Reason]:  # step 7
    case = asked.case
    if asked.as_member or not case.is_former:
        return
    connection = case.standing.connection
    expires = connection.marketing_expires
    evidence = (connection.marketing_position,)
    if connection.status is not ConnectionStatus.MARKETING or expires is None:
        yield NOT_IN_MARKETING_REGISTER
    elif case.at >= case.end_of(expires):
        yield REGISTER_ENTRY_EXPIRED.on(*evidence)
    else:
        yield IN_MARKETING_REGISTER.on(*evidence, until=case.end_of(expires))


SUPPRESSED: Final = forbid("suppressed", "R-312", gdpr("21(3)"))
ROBINSON_HIT: Final = forbid("robinson-hit", "R-315", project("R-315"))
POPULATION_REGISTER_BAN: Final = forbid("population-register-ban", "R-315", gdpr("21(3)"))


def _lists(asked: Asked) -> Iterator[Reason]:  # step 8, column LIST: a hit
    looked = asked.case.suppressed
    since = looked.hits.get(asked.channel) if looked is not None else None
    if since is not None and (asked.consent is None or asked.consent.word.at <= since):
        yield SUPPRESSED
    marketing = asked.case.standing.marketing
    cell = MATRIX[asked.channel][asked.row][asked.column]
    conditions = cell.conditions if isinstance(cell, Allowed) else ()
    robinson = marketing.check(CheckedList.ROBINSON_POST)
    if "rob" in conditions and robinson and robinson.hit and asked.consent is None:
        yield ROBINSON_HIT.on(robinson.position)
    dvv = marketing.check(CheckedList.POPULATION_REGISTER)
    asked_row = asked.channel is Channel.POST or asked.row is Row.PCON
    if asked_row and from_population_register(asked) and dvv and dvv.hit:
        yield POPULATION_REGISTER_BAN.on(dvv.position)


def _cell(asked: Asked) -> Iterator[Reason]:  # step 8
    cell = MATRIX[asked.channel][asked.row][asked.column]
    evidence = (asked.consent.word.position,) if asked.consent else ()
    until = asked.consent.until if asked.consent else None
    reason = _CELL_REASONS[isinstance(cell, Allowed), cell.cite]
    yield reason.on(*evidence, until=until) if evidence else reason


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

_STEPS: Final[tuple[Callable[[Asked], Iterator[Reason]], ...]] = (
    _person,
    _stops,
    _company_stop,
    _closed_data,
    _age,
    _prospect,
    _membership,
    _lists,
    _cell,
)


def _conditions(asked: Asked) -> Iterator[Reason]:
    cell = MATRIX[asked.channel][asked.row][asked.column]
    if not isinstance(cell, Allowed):
        return
    always = ALWAYS[asked.channel] if asked.column is Column.GIVEN else ()
    for name in (*cell.conditions, *always):
        yield from CONDITIONS[name](asked)


# --- the question -------------------------------------------------------------------------------


PURPOSE_NOT_MARKETING: Final = forbid("purpose-not-marketing", "R-301", gdpr("5(1)(b)"))
CHANNEL_NOT_DECLARED: Final = forbid("channel-not-declared", "R-301", gdpr("13(1)(c)"))
CHANNEL_NOT_DECIDED: Final = need(
    "channel-not-decided", "R-316", ecsa("200"), missing="a lawyer's answer for this channel"
)


def may_contact(case: Case, question: MayContact, *, as_member: bool = False) -> Decision:
    """Decide whether a marketing message may go out on a channel (R-301 to R-331).

    Args:
        case: The person, the register, the moment.
        question: Channel and purpose.
        as_member: Decide as if the move into the marketing register were done (guard T9).

    Raises:
        UnknownPurpose, UnknownName: the register does not declare the purpose or a field.
    """
    purpose = case.purpose(question.purpose)
    channel = question.channel
    cell: str | None = None
    if not purpose.marketing:
        reasons: tuple[Reason, ...] = (PURPOSE_NOT_MARKETING,)
    elif channel not in purpose.channels:
        reasons = (CHANNEL_NOT_DECLARED,)
    elif channel not in MATRIX:
        reasons = (CHANNEL_NOT_DECIDED,)
    else:
        fields = frozenset(case.register.field(FieldId(f)).id for f in question.selected_by)
        consent = valid_consent(case, purpose.id, channel)
        given = consent is not None  # as column_of finds it, without looking a second time
        asked = Asked(
            case=case,
            channel=channel,
            purpose=purpose,
            selected_by=fields,
            relevance=relevance_of(case, purpose),
            consent=consent,
            row=row_of(case, purpose),
            column=Column.GIVEN if given else column_of(case, channel, purpose),
            as_member=as_member,
        )
        cell = cell_id(channel, asked.row, asked.column)
        reasons = _in_order(asked)
    return Decision(
        question="may_contact",
        about=case.about,
        at=case.at,
        law=case.law.id,
        reasons=reasons,
        cell=cell,
    )


def _in_order(asked: Asked) -> tuple[Reason, ...]:
    reasons: list[Reason] = []
    for step in (*_STEPS, _basis, _conditions):
        reasons.extend(step(asked))
        if any(r.outcome is Outcome.FORBIDDEN for r in reasons):
            break
    return tuple(reasons)


BASIS_IS_CONSENT: Final = forbid("basis-is-consent", "R-115", gdpr("6(1)(a)"))


def _basis(asked: Asked) -> Iterator[Reason]:
    """A purpose declared to rest on consent is not carried by an opt-out cell (R-115)."""
    if asked.purpose.basis is LegalBasis.CONSENT and asked.column is not Column.GIVEN:
        yield BASIS_IS_CONSENT


def usable_channels(case: Case, purpose: Purpose, *, as_member: bool = False) -> frozenset[Channel]:
    """Return the channels on which the person may be contacted for this purpose, now."""
    return frozenset(
        channel
        for channel in purpose.channels
        if may_contact(case, MayContact(channel=channel, purpose=purpose.id), as_member=as_member)
    )
