"""The last word on each purpose and channel: consent given, refused or withdrawn.

Whether a given consent counts is the policy's question. History stays on the line; only the newest
word per scope stands here, and with it the evidence. A withdrawal or refusal is also a stop
(``state.objection``), because it may cover scopes that never had a consent.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum
from typing import Final, final

import attrs

from gdprkit.facts.consent import (
    ConsentConfirmed,
    ConsentEvidence,
    ConsentGiven,
    ConsentRefused,
    ConsentRequested,
    ConsentWithdrawn,
)
from gdprkit.facts.entry import Entry
from gdprkit.facts.merge import MergedFrom, MergeReversed
from gdprkit.state._shape import Fold, Writing, put
from gdprkit.words.identifiers import PurposeId, SubjectId
from gdprkit.words.vocabulary import Channel, ConsentMethod

__all__ = ["ConsentState", "ConsentStatus", "ConsentWord", "RequestedConsent", "Words"]


class ConsentStatus(StrEnum):
    """The newest word for one scope."""

    GIVEN = "given"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"


@final
@attrs.frozen(kw_only=True)
class ConsentWord:
    """What was last said about one purpose and channel; None is "no channel involved"."""

    purpose: PurposeId
    channel: Channel | None
    status: ConsentStatus
    at: datetime
    position: int
    evidence: ConsentEvidence | None = None
    given_at: datetime | None = None  # of the consent that was withdrawn
    merged_from: SubjectId | None = None  # given on another line of the person
    requested_at: datetime | None = None  # of a double opt-in: when the choice was made

    @property
    def is_clear(self) -> bool:
        """Whether the person said it: a no, or a yes by a clear act, never one implied (R-202)."""
        implied = self.evidence is not None and not self.evidence.method.is_affirmative
        return self.status is not ConsentStatus.GIVEN or not implied


@final
@attrs.frozen(kw_only=True)
class RequestedConsent:
    """A choice that waits for its confirmation (R-216)."""

    purpose: PurposeId
    channels: frozenset[Channel]
    evidence: ConsentEvidence
    at: datetime
    position: int


@final
@attrs.frozen(kw_only=True)
class ConsentState:
    """The newest word per purpose and channel."""

    words: tuple[ConsentWord, ...] = ()  # said on this line
    merged: tuple[ConsentWord, ...] = ()  # consents a merge brought
    waiting: tuple[RequestedConsent, ...] = ()  # for their confirmation, the newest of each purpose
    anomalies: tuple[int, ...] = ()  # confirmations of what nobody had requested

    def requested(self, purpose: PurposeId) -> RequestedConsent | None:
        """Return the choice for one purpose that waits for its confirmation."""
        return next((w for w in self.waiting if w.purpose == purpose), None)

    @property
    def newest(self) -> tuple[ConsentWord, ...]:
        """The newest word of each scope; a consent of a merged line counts where it is newer."""
        return _newest(self.words, self.merged) if self.merged else self.words

    def word(self, purpose: PurposeId, channel: Channel | None = None) -> ConsentWord | None:
        """Return the newest word for one scope."""
        for word in self.newest:
            if word.purpose == purpose and word.channel is channel:
                return word
        return None

    def for_purpose(self, purpose: PurposeId) -> tuple[ConsentWord, ...]:
        """Return the newest words of one purpose, every channel."""
        return tuple(w for w in self.newest if w.purpose == purpose)


def _newest(
    words: Iterable[ConsentWord], merged: tuple[ConsentWord, ...]
) -> tuple[ConsentWord, ...]:
    found = {(w.purpose, w.channel): w for w in words}
    for word in sorted(merged, key=lambda w: (w.at, w.position)):
        own = found.get((word.purpose, word.channel))
        if own is None or (word.is_clear, word.at) > (own.is_clear, own.at):
            found[word.purpose, word.channel] = word
    return tuple(found.values())


class Words:
    """The draft of the words: by scope, so that a new one finds the one before at once."""

    __slots__ = ("state", "words")

    def __init__(self, state: ConsentState) -> None:
        self.state = state
        self.words = {(word.purpose, word.channel): word for word in state.words}

    def close(self) -> ConsentState:
        """Return the state with every word said."""
        now = self.state
        return ConsentState(
            words=tuple(self.words.values()),
            merged=now.merged,
            waiting=now.waiting,
            anomalies=now.anomalies,
        )

    def newest(self) -> tuple[ConsentWord, ...]:
        """Return the newest word of each scope, as ``ConsentState.newest``."""
        return _newest(self.words.values(), self.state.merged)

    def settle(self, purposes: Iterable[PurposeId]) -> None:
        """Take away what waits: confirmed, or overtaken by a no."""
        if self.state.waiting:
            left = tuple(w for w in self.state.waiting if w.purpose not in purposes)
            self.state = attrs.evolve(self.state, waiting=left)


def _say(
    draft: Words,
    entry: Entry,
    purpose: PurposeId,
    channels: Iterable[Channel | None],
    status: ConsentStatus,
    evidence: ConsentEvidence | None = None,
    requested_at: datetime | None = None,
) -> None:
    words, at, position = draft.words, entry.at, entry.position
    for channel in channels:
        old = words.pop((purpose, channel), None)
        proof: ConsentEvidence | None = evidence
        given_at: datetime | None = at
        if evidence is None:  # a no keeps what proves the consent before it
            proof, given_at = (None, None) if old is None else (old.evidence, old.given_at)
        words[purpose, channel] = ConsentWord(
            purpose=purpose,
            channel=channel,
            status=status,
            at=at,
            position=position,
            evidence=proof,
            given_at=given_at,
            requested_at=requested_at,
        )


def _scopes(channels: frozenset[Channel]) -> list[Channel | None]:
    """Return the scopes of a word: its channels, or the one without any."""
    if len(channels) > 1:
        return [*sorted(channels)]
    return [*channels] or [None]


def _said_scopes(draft: Words, purpose: PurposeId) -> list[Channel | None]:
    """Return every scope of a purpose that has a word; where none has, the one without channel."""
    return [word.channel for word in draft.newest() if word.purpose == purpose] or [None]


def _requested(now: ConsentState, entry: Entry, fact: ConsentRequested) -> ConsentState:
    new = RequestedConsent(
        purpose=fact.purpose,
        channels=fact.channels,
        evidence=fact.evidence,
        at=entry.at,
        position=entry.position,
    )
    return attrs.evolve(now, waiting=put(now.waiting, new, lambda w: w.purpose == fact.purpose))


def _confirmed(draft: Words, entry: Entry, fact: ConsentConfirmed) -> None:
    """Turn what was requested into a consent, proved by both; nothing requested is an anomaly.

    What was implied stays implied: a confirmation makes nothing good (R-203).
    """
    now = draft.state
    wish = now.requested(fact.purpose)
    if wish is None:
        draft.state = attrs.evolve(now, anomalies=(*now.anomalies, entry.position))
        return
    chosen = wish.evidence.method
    evidence = attrs.evolve(
        wish.evidence,
        method=ConsentMethod.DOUBLE_OPT_IN if chosen.is_affirmative else chosen,
        proof=(*wish.evidence.proof, fact.proof),
    )
    given = ConsentStatus.GIVEN
    _say(draft, entry, fact.purpose, _scopes(wish.channels), given, evidence, wish.at)
    draft.settle({fact.purpose})


def _given(draft: Words, entry: Entry, fact: ConsentGiven) -> None:
    """Put the consent in the place of the word before; one implied takes nobody's place (R-203)."""
    scopes = _scopes(fact.channels)
    if not fact.evidence.method.is_affirmative:
        olds = ((scope, draft.words.get((fact.purpose, scope))) for scope in scopes)
        scopes = [scope for scope, old in olds if old is None or not old.is_clear]
    _say(draft, entry, fact.purpose, scopes, ConsentStatus.GIVEN, fact.evidence)


