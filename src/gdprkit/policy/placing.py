"""Where a person stands in the marketing matrix: row and column, and what every step needs.

The row is the kind of person and whether the offer relates to their work (R-307, R-308), the column
what they said for the channel. Nothing is allowed or forbidden here.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple, final

import attrs

from gdprkit.policy.case import FORMER, Case
from gdprkit.policy.consent import (
    ConsentInForce,
    consent_expires,
    consent_problems,
    newest_stop,
    valid_consent,
)
from gdprkit.policy.matrix import MATRIX, Cell, Column, Row
from gdprkit.register.purposes import Purpose
from gdprkit.state.connection import ConnectionStatus
from gdprkit.state.consent import ConsentStatus, ConsentWord
from gdprkit.state.marketing import Relevance, Sale
from gdprkit.state.objection import Stop, StopKind
from gdprkit.words.vocabulary import Actor, Channel, Occasion, SourceKind, SubjectKind

__all__ = [
    "Asked",
    "MayContact",
    "column_of",
    "company_lifted",
    "company_stop_for",
    "company_word",
    "is_company_stop",
    "is_listed",
    "place",
    "relevance_of",
    "row_of",
    "soft_opt_in",
    "stop_for",
]


def _words(values: Iterable[str]) -> frozenset[str]:
    return frozenset(values)


@final
@attrs.frozen(kw_only=True)
class MayContact:
    """The question: may a marketing message go out to this person?

    Args:
        channel: The channel of the message.
        purpose: The declared marketing purpose.
        selected_by: Fields used to choose the person; closed data among them forbids (R-316.4),
            profiling needs to be told, intrusive profiling a consent (R-318).
        asked_for: The person asked for this call; then telephone subscriptions may be offered in it
            (R-305).
        automated: The message is a call by a machine, on the channel ``sms``.
    """

    channel: Channel = attrs.field(converter=Channel)
    purpose: str
    selected_by: frozenset[str] = attrs.field(default=frozenset(), converter=_words)
    asked_for: bool = False
    automated: bool = False


class Asked(NamedTuple):
    """The question with what every step needs: looked up once."""

    case: Case
    question: MayContact
    channel: Channel
    purpose: Purpose
    status: ConnectionStatus
    row: Row
    column: Column
    cell: Cell
    consent: ConsentInForce | None
    stop: Stop | None
    relevance: Relevance | None
    as_member: bool  # decided as if the move into the marketing register were done (T9)


_LIST_SOURCES: Final = frozenset(
    {SourceKind.PUBLIC_REGISTER, SourceKind.POPULATION_REGISTER, SourceKind.BOUGHT_LIST}
)
_SALES: Final = frozenset({Occasion.SALE, Occasion.FREE_TIER})
# asked in every decision: looking a member up on its enumeration costs as much as a rule
_CONTACT: Final = SubjectKind.COMPANY_CONTACT
_GENERIC: Final = SubjectKind.GENERIC_ADDRESS
_NO_CONNECTION: Final = ConnectionStatus.NONE
_COMPANY: Final = Actor.COMPANY


def place(case: Case, question: MayContact, purpose: Purpose, *, as_member: bool) -> Asked:
    """Return the question with row, column and cell."""
    channel, standing = question.channel, case.standing
    contact = standing.data.kind is _CONTACT
    relevance = relevance_of(case, purpose) if contact else None
    status = standing.status
    row = _row(case, status, relevance)
    consent = valid_consent(case, purpose.id, channel)
    stop = None
    if consent is not None:
        column = Column.GIVEN
    else:
        stop = stop_for(case, channel, purpose) if standing.objection.stops else None
        column = _column(case, channel, purpose, stop)
    cell = MATRIX[channel][row][column]
    return Asked(  # by place: made for every question
        case,
        question,
        channel,
        purpose,
        status,
        row,
        column,
        cell,
        consent,
        stop,
        relevance,
        as_member,
    )


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

    An offer known not to be the seller's own or not similar falls outside (condition c); so do
    contests, quotes and business cards, which are no sale (R-322), and what a company bought, for
    the people who work there.
    """
    if purpose.own_products is False:
        return None
    for sale in reversed(case.standing.marketing.sales):
        similar = not purpose.product_groups or sale.product_group in purpose.product_groups
        bought = sale.occasion in _SALES and sale.buyer is Actor.SUBJECT
        if (
            bought
            and similar
            and channel in sale.channels
            and sale.refusal_offered
            and sale.option_told
        ):
            return sale
    return None


def row_of(case: Case, purpose: Purpose) -> Row:
    """Return the row of the matrix the person stands in for this purpose (R-307, R-308)."""
    return _row(case, case.standing.status, relevance_of(case, purpose))


def _row(case: Case, status: ConnectionStatus, relevance: Relevance | None) -> Row:
    kind = case.standing.data.kind
    if kind is _GENERIC:
        return Row.GEN
    if kind is _CONTACT:
        if relevance is None or not relevance.related:
            return Row.B2B_U
        if status in FORMER:
            return Row.FB2B
        return Row.PB2B if is_listed(case, status) else Row.B2B_R
    if status in FORMER:
        return Row.FCON
    return Row.PCON if is_listed(case, status) else Row.CON


def is_listed(case: Case, status: ConnectionStatus) -> bool:
    """Whether a prospect comes from a register or a bought list (R-319)."""
    name = case.standing.data.source
    if name is None or status is not _NO_CONNECTION:
        return False
    source = case.register.sources.get(name)
    return source is not None and source.kind in _LIST_SOURCES


