"""Carrying a plan out: one commit, exactly what was approved.

Decides what each item of a plan becomes in the batch. Leaves out what is planned
(``policy.retention``). Always true: the plan is made again from the line as it stands now, and if
that gives another digest, something has changed and nothing is done; the whole of it is one batch,
so a process that dies in the middle leaves the person as they were; nothing restricted is moved.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from typing import Any, Final, final

import attrs

from gdprkit.errors import ApprovalMissing, ChainBroken, InvalidValue, PlanStale
from gdprkit.facts.data import DataErased, PersonErased
from gdprkit.facts.objection import MarketingObjection
from gdprkit.facts.retention import Archived, MarketingEntryEnded, MovedToMarketing
from gdprkit.facts.sealed import SealedValue
from gdprkit.keeper.contacts import ListHashes, list_epochs, list_hashes, suppressed
from gdprkit.keeper.line import View, organisation_of, surviving_of
from gdprkit.keeper.reading import contact_points, contact_values
from gdprkit.keeper.receipt import ErasureReceipt, receipt_of
from gdprkit.keeper.sealed import check_found, open_found, open_values
from gdprkit.keeper.writing import (
    Bench,
    Composed,
    Draft,
    add,
    finish,
    remember_stops,
    seal_into,
)
from gdprkit.policy.case import Case, Suppressed
from gdprkit.policy.marketing_entry import marketing_purpose
from gdprkit.policy.plan import Plan, PlanAction, PlanItem
from gdprkit.policy.retention import (
    AfterEnd,
    DueErasure,
    Erasure,
    plan_after_end,
    plan_due,
    plan_erasure,
)
from gdprkit.sealing.errors import FieldCryptoError
from gdprkit.state.data import HeldValue
from gdprkit.words.identifiers import FieldId, PurposeId, SubjectId
from gdprkit.words.vocabulary import (
    ErasureReason,
    FilingSystem,
    IntakeChannel,
    RestrictedUse,
    Right,
)

__all__ = [
    "Applied",
    "applied",
    "compose_plan",
    "list_hashes_of",
    "list_hashes_of_many",
    "make_plan",
    "recheck",
]

_PLANNERS: Final[Mapping[type, Callable[[Any, Any], Plan]]] = {
    AfterEnd: plan_after_end,
    Erasure: plan_erasure,
    DueErasure: plan_due,
}


@final
@attrs.frozen(kw_only=True)
class Applied:
    """What was done: counts by action, and whether the subject key was destroyed.

    Args:
        plan: Digest of the plan.
        done: Action -> number of values.
        person_erased: Nothing stays and the key is destroyed.
        receipt: What that erasure did and did not do; None where the person was not erased.
    """

    plan: str
    done: Mapping[PlanAction, int]
    person_erased: bool
    receipt: ErasureReceipt | None = None


def applied(bench: Bench, plan: Plan, now: datetime) -> Applied:
    """Return what a plan has done that was committed by *now*."""
    erased = plan.erases_person
    return Applied(
        plan=plan.digest,
        done={action: len(plan.of(action)) for action in PlanAction},
        person_erased=erased,
        receipt=receipt_of(bench, plan.about, committed=now) if erased else None,
    )


def look_up(bench: Bench, view: View, purpose: str | None, case: Case) -> Suppressed:
    """Look the person's contact points up in the suppression list, for one marketing purpose.

    Args:
        bench: What the keeper works with.
        view: The person as they are now, whatever moment is asked about.
        purpose: The purpose; None means that of the marketing register.
        case: What is asked about, and when.
    """
    declared = marketing_purpose(case, purpose)
    own = view.standing.objection.stops
    return suppressed(
        bench.store.suppressed, list_hashes_of(bench, view), declared.id, case.at, own
    )


def list_hashes_of(bench: Bench, view: View) -> ListHashes:
    """Return the hashes of the person's contact points, opened again only where something changed.

    Raises:
        as ``contact_values``, whether they are opened or not: the keys are asked for each time.
    """
    about, standing = view.about, view.standing
    epochs = list_epochs(bench.keys)
    known = bench.memory.hashes(about, standing, epochs)
    if known is not None:
        if known.channels:
            bench.keys.of(about, use=RestrictedUse.OWN_REQUEST)
        return known
    found = list_hashes(bench.register, bench.keys, contact_values(bench, view))
    bench.memory.keep_hashes(about, standing, epochs, found)
    return found


def list_hashes_of_many(bench: Bench, views: Sequence[View]) -> dict[SubjectId, ListHashes]:
    """Return what ``list_hashes_of`` returns, for many people, whose rows are read at once.

    Left out is whoever it refuses, and whose line or keys moved since they were read.

    Raises:
        KeyIntegrityError, KeyEpochDestroyed, KeyProviderUnavailable, KeyProviderDenied: as
            ``SubjectKeys.of``, for the epochs of all.
    """
    epochs = list_epochs(bench.keys)
    found: dict[SubjectId, ListHashes] = {}
    held: dict[SubjectId, list[HeldValue]] = {}
    for view in views:
        known = bench.memory.hashes(view.about, view.standing, epochs)
        if known is None:
            held[view.about] = contact_points(bench, view)
        else:
            found[view.about] = known
    having = [about for about, known in found.items() if known.channels]
    having += [about for about, values in held.items() if values]
    keys = bench.keys.of_many(having, use=RestrictedUse.OWN_REQUEST)
    for about in having:
        if about not in keys:
            found.pop(about, None)
            held.pop(about, None)
    slots = {about: [value.slot for value in values] for about, values in held.items() if values}
    envelopes = bench.store.values_of(slots)
    for view in views:
        about, standing = view.about, view.standing
        if about not in held:
            continue
        try:
            values: list[tuple[FieldId, object]] = []
            if held[about]:
                own = envelopes.get(about, {})
                check_found(about, held[about], own)
                opened = open_found(keys[about], held[about], own)
                values = [(value.field, personal) for value, personal in opened]
            hashes = list_hashes(bench.register, bench.keys, values)
        except (ChainBroken, FieldCryptoError, InvalidValue):
            continue  # whoever asks about them alone is told what is wrong
        bench.memory.keep_hashes(about, standing, epochs, hashes)
        found[about] = hashes
    return found


def make_plan(
    bench: Bench,
    view: View,
    question: object,
    now: datetime,
    *,
    at: datetime | None = None,
    known_by: datetime | None = None,
) -> Plan:
    """Return the plan that answers *question*.

    Raises:
        InvalidValue: *question* is no plan question.
    """
    planner = _PLANNERS.get(type(question))
    if planner is None:
        raise InvalidValue(
            "question", "is no plan question", "pass connection.after_end(), retention.due() …"
        )
    company = organisation_of(bench.store, view, at, known_by)
    others = surviving_of(bench.store, view, at, known_by)
    case = bench.case(view, now, organisation=company, surviving=others)
    if isinstance(question, AfterEnd):
        case = attrs.evolve(case, suppressed=look_up(bench, view, question.purpose, case))
    return planner(case, question)


def recheck(bench: Bench, view: View, plan: Plan, approve: object, now: datetime) -> None:
    """Hold a plan against its approval and against the facts of this moment.

    Raises:
        ApprovalMissing: *approve* is not the plan's digest.
        PlanStale: planning again gives something else.
    """
    # in bytes: comparing texts refuses, with an error of its own, what is not ASCII
    approved = approve.encode(errors="replace") if isinstance(approve, str) else b""
    if not hmac.compare_digest(plan.digest.encode(), approved):
        raise ApprovalMissing
    if make_plan(bench, view, plan.question, now).digest != plan.digest:
        raise PlanStale(plan.about)


def _copies(draft: Draft, items: list[PlanItem], filing: FilingSystem) -> tuple[SealedValue, ...]:
    """Open the originals of *items* and seal them for another filing system."""
    bench, about = draft.bench, draft.before.about
    held = {value.slot: value for value in draft.before.standing.data.values}
    originals: list[HeldValue] = [held[item.slot] for item in items]
    bench.keys.forget(about)  # what is restricted is not moved: asked of the rows as they are now
    versions = bench.keys.of(about)
    opened = open_values(bench.store, versions, about, originals)
    return seal_into(draft, [(value.field, personal) for value, personal in opened], filing)


def _move(draft: Draft, plan: Plan) -> None:
    items = list(plan.of(PlanAction.MOVE))
    if not items or plan.expires_on is None or items[0].purpose is None:
        return
    values = _copies(draft, items, FilingSystem.MARKETING)
    fact = MovedToMarketing(
        values=values,
        purpose=items[0].purpose,
        expires_on=plan.expires_on,
        plan=plan.digest,
    )
    add(draft, [fact], draft.now)


def _archive(draft: Draft, plan: Plan) -> None:
    # values of one purpose may have different ends (invoices of two years): one fact for each
    groups: dict[tuple[PurposeId, date], list[PlanItem]] = {}
    for item in plan.of(PlanAction.ARCHIVE):
        if item.purpose is not None and item.until is not None:
            groups.setdefault((item.purpose, item.until), []).append(item)
    for (purpose, until), items in groups.items():
        values = _copies(draft, items, FilingSystem.ARCHIVE)
        add(
            draft,
            [Archived(values=values, purpose=purpose, until=until, plan=plan.digest)],
            draft.now,
        )


def _erase(draft: Draft, plan: Plan) -> None:
    by_reason: dict[tuple[ErasureReason, str], list[PlanItem]] = {}
    for item in plan.of(PlanAction.ERASE):
        reason = ErasureReason.MOVED if item.code == "moved" else plan.reason
        by_reason.setdefault((reason, item.rule), []).append(item)
    for (reason, rule), items in by_reason.items():
        slots = tuple(item.slot for item in items)
        add(draft, [DataErased(slots=slots, reason=reason, rule=rule, plan=plan.digest)], draft.now)


def compose_plan(
    bench: Bench, before: View, plan: Plan, now: datetime, *, by: str | None = None
) -> Composed:
    """Return the one batch that carries *plan* out.

    A request for erasure counts as an objection to marketing (R-414). Contact points of whoever
    said no are remembered as keyed hashes, so that the stop meets every import.

    Raises:
        ShredHeld: the key is on hold.
        ProcessingRestricted: the key rows say so, and a value was to be moved or archived.
        ChainBroken, FieldCryptoError: a value to be copied cannot be opened.
    """
    draft = Draft(bench=bench, before=before, now=now, view=before, by=by)
    if plan.objects:
        asked = [c for c in before.standing.request.cases if c.right is Right.ERASURE]
        stop = MarketingObjection(via=asked[-1].channel if asked else IntakeChannel.OTHER)
        add(draft, [stop], now)
    if draft.view.standing.objection.stops and plan.of(PlanAction.ERASE):
        # also stops that a merge brought: these addresses are known now for the last time
        remember_stops(draft, contact_values(bench, before, damaged=True))
    _move(draft, plan)
    _archive(draft, plan)
    _erase(draft, plan)
    if plan.ends_marketing:
        add(draft, [MarketingEntryEnded(reason=plan.reason, plan=plan.digest)], now)
    if not plan.erases_person:
        return finish(draft)
    tombstone = bench.keys.tombstone_for(
        before.about, at=now, reason=plan.reason, reference=plan.reference
    )
    fact = PersonErased(
        reason=plan.reason,
        reference=plan.reference,
        key_ids=tuple(key_id.hex() for key_id in tombstone.key_ids),
        plan=plan.digest,
    )
    add(draft, [fact], now)
    return finish(draft, shred=tombstone)
