"""May we contact this person with marketing, on this channel, for this purpose?

Evaluated in the order of precedence (R-316), stopping at the first step that forbids: the person's
state, their stops, the company's stop, closed data, minors, membership of the marketing register,
then the cell of the matrix and its conditions. An objection beats everything earlier and everything
the controller does later; only a later valid consent of the person outranks it, for its scope and
while it lasts. Ask again when sending (R-331): a stop recorded in between wins.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import timedelta
from typing import Final, final

import attrs

from gdprkit.policy.case import FORMER, Case
from gdprkit.policy.consent import ConsentInForce, consent_problems, valid_consent
from gdprkit.policy.decisions import Decision, Outcome, Reason, allow, forbid, need
from gdprkit.policy.matrix import ALWAYS, MATRIX, Allowed, Column, Row, cell_id
from gdprkit.policy.periods import tells_marketing
from gdprkit.policy.processing import assessment_reasons
from gdprkit.register.purposes import Purpose
from gdprkit.state.connection import ConnectionStatus
from gdprkit.state.consent import ConsentStatus
from gdprkit.state.marketing import Relevance, Sale
from gdprkit.state.objection import Stop, StopKind
from gdprkit.words.citations import Citation, credit_act, ecsa, gdpr, project
from gdprkit.words.identifiers import FieldId, PurposeId
from gdprkit.words.moments import add_months, civil_date, end_of_day
from gdprkit.words.vocabulary import (
    Actor,
    Channel,
    CheckedList,
    Circumstance,
    DataTag,
    LegalBasis,
    NoticeKind,
    Right,
    SourceKind,
    SubjectKind,
)

__all__ = ["PENDING_STOPS", "MayContact", "column_of", "may_contact", "row_of", "usable_channels"]

_LIST_SOURCES: Final = frozenset(
    {SourceKind.PUBLIC_REGISTER, SourceKind.POPULATION_REGISTER, SourceKind.BOUGHT_LIST}
)


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


@final
@attrs.frozen(kw_only=True)
class _Asked:
    """The question with what every step needs: looked up once."""

    case: Case
    channel: Channel
    purpose: Purpose
    selected_by: frozenset[FieldId]
    relevance: Relevance | None
    sale: Sale | None
    consent: ConsentInForce | None
    row: Row
    column: Column
    as_member: bool  # decided as if the move into the marketing register were done (T9)


# --- row and column ---------------------------------------------------------------------------


def _relevance(case: Case, purpose: Purpose) -> Relevance | None:
    """Return the newest finding about the purpose's topics (R-307).

    A finding that offers relate must speak about all of them; that they do not, about any.
    """
    for finding in reversed(case.standing.marketing.relevance):
        if not purpose.topics & finding.topics:
            continue
        if not finding.related or purpose.topics <= finding.topics:
            return finding
    return None


def _soft_opt_in(case: Case, channel: Channel, purpose: Purpose) -> Sale | None:
    """Return the sale that completes the soft opt-in (R-303 a, b, d, f), or None.

    An offer known not to be the seller's own or not similar falls outside (condition c).
    """
    if purpose.own_products is False:
        return None
    for sale in reversed(case.standing.marketing.sales):
        similar = not purpose.product_groups or sale.product_group in purpose.product_groups
        if channel in sale.channels and sale.refusal_offered and sale.option_told and similar:
            return sale
    return None


def row_of(case: Case, purpose: Purpose) -> Row:
    """Return the row of the matrix the person stands in for this purpose (R-307, R-308)."""
    standing = case.standing
    former = standing.status in FORMER
    source = case.register.sources.get(standing.data.source) if standing.data.source else None
    listed = (
        source is not None
        and source.kind in _LIST_SOURCES
        and standing.status is ConnectionStatus.NONE
    )
    match standing.data.kind:
        case SubjectKind.GENERIC_ADDRESS:
            return Row.GEN
        case SubjectKind.COMPANY_CONTACT:
            finding = _relevance(case, purpose)
            if finding is None or not finding.related:
                return Row.B2B_U
            if former:
                return Row.FB2B
            return Row.PB2B if listed else Row.B2B_R
        case _:
            if former:
                return Row.FCON
            return Row.PCON if listed else Row.CON


def _stop_for(case: Case, channel: Channel, purpose: Purpose) -> Stop | None:
    """Return the newest stop of the person that reaches this channel and purpose.

    A withdrawn or refused marketing consent closes its channel for every purpose that rests on no
    consent (R-211). What a company says about its own people is step 3; for everybody else it is
    a third person's stop, which is honoured (0.3).
    """
    contact = case.standing.data.kind is SubjectKind.COMPANY_CONTACT
    found = [
        stop
        for stop in case.standing.objection.stops
        if stop.covers_channel(channel)
        and (
            stop.purpose in (None, purpose.id)
            or (
                stop.kind in (StopKind.WITHDRAWAL, StopKind.REFUSAL)
                and _is_marketing(case, stop.purpose)
            )
        )
        and not (contact and stop.by is Actor.COMPANY)
    ]
    objections = [s for s in found if s.kind in (StopKind.OBJECTION, StopKind.PROHIBITION)]
    return max(objections or found, key=lambda s: (s.at, s.position), default=None)


def _is_marketing(case: Case, purpose: PurposeId | None) -> bool:
    """Whether a stop's purpose is marketing; one that is no longer declared counts as it."""
    declared = case.register.purposes.get(purpose) if purpose is not None else None
    return declared is None or declared.marketing


