"""For whom a *may* question is allowed now, among everybody or a range of ids.

Decides whom to look at and in which portions. Leaves out the answer, which is that of ``asking``.
Always true: each person given was decided about as ``ask`` decides, from their standing as it was
stored when their page was read, and then the suppression list; memory holds a page or two, however
many people there are. Who carries none of the tags that the question needs is not looked at.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from functools import partial
from heapq import merge
from itertools import islice
from operator import attrgetter
from typing import Any, Final

import attrs

from gdprkit.errors import UnknownSubject
from gdprkit.keeper.again import steady
from gdprkit.keeper.applying import list_hashes_of_many
from gdprkit.keeper.asking import ask, policy_of
from gdprkit.keeper.bench import Bench
from gdprkit.keeper.candidates import candidate_tags
from gdprkit.keeper.contacts import suppressed
from gdprkit.keeper.line import View, organisation_of, view_of
from gdprkit.policy.case import Case
from gdprkit.policy.connection import MayMove
from gdprkit.policy.decisions import Decision
from gdprkit.policy.marketing_entry import marketing_purpose
from gdprkit.policy.placing import MayContact
from gdprkit.state.standing import Standing
from gdprkit.storage.protocol import Span, StoredStanding
from gdprkit.words.identifiers import SubjectId

__all__ = ["audience"]

_PAGE: Final = 500
"""People decided about at a time: their hashes are looked up in the list by one statement."""


def audience(
    bench: Callable[[], Bench], question: object, span: Span, now: Callable[[], datetime]
) -> Iterator[SubjectId]:
    """Give the people as ``RecordKeeper.audience`` says.

    Args:
        bench: What the keeper works with, checked anew for each page.
        question: The question.
        span: Whom to look among.
        now: The keeper's clock; each page is decided as of one moment.
    """
    policy = policy_of(question)
    tags = candidate_tags(bench().register, question)
    return _pages(bench, policy, question, tags, span, now)


def _pages(
    bench: Callable[[], Bench],
    policy: Callable[[Case, Any], Decision],
    question: object,
    tags: frozenset[str],
    span: Span,
    now: Callable[[], datetime],
) -> Iterator[SubjectId]:
    people = _carrying(bench(), tags, span)
    while page := list(islice(people, _PAGE)):
        if isinstance(question, MayContact | MayMove):
            yield from _listed(bench(), policy, question, page, now())
        else:
            yield from _plain(bench(), policy, question, page, now())


def _carrying(bench: Bench, tags: frozenset[str], span: Span) -> Iterator[StoredStanding]:
    """Give everybody who carries one of the tags, once, in order of id."""
    walks = [bench.store.tagged(tag, span=span) for tag in sorted(tags)]
    if len(walks) == 1:
        yield from walks[0]
        return
    last = None
    for stored in merge(*walks, key=attrgetter("about.int")):
        if stored.about != last:
            yield stored
        last = stored.about


def _cases(
    bench: Bench, page: Sequence[StoredStanding], now: datetime
) -> Iterator[tuple[View, Case]]:
    companies: dict[SubjectId, Standing | None] = {}
    for stored in page:
        found = view_of(bench.store, stored, bench.memory)
        company = found.standing.connection.organisation
        if company is not None and company not in companies:
            companies[company] = organisation_of(bench.store, found, memory=bench.memory)
        organisation = None if company is None else companies[company]
        yield found, bench.case(found, now, organisation=organisation)


def _plain(
    bench: Bench,
    policy: Callable[[Case, Any], Decision],
    question: object,
    page: Sequence[StoredStanding],
    now: datetime,
) -> Iterator[SubjectId]:
    """Decide where the suppression list has no say."""
    for found, case in _cases(bench, page, now):
        if policy(case, question):
            yield found.about


def _listed(
    bench: Bench,
    policy: Callable[[Case, Any], Decision],
    question: MayContact | MayMove,
    page: Sequence[StoredStanding],
    now: datetime,
) -> Iterator[SubjectId]:
    """Decide with the suppression list, which is read once for the page, after the standings."""
    contact = isinstance(question, MayContact)
    open_now: list[tuple[View, Case]] = []
    for found, case in _cases(bench, page, now):
        if found.standing.data.erased_at is not None:
            continue  # nobody contacts or moves them, and nothing is left to look up
        if contact and not policy(case, question):
            continue  # no list can make it milder
        open_now.append((found, case))
    hashes = list_hashes_of_many(bench, [found for found, _ in open_now])
    rows = bench.store.suppressed(
        [hashed for points in hashes.values() for hashed in points.hashes]
    )
    for found, case in open_now:
        points = hashes.get(found.about)
        if points is None:  # perhaps the line moved since the page was read
            if _asked_anew(bench, found.about, question, now):
                yield found.about
            continue
        purpose = marketing_purpose(case, question.purpose).id
        own = found.standing.objection.stops
        looked = suppressed(
            lambda hashes: {h: rows[h] for h in hashes if h in rows}, points, purpose, now, own
        )
        quiet = contact and not looked.hits  # a list that holds nothing says nothing
        if quiet or policy(attrs.evolve(case, suppressed=looked), question):
            yield found.about


def _asked_anew(bench: Bench, about: SubjectId, question: object, now: datetime) -> bool:
    """Answer about one person whose page does not hold any more; what is wrong is raised."""
    try:
        return bool(steady(bench.store, partial(ask, bench, about, question, now, None, None)))
    except UnknownSubject:
        return False  # expunged since
