"""What another line of the same person brings when two are brought together (R-416).

Stops are the union: whatever was said on either line rules on the one that goes on, at its own
moment. Consents come only from the same verified person at the same address. The earliest expiry
and the oldest proven notice decide. Nothing is copied but the log: values stay where they were
sealed. Leaves out who is the same person, which people judge. Always true: a merge never widens
what is allowed beyond what either line allowed with its own consent, and taking it back removes
exactly what it brought.
"""

from __future__ import annotations

from gdprkit.facts.merge import (
    MergedConsent,
    MergedFrom,
    MergedNotice,
    MergedObjection,
    MergedStop,
)
from gdprkit.state.consent import ConsentStatus
from gdprkit.state.objection import PurposeObjectionStatus
from gdprkit.state.request import RequestCase
from gdprkit.state.standing import Standing
from gdprkit.words.identifiers import SubjectId
from gdprkit.words.vocabulary import Circumstance, RestrictionGround, Right, StopKind

__all__ = ["brought_by"]

_OVERRIDDEN = PurposeObjectionStatus.OVERRIDDEN
_OPENS = Circumstance.ADULT  # the one circumstance that opens doors


def brought_by(other: SubjectId, standing: Standing, *, verified: bool) -> MergedFrom:
    """Return the fact that brings another line's words to the line that goes on.

    Args:
        other: The line that is merged away.
        standing: Its standing.
        verified: Somebody made sure that it is the same person at the same address; only then do
            consents come along, and that the person is of age.
    """
    objection = standing.objection
    return MergedFrom(
        other=other,
        stops=(
            *(
                MergedStop(kind=s.kind, channels=s.channels, purpose=s.purpose, by=s.by, at=s.at)
                for s in objection.stops
            ),
            # a request for erasure that is still open there stops marketing here too
            *(
                MergedStop(
                    kind=StopKind.OBJECTION,
                    purpose=asked.purpose,
                    by=asked.requester,
                    at=asked.received_at,
                )
                for asked in standing.request.open
                if asked.right is Right.ERASURE and not asked.fields
            ),
        ),
        objections=(
            *(
                MergedObjection(
                    purpose=o.purpose, upheld=o.status is PurposeObjectionStatus.UPHELD, at=o.at
                )
                for o in objection.objections
                if o.status is not _OVERRIDDEN
            ),
            *(
                MergedObjection(purpose=asked.purpose, upheld=False, at=asked.received_at)
                for asked in standing.request.open
                if asked.right is Right.OBJECTION
                and asked.purpose is not None
                and asked.purpose not in {o.purpose for o in objection.objections}
            ),
        ),
        restrictions=frozenset(
            {r.ground for r in objection.restrictions}
            | {
                ground
                for asked in standing.request.open
                if not asked.fields and (ground := _restricts(asked)) is not None
            }
        ),
        circumstances=frozenset(
            k.circumstance
            for k in standing.data.circumstances
            if verified or k.circumstance is not _OPENS
        ),
        consents=tuple(
            MergedConsent(purpose=w.purpose, channel=w.channel, evidence=w.evidence, at=w.at)
            for w in standing.consent.newest
            if verified and w.status is ConsentStatus.GIVEN and w.evidence is not None
        ),
        notices=tuple(
            MergedNotice(notice=given.notice, at=given.at) for given in standing.notice.given
        ),
        expires_on=standing.connection.marketing_expires,
    )


def _restricts(asked: RequestCase) -> RestrictionGround | None:
    """Return on which ground an open request restricts until it is answered (18(1)(a), (d); R-504).

    A request for restriction that names no ground is looked into, as contested accuracy is.
    """
    match asked.right:
        case Right.RESTRICTION:
            return asked.restriction_ground or RestrictionGround.ACCURACY_CONTESTED
        case Right.RECTIFICATION:
            contested = asked.restriction_ground is RestrictionGround.ACCURACY_CONTESTED
            return RestrictionGround.ACCURACY_CONTESTED if contested else None
        case Right.OBJECTION if asked.purpose is None:
            return RestrictionGround.OBJECTION_PENDING
        case _:
            return None
