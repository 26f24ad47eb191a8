"""The chapters of the demo that concern one person: an objection, an answer, an erasure."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from itertools import islice
from pathlib import Path

from gdprkit.acts import consent, marketing, requests, retention
from gdprkit.desk.claims import counts, forms, holders
from gdprkit.desk.stage import Run
from gdprkit.errors import GdprkitError
from gdprkit.keeper.contact_rows import ContactRow, MarketingChoice
from gdprkit.keeper.importing import RowOutcome, import_contacts
from gdprkit.keeper.receipt import ErasureReceipt
from gdprkit.policy.deadlines import explain_deadline, is_overdue
from gdprkit.policy.decisions import Decision
from gdprkit.sealing.errors import SubjectErased
from gdprkit.state.connection import ConnectionStatus
from gdprkit.state.standing import Standing
from gdprkit.words.identifiers import NoticeId, SubjectId
from gdprkit.words.vocabulary import FilingSystem

__all__ = ["access", "consents", "erasure", "objection"]

_SHORT = 8  # a shorter text stands in any file by chance


def _mail(run: Run, about: SubjectId, purpose: str = "direct-marketing") -> Decision:
    return run.keeper.ask(about, marketing.may_contact(channel="email", purpose=purpose))


def _moved(run: Run, fits: Callable[[SubjectId, Standing], bool]) -> tuple[ContactRow, SubjectId]:
    """Return the first moved person of the file who fits."""
    return next(
        (row, about)
        for row, about, standing in run.people(lambda row: row.started is not None)
        if standing.status is ConnectionStatus.MARKETING and fits(about, standing)
    )


def consents(run: Run) -> None:
    """Let two customers consent to the newsletter, and one of them withdraw (GDPR Art. 7)."""
    silent = (
        about
        for _, about, standing in run.people(lambda row: row.choice is MarketingChoice.NONE)
        if standing.status is ConnectionStatus.ACTIVE and not standing.objection.stops
    )
    text = "Send me the newsletter by e-mail. I can stop it at any time by a link in each issue."
    evidence = consent.ConsentEvidence(
        notice=NoticeId("v7"),
        notice_sha256=sha256(text.encode()).hexdigest(),
        language="en",
        wording=text,
        method=consent.ConsentMethod.DOUBLE_OPT_IN,
        captured_by="newsletter-form",
        default_off=True,
        separate=True,
        withdrawal_told=True,
        conditional_on_service=False,
        proof=("confirmation-mail-1",),
    )
    answers = []
    stays, leaves = islice(silent, 2)
    for about in (stays, leaves):
        before = bool(_mail(run, about, "newsletter"))
        run.keeper.record(about, consent.give("newsletter", evidence=evidence))
        answers.append((before, bool(_mail(run, about, "newsletter"))))
    run.claims.holds(
        "a consent with its evidence opens the newsletter, and nothing did before",
        answers == [(False, True)] * 2,
    )
    run.now[0] += timedelta(hours=1)
    run.keeper.record(leaves, consent.withdraw("newsletter", via="unsubscribe-link"))
    run.remember((str(field), value) for field, value in run.keeper.read(leaves).items())
    closed = not _mail(run, leaves, "newsletter") and bool(_mail(run, stays, "newsletter"))
    run.claims.holds("a withdrawal closes it at once, for that person only", closed)


def objection(run: Run) -> None:
    """Let somebody object after the move: the entry ends the same day, and with it the person.

    Somebody of whom nothing lies in the archive, so that nothing is left.
    """
    run.now[0] = datetime(2026, 12, 8, 9, tzinfo=UTC)
    row, about = _moved(
        run,
        lambda about, standing: (
            not standing.data.held(FilingSystem.ARCHIVE) and bool(_mail(run, about))
        ),
    )
    before = len(run.keeper.standing(about).data.values)
    allowed = bool(_mail(run, about))
    run.remember((str(field), value) for field, value in run.keeper.read(about).items())
    run.keeper.record(about, marketing.object_to(via="unsubscribe-link"))
    standing = run.keeper.standing(about)
    run.done["values"] -= before - len(standing.data.values)
    run.done["moved"] -= 1
    refused = not _mail(run, about)
    run.claims.holds(
        "an objection after the move: a message was allowed before and is forbidden after",
        allowed and refused,
    )
    gone = not standing.data.held(FilingSystem.MARKETING) and not run.keeper.find(
        email=row.fields["email"]
    )
    run.claims.holds("and the entry in the marketing register went the same day", gone)
    found = counts(run.file)
    run.claims.equal(
        "and its contact points joined the list", len(run.stopped), found["suppressed"]
    )
    plan = run.keeper.plan(about, retention.due())
    applied = run.keeper.apply(plan, approve=plan.digest)
    run.done["erased"] += applied.person_erased
    after = counts(run.file)
    run.claims.holds(
        "nothing was left of the person, so the key went too and a tombstone proves it",
        applied.person_erased
        and after["keys"] == found["keys"] - 1
        and after["tombstones"] == found["tombstones"] + 1,
    )


def access(run: Run) -> None:
    """Answer a request for access in time, with a due date that tells how it was counted."""
    run.now[0] = datetime(2026, 12, 23, 10, tzinfo=UTC)
    row, about = _moved(run, lambda _, standing: bool(standing.data.held(FilingSystem.ARCHIVE)))
    case = run.keeper.record(about, requests.receive(right="access", channel="email")).case
    if case is None:
        raise LookupError("a request that was received has a case")
    deadline = run.keeper.deadline(about, case)
    told = explain_deadline(deadline)
    run.write("deadline.txt", f"Request for access, received 2026-12-23\n\n{told}\n")
    # one month on is Saturday 23 January 2027, so it is the Monday after: read off a calendar
    run.claims.equal(
        "the answer is due on the day a calendar gives", "2027-01-25", str(deadline.due)
    )
    run.now[0] = datetime(2027, 1, 11, 9, tzinfo=UTC)
    bundle = run.keeper.answer(about, case)
    folder = run.out / "bundle"
    paths = bundle.write(folder)
    run.keeper.record(about, requests.fulfil(case, sent="bundle-1", delivered=run.now[0]))
    answer = json.loads((folder / "data.json").read_text(encoding="utf-8"))
    given = answer["data"].get("marketing", {}).get("email", [])
    mailbox = row.fields["email"].reveal()
    complete = _as_declared(answer["data"], row)
    run.claims.holds(
        "the answer holds what the file of contacts gave", given == [mailbox] and complete
    )
    run.claims.holds("the manifest fits the answer", _manifest_fits(paths[-1]))
    closed = not run.keeper.standing(about).request.open
    run.claims.holds(
        "the request was closed in time", closed and not is_overdue(deadline, run.now[0])
    )
    run.figures["access request due"] = str(deadline.due)


def _as_declared(answered: dict[str, dict[str, list[object]]], row: ContactRow) -> bool:
    """Whether each value answered is the one the row holds."""
    given = {field: value.reveal() for field, value in row.fields.items()}
    return all(
        value == given.get(field)
        for fields in answered.values()
        for field, values in fields.items()
        for value in values
    )


def _manifest_fits(manifest: Path) -> bool:
    lines = manifest.read_text(encoding="utf-8").splitlines()
    pairs = [line.split("  ", 1) for line in lines]
    return bool(pairs) and all(
        sha256((manifest.parent / name).read_bytes()).hexdigest() == digest
        for digest, name in pairs
    )


def erasure(run: Run) -> None:
    """Erase a person on request and prove it: key, rows and bytes are gone, the stop stays."""
    run.now[0] = datetime(2027, 1, 12, 9, tzinfo=UTC)
    row, about = next(
        (row, about)
        for row, about, standing in run.people(_subscriber)
        if standing.status is ConnectionStatus.NONE and _mail(run, about, "newsletter")
    )
    run.remember((str(field), value) for field, value in run.keeper.read(about).items())
    run.store.settle()
    sealed = _bytes_of(run.file, about)
    before = holders(run.file, sealed)
    run.claims.holds(
        f"before: the wrapped key, the sealed values and the look-up terms, {len(sealed)} in all, "
        "stand in the file",
        len(before) == len(sealed) > 0,
    )
    case = run.keeper.record(about, requests.receive(right="erasure", channel="email")).case
    if case is None:
        raise LookupError("a request that was received has a case")
    plan = run.keeper.plan(
        about, retention.erasure(reason="consent-withdrawn", reference="R-2027-0001")
    )
    applied = run.keeper.apply(plan, approve=plan.digest)
    erased = [requests.decision(item.field) for item in plan.items]
    run.keeper.record(
        about,
        requests.fulfil(case, sent="letter-1", decisions=erased, delivered=run.now[0]),
    )
    run.done["erased"] += 1
    run.done["values"] -= len(plan.items)
    with run.talk.step("compacting the file"):
        run.store.compact()
    _proof(run, row, about, sealed)
    if applied.receipt is None:
        raise LookupError("a person who was erased has a receipt")
    _receipt(run, about, plan.digest, applied.receipt)
    _comes_back(run, row)


def _subscriber(row: ContactRow) -> bool:
    return row.choice is MarketingChoice.CONSENT and row.started is None and row.ended is None


def _bytes_of(file: Path, about: SubjectId) -> list[bytes]:
    """Return the person's wrapped keys, envelopes and look-up terms, read by SQL."""
    queries = (
        "SELECT wrapped FROM gdprkit_key WHERE subject = ?",
        "SELECT envelope FROM gdprkit_value WHERE subject = ?",
        "SELECT term FROM gdprkit_term WHERE subject = ?",
    )
    with closing(sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True)) as connection:
        return [
            bytes(blob) for sql in queries for (blob,) in connection.execute(sql, (about.bytes,))
        ]