def _refused(draft: Words, entry: Entry, fact: ConsentRefused) -> None:
    scopes = _scopes(fact.channels) if fact.channels else _said_scopes(draft, fact.purpose)
    _say(draft, entry, fact.purpose, scopes, ConsentStatus.REFUSED)
    draft.settle({fact.purpose})


def _withdrawn(draft: Words, entry: Entry, fact: ConsentWithdrawn) -> None:
    """Withdraw what is named; open words withdraw what was said before, and invent no scope."""
    if fact.purpose is not None:
        named = _scopes(fact.channels) if fact.channels else _said_scopes(draft, fact.purpose)
        _say(draft, entry, fact.purpose, named, ConsentStatus.WITHDRAWN)
        draft.settle({fact.purpose})
        return
    for purpose in sorted({word.purpose for word in draft.newest()}):
        scopes = _said_scopes(draft, purpose)
        if fact.channels:
            scopes = [channel for channel in scopes if channel in fact.channels]
        _say(draft, entry, purpose, scopes, ConsentStatus.WITHDRAWN)
    draft.settle({word.purpose for word in draft.state.waiting})


def _merged(now: ConsentState, entry: Entry, fact: MergedFrom) -> ConsentState:
    bare = _without(now, fact.other)
    new = tuple(
        ConsentWord(
            purpose=said.purpose,
            channel=said.channel,
            status=ConsentStatus.GIVEN,
            at=said.at,
            position=entry.position,
            evidence=said.evidence,
            given_at=said.at,
            merged_from=fact.other,
        )
        for said in fact.consents
    )
    return attrs.evolve(now, merged=bare.merged + new)


def _without(now: ConsentState, other: SubjectId) -> ConsentState:
    return attrs.evolve(now, merged=tuple(w for w in now.merged if w.merged_from != other))


def _unmerged(now: ConsentState, _entry: Entry, fact: MergeReversed) -> ConsentState:
    return _without(now, fact.other)


FOLD: Final[Fold] = {
    ConsentRequested: _requested,
    MergedFrom: _merged,
    MergeReversed: _unmerged,
}

WRITING: Final[Writing] = {
    ConsentGiven: _given,
    ConsentConfirmed: _confirmed,
    ConsentRefused: _refused,
    ConsentWithdrawn: _withdrawn,
}
