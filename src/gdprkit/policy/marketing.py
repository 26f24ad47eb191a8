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
_GONE: Final = (
    Circumstance.LEFT_ROLE,
    Circumstance.ADDRESS_DEAD,
    Circumstance.SAFETY_BAN,
)


# --- steps 1 to 7 -----------------------------------------------------------------------------


def _person(asked: Asked) -> Iterator[Reason]:  # step 1
    case = asked.case
    data = case.standing.data
    dead = data.circumstance(Circumstance.DECEASED)
    if dead:
        yield forbid("person-deceased", "R-415", gdpr("recital 27"), evidence=(dead.position,))
    if data.erased_at is not None or case.standing.status is ConnectionStatus.ERASED:
        yield forbid("person-erased", "R-316", gdpr("17(1)"), evidence=(data.erased_position,))
    if data.kind is None:
        yield forbid("person-unknown", "R-314", gdpr("5(2)"))
    for circumstance in _GONE:
        known = data.circumstance(circumstance)
        if known is not None:
            yield forbid(circumstance.value, "R-417", gdpr("5(1)(d)"), evidence=(known.position,))
    for restriction in case.standing.objection.restrictions:
        yield forbid("restricted", "R-316", gdpr("18(2)"), evidence=(restriction.position,))
    for request in case.standing.request.open:
        if request.right in PENDING_STOPS:
            yield forbid("request-pending", "R-414", gdpr("21(3)"), evidence=(request.position,))
    for objection in case.standing.objection.objections:
        if objection.purpose == asked.purpose.id:  # marketing has no overriding grounds, 21(3)
            yield forbid("objected", "R-508", gdpr("21(3)"), evidence=(objection.position,))
    kinds = asked.purpose.subjects
    if kinds and data.kind is not None and data.kind not in kinds:
        yield forbid("kind-not-covered", "R-101", gdpr("5(1)(b)"))
    if case.standing.status is ConnectionStatus.ENDED and not asked.as_member:
        yield forbid(
            "under-review", "R-402", gdpr("5(1)(b)"), evidence=(case.standing.connection.position,)
        )


def _stops(asked: Asked) -> Iterator[Reason]:  # step 2
    if asked.column not in (Column.OBJECTED, Column.STOPPED):
        return
    stop = stop_for(asked.case, asked.channel, asked.purpose)
    if stop is None:  # column_of found it
        return
    code, rule, cite = _STOP_WORDS[stop.kind]
    if stop.kind is StopKind.PROHIBITION and asked.row is Row.GEN:
        cite = ecsa("202")
    yield forbid(code, rule, cite, evidence=(stop.position,))


_STOP_WORDS: Final[Mapping[StopKind, tuple[str, str, Citation]]] = {
    StopKind.OBJECTION: ("objected", "R-311", gdpr("21(3)")),
    StopKind.PROHIBITION: ("prohibited", "R-316", ecsa("200(2)")),
    StopKind.WITHDRAWAL: ("consent-withdrawn", "R-211", gdpr("7(3)")),
    StopKind.REFUSAL: ("consent-refused", "R-211", gdpr("4(11)")),
}


def _company_stop(asked: Asked) -> Iterator[Reason]:  # step 3
    stop = company_stop_for(asked.case, asked.channel, asked.purpose)
    if stop is not None:
        yield forbid("company-prohibited", "R-316", ecsa("202"), evidence=(stop.position,))


def _closed_data(asked: Asked) -> Iterator[Reason]:  # step 4
    for field in sorted(asked.selected_by):
        tags = asked.case.register.field(field).tags
        for tag in sorted(tags & _CLOSED.keys()):
            yield forbid("closed-data-used", "R-316", _CLOSED[tag])
        if field not in asked.purpose.fields:
            yield forbid("selected-by-undeclared", "R-117", gdpr("5(1)(c)"))


_CLOSED: Final[Mapping[DataTag, Citation]] = {
    DataTag.SPECIAL: gdpr("9(1)"),
    DataTag.FREE_TEXT: gdpr("9(1)"),  # may contain anything
    DataTag.CRIMINAL: gdpr("10"),
    DataTag.CREDIT: credit_act("19"),
}


def _age(asked: Asked) -> Iterator[Reason]:  # step 5
    data = asked.case.standing.data
    minor = data.circumstance(Circumstance.MINOR)
    if minor:
        yield forbid("minor", "R-112", gdpr("recital 38"), evidence=(minor.position,))
        return
    adult = data.circumstance(Circumstance.ADULT)
    if asked.case.is_business or adult:
        yield allow("adult", "R-112", project("R-112"), evidence=(adult.position if adult else 0,))
    else:
        yield need("age-unknown", "R-112", gdpr("recital 38"), missing="that the person is of age")


