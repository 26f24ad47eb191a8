"""The chapters of the demo that concern many people: import, notices, decisions, ends, sweeps."""

from __future__ import annotations

import json
from collections import Counter
from datetime import date
from itertools import islice
from typing import Final

from gdprkit.acts import connection, consent, data, marketing, retention
from gdprkit.desk.claims import counts
from gdprkit.desk.papers import (
    SEVERAL,
    guards_of,
    import_text,
    outcome_of,
    plan_json,
    plan_text,
    tally_lines,
)
from gdprkit.desk.stage import SAMPLE, Run, groups
from gdprkit.interop.contacts_csv import open_contacts
from gdprkit.keeper.contact_rows import ContactRow, MarketingChoice, row_end
from gdprkit.keeper.importing import ImportReport, RowOutcome, import_contacts
from gdprkit.policy.decisions import Outcome
from gdprkit.policy.explain import texts
from gdprkit.policy.plan import PlanAction
from gdprkit.state.connection import ConnectionStatus
from gdprkit.words.identifiers import SubjectId
from gdprkit.words.moments import civil_date
from gdprkit.words.vocabulary import Circumstance

__all__ = [
    "connections_end",
    "decide",
    "ends_that_came",
    "hold_one",
    "import_everybody",
    "release",
    "sweep",
    "tell",
]

#: The notice that tells everything.
_NOTICE: Final = "v7"

#: So many rows are imported a second time, to see that nothing changes.
_AGAIN: Final = 1000

_STOPS: Final = (MarketingChoice.OBJECTED, MarketingChoice.WITHDRAWN)

#: So many people's plans are shown on paper; the rest is counted.
_PLANS: Final = 1000

_QUESTIONS: Final = (("email", "direct-marketing"), ("email", "newsletter"))


def import_everybody(run: Run) -> ImportReport:
    """Import the file, and hold the report against the file and against SQL."""
    with run.talk.step("importing contacts", run.rows) as advance:
        report = import_contacts(run.keeper, open_contacts(run.contacts), progress=advance)
    run.write("import-report.txt", import_text(report))
    added = report.counts[RowOutcome.ADDED]
    run.done["people"] += added
    run.done["values"] += report.values
    for row in run.readable():
        if row.choice in _STOPS or Circumstance.DECEASED in row.circumstances:
            run.remember(row.fields.items())
    found = counts(run.file)
    claims = run.claims
    claims.equal("every row of the file ended in the report", report.rows, run.rows)
    rejected = {f.line for f in report.findings if f.outcome is RowOutcome.REJECTED}
    claims.equal(
        "each rejected row is named by its line",
        len(rejected),
        report.counts[RowOutcome.REJECTED],
    )
    claims.equal("every added row is a person in the file", added, found["people"])
    claims.equal("every person has a key of their own", added, found["keys"])
    claims.equal("every value is sealed in the vault", report.values, found["values"])
    claims.equal(
        "every stopped contact point is on the suppression list",
        len(run.stopped),
        found["suppressed"],
    )
    _import_again(run, found["entries"])
    _choices(run)
    run.figures["import"] = {str(outcome): n for outcome, n in report.counts.items()}
    return report


def _import_again(run: Run, entries: int) -> None:
    rows = islice(open_contacts(run.contacts), _AGAIN)
    with run.talk.step("importing them again", min(_AGAIN, run.rows)) as advance:
        again = import_contacts(run.keeper, rows, progress=advance)
    unchanged = not again.counts[RowOutcome.ADDED] and counts(run.file)["entries"] == entries
    run.claims.holds("importing the same rows again changes nothing", unchanged)


def _choices(run: Run) -> None:
    """Hold objections and consents by use against what the keeper answers."""
    stopped = implied = wrong = 0
    ask = run.keeper.ask
    rows = (r for r in run.readable() if r.choice in (*_STOPS, MarketingChoice.IMPLIED))
    for row in islice(rows, SAMPLE):
        for about in run.keeper.find(email=row.fields["email"]):
            if row.choice is MarketingChoice.IMPLIED:
                implied += 1
                decision = ask(about, consent.has_consent("newsletter", "email"))
                wrong += "consent-not-affirmative" not in {r.code for r in decision.against}
            else:
                stopped += 1
                question = marketing.may_contact(channel="email", purpose="direct-marketing")
                wrong += ask(about, question).outcome is not Outcome.FORBIDDEN
    text = f"{stopped} objections forbid, and {implied} consents by use count for nothing"
    run.claims.holds(text, wrong == 0 and stopped > 0 and implied > 0)