def _proof(run: Run, row: ContactRow, about: SubjectId, sealed: list[bytes]) -> None:
    claims = run.claims
    claims.holds("after: no row of key, value or look-up is left", not _bytes_of(run.file, about))
    claims.holds("after: their bytes are nowhere in the file", not holders(run.file, sealed))
    texts = [v.reveal() for v in row.fields.values() if len(v.reveal()) >= _SHORT]
    clear = [needle for text in texts for needle in forms(text)]
    claims.holds(
        f"{len(clear)} forms of the clear values are nowhere in it either",
        bool(clear) and not holders(run.file, clear),
    )
    found = counts(run.file)
    claims.equal("a tombstone proves each erasure", run.done["erased"], found["tombstones"])
    claims.equal(
        "and every other key is there", run.done["people"] - run.done["erased"], found["keys"]
    )
    try:
        run.keeper.read(about)
    except SubjectErased:
        claims.holds("nothing of the person can be read: the answer is 'erased'", ok=True)
    else:
        claims.holds("nothing of the person can be read: the answer is 'erased'", ok=False)
    try:
        run.keeper.verify(about)
    except GdprkitError as error:
        claims.holds("the person's line still verifies", ok=False, detail=error.code)
    else:
        claims.holds("the person's line still verifies", ok=True)