def column_of(case: Case, channel: Channel, purpose: Purpose) -> Column:
    """Return the column: what the person said for this channel, at the moment asked about."""
    if valid_consent(case, purpose.id, channel) is not None:
        return Column.GIVEN
    stop = _stop_for(case, channel, purpose)
    if stop is not None:
        absolute = stop.kind in (StopKind.OBJECTION, StopKind.PROHIBITION)
        return Column.OBJECTED if absolute else Column.STOPPED
    return Column.SOFT if _soft_opt_in(case, channel, purpose) else Column.NEVER


# --- steps 1 to 7 -----------------------------------------------------------------------------


def _person(asked: _Asked) -> Iterator[Reason]:  # step 1
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


def _stops(asked: _Asked) -> Iterator[Reason]:  # step 2
    if asked.column not in (Column.OBJECTED, Column.STOPPED):
        return
    stop = _stop_for(asked.case, asked.channel, asked.purpose)
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


def _company_stop(asked: _Asked) -> Iterator[Reason]:  # step 3
    if asked.row not in (Row.B2B_R, Row.B2B_U, Row.FB2B, Row.PB2B):
        return
    word = asked.case.standing.consent.word(asked.purpose.id, asked.channel)
    by_company = (
        word is not None
        and word.status is ConsentStatus.GIVEN
        and word.evidence is not None
        and word.evidence.actor is Actor.COMPANY
        # a company's word is never its staff's consent, but it lifts its own stop
        and {r.code for r in consent_problems(asked.case, word)} <= {"consent-not-by-the-person"}
    )
    for stop in asked.case.standing.objection.stops:
        if stop.by is Actor.COMPANY and stop.covers(asked.channel, asked.purpose.id):
            lifted = by_company and word is not None and word.at > stop.at
            if not lifted:
                yield forbid("company-prohibited", "R-316", ecsa("202"), evidence=(stop.position,))


def _closed_data(asked: _Asked) -> Iterator[Reason]:  # step 4
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


def _age(asked: _Asked) -> Iterator[Reason]:  # step 5
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


def _prospect(asked: _Asked) -> Iterator[Reason]:
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


def _membership(asked: _Asked) -> Iterator[Reason]:  # step 7
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


def _lists(asked: _Asked) -> Iterator[Reason]:  # step 8, column LIST: a hit
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
    if asked_row and _from_population_register(asked) and dvv and dvv.hit:
        yield forbid("population-register-ban", "R-315", gdpr("21(3)"), evidence=(dvv.position,))


def _cell(asked: _Asked) -> Iterator[Reason]:  # step 8
    cell = MATRIX[asked.channel][asked.row][asked.column]
    code = "cell-allows" if isinstance(cell, Allowed) else "cell-forbids"
    make = allow if isinstance(cell, Allowed) else forbid
    evidence = (asked.consent.word.position,) if asked.consent else ()
    until = asked.consent.until if asked.consent else None
    yield make(code, "R-316", cell.cite, evidence=evidence, until=until)