def tell(run: Run) -> None:
    """Give the present notice to customers who were told less."""
    told = 0
    before = counts(run.file).get("fact:notice-given", 0)
    active = run.keeper.people(tag=f"status:{ConnectionStatus.ACTIVE}")
    total = counts(run.file).get(f"tag:status:{ConnectionStatus.ACTIVE}", 0)
    with run.talk.step("notices to customers", total) as advance:
        for group in groups(active):
            untold = [
                about
                for about in group
                if _NOTICE not in {g.notice for g in run.keeper.standing(about).notice.given}
            ]
            run.keeper.record_many((about, [data.give_notice(_NOTICE)]) for about in untold)
            told += len(untold)
            advance(len(group))
    found = counts(run.file)["fact:notice-given"] - before
    run.claims.equal(f"the notice {_NOTICE} went to customers not told before", told, found)
    run.figures["notices"] = told


def decide(run: Run) -> None:
    """Ask whether people may be contacted; every answer carries its reasons."""
    tally: Counter[tuple[str, ...]] = Counter()
    papers: dict[tuple[object, ...], str] = {}
    bare = asked = 0
    with run.talk.step("decisions", min(run.done["people"], SAMPLE)) as advance:
        for about in islice(run.keeper.people(), SAMPLE):
            for channel, purpose in _QUESTIONS:
                question = marketing.may_contact(channel=channel, purpose=purpose)
                decision = run.keeper.ask(about, question)
                tally[channel, purpose, str(decision.outcome)] += 1
                bare += not decision.reasons
                key = (channel, purpose, decision.outcome, tuple(r.code for r in decision.reasons))
                if key not in papers:
                    papers[key] = f"{purpose}, {about}\n{decision.explain()}\n"
            asked += 1
            advance(1)
    head = [f"{asked} people were asked about; one answer of each sort stands below.", ""]
    body = tally_lines(tally, ("   asked", "channel", "purpose", "outcome"))
    run.write("decisions.txt", "\n".join([*head, *body, "", *papers.values()]))
    total = asked * len(_QUESTIONS)
    run.claims.holds(f"{total} decisions, each with its reasons", bare == 0 and total > 0)
    run.figures["decisions"] = {" ".join(key): n for key, n in sorted(tally.items())}
    run.figures["people asked about"] = asked


def connections_end(run: Run) -> None:
    """End the relations whose customer number ends with 7, with the contract file as evidence."""
    ended = 0

    def ends(row: ContactRow) -> bool:
        number = row.fields.get("customer-number")
        return row.ended is None and number is not None and number.reveal().endswith("7")

    before = counts(run.file).get("fact:connection-ended", 0)
    act = connection.end(on=date(2026, 11, 2), cause="contract-end", evidence="contract-register")
    with run.talk.step("connections end") as advance:
        for group in groups(run.people(ends)):
            active = dict.fromkeys(
                about for _, about, standing in group if standing.status is ConnectionStatus.ACTIVE
            )
            run.keeper.record_many((about, [act]) for about in active)
            ended += len(active)
            advance(len(group))
    found = counts(run.file)["fact:connection-ended"] - before
    run.claims.equal("connections that ended are recorded with evidence", ended, found)
    run.figures["connections ended"] = ended


def ends_that_came(run: Run) -> None:
    """Record the ends that lay in the future when the file was imported."""
    ended = 0
    before = counts(run.file)["fact:connection-ended"]
    imported = civil_date(run.imported, run.keeper.register.zone)
    later = run.people(lambda row: row.ended is not None and row.ended > imported)
    with run.talk.step("ends that have come") as advance:
        for group in groups(later):
            work = {
                about: act
                for row, about, standing in group
                if standing.status is ConnectionStatus.ACTIVE
                and (act := row_end(run.keeper.register, row, run.keeper.now())) is not None
            }
            run.keeper.record_many((about, [act]) for about, act in work.items())
            ended += len(work)
            advance(len(group))
    found = counts(run.file)["fact:connection-ended"] - before
    run.claims.equal("ends that lay ahead were recorded when they came", ended, found)
    run.claims.holds("and there were some", ended > 0)


def hold_one(run: Run) -> SubjectId:
    """Place a legal hold on the first former customer of the file; return who."""
    _, about, _ = next(
        found
        for found in run.people(lambda row: row.ended is not None and bool(row.end_evidence))
        if found[2].status is ConnectionStatus.ENDED
    )
    run.keeper.record(about, retention.hold("dispute-1", reason="a claim is pending"))
    return about