def _receipt(run: Run, about: SubjectId, digest: str, receipt: ErasureReceipt) -> None:
    with closing(
        sqlite3.connect(f"{run.file.absolute().as_uri()}?mode=ro", uri=True)
    ) as connection:
        mark, key_ids = connection.execute(
            "SELECT mark, key_ids FROM gdprkit_tombstone WHERE reference = 'R-2027-0001'"
        ).fetchone()
    lines = [
        "Receipt of an erasure",
        "",
        f"person      {about} (a random id)",
        "reference   R-2027-0001",
        f"plan        {digest}",
        f"tombstone   {mark.hex()}",
        f"key ids     {key_ids}",
        "",
        receipt.explain(),
    ]
    run.write("erasure-receipt.txt", "\n".join(lines) + "\n")


def _comes_back(run: Run, row: ContactRow) -> None:
    """Import the erased person's old row, as the next sync would."""
    report = import_contacts(run.keeper, [row])
    run.done["people"] += report.counts[RowOutcome.ADDED]
    run.done["values"] += report.values
    back = run.keeper.find(email=row.fields["email"])
    refused = [not _mail(run, about, "newsletter") for about in back]
    run.claims.holds(
        "an old list brings the address back, and it still may not be written to",
        len(back) == 1 and all(refused),
    )
