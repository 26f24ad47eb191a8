"""Where a person stands in the marketing matrix: row and column, and what every step needs.

The row is the kind of person and whether the offer relates to their work (R-307, R-308), the column
what they said for the channel. Nothing is allowed or forbidden here.
"""

from __future__ import annotations

from typing import Final, final

import attrs

from gdprkit.policy.case import FORMER, Case
from gdprkit.policy.consent import ConsentInForce, consent_problems, valid_consent
from gdprkit.policy.matrix import Column, Row
from gdprkit.register.purposes import Purpose
from gdprkit.state.connection import ConnectionStatus
from gdprkit.state.consent import ConsentStatus
from gdprkit.state.marketing import Relevance, Sale
from gdprkit.state.objection import Stop, StopKind
from gdprkit.words.identifiers import FieldId, PurposeId
from gdprkit.words.vocabulary import (
    Actor,
    Channel,
    SourceKind,
    SubjectKind,
)

__all__ = [
    "Asked",
    "column_of",
    "company_stop_for",
    "relevance_of",
    "row_of",
    "soft_opt_in",
    "stop_for",
]

_LIST_SOURCES: Final = frozenset(
    {SourceKind.PUBLIC_REGISTER, SourceKind.POPULATION_REGISTER, SourceKind.BOUGHT_LIST}
)


@final
@attrs.frozen(kw_only=True)
class Asked:
    """The question with what every step needs: looked up once."""

    case: Case
    channel: Channel
    purpose: Purpose
    selected_by: frozenset[FieldId]
    relevance: Relevance | None
    consent: ConsentInForce | None
    row: Row
    column: Column
    as_member: bool  # decided as if the move into the marketing register were done (T9)


def relevance_of(case: Case, purpose: Purpose) -> Relevance | None:
    """Return the newest finding about the purpose's topics (R-307).

    A finding that offers relate must speak about all of them; that they do not, about any.
    """
    for finding in reversed(case.standing.marketing.relevance):
        if not purpose.topics & finding.topics:
            continue
        if not finding.related or purpose.topics <= finding.topics:
            return finding
    return None


def soft_opt_in(case: Case, channel: Channel, purpose: Purpose) -> Sale | None:
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
            finding = relevance_of(case, purpose)
            if finding is None or not finding.related:
                return Row.B2B_U
            if former:
                return Row.FB2B
            return Row.PB2B if listed else Row.B2B_R
        case _:
            if former:
                return Row.FCON
            return Row.PCON if listed else Row.CON


def stop_for(case: Case, channel: Channel, purpose: Purpose) -> Stop | None:
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


def company_stop_for(case: Case, channel: Channel, purpose: Purpose) -> Stop | None:
    """Return the newest stop of a contact's organisation that reaches this channel, or None.

    It concerns the work address only, and a later word of the organisation lifts it: never its
    staff's consent (R-219), but its own stop (R-316.3).
    """
    if case.standing.data.kind is not SubjectKind.COMPANY_CONTACT:
        return None
    word = case.standing.consent.word(purpose.id, channel)
    by_company = (
        word is not None
        and word.status is ConsentStatus.GIVEN
        and word.evidence is not None
        and word.evidence.actor is Actor.COMPANY
        and {r.code for r in consent_problems(case, word)} <= {"consent-not-by-the-person"}
    )
    found = [
        stop
        for stop in case.standing.objection.stops
        if stop.by is Actor.COMPANY
        and stop.covers(channel, purpose.id)
        and not (by_company and word is not None and word.at > stop.at)
    ]
    return max(found, key=lambda s: (s.at, s.position), default=None)


def column_of(case: Case, channel: Channel, purpose: Purpose) -> Column:
    """Return the column: what the person said for this channel, at the moment asked about."""
    if valid_consent(case, purpose.id, channel) is not None:
        return Column.GIVEN
    stop = stop_for(case, channel, purpose)
    if stop is not None:
        absolute = stop.kind in (StopKind.OBJECTION, StopKind.PROHIBITION)
        return Column.OBJECTED if absolute else Column.STOPPED
    return Column.SOFT if soft_opt_in(case, channel, purpose) else Column.NEVER