def release(run: Run, about: SubjectId) -> None:
    """Lift the hold."""
    standing = run.keeper.standing(about)
    waits = standing.connection.status is ConnectionStatus.ENDED and bool(standing.data.values)
    run.claims.holds("a legal hold kept its person out of the sweep", waits)
    run.keeper.record(about, retention.lift_hold("dispute-1"))


def sweep(run: Run, name: str) -> None:
    """Plan for everybody whose connection has ended, show the plans, and carry them out."""
    outcomes: Counter[str] = Counter()
    guards: Counter[tuple[str, ...]] = Counter()
    values: Counter[str] = Counter()
    ended = run.keeper.people(tag=f"status:{ConnectionStatus.ENDED}")
    total = counts(run.file).get(f"tag:status:{ConnectionStatus.ENDED}", 0)
    unfit = 0
    shown: list[str] = []
    with (
        run.talk.step(f"{name} sweep: plan and apply", total) as advance,
        (run.out / f"plan-{name}.json").open("w", encoding="utf-8") as lines,
    ):
        lines.write('{"plans":[\n')
        for number, about in enumerate(ended):
            plan = run.keeper.plan(about, connection.after_end())
            outcome = outcome_of(plan)
            outcomes[outcome] += 1
            guards.update((outcome, guard) for guard in guards_of(plan))
            unfit += outcome == "moved" and plan.decision is not None and not plan.decision
            if number < _PLANS:
                shown.append(plan_text(plan))
                lines.write((",\n" if number else "") + plan_json(plan))
            if plan.has_work:
                run.keeper.apply(plan, approve=plan.digest)
                values.update({str(a): len(plan.of(a)) for a in PlanAction})
            advance(1)
        lines.write(f'\n],"planned":{json.dumps(outcomes, sort_keys=True)}}}\n')
    _write_plan(run, name, outcomes, guards, shown)
    run.done.update({key: outcomes[key] for key in ("moved", "archived", "erased")})
    run.done["values"] += values["move"] + values["archive"] - values["erase"]
    run.done["waiting"] = outcomes["waiting"] + outcomes["kept"]
    run.figures[f"{name} sweep"] = dict(sorted(outcomes.items()))
    run.figures[f"{name} sweep, guards"] = {" ".join(k): n for k, n in sorted(guards.items())}
    run.claims.holds(f"{name} sweep: nobody moved against a guard", unfit == 0)
    _sweep_claims(run, name)


def _write_plan(
    run: Run,
    name: str,
    outcomes: Counter[str],
    guards: Counter[tuple[str, ...]],
    shown: list[str],
) -> None:
    head = [f"Plan of the {name} sweep, {run.now[0]:%Y-%m-%d}", ""]
    head += [*tally_lines(outcomes, ("  people", "outcome")), ""]
    words = {code: said["controller"]["en"] for code, said in texts().items()}
    told = {(*key, words.get(key[-1], "")): number for key, number in guards.items()}
    head += [*tally_lines(told, ("  people", "outcome", "guard that decided")), SEVERAL, ""]
    more = sum(outcomes.values()) - len(shown)
    tail = [f"and {more} more"] if more else []
    run.write(f"plan-{name}.txt", "\n".join([*head, *shown, *tail]))


def _sweep_claims(run: Run, name: str) -> None:
    found = counts(run.file)
    done, claims = run.done, run.claims
    status = "tag:status:"
    claims.equal(
        f"{name} sweep: moved into the marketing register",
        done["moved"],
        found.get(f"{status}marketing", 0),
    )
    claims.equal(
        f"{name} sweep: archived for a duty or a claim",
        done["archived"],
        found.get(f"{status}archive", 0),
    )
    erased = found.get(f"{status}erased", 0)
    claims.equal(f"{name} sweep: erased whole", done["erased"], erased)
    claims.equal(
        f"{name} sweep: waiting or on hold, nothing touched",
        done["waiting"],
        found.get(f"{status}ended", 0),
    )
    claims.equal(f"{name} sweep: a tombstone for each", done["erased"], found["tombstones"])
    keys = done["people"] - done["erased"]
    claims.equal(f"{name} sweep: keys of the erased are gone", keys, found["keys"])
    claims.equal(f"{name} sweep: values left in the vault", done["values"], found["values"])
