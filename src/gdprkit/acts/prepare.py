"""From an act and the standing to the facts to record.

Three things happen here and nothing else: names are held against the register, steps against the
life cycles and the erasure, and a few facts bring others with them at once (a stop ends an entry in
the marketing register the same day, a request that is a stop records the stop). Always true: a stop
is never refused.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any, Final

import attrs

from gdprkit.acts.act import Act
from gdprkit.errors import InvalidValue, NotPossibleNow, UnknownName
from gdprkit.facts.connection import ConnectionEnded, ConnectionStarted
from gdprkit.facts.consent import (
    ConsentConfirmed,
    ConsentGiven,
    ConsentRefused,
    ConsentRequested,
    ConsentWithdrawn,
)
from gdprkit.facts.data import (
    CircumstanceNoted,
    DataCollected,
    DataErased,
)
from gdprkit.facts.entry import Entry, Fact
from gdprkit.facts.notice import NoticeGiven
from gdprkit.facts.objection import (
    MarketingObjection,
    MarketingProhibition,
    ObjectionRaised,
    RestrictionLifted,
)
from gdprkit.facts.request import (
    ClarificationRequested,
    FeeAnnounced,
    HandlingBegun,
    IdentityRequested,
    RequestExtended,
    RequestFulfilled,
    RequestPartlyRefused,
    RequestReceived,
    RequestRefused,
    SubjectNotIdentifiable,
)
from gdprkit.facts.retention import MarketingEntryEnded
from gdprkit.policy.case import Case
from gdprkit.policy.closing import may_close
from gdprkit.policy.decisions import NotAllowed, Reason, forbid, need
from gdprkit.policy.handling import IDENTITY, REFUSALS, IdentityStep, right_of
from gdprkit.policy.marketing_entry import CONTACT_POINTS
from gdprkit.policy.matrix import Column
from gdprkit.policy.placing import column_of, company_stop_for
from gdprkit.policy.retention import erasure_blocked
from gdprkit.register.register import Register
from gdprkit.state import connection, request
from gdprkit.state.connection import ConnectionStatus
from gdprkit.state.request import RequestCase, RequestStatus
from gdprkit.state.standing import AFTER_ERASURE, step
from gdprkit.words.citations import gdpr
from gdprkit.words.identifiers import PurposeId
from gdprkit.words.moments import civil_date
from gdprkit.words.vocabulary import (
    Channel,
    Circumstance,
    EndCause,
    ErasureReason,
    FilingSystem,
    Right,
)

__all__ = ["STOPS", "prepare"]

#: Facts that close marketing; recorded always, also after an erasure.
STOPS: Final = frozenset(
    {MarketingObjection, MarketingProhibition, ConsentWithdrawn, ConsentRefused}
)

_Look = Callable[[Register, Any], object]

#: attribute of a fact -> how its name is looked up; an unknown name raises with did-you-mean.
_NAMES: Final[Mapping[str, _Look]] = {
    "purpose": Register.purpose,
    "notice": Register.notice,
    "source": Register.source,
    "recipient": Register.recipient,
    "transfer": Register.transfer,
}


def _check_names(register: Register, fact: Fact) -> None:
    for attribute, look in _NAMES.items():
        name = getattr(fact, attribute, None)
        if name is not None:
            look(register, name)
    if isinstance(fact, (ConsentGiven, ConsentRequested)):
        register.notice(fact.evidence.notice)
    for field in getattr(fact, "fields", ()):
        register.field(field)


PERSON_ERASED: Final = forbid("person-erased", "R-503", gdpr("17(1)"))
PERSON_DECEASED: Final = forbid("person-deceased", "R-415", gdpr("recital 27"))
LIFTING_UNTOLD: Final = need(
    "lifting-untold",
    "R-504",
    gdpr("18(3)"),
    missing="telling the person before the restriction is lifted",
)


def _check_alive(case: Case, fact: Fact) -> None:
    """Refuse whatever is no stop, request or telling once the person was erased (R-316.1)."""
    data = case.standing.data
    dead = data.circumstance(Circumstance.DECEASED)
    if data.erased_at is not None and type(fact) not in AFTER_ERASURE:
        reason = PERSON_ERASED.on(data.erased_position)
    elif dead is not None and isinstance(fact, ConnectionStarted):
        reason = PERSON_DECEASED.on(dead.position)
    else:
        return
    raise _not_allowed(case, fact, reason)


def _not_allowed(case: Case, fact: Fact, reason: Reason) -> NotAllowed:
    return NotAllowed(case.decision(f"record {type(fact).__name__}", (reason,)))


def _check_step(case: Case, fact: Fact) -> None:
    """Hold the fact against the life cycle it belongs to."""
    name, standing = type(fact).__name__, case.standing
    if isinstance(fact, (ConnectionStarted, ConnectionEnded)):
        row = connection.TRANSITIONS[standing.connection.status]
        if type(fact) not in row:
            possible = tuple(sorted(kind.__name__ for kind in row))
            raise NotPossibleNow(standing.connection.status, name, possible)
    elif isinstance(fact, ConsentConfirmed):
        if standing.consent.requested(fact.purpose) is None:
            raise NotPossibleNow("nothing requested", name, ("ConsentRequested",))
    elif type(fact) in request.STEP_FACTS:
        found = standing.request.case(fact.case)  # type: ignore[union-attr]
        if found is None:
            raise UnknownName("request of this person", recorded=True)
        steps = request.TRANSITIONS[found.status]
        if _has_no_place(case, found, fact):
            raise NotPossibleNow(found.status, name, ("HandlingBegun", "RequestFulfilled"))
        if type(fact) not in steps and not _begins_first(found.status, fact):
            possible = tuple(sorted(kind.__name__ for kind in steps))
            raise NotPossibleNow(found.status, name, possible)


def _has_no_place(case: Case, found: RequestCase, fact: Fact) -> bool:
    """Whether a request of this right, or one that has come so far, has no such step."""
    right = right_of(case, found)
    match fact:
        case IdentityRequested():
            return IDENTITY[right] is IdentityStep.NONE
        case ClarificationRequested():  # whoever insisted on everything is not asked again
            return IDENTITY[right] is IdentityStep.NONE or found.insisted
        case FeeAnnounced():  # what is never refused is never paid for
            return not REFUSALS[right]
        case RequestExtended():  # once
            return found.extended
        case _:
            return False


def _check_closing(case: Case, fact: Fact) -> None:
    """Hold an answer that closes a request against what the law asks of it (R-503, R-528)."""
    if not isinstance(
        fact, (RequestFulfilled, RequestPartlyRefused, RequestRefused, SubjectNotIdentifiable)
    ):
        return
    found = case.standing.request.case(fact.case)
    if found is not None:
        may_close(case, found, fact).require()


def _check_days(case: Case, fact: Fact, at: datetime | None) -> None:
    """Hold days against today: an end is recorded when it came, a lift after telling (18(3))."""
    if isinstance(fact, ConnectionEnded) and fact.on > case.today:
        raise InvalidValue("on", "has not come", "record the end on the day, or later")
    if isinstance(fact, RestrictionLifted):
        since = [r.at for r in case.standing.objection.restrictions if r.ground is fact.ground]
        first = civil_date(max(since), case.zone) if since else fact.informed
        lifted = civil_date(at, case.zone) if at is not None else case.today
        if not first <= fact.informed <= min(lifted, case.today):
            raise _not_allowed(case, fact, LIFTING_UNTOLD)


def _begins_first(status: RequestStatus, fact: Fact) -> bool:
    answers = isinstance(fact, (RequestFulfilled, RequestPartlyRefused))
    return status is RequestStatus.RECEIVED and answers


def _widen(case: Case, fact: Fact) -> Fact:
    """Name the channels a consent word is about, as the register declares them for the purpose.

    A no is about those the person once agreed to as well, whatever the register says today.
    """
    words = (ConsentGiven, ConsentRequested, ConsentRefused, ConsentWithdrawn)
    if not isinstance(fact, words) or fact.channels or fact.purpose is None:
        return fact
    channels = case.register.purpose(fact.purpose).channels
    if isinstance(fact, (ConsentRefused, ConsentWithdrawn)):
        said = case.standing.consent.for_purpose(fact.purpose)
        channels |= {word.channel for word in said if word.channel is not None}
    return attrs.evolve(fact, channels=channels)


def _stopped(case: Case, name: str, channel: Channel) -> bool:
    """Whether a stop closes the channel: what a channel lacks else may come again."""
    purpose = case.register.purposes.get(PurposeId(name))
    if purpose is None or channel not in purpose.channels:
        return True
    said = column_of(case, channel, purpose)
    by_company = company_stop_for(case, channel, purpose) is not None
    return by_company or said in (Column.OBJECTED, Column.STOPPED)


def _after_stop(case: Case, fact: Fact) -> Iterator[Fact]:
    """End, or narrow, the entry in the marketing register the same day (R-412, R-413).

    Under a hold or a restriction the entry ends and its values stay until that is over. An entry
    without proof goes as well; what else is on its line stays on the clean-up list (R-420).
    """
    standing, status = case.standing, case.standing.connection.status
    unproven = status is ConnectionStatus.UNPROVEN
    if status is not ConnectionStatus.MARKETING and not (
        unproven and standing.data.held(FilingSystem.MARKETING)
    ):
        return
    entry = Entry(position=standing.position + 1, at=case.at, recorded_at=case.at, fact=fact)
    after = attrs.evolve(case, standing=step(standing, entry))
    held = standing.data.held(FilingSystem.MARKETING)
    points = {
        value.slot: (value.purpose, CONTACT_POINTS[declared.kind])
        for value in held
        if (declared := case.register.fields.get(value.field)) is not None
        and declared.kind in CONTACT_POINTS
    }
    closed = {
        slot
        for slot, (purpose, channels) in points.items()
        if purpose is None or all(_stopped(after, purpose, c) for c in channels)
    }
    ends = not points.keys() - closed
    gone = [value.slot for value in held] if ends else sorted(closed)
    if gone and erasure_blocked(case) is None:
        yield DataErased(slots=gone, reason=ErasureReason.OBJECTED, rule="R-412")
    if ends and not (unproven and standing.data.held(FilingSystem.CUSTOMER)):
        yield MarketingEntryEnded(reason=ErasureReason.OBJECTED)


def _after_circumstance(case: Case, fact: CircumstanceNoted) -> Iterator[Fact]:
    """End the marketing entry, or the connection of a contact who left (R-415, R-417)."""
    if not (fact.holds and fact.circumstance in _LEAVES):
        return
    if case.standing.connection.status is ConnectionStatus.MARKETING:
        slots = [v.slot for v in case.standing.data.held(FilingSystem.MARKETING)]
        reason = ErasureReason.NO_LONGER_NECESSARY
        if slots and erasure_blocked(case) is None:
            yield DataErased(slots=slots, reason=reason, rule="R-415")
        yield MarketingEntryEnded(reason=reason)
    cause = _ENDS.get(fact.circumstance)
    if cause is not None and case.standing.connection.status is ConnectionStatus.ACTIVE:
        yield ConnectionEnded(on=case.today, cause=cause, evidence="circumstance noted")


#: What is known of a person that ends the relation at once (R-415, R-417).
_ENDS: Final[Mapping[Circumstance, EndCause]] = {
    Circumstance.LEFT_ROLE: EndCause.CONTACT_LEFT,
    Circumstance.DECEASED: EndCause.DEATH,
}


_LEAVES: Final = frozenset(
    {
        Circumstance.DECEASED,
        Circumstance.LEFT_ROLE,
        Circumstance.ADDRESS_DEAD,
        Circumstance.MINOR,
        Circumstance.SAFETY_BAN,
    }
)


def _marketed(case: Case, purpose: PurposeId | None) -> bool:
    """Whether the person stands in the marketing register, and the purpose named is marketing."""
    if case.standing.connection.status is not ConnectionStatus.MARKETING:
        return False
    return purpose is None or case.register.purpose(purpose).marketing


def _stop_in_request(case: Case, fact: RequestReceived) -> Fact | None:
    """Return the stop a request is: for the purpose it is limited to, else for all (R-210, 0.3)."""
    via, by = fact.channel, fact.requester
    named = case.register.purpose(fact.purpose) if fact.purpose is not None else None
    marketed = fact.purpose if named is not None and named.marketing else None
    match fact.right:
        case Right.ERASURE if not fact.fields and _marketed(case, fact.purpose):
            # after the move a request for erasure is an objection to marketing
            return MarketingObjection(purpose=fact.purpose, via=via, by=fact.requester)
        case Right.OBJECTION_TO_MARKETING:
            return MarketingObjection(purpose=marketed, via=via, by=by)
        case Right.OBJECTION if named is None or named.marketing:
            return MarketingObjection(purpose=marketed, via=via, by=by)
        case Right.WITHDRAW_CONSENT:
            return _widen(case, ConsentWithdrawn(purpose=fact.purpose, via=via, by=by))
        case _:
            return None


def prepare(case: Case, act: Act) -> tuple[Fact, ...]:
    """Return the facts to record for *act*, the named one first among its kind.

    Raises:
        UnknownPurpose, UnknownNotice, UnknownName: the register does not declare a name.
        NotAllowed: the person was erased and this is no stop.
        NotPossibleNow: the life cycle has no place for the step.
    """
    fact = act.fact
    _check_names(case.register, fact)
    _check_alive(case, fact)
    _check_step(case, fact)
    _check_days(case, fact, act.at)
    fact = _widen(case, fact)
    _check_closing(case, fact)
    match fact:
        case RequestReceived():
            stop = _stop_in_request(case, fact)
            return (fact, stop, *_after_stop(case, stop)) if stop else (fact,)
        case RequestFulfilled() | RequestPartlyRefused():
            found = case.standing.request.case(fact.case)
            if found is not None and _begins_first(found.status, fact):
                return HandlingBegun(case=fact.case), fact
            return (fact,)
        case ObjectionRaised() if case.register.purpose(fact.purpose).marketing:
            stop = MarketingObjection(purpose=fact.purpose, via=fact.via)
            return (fact, stop, *_after_stop(case, stop))
        case CircumstanceNoted():
            return (fact, *_after_circumstance(case, fact))
        case DataCollected(notice=notice) if notice is not None:
            return NoticeGiven(notice=notice), fact
        case MarketingObjection() | MarketingProhibition() | ConsentWithdrawn() | ConsentRefused():
            return (fact, *_after_stop(case, fact))
        case _:
            return (fact,)
