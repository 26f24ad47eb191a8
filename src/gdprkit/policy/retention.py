"""What becomes of values: after the end, on a request for erasure, and when periods are over.

Every value needs a live purpose (R-116). A value may stay for a duty or a claim in the archive when
its first purpose is over (R-408). Periods end with the expiry of their last day; a duty to keep is
not rolled to a working day. Doubt keeps: a value that no declared purpose covers is kept and listed
as unclear.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from typing import Final, final

import attrs

from gdprkit.errors import InvalidValue
from gdprkit.policy.case import Case, counted_once
from gdprkit.policy.connection import WAITING, MayMove, may_move
from gdprkit.policy.decisions import Decision
from gdprkit.policy.marketing_entry import (
    entry_channels,
    marketing_purpose,
    movable,
    register_expiry,
)
from gdprkit.policy.periods import consent_end, covering, ends_on, last_day, review_due
from gdprkit.policy.plan import Plan, PlanAction, PlanItem
from gdprkit.policy.rights import ERASURE_GROUNDS, objection_failed
from gdprkit.register.purposes import Purpose
from gdprkit.state.connection import ConnectionStatus
from gdprkit.state.data import HeldValue
from gdprkit.words.identifiers import FieldId
from gdprkit.words.moments import add_months, civil_date
from gdprkit.words.vocabulary import (
    Circumstance,
    ErasureReason,
    FilingSystem,
    LegalBasis,
    Right,
)

__all__ = [
    "AfterEnd",
    "DueErasure",
    "Erasure",
    "erasure_blocked",
    "kept_until",
    "plan_after_end",
    "plan_due",
    "plan_erasure",
]


@final
@attrs.frozen(kw_only=True)
class AfterEnd:
    """Plan what becomes of everything after the substantive connection has ended (R-402)."""

    purpose: str | None = None


@final
@attrs.frozen(kw_only=True)
class Erasure:
    """Plan the erasure a person asked for (GDPR Art. 17).

    Args:
        reason: The ground of 17(1).
        reference: The controller's pointer, for instance a request number.
        fields: The fields it is limited to; empty means all.
    """

    reason: ErasureReason = ErasureReason.CONSENT_WITHDRAWN
    reference: str = "erasure"
    fields: frozenset[FieldId] = frozenset()


@final
@attrs.frozen(kw_only=True)
class DueErasure:
    """Plan the erasure of everything whose period is over (GDPR Art. 5(1)(e))."""


def _request_file_end(case: Case, value: HeldValue) -> date | None:
    """Return the last day of a text of a request; None while the request is open (R-540).

    A reminder and a corrected text came with no receipt of their own: they belong to some request
    before them, so the last closing of those counts.
    """
    cases = case.standing.request.cases
    own = [c for c in cases if c.position == value.position]
    files = own or [c for c in cases if c.position < value.position]
    closed = [c.closed_at for c in files if c.closed_at is not None]
    if not files or len(closed) < len(files):
        return None
    return add_months(civil_date(max(closed), case.zone), case.law.request_file_months)


def _fixed(value: HeldValue) -> date | None:
    return date.fromisoformat(value.until) if value.until else None


def kept_until(case: Case, value: HeldValue) -> tuple[date | None, str, str]:
    """Return the last day a value is kept (None: open), why as a code, and the rule.

    ``unclear`` values are covered by no declared purpose; they are kept and listed.
    """
    match value.filing:
        case FilingSystem.MARKETING:
            return _marketing_until(case, value)
        case FilingSystem.ARCHIVE:
            return _fixed(value), "period-fixed", "R-408"
        case FilingSystem.REQUESTS:
            return _request_file_end(case, value), "request-file", "R-540"
        case FilingSystem.CUSTOMER:
            ends = _ends_before_purposes(case)
            if ends is not None:
                return ends
            purposes = covering(case, value, FilingSystem.CUSTOMER)
            lapses = _lapses(case, value) if not purposes else None
            if lapses is not None:
                return lapses, "double-opt-in", "R-216"
            if not purposes:
                return None, "unclear", "R-117"
            last = last_day(case, purposes, value)
            if last is None:
                return None, "purpose-lives", "R-116"
            under_review = review_due(case)
            if under_review is not None:  # the default outcome of a review is erasure
                return under_review, "under-review", "R-402"
            return last, "period-over", "R-116"


def _marketing_until(case: Case, value: HeldValue) -> tuple[date | None, str, str]:
    """Return until when a value of the register is kept: never longer than its entry."""
    connection = case.standing.connection
    if connection.status is ConnectionStatus.UNPROVEN:  # the old register is cleaned up
        ends = _ends_before_purposes(case)
        if ends is not None:
            return ends
    if connection.status is not ConnectionStatus.MARKETING and connection.since:
        over = civil_date(connection.since, case.zone) - timedelta(days=1)
        if connection.status is ConnectionStatus.ACTIVE:  # a customer again
            return over, "entry-ended", "R-411"
        # a hold or a restriction kept the values of an entry that ended
        return over, "entry-ended", "R-412"
    ends_on = (_fixed(value), connection.marketing_expires)
    return min((day for day in ends_on if day), default=None), "period-fixed", "R-406"


def _lapses(case: Case, value: HeldValue) -> date | None:
    """Return the last day of a value that only waits for the confirmation of a consent (R-216)."""
    waiting = [
        civil_date(wish.at, case.zone) + timedelta(days=case.law.double_opt_in_days)
        for wish in case.standing.consent.waiting
        if wish.purpose in case.register.purposes
        and value.field in case.register.purposes[wish.purpose].fields
    ]
    return max(waiting, default=None)


@counted_once
def _ends_before_purposes(case: Case) -> tuple[date, str, str] | None:
    """Return the end of what a death, a contact who left or an old register leaves no purpose."""
    found = case.standing.connection
    if found.status is ConnectionStatus.UNPROVEN and found.found_at is not None:
        day = civil_date(found.found_at, case.zone)
        return day + timedelta(days=case.law.clean_up_days), "unproven", "R-420"
    left = case.standing.data.circumstance(Circumstance.LEFT_ROLE)
    if left is not None and found.status is ConnectionStatus.NONE:  # nothing ends: no review
        day = civil_date(left.at, case.zone)
        return day + timedelta(days=case.law.review_days), "contact-left", "R-417"
    died = case.standing.data.circumstance(Circumstance.DECEASED)
    if died is not None:
        day = civil_date(died.at, case.zone)
        return day + timedelta(days=case.law.review_days), "person-deceased", "R-415"
    return None


# --- plans --------------------------------------------------------------------------------------


def _item(value: HeldValue, action: PlanAction, code: str, rule: str, **more: object) -> PlanItem:
    return PlanItem(
        slot=value.slot,
        field=value.field,
        filing=value.filing,
        action=action,
        code=code,
        rule=rule,
        **more,  # type: ignore[arg-type]
    )


def _keep_all(case: Case, code: str, rule: str) -> tuple[PlanItem, ...]:
    return tuple(_item(v, PlanAction.KEEP, code, rule) for v in case.standing.data.values)


def erasure_blocked(case: Case) -> tuple[str, str] | None:
    """Return why nothing may be erased now: a legal hold, or a restriction (GDPR Art. 18(1)).

    Of a line that was merged away it may stand on the lines that go on as well.
    """
    for line in (case.standing, *case.surviving):
        if line.retention.holds:
            return "legal-hold", "R-715"
        if line.objection.restrictions:
            return "restricted", "R-504"
    return None


#: Requests whose answer needs the data: it is not erased before they are answered (R-561).
_ABOUT_DATA: Final = frozenset(
    {Right.ACCESS, Right.PORTABILITY, Right.RECTIFICATION, Right.RESTRICTION, Right.OBJECTION}
)


def _waits(case: Case) -> tuple[str, str] | None:
    """Return why our own plans keep everything for now; an erasure asked for does not wait."""
    blocked = erasure_blocked(case)
    if blocked is None and any(c.right in _ABOUT_DATA for c in case.standing.request.open):
        return "request-open", "R-561"
    return blocked


def _archive(case: Case, value: HeldValue) -> Iterator[PlanItem]:
    """Yield a copy for each duty or claim that still needs the value (R-408)."""
    for purpose in covering(case, value, FilingSystem.ARCHIVE):
        until = ends_on(case, purpose, value)
        if until is not None and case.at < case.end_of(until):
            code = (
                "legal-obligation"
                if purpose.basis is LegalBasis.LEGAL_OBLIGATION
                else "legal-claims"
            )
            yield _item(value, PlanAction.ARCHIVE, code, "R-408", purpose=purpose.id, until=until)


_KINDS: Final[Mapping[type, str]] = {
    AfterEnd: "after-end",
    Erasure: "erasure",
    DueErasure: "due",
}


def _plan(case: Case, question: object, items: tuple[PlanItem, ...], **more: object) -> Plan:
    if case.about is None:
        raise InvalidValue("about", "is absent", "plan for a person in the store")
    return Plan(
        kind=_KINDS[type(question)],
        question=question,
        about=case.about,
        made_at=case.at,
        position=case.standing.position,
        law=case.law.id,
        register=case.register.digest,
        items=items,
        **more,  # type: ignore[arg-type]
    )


#: Where a review decides: after the end, and for what an old register holds without proof (R-420).
_REVIEWED: Final = frozenset({ConnectionStatus.ENDED, ConnectionStatus.UNPROVEN})


def plan_after_end(case: Case, question: AfterEnd) -> Plan:
    """Plan the outcome of the review after an ended connection: move, archive or erase (R-402)."""
    reason = ErasureReason.REVIEW_AFTER_END
    blocked = _waits(case)
    if blocked:
        return _plan(case, question, _keep_all(case, *blocked), reason=reason)
    purpose = marketing_purpose(case, question.purpose)
    decision = may_move(case, MayMove(purpose=question.purpose))
    waiting = _waiting(decision)
    if waiting:
        return _plan(
            case,
            question,
            _keep_all(case, "waiting", "R-402"),
            reason=reason,
            decision=decision,
            waiting_for=waiting,
        )
    if case.standing.connection.status not in _REVIEWED:
        return _plan(
            case,
            question,
            _keep_all(case, "not-under-review", "R-402"),
            reason=reason,
            decision=decision,
        )
    usable = entry_channels(case, purpose)
    moving = {v.slot for v in movable(case, purpose, usable)} if decision else set()
    expires = register_expiry(case, purpose)
    items: list[PlanItem] = []
    for value in case.standing.data.values:
        if value.filing is not FilingSystem.CUSTOMER:
            items.append(_item(value, PlanAction.KEEP, "other-filing-system", "R-405"))
            continue
        if value.slot in moving:
            items.append(
                _item(
                    value,
                    PlanAction.MOVE,
                    "whitelisted",
                    "R-404",
                    purpose=purpose.id,
                    until=expires,
                )
            )
        archived = tuple(_archive(case, value))
        items.extend(archived)
        items.append(
            _item(value, PlanAction.ERASE, "moved" if value.slot in moving else "review", "R-402")
        )
    kept = [i for i in items if i.action is not PlanAction.ERASE]
    return _plan(
        case,
        question,
        tuple(items),
        reason=reason,
        decision=decision,
        expires_on=expires if decision else None,
        erases_person=not kept and not case.standing.request.open,
    )


def _waiting(decision: Decision) -> tuple[str, ...]:
    """Return what the review waits for; a guard that fails for good is not waiting (R-402)."""
    if not any(r.code in WAITING for r in decision.against):
        return ()
    others = [r for r in decision.against if r.code not in WAITING]
    first = {r.code for r in decision.against if r.code.startswith("t1-")}
    if others and not first:
        return ()
    return tuple(m for r in decision.against if r.code in WAITING for m in r.missing)


def _duty_not_begun(case: Case, value: HeldValue) -> bool:
    """Whether a duty or claim needs the value and its period has not begun (17(3)(b), (e))."""
    return any(
        ends_on(case, purpose, value) is None
        for purpose in covering(case, value, FilingSystem.ARCHIVE)
    )


def _still_needed(case: Case, purpose: Purpose, reason: ErasureReason) -> bool:
    """Whether a live purpose keeps a value against this ground; marketing never does."""
    if purpose.marketing or purpose.basis is None:
        return False
    if purpose.basis is LegalBasis.CONSENT and consent_end(case, purpose) is not None:
        return False
    if purpose.basis is LegalBasis.LEGAL_OBLIGATION:  # 17(1)(d) waits for a live duty
        return reason is not ErasureReason.LEGAL_DUTY
    if reason is ErasureReason.OBJECTED and objection_failed(case, purpose) is not None:
        return True  # 17(1)(c) reaches the purposes an upheld objection is about, no other
    # what a live purpose needs is necessary, so 17(1)(a) does not reach it yet
    return reason not in ERASURE_GROUNDS[purpose.basis] - {ErasureReason.NO_LONGER_NECESSARY}


def plan_erasure(case: Case, question: Erasure) -> Plan:
    """Plan what a request for erasure erases and what stays, value by value (R-503).

    Erasure is not refused as a whole. While the relation is live a value stays for a purpose that
    the ground does not reach; otherwise only for a legal duty (17(3)(b)) or claims (17(3)(e)), and
    then in the archive. Of the requests' own files the facts stay on the line, the texts go
    (R-540).
    """
    blocked = erasure_blocked(case)
    if blocked:
        return _plan(
            case,
            question,
            _keep_all(case, *blocked),
            reason=question.reason,
            reference=question.reference,
            objects=not question.fields and bool(case.standing.data.values),
        )
    active = case.standing.status is ConnectionStatus.ACTIVE
    erased_before = case.standing.data.erased_at is not None
    items: list[PlanItem] = []
    for value in case.standing.data.values:
        if question.fields and value.field not in question.fields:
            items.append(_item(value, PlanAction.KEEP, "not-asked", "R-503"))
            continue
        if value.filing is FilingSystem.ARCHIVE:
            until, _, rule = kept_until(case, value)
            over = until is not None and case.at >= case.end_of(until)
            action = PlanAction.ERASE if over else PlanAction.KEEP
            code = "period-over" if over else "legal-obligation-or-claims"
            items.append(_item(value, action, code, rule, until=until))
            continue
        needed = value.filing is FilingSystem.CUSTOMER and any(
            active and _still_needed(case, purpose, question.reason)
            for purpose in covering(case, value, FilingSystem.CUSTOMER)
        )
        if needed:
            items.append(_item(value, PlanAction.KEEP, "still-needed", "R-503"))
            continue
        if value.filing is FilingSystem.CUSTOMER and _duty_not_begun(case, value):
            items.append(_item(value, PlanAction.KEEP, "legal-claims", "R-503"))
            continue
        items.extend(_archive(case, value) if value.filing is FilingSystem.CUSTOMER else ())
        items.append(_item(value, PlanAction.ERASE, "erasure-asked", "R-503"))
    stays = any(i.action in (PlanAction.KEEP, PlanAction.ARCHIVE) for i in items)
    # a request for a few fields ends the entry only where nothing of it is left
    entry = [i for i in items if i.filing is FilingSystem.MARKETING]
    ends = case.standing.connection.status is ConnectionStatus.MARKETING and all(
        i.action is PlanAction.ERASE for i in entry
    )
    return _plan(
        case,
        question,
        tuple(items),
        reason=question.reason,
        reference=question.reference,
        erases_person=not stays and not erased_before,
        ends_marketing=ends,
        objects=bool(items) and (ends or not question.fields),
    )


def nothing_left(case: Case) -> bool:
    """Whether the relation is over, no value is held and the subject key serves nobody any more.

    Only this line is asked: when another one is held or freed, these marks are not made anew.
    """
    standing = case.standing
    return (
        standing.connection.status in (ConnectionStatus.ARCHIVE, ConnectionStatus.ERASED)
        and standing.data.erased_at is None
        and not standing.data.values
        and not standing.request.open
        and not standing.retention.holds
        and not standing.objection.restrictions
    )


def _alive(case: Case) -> bool:
    """Whether the line still serves: a live relation, or a request that waits for an answer."""
    active = case.standing.status is ConnectionStatus.ACTIVE
    return active or bool(case.standing.request.open)


def plan_due(case: Case, question: DueErasure) -> Plan:
    """Plan the erasure of every value whose period is over at the moment asked about."""
    reason = ErasureReason.RETENTION_ENDED
    blocked = _waits(case)
    if blocked:
        return _plan(case, question, _keep_all(case, *blocked), reason=reason)
    items: list[PlanItem] = []
    for value in case.standing.data.values:
        until, code, rule = kept_until(case, value)
        over = until is not None and case.at >= case.end_of(until)
        items.extend(
            _archive(case, value) if over and value.filing is FilingSystem.CUSTOMER else ()
        )
        action = PlanAction.ERASE if over else PlanAction.KEEP
        items.append(_item(value, action, code, rule, until=until))
    stays = any(i.action is not PlanAction.ERASE for i in items)
    marketing = [i for i in items if i.filing is FilingSystem.MARKETING]
    ends = bool(marketing) and all(i.action is PlanAction.ERASE for i in marketing)
    return _plan(
        case,
        question,
        tuple(items),
        reason=reason,
        erases_person=nothing_left(case) or (bool(items) and not stays and not _alive(case)),
        ends_marketing=ends and case.standing.connection.status is ConnectionStatus.MARKETING,
    )
