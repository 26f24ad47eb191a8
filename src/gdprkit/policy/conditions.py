"""The conditions that cells of the marketing matrix name, one rule each (step 9 of R-316).

A condition that is not shown to hold gives NEEDS and says what is missing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from typing import Final

from gdprkit.policy.case import Case
from gdprkit.policy.decisions import Reason, allow, need
from gdprkit.policy.matrix import Row
from gdprkit.policy.periods import tells_marketing
from gdprkit.policy.placing import Asked
from gdprkit.policy.processing import assessment_reasons
from gdprkit.words.citations import ecsa, gdpr, project
from gdprkit.words.moments import add_months, end_of_day
from gdprkit.words.vocabulary import (
    CheckedList,
    NoticeKind,
    SourceKind,
)

__all__ = ["CONDITIONS", "from_population_register", "marketing_notice"]


def _optout(asked: Asked) -> Iterator[Reason]:
    if asked.purpose.opt_out:
        yield allow("opt-out-offered", "R-309", ecsa("200(3)"))
    else:
        yield need(
            "opt-out-not-offered", "R-309", ecsa("200(3)"), missing="an opt-out in each message"
        )


def _identified(asked: Asked) -> Iterator[Reason]:
    if asked.purpose.identified:
        yield allow("sender-identified", "R-309", ecsa("203"))
    else:
        yield need(
            "sender-not-identified",
            "R-309",
            ecsa("203"),
            missing="messages recognisable as marketing that name the sender",
        )


def _own(asked: Asked) -> Iterator[Reason]:
    if asked.purpose.own_products:
        yield allow("own-similar-products", "R-303", ecsa("200(3)"))
    else:
        yield need(
            "products-not-shown-own",
            "R-303",
            ecsa("200(3)"),
            missing="that the offer is the seller's own and similar",
        )


def _duty(asked: Asked) -> Iterator[Reason]:
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


def _lia(asked: Asked) -> Iterator[Reason]:
    former = asked.row in (Row.FCON, Row.FB2B) or asked.case.is_former
    yield from assessment_reasons(asked.case, asked.purpose, former=former)


def _notice(asked: Asked) -> Iterator[Reason]:
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


def _a14(asked: Asked) -> Iterator[Reason]:
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


def _src(asked: Asked) -> Iterator[Reason]:
    data = asked.case.standing.data
    if data.source is not None and data.source in asked.case.register.sources:
        yield allow("source-known", "R-314", gdpr("14(2)(f)"), evidence=(data.added_position,))
    else:
        yield need("source-unknown", "R-314", gdpr("14(2)(f)"), missing="the source of the data")


def _mreg(_asked: Asked) -> Iterator[Reason]:
    yield from ()  # met: step 7 forbids where it is not


def _soft_age(asked: Asked) -> Iterator[Reason]:
    ended = asked.case.standing.connection.ended_on
    if ended is None:
        yield need("end-unknown", "R-303", ecsa("200(3)"), missing="when the relation ended")
        return
    last = asked.case.end_of(add_months(ended, asked.case.law.soft_opt_in_months))
    if asked.case.at < last:
        yield allow("soft-opt-in-fresh", "R-303", ecsa("200(3)"), until=last)
    else:
        yield need("soft-opt-in-too-old", "R-303", ecsa("200(3)"), missing="consent of the person")


def _fresh(asked: Asked, which: CheckedList, word: str) -> Iterator[Reason]:
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


def _rob(asked: Asked) -> Iterator[Reason]:
    yield from _fresh(asked, CheckedList.ROBINSON_POST, "robinson")


def from_population_register(asked: Asked) -> bool:
    """Whether data of the person came from the population register, whose ban then binds."""
    sources = asked.case.register.sources
    ids = {asked.case.standing.data.source, *(v.source for v in asked.case.standing.data.values)}
    return any(
        sources[s].kind is SourceKind.POPULATION_REGISTER
        for s in ids
        if s is not None and s in sources
    )


def _dvv(asked: Asked) -> Iterator[Reason]:
    if from_population_register(asked):
        yield from _fresh(asked, CheckedList.POPULATION_REGISTER, "population-register")


CONDITIONS: Final[Mapping[str, Callable[[Asked], Iterator[Reason]]]] = {
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
