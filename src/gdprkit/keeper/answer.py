"""The answer to a request for access: the data and the facts of GDPR Art. 15(1) (R-501).

Tailored to the person: only purposes, recipients, sources and periods that concern them. Decides
what concerns them; how it is worded for reading stands in ``keeper.answer_page``. Values stay
``Personal`` until the answer is written for the person; every filing system is included, and
the move into the marketing register as well (R-410). English only so far.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Any, final

import attrs

from gdprkit.errors import UnknownName
from gdprkit.facts.data import DataCollected, DataErased, DataRectified
from gdprkit.facts.disclosure import Disclosed
from gdprkit.facts.entry import Entry, order_key
from gdprkit.facts.retention import Archived, MovedToMarketing
from gdprkit.keeper.answer_page import (
    MECHANISMS,
    TRIGGERS,
    Letter,
    basis_words,
    page,
    period_words,
    purpose_label,
    recipient_label,
    told,
    worded,
)
from gdprkit.keeper.line import View, entries_of
from gdprkit.keeper.sealed import open_values
from gdprkit.keeper.writing import REQUEST_TEXT, Bench
from gdprkit.ledger.codec import KINDS
from gdprkit.policy.case import Case
from gdprkit.policy.consent import valid_consent
from gdprkit.policy.marketing import usable_channels
from gdprkit.policy.periods import covering, ends_on
from gdprkit.policy.retention import kept_until
from gdprkit.register.parties import Transfer
from gdprkit.register.purposes import Purpose
from gdprkit.register.register import Register
from gdprkit.sealing.secret import bare
from gdprkit.state.data import HeldValue
from gdprkit.state.request import RequestCase
from gdprkit.words.identifiers import CaseId, FieldId, PurposeId, Slot, SourceId, SubjectId
from gdprkit.words.moments import civil_date
from gdprkit.words.personal import Personal
from gdprkit.words.vocabulary import Actor, FilingSystem, LegalBasis, RestrictedUse, Right

__all__ = ["Bundle", "make_bundle"]


@final
@attrs.frozen(kw_only=True)
class Bundle:
    """An answer ready to be written.

    Args:
        about: The person.
        case: The request answered.
        made_at: When, UTC.
        facts: The facts of Art. 15(1)(a)-(h) and 15(2), without personal values.
        values: Filing system -> field -> values, redacted until written.
        history: What is on the line, in order: when and what, without values.
        letter: What stands around the facts on the page for the person.
    """

    about: SubjectId
    case: CaseId
    made_at: datetime
    facts: Mapping[str, Any]
    values: Mapping[FilingSystem, Mapping[str, tuple[Personal[object], ...]]]
    history: tuple[tuple[datetime, str], ...]
    letter: Letter

    def write(self, folder: Path) -> tuple[Path, ...]:
        """Write the answer for the person: data, a page to read, a manifest of hashes.

        The files hold the person's data in clear; the caller decides where they go.

        Raises:
            OSError: a file cannot be written; without the frames that held the data.
        """
        try:
            return self._write(folder)
        except OSError as error:
            refused = error
        raise bare(refused)

    def _write(self, folder: Path) -> tuple[Path, ...]:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        parts = {
            "data.json": self._json(),
            "answer.md": page(self.letter, self.facts, self._plain()),
        }
        paths = []
        for name, text in parts.items():
            path = folder / name
            _write_private(path, text)
            paths.append(path)
        manifest = "".join(
            f"{sha256(path.read_bytes()).hexdigest()}  {path.name}\n" for path in paths
        )
        listing = folder / "manifest.sha256"
        _write_private(listing, manifest)
        return (*paths, listing)

    def _plain(self) -> dict[str, dict[str, list[Any]]]:
        return {
            str(filing): {
                field: [_json_value(value.reveal()) for value in values]
                for field, values in fields.items()
            }
            for filing, fields in self.values.items()
        }

    def _json(self) -> str:
        body = {
            "request": str(self.case),
            "made_at": self.made_at.isoformat(),
            "data": self._plain(),
            "facts": self.facts,
            "history": [[at.isoformat(), what] for at, what in self.history],
        }
        return json.dumps(body, ensure_ascii=False, indent=2) + "\n"


def _write_private(path: Path, text: str) -> None:
    """Write a file that only its owner reads."""
    path.touch(mode=0o600)
    path.chmod(0o600)
    path.write_text(text, encoding="utf-8")


def _json_value(value: object) -> Any:
    if isinstance(value, (str, int, float, bool, list, dict)) or value is None:
        return value
    return value.hex() if isinstance(value, bytes) else str(value)


# --- what concerns the person -----------------------------------------------------------------


def _concerned(case: Case, value: HeldValue) -> tuple[PurposeId, ...]:
    """Return the purposes a value is held for, in its own filing system.

    A purpose whose period is over holds a value no longer, unless nothing else does: then the value
    waits to be erased and the person is told what it was held for.
    """
    match value.filing:
        case FilingSystem.CUSTOMER:
            found = covering(case, value, FilingSystem.CUSTOMER)
            ends = {purpose.id: ends_on(case, purpose, value) for purpose in found}
            live = tuple(p for p, end in ends.items() if end is None or end >= case.today)
            return live or tuple(ends)
        case FilingSystem.MARKETING | FilingSystem.ARCHIVE:
            if value.purpose is not None:
                return (value.purpose,)
            return tuple(p.id for p in covering(case, value, value.filing))
        case FilingSystem.REQUESTS:
            kind = case.standing.data.kind
            declared = [
                p for p in case.register.purposes.values() if p.filing is FilingSystem.REQUESTS
            ]
            own = [p for p in declared if not p.subjects or kind in p.subjects]
            return tuple(p.id for p in own or declared)


def _consent_state(case: Case, purpose: PurposeId) -> str:
    """Return whether any consent to a purpose is in force."""
    words = case.standing.consent.for_purpose(purpose)
    in_force = any(valid_consent(case, purpose, word.channel) for word in words)
    return "in force" if in_force else "ended"


def _rights(case: Case, declared: Iterable[Purpose]) -> tuple[Right, ...]:
    """Return the rights open on the bases present (5.1)."""
    purposes = tuple(declared)
    bases = {purpose.basis for purpose in purposes}
    consent, contract = LegalBasis.CONSENT in bases, LegalBasis.CONTRACT in bases
    balanced = bool(bases & {LegalBasis.LEGITIMATE_INTERESTS, LegalBasis.PUBLIC_TASK})
    in_force = any(valid_consent(case, w.purpose, w.channel) for w in case.standing.consent.words)
    opened = {
        Right.PORTABILITY: consent or contract,
        Right.OBJECTION: balanced,
        Right.OBJECTION_TO_MARKETING: balanced or consent,
        Right.HUMAN_REVIEW: any(purpose.automated_decisions for purpose in purposes),
        Right.WITHDRAW_CONSENT: in_force,
    }
    return tuple(right for right in Right if opened.get(right, True))


def _origins(entries: Iterable[Entry]) -> dict[Slot, frozenset[SourceId]]:
    """Return where each value came from; a copy came from where its original came from."""
    live: dict[Slot, tuple[FieldId, FilingSystem]] = {}
    found: dict[Slot, frozenset[SourceId]] = {}
    for entry in sorted(entries, key=order_key):
        match entry.fact:
            case DataCollected(values=values, source=source):
                found.update((v.slot, frozenset((source,))) for v in values)
            case DataRectified(values=values, source=source, replaced=replaced):
                for slot in replaced:
                    live.pop(slot, None)
                found.update((v.slot, frozenset((source,))) for v in values)
            case MovedToMarketing(values=values) | Archived(values=values):
                for copy in values:
                    originals = [s for s, of in live.items() if of[0] == copy.field]
                    inner = [s for s in originals if live[s][1] is FilingSystem.CUSTOMER]
                    found[copy.slot] = frozenset[SourceId]().union(
                        *(found[s] for s in inner or originals)
                    )
            case DataErased(slots=slots):
                for slot in slots:
                    live.pop(slot, None)
                continue
            case _:
                continue
        live.update((v.slot, (v.field, v.filing)) for v in values)
    return found


# --- the facts --------------------------------------------------------------------------------


def _label(register: Register, field: FieldId) -> str:
    if field == REQUEST_TEXT:
        return "Text of your request"
    declared = register.fields.get(field)
    return worded(field) if declared is None else declared.label


def _labels(register: Register, fields: Iterable[FieldId]) -> list[str]:
    return sorted({_label(register, field) for field in fields})


def _purpose_facts(case: Case, concerned: Mapping[PurposeId, set[FieldId]]) -> list[dict[str, Any]]:
    told_of = []
    for name, fields in concerned.items():
        declared = case.register.purposes.get(name)
        item: dict[str, Any] = {
            "purpose": purpose_label(case.register, name),
            "basis": basis_words(declared),
            "data": _labels(case.register, fields),
        }
        if declared is not None and declared.basis is LegalBasis.CONSENT:
            item["consent"] = _consent_state(case, name)
        told_of.append(item)
    return told_of


def _recipient_facts(case: Case, concerned: Iterable[PurposeId]) -> list[dict[str, Any]]:
    """Return who received data, then who is declared to and has not: processors too (Art. 4(9))."""
    register, received = case.register, case.standing.disclosure.received
    rows = {
        (r.recipient, r.purpose): (civil_date(r.at, case.zone).isoformat(), r.fields)
        for r in received
    }
    for name in concerned:
        declared = register.purposes.get(name)
        for recipient in sorted(declared.recipients) if declared else ():
            rows.setdefault((recipient, name), ("", frozenset()))
    return [
        {
            "recipient": recipient_label(register, recipient),
            "named": bool((party := register.recipients.get(recipient)) and party.name),
            "country": party.country if party else None,
            "purpose": purpose_label(register, purpose),
            "last": last or None,
            "data": _labels(register, fields),
        }
        for (recipient, purpose), (last, fields) in rows.items()
    ]


def _criterion(case: Case, value: HeldValue, code: str) -> str:
    """Return in words how long a value without a known last day is kept (Art. 15(1)(d))."""
    if code == "unclear":
        return "no purpose is declared for it; kept until that is cleared up"
    if value.filing is FilingSystem.REQUESTS:
        return f"{case.law.request_file_months} months after the request is closed"
    open_ended = [
        p.retention
        for p in covering(case, value, value.filing)
        if p.retention is None or ends_on(case, p, value) is None
    ]
    rules = [f"{period_words(r.keep)} {TRIGGERS[r.after]}" for r in open_ended if r is not None]
    return " or ".join(dict.fromkeys(rules)) or "as long as the purpose needs it"


def _period_facts(case: Case) -> list[dict[str, Any]]:
    rows = []
    for value in case.standing.data.values:
        until, code, _ = kept_until(case, value)
        rows.append(
            {
                "field": str(value.field),
                "label": _label(case.register, value.field),
                "where": str(value.filing),
                "until": until.isoformat() if until else None,
                "criterion": None if until else _criterion(case, value, code),
            }
        )
    # several values of one field are told once
    return list({tuple(row.values()): row for row in rows}.values())


def _source_facts(case: Case, entries: Iterable[Entry]) -> list[dict[str, Any]]:
    register, origins = case.register, _origins(entries)
    askers = {c.position: c.requester for c in case.standing.request.cases}
    rows: dict[tuple[str, bool], set[FieldId]] = {}
    for value in case.standing.data.values:
        if value.filing is FilingSystem.REQUESTS:
            own = askers.get(value.position) is Actor.SUBJECT
            names = {("You, in your request" if own else "Whoever asked for you", False)}
        else:
            names = {_source(register, s) for s in origins.get(value.slot, ())}
        for name in names or {("Not recorded", False)}:
            rows.setdefault(name, set()).add(value.field)
    return [
        {"source": name, "public": public, "data": _labels(register, fields)}
        for (name, public), fields in rows.items()
    ]


def _source(register: Register, name: SourceId) -> tuple[str, bool]:
    found = register.sources.get(name)
    return (worded(name), False) if found is None else (found.label, found.public)


def _transfer_facts(
    case: Case, entries: Iterable[Entry], concerned: Mapping[PurposeId, set[FieldId]]
) -> list[dict[str, Any]]:
    """Return flows that data of the person took, or is declared to take (Art. 15(2))."""
    register = case.register
    recorded = {
        e.fact.transfer for e in entries if isinstance(e.fact, Disclosed) and e.fact.transfer
    }
    fields = {value.field for value in case.standing.data.values}
    received = {r.recipient for r in case.standing.disclosure.received}
    rows = []
    for flow in register.transfers.values():
        declared = flow.fields & fields and (not flow.purposes or flow.purposes & concerned.keys())
        if not (flow.id in recorded or declared or flow.recipient in received):
            continue
        rows.append(
            {
                "country": flow.country,
                "importer": flow.importer,
                "recipient": recipient_label(register, flow.recipient) if flow.recipient else None,
                "safeguard": _safeguard(flow),
                "missing": [{"mechanism": "safeguard"}.get(part, part) for part in flow.missing],
                "recorded": flow.id in recorded,
            }
        )
    rows += [
        {
            "country": "not known",
            "importer": None,
            "recipient": None,
            "safeguard": "not known",
            "missing": ["importer", "safeguard", "evidence"],
            "recorded": True,
        }
        for gone in sorted(recorded - register.transfers.keys())
        if gone
    ]
    return rows


def _safeguard(flow: Transfer) -> str:
    """Return in words what carries a flow, and what does where that falls (Art. 15(2))."""
    if flow.mechanism is None:
        return "not known"
    named = MECHANISMS[flow.mechanism]
    if flow.fallback is None:
        return named
    return f"{named}; where that falls, {MECHANISMS[flow.fallback.mechanism]}"


def _facts(case: Case, entries: tuple[Entry, ...]) -> dict[str, Any]:
    register, standing = case.register, case.standing
    held = standing.data.values
    concerned: dict[PurposeId, set[FieldId]] = {}
    for value in held:
        for purpose in _concerned(case, value):
            concerned.setdefault(purpose, set()).add(value.field)
    # marketing that is allowed now uses the customer file of somebody who is still connected: it is
    # a purpose of the processing, also before any move (Art. 15(1)(a))
    fields = {value.field for value in standing.data.held(FilingSystem.CUSTOMER)}
    for offered in register.purposes.values():
        if offered.marketing and offered.id not in concerned and usable_channels(case, offered):
            concerned[offered.id] = set(fields & offered.fields)
    declared = [p for name in concerned if (p := register.purposes.get(name)) is not None]
    return {
        "purposes": _purpose_facts(case, concerned),
        "categories of data": sorted(
            {register.fields[v.field].category for v in held if v.field in register.fields}
        ),
        "recipients": _recipient_facts(case, concerned),
        "how long we keep it": _period_facts(case),
        "your rights": [str(right) for right in _rights(case, declared)],
        "complaint": [
            register.controller.authority or "the data protection authority of your country"
        ],
        "where it came from": _source_facts(case, entries),
        "automated decisions": _automated_facts(declared),
        "transfers outside the EEA": _transfer_facts(case, entries, concerned),
        "direct-marketing register": (
            [{"entry until": standing.connection.marketing_expires.isoformat()}]
            if standing.connection.marketing_expires
            else []
        ),
        "stops we remember": [
            {
                "stop": str(s.kind),
                "channels": ", ".join(map(worded, sorted(s.channels))) or "every channel",
                "since": civil_date(s.at, case.zone).isoformat(),
                "purpose": purpose_label(register, s.purpose) if s.purpose else None,
            }
            for s in standing.objection.stops
        ],
    }


def _automated_facts(declared: Iterable[Purpose]) -> list[str]:
    """Return where a machine alone decides; logic and consequences a person adds (15(1)(h))."""
    found = sorted(purpose.label for purpose in declared if purpose.automated_decisions)
    if not found:
        return ["No decision made by automated means alone is recorded about you."]
    return [
        f"Decisions are made by automated means alone for: {label}. Which procedure and principles "
        "are really applied, and what follows for you, is told with this answer."
        for label in found
    ]


def _letter(case: Case, asked: RequestCase, entries: tuple[Entry, ...]) -> Letter:
    register, held = case.register, case.standing.data.values
    return Letter(
        controller=register.controller,
        right=asked.right,
        received=civil_date(asked.received_at, case.zone),
        answered=case.today,
        labels={str(v.field): _label(register, v.field) for v in held},
        told=tuple(
            (civil_date(entry.at, case.zone), told(entry.fact, register))
            for entry in sorted(entries, key=order_key)
        ),
        on_hold=bool(case.standing.retention.holds),
        staff_left_out=any(entry.by is not None for entry in entries),
    )


def make_bundle(bench: Bench, found: View, case: CaseId, now: datetime) -> Bundle:
    """Gather the answer.

    Raises:
        UnknownName: the person made no such request.
        ChainBroken, FieldCryptoError: a value cannot be opened.
    """
    asked = found.standing.request.case(case)
    if asked is None:
        raise UnknownName("request of this person", recorded=True)
    known = bench.case(found, now)
    values: dict[FilingSystem, dict[str, tuple[Personal[object], ...]]] = {}
    held = found.standing.data.values
    if held:
        versions = bench.keys.of(found.about, use=RestrictedUse.OWN_REQUEST)
        for value, personal in open_values(bench.store, versions, found.about, held):
            fields = values.setdefault(value.filing, {})
            fields[value.field] = (*fields.get(value.field, ()), personal)
    entries = entries_of(bench.store, found.about, found)
    return Bundle(
        about=found.about,
        case=case,
        made_at=now,
        facts=_facts(known, entries),
        values=values,
        history=tuple(
            (entry.at, KINDS[type(entry.fact)][0].replace("-", " ")) for entry in entries
        ),
        letter=_letter(known, asked, entries),
    )
