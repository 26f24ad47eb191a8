"""The answer to a request for access: the data and the facts of GDPR Art. 15(1) (R-501).

Tailored to the person: only purposes, recipients, sources and periods that concern them. Values
stay ``Personal`` until the bundle is written for the person; every filing system is included, and
the move into the marketing register as well (R-410).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Any, final

import attrs

from gdprkit.keeper.line import View, entries_of
from gdprkit.keeper.sealed import open_values
from gdprkit.keeper.writing import Bench
from gdprkit.ledger.codec import KINDS
from gdprkit.policy.retention import kept_until
from gdprkit.register.register import Register
from gdprkit.state.data import HeldValue
from gdprkit.words.identifiers import CaseId, PurposeId, RecipientId, SubjectId
from gdprkit.words.personal import Personal
from gdprkit.words.vocabulary import FilingSystem

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
    """

    about: SubjectId
    case: CaseId
    made_at: datetime
    facts: Mapping[str, Any]
    values: Mapping[FilingSystem, Mapping[str, tuple[Personal[object], ...]]]
    history: tuple[tuple[datetime, str], ...]

    def write(self, folder: Path) -> tuple[Path, ...]:
        """Write the answer for the person: data, a page to read, a manifest of hashes.

        The files hold the person's data in clear; the caller decides where they go.
        """
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        parts = {"data.json": self._json(), "answer.md": self._page()}
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

    def _page(self) -> str:
        lines = ["# Your personal data", "", f"Made on {self.made_at:%Y-%m-%d} (UTC).", ""]
        for filing, fields in self._plain().items():
            lines += [f"## What we hold: {filing}", ""]
            lines += [f"- {field}: {', '.join(map(str, v))}" for field, v in fields.items()]
            lines.append("")
        lines += ["## What you should know (GDPR Art. 15)", ""]
        for title, content in self.facts.items():
            lines.append(f"### {title}")
            lines += [f"- {_sentence(item)}" for item in content] or ["- none"]
            lines.append("")
        lines += ["## What happened", ""]
        lines += [f"- {at:%Y-%m-%d}: {what}" for at, what in self.history]
        return "\n".join(lines) + "\n"


def _write_private(path: Path, text: str) -> None:
    """Write a file that only its owner reads."""
    path.touch(mode=0o600)
    path.chmod(0o600)
    path.write_text(text, encoding="utf-8")


def _json_value(value: object) -> Any:
    if isinstance(value, (str, int, float, bool, list, dict)) or value is None:
        return value
    return value.hex() if isinstance(value, bytes) else str(value)


def _sentence(item: object) -> str:
    if isinstance(item, Mapping):
        return "; ".join(f"{key}: {value}" for key, value in item.items() if value)
    return str(item)


def _recipient(register: Register, name: RecipientId) -> str:
    # a register changes; what was disclosed under an older one is told by its old name
    found = register.recipients.get(name)
    return str(name) if found is None else found.name or found.label


def _purpose(register: Register, name: PurposeId) -> str:
    found = register.purposes.get(name)
    return str(name) if found is None else found.label


def _facts(bench: Bench, found: View, now: datetime) -> dict[str, Any]:
    register, standing = bench.register, found.standing
    case = bench.case(found, now)
    held: tuple[HeldValue, ...] = standing.data.values
    fields = {value.field for value in held}
    purposes = [
        purpose
        for purpose in register.purposes.values()
        if purpose.fields & fields
        and (not purpose.subjects or standing.data.kind in purpose.subjects)
    ]
    sources = dict.fromkeys(v.source or standing.data.source for v in held)
    controller = register.controller
    return {
        "purposes": [
            {"purpose": p.label, "basis": str(p.basis or "not declared")} for p in purposes
        ],
        "categories of data": sorted(
            {register.fields[f].category for f in fields if f in register.fields}
        ),
        "recipients": [
            {
                "recipient": _recipient(register, r.recipient),
                "purpose": _purpose(register, r.purpose),
                "last": f"{r.at:%Y-%m-%d}",
            }
            for r in standing.disclosure.received
        ],
        "how long we keep it": [
            {
                "field": value.field,
                "where": str(value.filing),
                "until": str(kept_until(case, value)[0] or "the purpose ends"),
            }
            for value in held
        ],
        "your rights": [str(right) for right in register.rights],
        "complaint": [controller.authority or "the supervisory authority of your country"],
        "where it came from": [
            register.source(s).label for s in sources if s is not None and s in register.sources
        ],
        "automated decisions": ["none are made by this register"],
        "transfers outside the EEA": [
            {"country": t.country, "safeguard": str(t.mechanism or "not known"), "flow": t.id}
            for t in register.transfers.values()
            if t.fields & fields
        ],
        "direct-marketing register": (
            [{"entry until": str(standing.connection.marketing_expires)}]
            if standing.connection.marketing_expires
            else []
        ),
        "stops we remember": [
            {"stop": str(s.kind), "channels": ", ".join(sorted(s.channels)) or "every channel"}
            for s in standing.objection.stops
        ],
    }


def make_bundle(bench: Bench, found: View, case: CaseId, now: datetime) -> Bundle:
    """Gather the answer.

    Raises:
        ChainBroken, FieldCryptoError: a value cannot be opened.
    """
    values: dict[FilingSystem, dict[str, tuple[Personal[object], ...]]] = {}
    held = found.standing.data.values
    if held:
        versions = bench.keys.of(found.about)
        for value, personal in open_values(bench.store, versions, found.about, held):
            fields = values.setdefault(value.filing, {})
            fields[value.field] = (*fields.get(value.field, ()), personal)
    history = tuple(
        (entry.at, KINDS[type(entry.fact)][0].replace("-", " "))
        for entry in entries_of(bench.store, found.about)
    )
    return Bundle(
        about=found.about,
        case=case,
        made_at=now,
        facts=_facts(bench, found, now),
        values=values,
        history=history,
    )