def stop_for(case: Case, channel: Channel, purpose: Purpose) -> Stop | None:
    """Return the newest stop of the person that reaches this channel and purpose.

    A withdrawn or refused marketing consent closes its channel for every purpose that rests on no
    consent (R-211). What a company says about its own people is step 3; for everybody else it is
    a third person's stop, which is honoured (0.3).
    """
    contact = case.standing.data.kind is _CONTACT
    found = [
        stop
        for stop in case.standing.objection.stops
        if stop.covers_channel(channel)
        and (
            stop.purpose in (None, purpose.id)
            or (
                stop.kind in (StopKind.WITHDRAWAL, StopKind.REFUSAL)
                and _closes_channels(case, stop)
            )
        )
        and not (contact and stop.by is _COMPANY)
    ]
    objections = [s for s in found if s.kind in _ABSOLUTE]
    return max(objections or found, key=lambda s: (s.at, s.position), default=None)


_ABSOLUTE: Final = (StopKind.OBJECTION, StopKind.PROHIBITION)


def _closes_channels(case: Case, stop: Stop) -> bool:
    """Whether a no to another purpose closes channels: marketing that uses some does (R-211).

    A purpose that is no longer declared counts as such; profiling has no channel to close.
    """
    declared = case.register.purposes.get(stop.purpose) if stop.purpose is not None else None
    if declared is None:
        return True
    return declared.marketing and bool(stop.channels or declared.channels)


def company_stop_for(case: Case, channel: Channel, purpose: Purpose) -> Stop | None:
    """Return the newest stop of the organisation that no consent of its own has lifted, or None."""
    stop, consent = company_word(case, channel, purpose)
    return stop if consent is None else None


def is_company_stop(case: Case, stop: Stop) -> bool:
    """Whether a stop on a contact's line is their company's, which they cannot lift (R-316.3)."""
    return stop.by is _COMPANY and case.standing.data.kind is _CONTACT


def company_lifted(case: Case, purpose: Purpose) -> bool:
    """Whether on some channel of a purpose no word of the organisation stands in the way."""
    return any(company_stop_for(case, c, purpose) is None for c in purpose.channels)


def company_word(
    case: Case, channel: Channel, purpose: Purpose
) -> tuple[Stop | None, ConsentInForce | None]:
    """Return the newest stop of a person's organisation, and the consent that lifts it if one does.

    It concerns work addresses, named and generic. A later consent of the organisation lifts it, and
    only while that is in force; its staff's never does (R-219, R-316.3). What is said on the line
    of a generic address itself is step 2.
    """
    kind, stops = case.standing.data.kind, case.standing.objection.stops
    if kind is not _CONTACT and kind is not _GENERIC:
        return None, None
    if not stops and case.organisation is None:
        return None, None
    found = [
        stop
        for stop in stops
        if kind is _CONTACT and stop.by is _COMPANY and stop.covers(channel, purpose.id)
    ]
    if case.organisation is not None:
        there = attrs.evolve(case, standing=case.organisation)
        stop = newest_stop(there, channel, purpose.id)
        if stop is not None:  # it is on no entry of theirs: the one that names the organisation
            role = case.standing.connection.organisation_position
            found.append(attrs.evolve(stop, position=role))
    newest = max(found, key=lambda s: (s.at, s.position), default=None)
    consent = None if newest is None else _company_consent(case, channel, purpose)
    if newest is None or consent is None or consent.word.at <= newest.at:
        return newest, None
    return newest, consent


def _company_consent(case: Case, channel: Channel, purpose: Purpose) -> ConsentInForce | None:
    """Return the newest consent in force of the organisation itself, on its line or on this one."""
    found = []
    word = case.standing.consent.word(purpose.id, channel)
    contact = case.standing.data.kind is _CONTACT
    if word is not None and (not contact or _is_company(word)):
        found.append((case, word, frozenset({"consent-not-by-the-person"} if contact else ())))
    if case.organisation is not None:
        there = attrs.evolve(case, standing=case.organisation)
        word = case.organisation.consent.word(purpose.id, channel)
        if word is not None:
            role = case.standing.connection.organisation_position
            found.append((there, attrs.evolve(word, position=role), frozenset[str]()))
    consents = [
        ConsentInForce(word=word, evidence=word.evidence, until=until)
        for line, word, borne in found
        if word.status is ConsentStatus.GIVEN
        and word.evidence is not None
        and {r.code for r in consent_problems(line, word)} <= borne
        and case.at < (until := consent_expires(line, word))
    ]
    return max(consents, key=lambda c: c.word.at, default=None)


def _is_company(word: ConsentWord) -> bool:
    return word.evidence is not None and word.evidence.actor is _COMPANY


def column_of(case: Case, channel: Channel, purpose: Purpose) -> Column:
    """Return the column: what the person said for this channel, at the moment asked about."""
    if valid_consent(case, purpose.id, channel) is not None:
        return Column.GIVEN
    return _column(case, channel, purpose, stop_for(case, channel, purpose))


def _column(case: Case, channel: Channel, purpose: Purpose, stop: Stop | None) -> Column:
    """Return the column of somebody without a valid consent."""
    if stop is not None:
        return Column.OBJECTED if stop.kind in _ABSOLUTE else Column.STOPPED
    return Column.SOFT if soft_opt_in(case, channel, purpose) else Column.NEVER
