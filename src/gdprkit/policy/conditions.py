"""The conditions that cells of the marketing matrix name, one rule each (step 9 of R-316).

A condition that is not shown to hold gives NEEDS and says what is missing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, time, timedelta
from typing import Final, final

import attrs

from gdprkit.policy.basis import assessment_reasons
from gdprkit.policy.case import Case
from gdprkit.policy.decisions import Outcome, Reason, allow, need
from gdprkit.policy.matrix import Column, Row
from gdprkit.policy.periods import tells_marketing
from gdprkit.policy.placing import Asked, is_listed
from gdprkit.words.citations import ecsa, gdpr, ksl, project
from gdprkit.words.holidays import calendar
from gdprkit.words.moments import add_months, civil_date
from gdprkit.words.vocabulary import Channel, CheckedList, NoticeKind, SourceKind

__all__ = ["CONDITIONS", "from_population_register", "marketing_notice", "next_call_hours"]


#: Who may say no by it: own customers, organisations, and whoever gets a message (R-303, R-306).
_OPT_OUT: Final = (ecsa("200(3)"), ecsa("202"), ecsa("203"))
OPT_OUT_OFFERED: Final = {c: allow("opt-out-offered", "R-309", c) for c in _OPT_OUT}
OPT_OUT_NOT_OFFERED: Final = {
    c: need("opt-out-not-offered", "R-309", c, missing="an opt-out in each message")
    for c in _OPT_OUT
}


def _optout(asked: Asked) -> Iterator[Reason]:
    customer, organisation, anybody = _OPT_OUT
    if asked.column is Column.GIVEN:
        cite = anybody
    else:
        cite = organisation if asked.row in _ORGANISATIONS else customer
    yield (OPT_OUT_OFFERED if asked.purpose.opt_out else OPT_OUT_NOT_OFFERED)[cite]


_ORGANISATIONS: Final = frozenset({Row.B2B_R, Row.GEN, Row.FB2B, Row.PB2B})


SENDER_IDENTIFIED: Final = allow("sender-identified", "R-309", ecsa("203"))
SENDER_NOT_IDENTIFIED: Final = need(
    "sender-not-identified",
    "R-309",
    ecsa("203"),
    missing="messages recognisable as marketing that name the sender",
)


CALLER_IDENTIFIED: Final = allow("caller-identified", "R-310", ksl("6"))
CALLER_NOT_IDENTIFIED: Final = need(
    "caller-not-identified",
    "R-310",
    ksl("6"),
    missing="calls that begin with the name and the commercial purpose",
)


def _identified(asked: Asked) -> Iterator[Reason]:
    if asked.channel is Channel.PHONE:
        yield CALLER_IDENTIFIED if asked.purpose.identified else CALLER_NOT_IDENTIFIED
    elif asked.purpose.identified:
        yield SENDER_IDENTIFIED
    else:
        yield SENDER_NOT_IDENTIFIED


WRITTEN_CONFIRMATION: Final = allow("written-confirmation", "R-310", ksl("6:11a"))
NO_WRITTEN_CONFIRMATION: Final = need(
    "no-written-confirmation",
    "R-310",
    ksl("6:11a"),
    missing="a written offer and its written acceptance before a contract",
)


def _written(asked: Asked) -> Iterator[Reason]:
    if asked.purpose.written_confirmation:
        yield WRITTEN_CONFIRMATION
    else:
        yield NO_WRITTEN_CONFIRMATION


IN_CALL_HOURS: Final = allow("in-call-hours", "R-310", project("R-310"))
OUTSIDE_CALL_HOURS: Final = need(
    "outside-call-hours", "R-310", project("R-310"), missing="the call hours of a working day"
)


def _time(asked: Asked) -> Iterator[Reason]:
    """Calls to consumers in the hours set, never on a public holiday; when the move is weighed, the
    hour of the review says nothing.
    """
    if asked.as_member:
        return
    begins, ends = next_call_hours(asked.case)
    if begins <= asked.case.at:
        yield IN_CALL_HOURS.on(until=ends)
    else:
        yield OUTSIDE_CALL_HOURS.on(until=begins)


def next_call_hours(case: Case) -> tuple[datetime, datetime]:
    """Return the call hours that run now or come next: from, inclusive, until, exclusive; UTC.

    A public holiday has none, an eve those of its weekday (R-310, 0.3). Hours are those of the
    controller's zone.
    """
    law, free = case.law, calendar(case.register.controller.holidays.removesuffix("+eves"))
    hours = {
        **dict.fromkeys(range(_SATURDAY), (law.call_weekday_from, law.call_weekday_until)),
        _SATURDAY: (law.call_saturday_from, law.call_saturday_until),
    }
    day = case.today
    while True:
        if day.weekday() in hours and not free.is_holiday(day):
            begins, ends = (
                datetime.combine(day, time(hour), tzinfo=case.zone).astimezone(UTC)
                for hour in hours[day.weekday()]
            )
            if case.at < ends:
                return begins, ends
        day += timedelta(days=1)


_SATURDAY: Final = 5


OWN_SIMILAR_PRODUCTS: Final = allow("own-similar-products", "R-303", ecsa("200(3)"))
PRODUCTS_NOT_SHOWN_OWN: Final = need(
    "products-not-shown-own",
    "R-303",
    ecsa("200(3)"),
    missing="that the offer is the seller's own and similar",
)


def _own(asked: Asked) -> Iterator[Reason]:
    if asked.purpose.own_products:
        yield OWN_SIMILAR_PRODUCTS
    else:
        yield PRODUCTS_NOT_SHOWN_OWN


DUTY_UNKNOWN: Final = need(
    "duty-unknown", "R-307", ecsa("202"), missing="evidence of the contact's duties"
)
DUTY_EVIDENCE_THIN: Final = need(
    "duty-evidence-thin", "R-307", ecsa("202"), missing="evidence of duties beyond a job title"
)
DUTY_RELATED: Final = allow("duty-related", "R-307", ecsa("202"))


def _duty(asked: Asked) -> Iterator[Reason]:
    finding = asked.relevance
    if finding is None:
        yield DUTY_UNKNOWN
    elif finding.thin:
        yield DUTY_EVIDENCE_THIN.on(finding.position)
    else:
        yield DUTY_RELATED.on(finding.position)


#: For the cell a failed assessment is a condition unmet (0.3); the processing itself it forbids.
ASSESSMENT_FAILED: Final = need(
    "assessment-failed", "R-105", gdpr("6(1)(f)"), missing="an assessment that passes"
)


def _lia(asked: Asked) -> Iterator[Reason]:
    """Marketing may be a legitimate interest, never by itself: an assessment says so (R-107)."""
    former = asked.case.is_former
    for reason in assessment_reasons(asked.case, asked.purpose, former=former):
        yield ASSESSMENT_FAILED if reason.outcome is Outcome.FORBIDDEN else reason


NOTICE_GIVEN: Final = allow("notice-given", "R-313", gdpr("13(1)(d)"))
NOTICE_NOT_GIVEN: Final = need(
    "notice-not-given",
    "R-313",
    gdpr("21(4)"),
    missing="a notice naming marketing, the interest and, apart, the right to object",
)


def _notice(asked: Asked) -> Iterator[Reason]:
    if asked.row is Row.B2B_U and is_listed(asked.case, asked.status):
        yield from _a14(asked)  # a prospect: their data came from elsewhere (0.3)
        return
    told = marketing_notice(asked.case)
    if told:
        yield NOTICE_GIVEN.on(told)
    else:
        yield NOTICE_NOT_GIVEN


def marketing_notice(case: Case) -> int | None:
    """Return the entry of a notice that named marketing, interest and right to object, or None."""
    for given in case.standing.notice.given:
        notice = case.register.notices.get(given.notice)
        if notice is not None and tells_marketing(notice):
            return given.position
    return None


SOURCE_NOTICE_NOT_GIVEN: Final = need(
    "source-notice-not-given",
    "R-314",
    gdpr("14(3)(b)"),
    missing="a notice under Art. 14 naming the source",
)
SOURCE_NOTICE_GIVEN: Final = allow("notice-given", "R-313", gdpr("14"))


def _a14(asked: Asked) -> Iterator[Reason]:
    source = asked.case.standing.data.source
    for given in asked.case.standing.notice.given:
        notice = asked.case.register.notices.get(given.notice)
        if notice is None or notice.kind is not NoticeKind.INDIRECT:
            continue
        if source in notice.sources:  # an unknown source was named by none
            yield SOURCE_NOTICE_GIVEN.on(given.position)
            return
    yield SOURCE_NOTICE_NOT_GIVEN


SOURCE_KNOWN: Final = allow("source-known", "R-314", gdpr("14(2)(f)"))
SOURCE_UNKNOWN: Final = need(
    "source-unknown", "R-314", gdpr("14(2)(f)"), missing="the source of the data"
)
LIST_UNPROVED: Final = need(
    "list-unproved", "R-319", gdpr("5(1)(a)"), missing="proof of the list's lawful source"
)


def _src(asked: Asked) -> Iterator[Reason]:
    data = asked.case.standing.data
    source = asked.case.register.sources.get(data.source) if data.source is not None else None
    if source is None:
        yield SOURCE_UNKNOWN
    elif source.kind is SourceKind.BOUGHT_LIST and source.evidence is None:
        yield LIST_UNPROVED.on(data.added_position)
    else:
        yield SOURCE_KNOWN.on(data.added_position)


def _mreg(_asked: Asked) -> Iterator[Reason]:
    yield from ()  # met: step 7 forbids where it is not


END_UNKNOWN: Final = need("end-unknown", "R-303", ecsa("200(3)"), missing="when the relation ended")
SOFT_OPT_IN_FRESH: Final = allow("soft-opt-in-fresh", "R-303", ecsa("200(3)"))
SOFT_OPT_IN_TOO_OLD: Final = need(
    "soft-opt-in-too-old", "R-303", ecsa("200(3)"), missing="consent of the person"
)


def _soft_age(asked: Asked) -> Iterator[Reason]:
    ended = asked.case.standing.connection.ended_on
    if ended is None:
        yield END_UNKNOWN
        return
    last = asked.case.end_of(add_months(ended, asked.case.law.soft_opt_in_months))
    if asked.case.at < last:
        yield SOFT_OPT_IN_FRESH.on(until=last)
    else:
        yield SOFT_OPT_IN_TOO_OLD


@final
@attrs.frozen
class _ListWords:
    """What is said about one list: looked into lately, or not."""

    checked: Reason
    stale: Reason


_ROBINSON: Final = _ListWords(
    allow("robinson-checked", "R-315", project("R-315")),
    need(
        "robinson-not-checked",
        "R-315",
        project("R-315"),
        missing="a fresh check of the Robinson list",
    ),
)
_POPULATION: Final = _ListWords(
    allow("population-register-checked", "R-315", project("R-315")),
    need(
        "population-register-not-checked",
        "R-315",
        project("R-315"),
        missing="a fresh check of the population register's marketing ban",
    ),
)


def _fresh(asked: Asked, which: CheckedList, words: _ListWords) -> Iterator[Reason]:
    check = asked.case.standing.marketing.check(which)
    if check is not None:
        day = civil_date(check.at, asked.case.zone)
        until = asked.case.end_of(day + timedelta(days=asked.case.law.list_check_days))
        if asked.case.at < until:
            yield words.checked.on(check.position, until=until)
            return
    yield words.stale


def _rob(asked: Asked) -> Iterator[Reason]:
    calls = asked.channel is Channel.PHONE
    which = CheckedList.ROBINSON_PHONE if calls else CheckedList.ROBINSON_POST
    yield from _fresh(asked, which, _ROBINSON)


def from_population_register(asked: Asked) -> bool:
    """Whether data of the person came from the population register, whose ban then binds."""
    sources = asked.case.register.sources
    ids = {asked.case.standing.data.source, *(v.source for v in asked.case.standing.data.values)}
    return any(
        source.kind is SourceKind.POPULATION_REGISTER
        for name in ids
        if name is not None and (source := sources.get(name)) is not None
    )


def _dvv(asked: Asked) -> Iterator[Reason]:
    if from_population_register(asked):
        yield from _fresh(asked, CheckedList.POPULATION_REGISTER, _POPULATION)


CONDITIONS: Final[Mapping[str, Callable[[Asked], Iterator[Reason]]]] = {
    "optout": _optout,
    "id": _identified,
    "time": _time,
    "ksl": _written,
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
