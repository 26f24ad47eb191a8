"""The last word on each purpose and channel: consent given, refused or withdrawn.

Whether a given consent counts is the policy's question. History stays on the line; only the newest
word per scope stands here, and with it the evidence. A withdrawal or refusal is also a stop
(``state.objection``), because it may cover scopes that never had a consent.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Final, final

import attrs

from gdprkit.facts.consent import (
    ConsentEvidence,
    ConsentGiven,
    ConsentRefused,
    ConsentWithdrawn,
)
from gdprkit.facts.entry import Entry
from gdprkit.state._shape import Fold, put
from gdprkit.words.identifiers import PurposeId
from gdprkit.words.vocabulary import Channel

__all__ = ["ConsentState", "ConsentStatus", "ConsentWord"]


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


@final
@attrs.frozen(kw_only=True)
class ConsentState:
    """The newest word per purpose and channel."""

    words: tuple[ConsentWord, ...] = ()

    def word(self, purpose: PurposeId, channel: Channel | None = None) -> ConsentWord | None:
        """Return the newest word for one scope."""
        for word in self.words:
            if word.purpose == purpose and word.channel is channel:
                return word
        return None

    def for_purpose(self, purpose: PurposeId) -> tuple[ConsentWord, ...]:
        """Return the newest words of one purpose, every channel."""
        return tuple(w for w in self.words if w.purpose == purpose)


def _say(
    now: ConsentState,
    entry: Entry,
    purpose: PurposeId,
    channels: frozenset[Channel],
    status: ConsentStatus,
    evidence: ConsentEvidence | None = None,
) -> ConsentState:
    words = now.words
    scopes: list[Channel | None] = [*sorted(channels)] or [None]
    for channel in scopes:
        old = now.word(purpose, channel)
        new = ConsentWord(
            purpose=purpose,
            channel=channel,
            status=status,
            at=entry.at,
            position=entry.position,
            evidence=evidence if evidence is not None else (old.evidence if old else None),
            given_at=entry.at if evidence is not None else (old.given_at if old else None),
        )
        words = put(
            words,
            new,
            lambda w, c=channel: w.purpose == purpose and w.channel is c,  # type: ignore[misc]
        )
    return attrs.evolve(now, words=words)


def _given(now: ConsentState, entry: Entry, fact: ConsentGiven) -> ConsentState:
    return _say(now, entry, fact.purpose, fact.channels, ConsentStatus.GIVEN, fact.evidence)


def _refused(now: ConsentState, entry: Entry, fact: ConsentRefused) -> ConsentState:
    known = frozenset(w.channel for w in now.for_purpose(fact.purpose) if w.channel)
    return _say(now, entry, fact.purpose, fact.channels or known, ConsentStatus.REFUSED)


def _withdrawn(now: ConsentState, entry: Entry, fact: ConsentWithdrawn) -> ConsentState:
    purposes = {fact.purpose} if fact.purpose else {w.purpose for w in now.words}
    for purpose in sorted(purposes):
        known = frozenset(w.channel for w in now.for_purpose(purpose) if w.channel)
        now = _say(now, entry, purpose, fact.channels or known, ConsentStatus.WITHDRAWN)
    return now


FOLD: Final[Fold] = {ConsentGiven: _given, ConsentRefused: _refused, ConsentWithdrawn: _withdrawn}