_STEPS: Final[tuple[Callable[[_Asked], Iterator[Reason]], ...]] = (
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


# --- step 9: the conditions of the cell ---------------------------------------------------------


def _optout(asked: _Asked) -> Iterator[Reason]:
    if asked.purpose.opt_out:
        yield allow("opt-out-offered", "R-309", ecsa("200(3)"))
    else:
        yield need(
            "opt-out-not-offered", "R-309", ecsa("200(3)"), missing="an opt-out in each message"
        )


def _identified(asked: _Asked) -> Iterator[Reason]:
    if asked.purpose.identified:
        yield allow("sender-identified", "R-309", ecsa("203"))
    else:
        yield need(
            "sender-not-identified",
            "R-309",
            ecsa("203"),
            missing="messages recognisable as marketing that name the sender",
        )


def _own(asked: _Asked) -> Iterator[Reason]:
    if asked.purpose.own_products:
        yield allow("own-similar-products", "R-303", ecsa("200(3)"))
    else:
        yield need(
            "products-not-shown-own",
            "R-303",
            ecsa("200(3)"),
            missing="that the offer is the seller's own and similar",
        )


def _duty(asked: _Asked) -> Iterator[Reason]:
    finding = asked.relevance
    if finding is None:
        yield need("duty-unknown", "R-307", ecsa("202"), missing="evidence of the contact's duties")
    elif finding.thin:
        yield need(
            "duty-evidence-thin",
            "R-307",
            ecsa("202"),
            missing="evidence of duties beyond a job title",
            evidence=(finding.position,),
        )
    else:
        yield allow("duty-related", "R-307", ecsa("202"), evidence=(finding.position,))


def _lia(asked: _Asked) -> Iterator[Reason]:
    former = asked.row in (Row.FCON, Row.FB2B) or asked.case.is_former
    yield from assessment_reasons(asked.case, asked.purpose, former=former)


def _notice(asked: _Asked) -> Iterator[Reason]:
    told = marketing_notice(asked.case)
    if told:
        yield allow("notice-given", "R-313", gdpr("13(1)(d)"), evidence=(told,))
    else:
        yield need(
            "notice-not-given",
            "R-313",
            gdpr("21(4)"),
            missing="a notice naming marketing, the interest and, apart, the right to object",
        )


def marketing_notice(case: Case) -> int | None:
    """Return the entry of a notice that named marketing, interest and right to object, or None."""
    for given in case.standing.notice.given:
        notice = case.register.notices.get(given.notice)
        if notice is not None and tells_marketing(notice):
            return given.position
    return None


def _a14(asked: _Asked) -> Iterator[Reason]:
    for given in asked.case.standing.notice.given:
        notice = asked.case.register.notices.get(given.notice)
        source = asked.case.standing.data.source
        names_it = notice is not None and (source is None or source in notice.sources)
        if notice is not None and notice.kind is NoticeKind.INDIRECT and names_it:
            yield allow("notice-given", "R-313", gdpr("14"), evidence=(given.position,))
            return
    yield need(
        "source-notice-not-given",
        "R-314",
        gdpr("14(3)(b)"),
        missing="a notice under Art. 14 naming the source",
    )


def _src(asked: _Asked) -> Iterator[Reason]:
    data = asked.case.standing.data
    if data.source is not None and data.source in asked.case.register.sources:
        yield allow("source-known", "R-314", gdpr("14(2)(f)"), evidence=(data.added_position,))
    else:
        yield need("source-unknown", "R-314", gdpr("14(2)(f)"), missing="the source of the data")


def _mreg(_asked: _Asked) -> Iterator[Reason]:
    yield from ()  # met: step 7 forbids where it is not


def _soft_age(asked: _Asked) -> Iterator[Reason]:
    ended = asked.case.standing.connection.ended_on
    if ended is None:
        yield need("end-unknown", "R-303", ecsa("200(3)"), missing="when the relation ended")
        return
    last = asked.case.end_of(add_months(ended, asked.case.law.soft_opt_in_months))
    if asked.case.at < last:
        yield allow("soft-opt-in-fresh", "R-303", ecsa("200(3)"), until=last)
    else:
        yield need("soft-opt-in-too-old", "R-303", ecsa("200(3)"), missing="consent of the person")


def _fresh(asked: _Asked, which: CheckedList, word: str) -> Iterator[Reason]:
    check = asked.case.standing.marketing.check(which)
    until = None
    if check is not None:
        days = asked.case.law.list_check_days
        day = check.at.astimezone(asked.case.zone).date()
        until = end_of_day(day + timedelta(days=days), asked.case.zone)
    if check is not None and until is not None and asked.case.at < until:
        yield allow(
            f"{word}-checked", "R-315", project("R-315"), evidence=(check.position,), until=until
        )
    else:
        yield need(
            f"{word}-not-checked", "R-315", project("R-315"), missing=f"a fresh check of {which}"
        )


def _rob(asked: _Asked) -> Iterator[Reason]:
    yield from _fresh(asked, CheckedList.ROBINSON_POST, "robinson")


def _from_population_register(asked: _Asked) -> bool:
    sources = asked.case.register.sources
    ids = {asked.case.standing.data.source, *(v.source for v in asked.case.standing.data.values)}
    return any(
        sources[s].kind is SourceKind.POPULATION_REGISTER
        for s in ids
        if s is not None and s in sources
    )


def _dvv(asked: _Asked) -> Iterator[Reason]:
    if _from_population_register(asked):
        yield from _fresh(asked, CheckedList.POPULATION_REGISTER, "population-register")


_CONDITIONS: Final[Mapping[str, Callable[[_Asked], Iterator[Reason]]]] = {
    "optout": _optout,
    "id": _identified,
    "own": _own,
    "duty": _duty,
    "lia": _lia,
    "notice": _notice,
    "a14": _a14,
    "src": _src,
    "mreg": _mreg,
    "age": _soft_age,
    "rob": _rob,
    "dvv": _dvv,
}


def _conditions(asked: _Asked) -> Iterator[Reason]:
    cell = MATRIX[asked.channel][asked.row][asked.column]
    if not isinstance(cell, Allowed):
        return
    always = ALWAYS[asked.channel] if asked.column is Column.GIVEN else ()
    for name in (*cell.conditions, *always):
        yield from _CONDITIONS[name](asked)


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
        asked = _Asked(
            case=case,
            channel=channel,
            purpose=purpose,
            selected_by=fields,
            relevance=_relevance(case, purpose),
            sale=_soft_opt_in(case, channel, purpose),
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


def _in_order(asked: _Asked) -> tuple[Reason, ...]:
    reasons: list[Reason] = []
    for step in (*_STEPS, _basis, _conditions):
        reasons.extend(step(asked))
        if any(r.outcome is Outcome.FORBIDDEN for r in reasons):
            break
    return tuple(reasons)


def _basis(asked: _Asked) -> Iterator[Reason]:
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
