"""Is a consent valid, and is it in force for a purpose and channel?

Validity comes from evidence (R-201 to R-209); what was implied is never valid (R-202, R-203). A
consent in force is valid, the newest word for its scope, not outranked by a stop of the same or a
later moment, and not expired. Withdrawal never acts backwards: asking about an earlier moment
folds the line up to that moment.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Final, final

import attrs

from gdprkit.facts.consent import ConsentEvidence
from gdprkit.policy.case import Case
from gdprkit.policy.children import child_problems
from gdprkit.policy.decisions import Decision, Reason, allow, forbid, need
from gdprkit.register.notices import NoticeItem
from gdprkit.state.consent import ConsentStatus, ConsentWord
from gdprkit.state.objection import Stop, StopKind
from gdprkit.words.citations import edpb, gdpr
from gdprkit.words.identifiers import PurposeId
from gdprkit.words.moments import add_months, civil_date
from gdprkit.words.vocabulary import Actor, Channel, ConsentMethod, SubjectKind

__all__ = [
    "ConsentInForce",
    "consent_ended",
    "consent_expires",
    "consent_in_force",
    "consent_problems",
    "consent_since",
    "lapses_at",
    "newest_stop",
    "proof_kept_through",
    "valid_consent",
    "was_valid",
]

NOT_AFFIRMATIVE: Final = forbid("consent-not-affirmative", "R-202", gdpr("4(11)"))
PRE_TICKED: Final = forbid("consent-pre-ticked", "R-202", gdpr("4(11)"))
CONDITIONAL: Final = forbid("consent-conditional", "R-206", gdpr("7(4)"))
NOT_SEPARATE: Final = forbid("consent-not-separate", "R-208", gdpr("7(2)"))
WITHDRAWAL_NOT_TOLD: Final = forbid("consent-withdrawal-not-told", "R-209", gdpr("7(3)"))
BUNDLED: Final = forbid("consent-bundled", "R-204", gdpr("7(2)"))
ORAL_UNPROVED: Final = forbid("consent-oral-unproved", "R-218", gdpr("7(1)"))
UNCONFIRMED: Final = forbid("consent-unconfirmed", "R-216", gdpr("7(1)"))
NOT_BY_THE_PERSON: Final = forbid("consent-not-by-the-person", "R-219", gdpr("4(11)"))
_NOT_THEIR_OWN: Final = frozenset({Actor.THIRD_PERSON, Actor.COMPANY, Actor.CONTROLLER})


@final
@attrs.frozen(kw_only=True)
class ConsentInForce:
    """A consent that counts at the moment asked about, what proves it, and until when."""

    word: ConsentWord
    evidence: ConsentEvidence
    until: datetime


CONSENT_UNPROVED: Final = forbid("consent-unproved", "R-201", gdpr("7(1)"))
CONSENT_NOT_CONFIRMED: Final = forbid("consent-not-confirmed", "R-216", gdpr("7(1)"))
CONSENT_NOTICE_UNKNOWN: Final = forbid("consent-notice-unknown", "R-205", gdpr("7(1)"))
CONSENT_NOTICE_DIFFERS: Final = forbid("consent-notice-differs", "R-205", gdpr("7(1)"))
CONSENT_NOT_INFORMED: Final = forbid("consent-not-informed", "R-209", gdpr("4(11)"))
CONSENT_OUTDATED: Final = forbid("consent-outdated", "R-214", edpb("05/2020 para 58"))
CONSENT_LAPSED: Final = need(
    "consent-lapsed", "R-216", gdpr("7(1)"), missing="a new consent of the person"
)
CONSENT_REQUESTED: Final = need(
    "consent-requested", "R-216", gdpr("7(1)"), missing="the person's confirmation"
)
CONSENT_UNDER_IMBALANCE: Final = need(
    "consent-under-imbalance",
    "R-207",
    gdpr("recital 43"),
    missing="a person's review that the consent was free",
)
CONTROLLER_NOT_TOLD: Final = forbid("consent-controller-not-told", "R-209", edpb("05/2020 para 64"))
DATA_NOT_TOLD: Final = forbid("consent-data-not-told", "R-209", edpb("05/2020 para 64"))
AUTOMATION_NOT_TOLD: Final = forbid("consent-automation-not-told", "R-209", edpb("05/2020 para 64"))
TRANSFER_RISKS_NOT_TOLD: Final = forbid("consent-transfer-risks-not-told", "R-209", gdpr("49(1)"))
CONSENT_BEFORE_NOTICE: Final = forbid("consent-before-notice", "R-205", gdpr("7(1)"))


def consent_problems(case: Case, word: ConsentWord) -> tuple[Reason, ...]:
    """Return why a given consent is not valid; empty when it is (R-201)."""
    # each purpose that rests on it asks; the word is kept beside: its id may be another's one day
    key = consent_problems, id(word)
    known: tuple[ConsentWord, tuple[Reason, ...]] | None = case.counted.get(key)
    if known is None or known[0] is not word:
        known = case.counted[key] = word, _consent_problems(case, word)
    return known[1]


def _consent_problems(case: Case, word: ConsentWord) -> tuple[Reason, ...]:
    evidence, given = word.evidence, word.given_at or word.at
    if evidence is None:
        return (CONSENT_UNPROVED,)
    found = [*_flaws(evidence)]
    if evidence.actor in _NOT_THEIR_OWN and not _for_company(case, evidence):
        found.append(NOT_BY_THE_PERSON)
    purpose = case.register.purposes.get(word.purpose)
    twice = evidence.method is ConsentMethod.DOUBLE_OPT_IN or word.requested_at is not None
    if purpose is not None and purpose.double_opt_in and not twice:
        found.append(CONSENT_NOT_CONFIRMED)
    found += _information_problems(case, word, evidence, given)
    if evidence.power_unequal and evidence.freely_given is None:
        found.append(CONSENT_UNDER_IMBALANCE)
    if word.requested_at is not None and given >= lapses_at(case, word.requested_at):
        found.append(CONSENT_LAPSED)
    if _renewed_on(case, word) is not None:
        found.append(CONSENT_OUTDATED)
    found += child_problems(case, purpose, evidence)
    return tuple(found)


def _flaws(evidence: ConsentEvidence) -> Iterator[Reason]:
    """Yield what is wrong with how the choice was made, whatever it was about (R-202 to R-218)."""
    method = evidence.method
    if not method.is_affirmative:
        yield NOT_AFFIRMATIVE
    if not evidence.default_off:
        yield PRE_TICKED
    if evidence.conditional_on_service and not evidence.necessary_for_service:
        yield CONDITIONAL
    if not evidence.separate:
        yield NOT_SEPARATE
    if not evidence.withdrawal_told:
        yield WITHDRAWAL_NOT_TOLD
    if evidence.bundled:
        yield BUNDLED
    if not evidence.proof:
        if method is ConsentMethod.ORAL:
            yield ORAL_UNPROVED
        elif method is ConsentMethod.DOUBLE_OPT_IN:
            yield UNCONFIRMED


def _information_problems(
    case: Case, word: ConsentWord, evidence: ConsentEvidence, given: datetime
) -> Iterator[Reason]:
    """Yield what the person was not told when they consented (R-205, R-209)."""
    notice = case.register.notices.get(evidence.notice)
    if notice is None:
        yield CONSENT_NOTICE_UNKNOWN
        return
    other_text = notice.sha256 is not None and notice.sha256 != evidence.notice_sha256
    if other_text or not _same_language(notice.language, evidence.language):
        yield CONSENT_NOTICE_DIFFERS
    # the day in the zone is at most one before that of UTC: most need no look at the zone
    if given.date() <= notice.published and civil_date(given, case.zone) < notice.published:
        yield CONSENT_BEFORE_NOTICE
    if NoticeItem.CONTROLLER not in notice.items:
        yield CONTROLLER_NOT_TOLD
    if word.purpose not in notice.purposes:
        yield CONSENT_NOT_INFORMED
    if NoticeItem.DATA_CATEGORIES not in notice.items and not evidence.data:
        yield DATA_NOT_TOLD
    purpose = case.register.purposes.get(word.purpose)
    automated = purpose is not None and purpose.automated_decisions
    if automated and NoticeItem.AUTOMATED_DECISIONS not in notice.items:
        yield AUTOMATION_NOT_TOLD
    if not evidence.transfer_risks_told and word.purpose in case.register.risky_purposes:
        yield TRANSFER_RISKS_NOT_TOLD


def _same_language(one: str, other: str) -> bool:
    """Whether two tags name one language, whatever the country or script."""
    return one == other or one.partition("-")[0] == other.partition("-")[0]


def _renewed_on(case: Case, word: ConsentWord) -> date | None:
    """Return the day since which a consent covers only an old scope, or None (R-214).

    A notice that renews the purpose asks for a consent by its own text or a later one: what was
    given before its day, or since then on an older text, does not cover the new scope.
    """
    newer = case.register.renewals.get(word.purpose)
    if newer is None:
        return None
    shown = word.evidence and case.register.notices.get(word.evidence.notice)
    if not shown:
        return None
    days = [one.published for one in newer if shown.published < one.published <= case.today]
    return min(days, default=None)


def _for_company(case: Case, evidence: ConsentEvidence) -> bool:
    """Whether a company speaks for its own generic address; never for its staff (R-219)."""
    generic = case.standing.data.kind is SubjectKind.GENERIC_ADDRESS
    return generic and evidence.actor is Actor.COMPANY


def lapses_at(case: Case, requested: datetime) -> datetime:
    """Return when a choice that waits for its confirmation is over (R-216)."""
    day = civil_date(requested, case.zone)
    return case.end_of(day + timedelta(days=case.law.double_opt_in_days))


def consent_expires(case: Case, word: ConsentWord) -> datetime:
    """Return when a given consent has to be asked for again (R-213).

    Counted in whole months to the end of the civil day, from the giving and from each act of the
    person that came in time. An act after the expiry brings nothing back, and a choice about a
    device is prolonged by none.
    """
    device = word.purpose in case.register.device_purposes
    months = case.law.device_choice_months if device else case.law.consent_review_months

    given = word.given_at or word.at
    expires = _day_ends(case, given, months)
    if device:
        return expires
    for act in case.standing.data.acts:  # most are the giving itself, or older
        if given < act < expires:
            expires = max(expires, _day_ends(case, act, months))
    return expires


def _day_ends(case: Case, moment: datetime, months: int) -> datetime:
    """Return the end of the civil day that lies *months* after that of *moment*."""
    return case.end_of(add_months(civil_date(moment, case.zone), months))


def newest_stop(case: Case, channel: Channel | None, purpose: PurposeId) -> Stop | None:
    """Return the newest stop that reaches this purpose on this channel, whatever its kind.

    An objection to direct marketing as a whole reaches no purpose that is none. A withdrawal or
    refusal of another purpose's consent does not reach a consent to this one; that it closes the
    channel for everything that rests on no consent is the matrix's column C- (R-211).
    """
    if not case.standing.objection.stops:
        return None
    declared = case.register.purposes.get(purpose)
    marketing = declared is None or declared.marketing
    found = [
        stop
        for stop in case.standing.objection.stops
        if (stop.purpose == purpose or (stop.purpose is None and (marketing or _is_no(stop))))
        and not (
            stop.by is Actor.COMPANY and case.standing.data.kind is SubjectKind.COMPANY_CONTACT
        )
        and (channel is None or stop.covers_channel(channel))
        and (channel is not None or not stop.channels)
    ]
    return max(found, key=lambda stop: (stop.at, stop.position), default=None)


def _is_no(stop: Stop) -> bool:
    """Whether a stop is a no to consents; open words may cover any of them (0.3)."""
    return stop.kind in (StopKind.WITHDRAWAL, StopKind.REFUSAL)


def valid_consent(case: Case, purpose: PurposeId, channel: Channel | None) -> ConsentInForce | None:
    """Return the consent in force for one scope, or None.

    A stop of the same moment or later outranks it: two acts at the same instant, the stop wins. The
    prohibition of a company is lifted by a consent of the company only (R-316.3).
    """
    word = case.standing.consent.word(purpose, channel)
    if word is None or word.evidence is None or word.status is not ConsentStatus.GIVEN:
        return None
    if consent_problems(case, word):
        return None
    stop = newest_stop(case, channel, purpose)
    if stop is not None and stop.at >= word.at:
        return None
    until = consent_expires(case, word)
    if case.at >= until:
        return None
    return ConsentInForce(word=word, evidence=word.evidence, until=until)


def consent_since(case: Case, purpose: PurposeId, at: datetime) -> ConsentInForce | None:
    """Return the longest consent in force to anything of a purpose that came after *at* (R-317).

    A no said at *at* yields to it for its scope, and rules again when it ends.
    """
    given = [
        consent
        for word in case.standing.consent.for_purpose(purpose)
        if (consent := valid_consent(case, purpose, word.channel)) is not None
        and consent.word.at > at
    ]
    return max(given, key=lambda consent: consent.until, default=None)


CONSENT_NEVER_GIVEN: Final = need(
    "consent-never-given", "R-201", gdpr("6(1)(a)"), missing="consent of the person"
)
CONSENT_WITHDRAWN: Final = forbid("consent-withdrawn", "R-210", gdpr("7(3)"))
CONSENT_REFUSED: Final = forbid("consent-refused", "R-211", gdpr("4(11)"))
CONSENT_EXPIRED: Final = need(
    "consent-expired", "R-213", edpb("05/2020 paras 110-111"), missing="a new consent of the person"
)


OBJECTED: Final = forbid("objected", "R-317", gdpr("21(3)"))
STOPPED: Final = forbid("stopped", "R-317", gdpr("21(3)"))


def _why_not(case: Case, purpose: PurposeId, channel: Channel | None) -> Iterator[Reason]:
    word = case.standing.consent.word(purpose, channel)
    if word is None:
        waiting = case.standing.consent.requested(purpose)
        if waiting is None or (channel is not None and channel not in waiting.channels):
            yield CONSENT_NEVER_GIVEN
        elif case.at < (lapses := lapses_at(case, waiting.at)):
            yield CONSENT_REQUESTED.on(waiting.position, until=lapses)
        else:
            yield CONSENT_LAPSED.on(waiting.position)
        return
    evidence = (word.position,)
    if word.status is not ConsentStatus.GIVEN:
        yield _said_no(case, word)
        return
    for problem in consent_problems(case, word):
        yield problem.on(*evidence)
    stop = newest_stop(case, channel, purpose)
    if stop is not None and stop.at >= word.at:
        yield (OBJECTED if stop.kind is StopKind.OBJECTION else STOPPED).on(stop.position)
    if case.at >= consent_expires(case, word):
        yield CONSENT_EXPIRED.on(*evidence)


def _said_no(case: Case, word: ConsentWord) -> Reason:
    """A no lasts until a new consent; about a device, until the visitor may be asked again."""
    withdrawn = word.status is ConsentStatus.WITHDRAWN
    no = CONSENT_WITHDRAWN if withdrawn else CONSENT_REFUSED
    if word.purpose not in case.register.device_purposes:
        return no.on(word.position)
    months = case.law.device_choice_months
    until = case.end_of(add_months(civil_date(word.at, case.zone), months))
    expired = case.at >= until
    return CONSENT_EXPIRED.on(word.position) if expired else no.on(word.position, until=until)


def proof_kept_through(case: Case, word: ConsentWord) -> date | None:
    """Return the last day the proof of a consent is kept; None while the consent is in force.

    Three years, as set, after the last use the consent carried. Only to show compliance and for
    claims (R-215).
    """
    if valid_consent(case, word.purpose, word.channel) is not None:
        return None
    return add_months(consent_ended(case, word), case.law.consent_proof_months)


def was_valid(case: Case, word: ConsentWord) -> bool:
    """Whether a consent was validly given, also where a notice renewed its purpose since."""
    return word.given_at is not None and set(consent_problems(case, word)) <= {CONSENT_OUTDATED}


def consent_ended(case: Case, word: ConsentWord) -> date:
    """Return the civil day on which a consent that is not in force carried its last use.

    The first of its withdrawal or another no, its expiry and a notice that renewed its purpose.
    What never was valid carried no use and counts from its own day.
    """
    given = word.given_at or word.at
    ends = [consent_expires(case, word)]
    if word.status is not ConsentStatus.GIVEN:
        ends.append(word.at)
    elif not was_valid(case, word):
        ends.append(given)
    stop = newest_stop(case, word.channel, word.purpose)
    if stop is not None and stop.at >= word.at:
        ends.append(stop.at)
    last = civil_date(min(ends), case.zone)
    renewed = _renewed_on(case, word)
    if renewed is not None:
        last = max(min(last, renewed), civil_date(given, case.zone))
    return last


CONSENT_IN_FORCE: Final = allow("consent-in-force", "R-201", gdpr("6(1)(a)"))


def consent_in_force(
    case: Case, purpose: str, channel: Channel | None = None, *, question: str = "has_consent"
) -> Decision:
    """Decide whether a valid consent is in force for one purpose and channel.

    Raises:
        UnknownPurpose: the register declares no such purpose.
    """
    declared = case.purpose(purpose)
    scopes: list[Channel | None] = [channel]
    if channel is None:  # any of the purpose's channels, or none where it uses none
        scopes = [*sorted(declared.channels)] or [None]
    consents = [c for scope in scopes if (c := valid_consent(case, declared.id, scope))]
    found = max(consents, key=lambda consent: consent.until, default=None)
    if found is not None:
        reasons: tuple[Reason, ...] = (CONSENT_IN_FORCE.on(found.word.position, until=found.until),)
    else:
        reasons = tuple(
            dict.fromkeys(r for scope in scopes for r in _why_not(case, declared.id, scope))
        )
    return case.decision(question, reasons)