def _prospect(asked: Asked) -> Iterator[Reason]:
    """A prospect who never answered is not contacted for ever (R-116, R-715)."""
    case, data = asked.case, asked.case.standing.data
    never = case.standing.status is ConnectionStatus.NONE and asked.column is not Column.GIVEN
    newest = data.last_act or data.added_at
    if never and newest is not None:
        day = civil_date(newest, case.zone)
        until = case.end_of(add_months(day, case.law.prospect_months))
        if case.at >= until:
            yield forbid("prospect-period-over", "R-116", gdpr("5(1)(e)"))
        else:
            yield allow("prospect-fresh", "R-116", gdpr("5(1)(e)"), until=until)


def _membership(asked: Asked) -> Iterator[Reason]:  # step 7
    case = asked.case
    if asked.as_member or not case.is_former:
        return
    connection = case.standing.connection
    expires = connection.marketing_expires
    evidence = (connection.marketing_position,)
    if connection.status is not ConnectionStatus.MARKETING or expires is None:
        yield forbid("not-in-marketing-register", "R-316", gdpr("5(1)(b)"))
    elif case.at >= case.end_of(expires):
        yield forbid("register-entry-expired", "R-406", gdpr("5(1)(e)"), evidence=evidence)
    else:
        yield allow(
            "in-marketing-register",
            "R-403",
            gdpr("6(4)"),
            evidence=evidence,
            until=case.end_of(expires),
        )


def _lists(asked: Asked) -> Iterator[Reason]:  # step 8, column LIST: a hit
    looked = asked.case.suppressed
    since = looked.hits.get(asked.channel) if looked is not None else None
    if since is not None and (asked.consent is None or asked.consent.word.at <= since):
        yield forbid("suppressed", "R-312", gdpr("21(3)"))
    marketing = asked.case.standing.marketing
    cell = MATRIX[asked.channel][asked.row][asked.column]
    conditions = cell.conditions if isinstance(cell, Allowed) else ()
    robinson = marketing.check(CheckedList.ROBINSON_POST)
    if "rob" in conditions and robinson and robinson.hit and asked.consent is None:
        yield forbid("robinson-hit", "R-315", project("R-315"), evidence=(robinson.position,))
    dvv = marketing.check(CheckedList.POPULATION_REGISTER)
    asked_row = asked.channel is Channel.POST or asked.row is Row.PCON
    if asked_row and from_population_register(asked) and dvv and dvv.hit:
        yield forbid("population-register-ban", "R-315", gdpr("21(3)"), evidence=(dvv.position,))


def _cell(asked: Asked) -> Iterator[Reason]:  # step 8
    cell = MATRIX[asked.channel][asked.row][asked.column]
    code = "cell-allows" if isinstance(cell, Allowed) else "cell-forbids"
    make = allow if isinstance(cell, Allowed) else forbid
    evidence = (asked.consent.word.position,) if asked.consent else ()
    until = asked.consent.until if asked.consent else None
    yield make(code, "R-316", cell.cite, evidence=evidence, until=until)


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
        reasons: tuple[Reason, ...] = (forbid("purpose-not-marketing", "R-301", gdpr("5(1)(b)")),)
    elif channel not in purpose.channels:
        reasons = (forbid("channel-not-declared", "R-301", gdpr("13(1)(c)")),)
    elif channel not in MATRIX:
        reasons = (
            need(
                "channel-not-decided",
                "R-316",
                ecsa("200"),
                missing="a lawyer's answer for this channel",
            ),
        )
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


def _basis(asked: Asked) -> Iterator[Reason]:
    """A purpose declared to rest on consent is not carried by an opt-out cell (R-115)."""
    if asked.purpose.basis is LegalBasis.CONSENT and asked.column is not Column.GIVEN:
        yield forbid("basis-is-consent", "R-115", gdpr("6(1)(a)"))


def usable_channels(case: Case, purpose: Purpose, *, as_member: bool = False) -> frozenset[Channel]:
    """Return the channels on which the person may be contacted for this purpose, now."""
    return frozenset(
        channel
        for channel in purpose.channels
        if may_contact(case, MayContact(channel=channel, purpose=purpose.id), as_member=as_member)
    )
