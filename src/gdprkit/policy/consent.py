"""Is a consent valid, and is it in force for a purpose and channel?

Validity comes from evidence (R-201 to R-209); what was implied is never valid (R-202, R-203). A
consent in force is valid, the newest word for its scope, not outranked by a stop of the same or a
later moment, and not expired. Withdrawal never acts backwards: asking about an earlier moment
folds the line up to that moment.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Final, final

import attrs

from gdprkit.facts.consent import ConsentEvidence
from gdprkit.policy.case import Case
from gdprkit.policy.decisions import Decision, Reason, allow, forbid, need
from gdprkit.state.consent import ConsentStatus, ConsentWord
from gdprkit.state.objection import Stop, StopKind
from gdprkit.words.citations import edpb, gdpr
from gdprkit.words.identifiers import PurposeId
from gdprkit.words.moments import add_months, civil_date
from gdprkit.words.vocabulary import Actor, Channel, Circumstance, ConsentMethod, SubjectKind

__all__ = [
    "ConsentInForce",
    "consent_expires",
    "consent_in_force",
    "consent_problems",
    "newest_stop",
    "valid_consent",
]

_Check = Callable[[ConsentEvidence], bool]

#: code -> (rule, article, what makes the evidence fail). The whole of validity, in one table.
_VALIDITY: Final[dict[str, tuple[str, str, _Check]]] = {
    "consent-not-affirmative": ("R-202", "4(11)", lambda e: not e.method.is_affirmative),
    "consent-pre-ticked": ("R-202", "4(11)", lambda e: not e.default_off),
    "consent-not-by-the-person": (
        "R-219",
        "4(11)",
        lambda e: e.actor in (Actor.THIRD_PERSON, Actor.COMPANY, Actor.CONTROLLER),
    ),
    "consent-conditional": (
        "R-206",
        "7(4)",
        lambda e: e.conditional_on_service and not e.necessary_for_service,
    ),
    "consent-not-separate": ("R-208", "7(2)", lambda e: not e.separate),
    "consent-withdrawal-not-told": ("R-209", "7(3)", lambda e: not e.withdrawal_told),
    "consent-unconfirmed": (
        "R-216",
        "7(1)",
        lambda e: e.method is ConsentMethod.DOUBLE_OPT_IN and not e.proof,
    ),
}


@final
@attrs.frozen(kw_only=True)
class ConsentInForce:
    """A consent that counts at the moment asked about, and until when."""

    word: ConsentWord
    until: datetime


def consent_problems(case: Case, evidence: ConsentEvidence | None) -> tuple[Reason, ...]:
    """Return why the evidence does not make a valid consent; empty when it does (R-201)."""
    if evidence is None:
        return (forbid("consent-unproved", "R-201", gdpr("7(1)")),)
    found = [
        forbid(code, rule, gdpr(article))
        for code, (rule, article, fails) in _VALIDITY.items()
        if fails(evidence)
        and not (code == "consent-not-by-the-person" and _for_company(case, evidence))
    ]
    notice = case.register.notices.get(evidence.notice)
    if notice is None:
        found.append(forbid("consent-notice-unknown", "R-205", gdpr("7(1)")))
    elif notice.sha256 and notice.sha256 != evidence.notice_sha256:
        found.append(forbid("consent-notice-differs", "R-205", gdpr("7(1)")))
    minor = case.standing.data.circumstance(Circumstance.MINOR)
    if minor and evidence.actor is not Actor.GUARDIAN:
        found.append(forbid("consent-of-a-minor", "R-112", gdpr("8"), evidence=(minor.position,)))
    return tuple(found)


def _for_company(case: Case, evidence: ConsentEvidence) -> bool:
    """Whether a company speaks for its own generic address; never for its staff (R-219)."""
    generic = case.standing.data.kind is SubjectKind.GENERIC_ADDRESS
    return generic and evidence.actor is Actor.COMPANY


def consent_expires(case: Case, word: ConsentWord) -> datetime:
    """Return when a given consent has to be asked for again (R-213).

    Counted in whole months from the giving or the person's own last act, whichever is later, to the
    end of that civil day.
    """
    given = word.given_at or word.at
    act = case.standing.data.last_act
    newest = max(given, act) if act else given
    months = case.law.consent_review_months
    return case.end_of(add_months(civil_date(newest, case.zone), months))


def newest_stop(case: Case, channel: Channel | None, purpose: PurposeId) -> Stop | None:
    """Return the newest stop that reaches this purpose on this channel, whatever its kind.

    A withdrawal or refusal of another purpose's consent does not reach a consent to this one; that
    it closes the channel for everything that rests on no consent is the matrix's column C- (R-211).
    """
    found = [
        stop
        for stop in case.standing.objection.stops
        if stop.purpose in (None, purpose)
        and (stop.by is not Actor.COMPANY or case.standing.data.kind is SubjectKind.GENERIC_ADDRESS)
        and (channel is None or stop.covers_channel(channel))
        and (channel is not None or not stop.channels)
    ]
    return max(found, key=lambda stop: (stop.at, stop.position), default=None)


def valid_consent(case: Case, purpose: PurposeId, channel: Channel | None) -> ConsentInForce | None:
    """Return the consent in force for one scope, or None.

    A stop of the same moment or later outranks it: two acts at the same instant, the stop wins. The
    prohibition of a company is lifted by a consent of the company only (R-316.3).
    """
    word = case.standing.consent.word(purpose, channel)
    if word is None or word.status is not ConsentStatus.GIVEN:
        return None
    if consent_problems(case, word.evidence):
        return None
    stop = newest_stop(case, channel, purpose)
    if stop is not None and stop.at >= word.at:
        return None
    until = consent_expires(case, word)
    return ConsentInForce(word=word, until=until) if case.at < until else None


def _why_not(case: Case, purpose: PurposeId, channel: Channel | None) -> Iterator[Reason]:
    word = case.standing.consent.word(purpose, channel)
    if word is None:
        yield need("consent-never-given", "R-201", gdpr("6(1)(a)"), missing="consent of the person")
        return
    evidence = (word.position,)
    if word.status is ConsentStatus.WITHDRAWN:
        yield forbid("consent-withdrawn", "R-210", gdpr("7(3)"), evidence=evidence)
        return
    if word.status is ConsentStatus.REFUSED:
        yield forbid("consent-refused", "R-211", gdpr("4(11)"), evidence=evidence)
        return
    for problem in consent_problems(case, word.evidence):
        yield attrs.evolve(problem, evidence=evidence)
    stop = newest_stop(case, channel, purpose)
    if stop is not None and stop.at >= word.at:
        code = "objected" if stop.kind is StopKind.OBJECTION else "stopped"
        yield forbid(code, "R-317", gdpr("21(3)"), evidence=(stop.position,))
    if case.at >= consent_expires(case, word):
        yield need(
            "consent-expired",
            "R-213",
            edpb("05/2020 paras 110-111"),
            missing="a new consent of the person",
            evidence=evidence,
        )


def consent_in_force(
    case: Case, purpose: str, channel: Channel | None = None, *, question: str = "has_consent"
) -> Decision:
    """Decide whether a valid consent is in force for one purpose and channel.

    Raises:
        UnknownPurpose: the register declares no such purpose.
    """
    declared = case.purpose(purpose)
    found = valid_consent(case, declared.id, channel)
    if found is not None:
        reasons: tuple[Reason, ...] = (
            allow(
                "consent-in-force",
                "R-201",
                gdpr("6(1)(a)"),
                evidence=(found.word.position,),
                until=found.until,
            ),
        )
    else:
        reasons = tuple(_why_not(case, declared.id, channel))
    return Decision(
        question=question, about=case.about, at=case.at, law=case.law.id, reasons=reasons
    )
