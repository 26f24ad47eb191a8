"""After the substantive connection has ended: may the person move to the marketing register?

The move needs all twelve guards of R-403 (T1 to T12), one rule each. Waiting is not failing: an
unproved end or an open objection window leaves the person under review. What an entry may hold is
``policy.marketing_entry``'s, what becomes of each value ``policy.retention``'s.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Final, final

import attrs

from gdprkit.policy.basis import assessment_reasons
from gdprkit.policy.case import Case
from gdprkit.policy.consent import consent_since, valid_consent
from gdprkit.policy.decisions import (
    Decision,
    Outcome,
    Reason,
    Rule,
    allow,
    decide,
    forbid,
    need,
)
from gdprkit.policy.marketing_entry import (
    CONTACT_POINTS,
    entry_channels,
    marketing_purpose,
    movable,
    register_expiry,
)
from gdprkit.policy.marketing_steps import PENDING_STOPS
from gdprkit.policy.periods import at_collection, later_notices, tells_marketing, window_end
from gdprkit.policy.placing import company_lifted, is_company_stop
from gdprkit.register.purposes import Purpose
from gdprkit.state.connection import ConnectionStatus
from gdprkit.state.objection import PurposeObjectionStatus, Stop
from gdprkit.words.citations import gdpr, project
from gdprkit.words.vocabulary import (
    Channel,
    Circumstance,
    EndCause,
)

__all__ = ["GUARDS", "WAITING", "MayMove", "may_move"]


@final
@attrs.frozen(kw_only=True)
class MayMove:
    """The question: may this person move into the direct-marketing register?

    Args:
        purpose: The marketing purpose; by default the one the register names.
    """

    purpose: str | None = None


@final
@attrs.frozen(kw_only=True)
class _Asked:
    case: Case
    purpose: Purpose
    usable: frozenset[Channel]


#: Stands in where no marketing is declared: it has no basis and no channel, so nothing moves.


T1_ALREADY_MOVED: Final = forbid("t1-already-moved", "R-403", gdpr("5(1)(b)"))
T1_REVIEW_OVER: Final = forbid("t1-review-over", "R-402", gdpr("5(1)(b)"))
T1_NOT_ENDED: Final = need(
    "t1-not-ended", "R-403", gdpr("5(2)"), missing="the end of the connection"
)
T1_NOT_ENDED_YET: Final = need(
    "t1-not-ended-yet", "R-403", gdpr("5(2)"), missing="the day of the end to pass"
)
T1_END_UNPROVED: Final = need(
    "t1-end-unproved", "R-403", gdpr("5(2)"), missing="evidence of the end"
)
T1_END_PROVED: Final = allow("t1-end-proved", "R-403", gdpr("5(2)"))


def _t1_end(asked: _Asked) -> Iterator[Reason]:
    connection = asked.case.standing.connection
    status = asked.case.standing.connection.status
    evidence = (connection.end_position,)
    if status is ConnectionStatus.MARKETING:
        yield T1_ALREADY_MOVED
    elif status is ConnectionStatus.ARCHIVE or asked.case.standing.data.erased_at is not None:
        yield T1_REVIEW_OVER
    elif connection.ended_on is None:
        yield T1_NOT_ENDED
    elif connection.ended_on > asked.case.today:
        yield T1_NOT_ENDED_YET.on(
            *evidence, until=asked.case.end_of(connection.ended_on - timedelta(days=1))
        )
    elif not connection.end_evidence:
        yield T1_END_UNPROVED.on(*evidence)
    else:
        yield T1_END_PROVED.on(*evidence)


T2_NO_BASIS: Final = forbid("t2-no-basis", "R-403", gdpr("6(1)(f)"))
T2_ASSESSMENT: Final = allow("t2-assessment", "R-403", gdpr("6(1)(f)"))
T2_CONSENT: Final = allow("t2-consent", "R-403", gdpr("6(1)(a)"))


def _t2_basis(asked: _Asked) -> Iterator[Reason]:
    case, purpose = asked.case, asked.purpose
    assessed = tuple(assessment_reasons(case, purpose, former=True))
    if all(reason.outcome is Outcome.ALLOWED for reason in assessed):
        yield T2_ASSESSMENT.on(until=assessed[0].until)
        return
    for channel in sorted(purpose.channels):
        consent = valid_consent(case, purpose.id, channel)
        if consent is not None:
            yield T2_CONSENT.on(consent.word.position, until=consent.until)
            return
    yield T2_NO_BASIS.on(until=min((r.until for r in assessed if r.until), default=None))


T3_NOT_TOLD: Final = forbid("t3-not-told", "R-403", gdpr("13(1)(d)"))
T3_TOLD_AT_COLLECTION: Final = allow("t3-told-at-collection", "R-403", gdpr("13(1)(d)"))
T3_WINDOW_OPEN: Final = need(
    "t3-window-open", "R-403", gdpr("13(3)"), missing="the objection window to pass"
)
T3_WINDOW_PASSED: Final = allow("t3-window-passed", "R-403", gdpr("13(3)"))


def _t3_notice(asked: _Asked) -> Iterator[Reason]:
    case = asked.case
    told = [position for position, notice in at_collection(case) if tells_marketing(notice)]
    later = later_notices(case)
    end = window_end(case)
    if told:
        # a reminder of the move is a promise to wait as long as it says (4.2)
        if end is not None and case.at < case.end_of(end):
            yield T3_WINDOW_OPEN.on(later[0][0], until=case.end_of(end))
        else:
            yield T3_TOLD_AT_COLLECTION.on(told[0])
        return
    declared = case.register.marketing_register
    strict = case.law.strict_notice or (declared is not None and declared.strict)
    if end is None or strict:
        yield T3_NOT_TOLD
    elif case.at < case.end_of(end):
        yield T3_WINDOW_OPEN.on(later[0][0], until=case.end_of(end))
    else:
        yield T3_WINDOW_PASSED.on(later[0][0])


T4_RIGHT_NOT_TOLD: Final = forbid("t4-right-not-told", "R-403", gdpr("21(4)"))
T4_RIGHT_TOLD: Final = allow("t4-right-told", "R-403", gdpr("21(4)"))


def _t4_right_to_object(asked: _Asked) -> Iterator[Reason]:
    for given in asked.case.standing.notice.given:
        notice = asked.case.register.notices.get(given.notice)
        if notice is not None and notice.names_right_to_object:
            yield T4_RIGHT_TOLD.on(given.position)
            return
    yield T4_RIGHT_NOT_TOLD


T5_RESTRICTED: Final = forbid("t5-restricted", "R-403", gdpr("18(2)"))
T5_NO_STOP: Final = allow("t5-no-stop", "R-403", gdpr("21(3)"))
T5_REQUEST_PENDING: Final = forbid("t5-request-pending", "R-403", gdpr("21(3)"))
T5_STOPPED: Final = forbid("t5-stopped", "R-403", gdpr("21(3)"))


def _t5_no_stop(asked: _Asked) -> Iterator[Reason]:
    yield from tuple(_stops(asked)) or (T5_NO_STOP,)


def _stops(asked: _Asked) -> Iterator[Reason]:
    """Yield every restriction, request, objection and stop that stands against the move."""
    case = asked.case
    for restriction in case.standing.objection.restrictions:
        yield T5_RESTRICTED.on(restriction.position)
    for request in case.standing.request.open:
        if request.right in PENDING_STOPS:
            yield T5_REQUEST_PENDING.on(request.position)
    for objection in case.standing.objection.objections:
        # to marketing there are no overriding grounds, 21(3); a later consent counts
        if objection.purpose == asked.purpose.id:
            if consent_since(case, asked.purpose.id, objection.at) is not None:
                continue
            yield T5_STOPPED.on(objection.position)
        elif objection.status is PurposeObjectionStatus.PENDING:
            yield T5_REQUEST_PENDING.on(objection.position)
    for stop in case.standing.objection.stops:
        # a stop for one channel takes that channel out of the entry (T9); a general one blocks
        general = not stop.channels and stop.purpose in (None, asked.purpose.id)
        if general and not _lifted(asked, stop):
            yield T5_STOPPED.on(stop.position)


def _lifted(asked: _Asked, stop: Stop) -> bool:
    """Whether a later consent opens a channel again: the person's own (R-317), and for what a
    company prohibited its people, the company's (R-316.3).
    """
    if is_company_stop(asked.case, stop):
        return company_lifted(asked.case, asked.purpose)
    return consent_since(asked.case, asked.purpose.id, stop.at) is not None


T6_COMPATIBLE: Final = allow("t6-compatible", "R-113", gdpr("6(4)"))
T6_NOT_COMPATIBLE: Final = forbid("t6-not-compatible", "R-113", gdpr("6(4)"))
T6_ORIGINAL_PURPOSE: Final = allow("t6-original-purpose", "R-403", gdpr("6(4)"))


def _t6_compatible(asked: _Asked) -> Iterator[Reason]:
    purpose = asked.purpose
    for position, notice in at_collection(asked.case):
        if purpose.id in notice.purposes:
            yield T6_ORIGINAL_PURPOSE.on(position)
            return
    found = purpose.compatibility
    if found is not None and found.compatible and found.decided <= asked.case.today:
        yield T6_COMPATIBLE
    else:
        yield T6_NOT_COMPATIBLE


T7_WHITELISTED: Final = allow("t7-whitelisted", "R-404", gdpr("5(1)(c)"))
T7_NOTHING_TO_MOVE: Final = forbid("t7-nothing-to-move", "R-404", gdpr("5(1)(c)"))


def _t7_whitelist(asked: _Asked) -> Iterator[Reason]:
    if movable(asked.case, asked.purpose, asked.usable):
        yield T7_WHITELISTED
    else:
        yield T7_NOTHING_TO_MOVE


T8_MINOR: Final = forbid("t8-minor", "R-403", gdpr("recital 38"))
T8_SAFETY_BAN: Final = forbid("t8-safety-ban", "R-403", project("R-403 T8"))
T8_PERSON_OPEN: Final = allow("t8-person-open", "R-403", gdpr("9(1)"))


def _t8_person(asked: _Asked) -> Iterator[Reason]:
    data = asked.case.standing.data
    minor = data.circumstance(Circumstance.MINOR)
    ban = data.circumstance(Circumstance.SAFETY_BAN)
    if minor:
        yield T8_MINOR.on(minor.position)
    if ban:
        yield T8_SAFETY_BAN.on(ban.position)
    if not minor and not ban:
        yield T8_PERSON_OPEN


T9_CHANNEL_USABLE: Final = allow("t9-channel-usable", "R-403", gdpr("21(3)"))
T9_NO_CHANNEL: Final = forbid("t9-no-channel", "R-403", gdpr("21(3)"))


def _t9_channel(asked: _Asked) -> Iterator[Reason]:
    reachable = _reachable(asked)
    if reachable:
        yield T9_CHANNEL_USABLE
    else:
        yield T9_NO_CHANNEL


def _reachable(asked: _Asked) -> frozenset[Channel]:
    held = [
        CONTACT_POINTS.get(asked.case.register.fields[value.field].kind, frozenset())
        for value in movable(asked.case, asked.purpose, asked.usable)
    ]
    return asked.usable & frozenset[Channel]().union(*held)


T10_NO_REGISTER: Final = forbid("t10-no-register", "R-406", gdpr("5(1)(e)"))
T10_NO_EXPIRY: Final = need(
    "t10-no-expiry", "R-406", gdpr("5(1)(e)"), missing="the end of the connection"
)
T10_EXPIRED: Final = forbid("t10-expired", "R-406", gdpr("5(1)(e)"))
T10_EXPIRY_SET: Final = allow("t10-expiry-set", "R-406", gdpr("5(1)(e)"))


def _t10_expiry(asked: _Asked) -> Iterator[Reason]:
    expires = register_expiry(asked.case, asked.purpose)
    if asked.case.register.marketing_register is None:
        yield T10_NO_REGISTER
    elif expires is None:
        yield T10_NO_EXPIRY
    elif asked.case.at >= asked.case.end_of(expires):
        yield T10_EXPIRED
    else:
        yield T10_EXPIRY_SET.on(until=asked.case.end_of(expires))


_GONE: Final[Mapping[Circumstance, Reason]] = {
    Circumstance.DECEASED: forbid("t11-deceased", "R-403", gdpr("recital 27")),
    Circumstance.LEFT_ROLE: forbid("t11-left-role", "R-403", gdpr("5(1)(d)")),
    Circumstance.ADDRESS_DEAD: forbid("t11-address-dead", "R-403", gdpr("5(1)(d)")),
}


T11_CONTACT_LEFT: Final = forbid("t11-contact-left", "R-417", gdpr("5(1)(d)"))
T11_THERE: Final = allow("t11-there", "R-403", gdpr("5(1)(d)"))


def _t11_there(asked: _Asked) -> Iterator[Reason]:
    standing = asked.case.standing
    gone = [k for c in _GONE if (k := standing.data.circumstance(c)) is not None]
    for known in gone:
        yield _GONE[known.circumstance].on(known.position)
    if standing.connection.cause is EndCause.CONTACT_LEFT:
        yield T11_CONTACT_LEFT.on(standing.connection.end_position)
    elif not gone:
        yield T11_THERE


T12_NOT_CHECKED: Final = need(
    "t12-not-checked", "R-403", gdpr("21(3)"), missing="a look into the suppression list"
)
T12_SUPPRESSED: Final = forbid("t12-suppressed", "R-403", gdpr("21(3)"))
T12_CHECKED: Final = allow("t12-checked", "R-403", gdpr("21(3)"))


def _t12_suppression(asked: _Asked) -> Iterator[Reason]:
    found = asked.case.suppressed
    if found is None or _reachable(asked) - found.looked:
        yield T12_NOT_CHECKED
    elif found.looked and not found.looked - set(found.hits) and not _reachable(asked):
        yield T12_SUPPRESSED  # a consent since opens its channel again
    else:
        yield T12_CHECKED


GUARDS: Final[tuple[Rule, ...]] = (
    _t1_end,
    _t2_basis,
    _t3_notice,
    _t4_right_to_object,
    _t5_no_stop,
    _t6_compatible,
    _t7_whitelist,
    _t8_person,
    _t9_channel,
    _t10_expiry,
    _t11_there,
    _t12_suppression,
)

#: Reasons that mean wait, not fail (0.3 on T1 and T3).
WAITING: Final = frozenset(
    {"t1-not-ended", "t1-not-ended-yet", "t1-end-unproved", "t3-window-open"}
)


def may_move(case: Case, question: MayMove) -> Decision:
    """Decide whether the person may move into the direct-marketing register (R-403).

    Raises:
        UnknownPurpose: the register does not declare the purpose.
    """
    purpose = marketing_purpose(case, question.purpose)
    asked = _Asked(case=case, purpose=purpose, usable=entry_channels(case, purpose))
    return case.decision("may_move", decide(GUARDS, asked))
