"""The page a person reads: the answer to a request for access in plain words (R-501, R-527).

Decides wording and order only; what is said is gathered in ``keeper.answer``. English is the only
language so far: a controller whose people read another one has to translate the page (R-527).
Always true: labels and sentences stand where the machine has ids, and nothing is said that the
facts given do not hold. Values come in clear, because this is what is written for the person.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from enum import StrEnum
from typing import Any, Final, final

import attrs

from gdprkit.facts.entry import Fact
from gdprkit.ledger.codec import KINDS
from gdprkit.policy.phrases import long_date
from gdprkit.register.parties import Controller, TransferMechanism
from gdprkit.register.purposes import Purpose
from gdprkit.register.register import Register
from gdprkit.state.objection import StopKind
from gdprkit.words.identifiers import PurposeId, RecipientId
from gdprkit.words.moments import Period
from gdprkit.words.vocabulary import FilingSystem, LegalBasis, Right, Trigger

__all__ = [
    "FILINGS",
    "MECHANISMS",
    "RIGHTS",
    "SENTENCES",
    "STOPS",
    "TRIGGERS",
    "Letter",
    "basis_words",
    "page",
    "period_words",
    "purpose_label",
    "recipient_label",
    "told",
    "worded",
]

FILINGS: Final[Mapping[FilingSystem, str]] = {
    FilingSystem.CUSTOMER: "our customer file",
    FilingSystem.MARKETING: "our direct-marketing register",
    FilingSystem.ARCHIVE: "our archive, for legal duties and claims only",
    FilingSystem.REQUESTS: "the file of your requests",
}

RIGHTS: Final[Mapping[Right, str]] = {
    Right.INFORMATION: "to be told what we do with your data (Art. 13 and 14)",
    Right.ACCESS: "to see your data and get a copy (Art. 15)",
    Right.RECTIFICATION: "to have wrong data corrected and incomplete data completed (Art. 16)",
    Right.ERASURE: (
        "to have data erased when a ground of Art. 17 is met; not while a law makes us keep it or "
        "a legal claim needs it"
    ),
    Right.RESTRICTION: "to have us only store your data while a dispute about it lasts (Art. 18)",
    Right.PORTABILITY: (
        "to get the data you gave us for your consent or our contract in a form machines read, and "
        "to have it sent to another controller (Art. 20)"
    ),
    Right.OBJECTION: (
        "to object, on grounds of your situation, to what rests on our legitimate interest or a "
        "public task (Art. 21(1))"
    ),
    Right.OBJECTION_TO_MARKETING: (
        "to object to direct marketing at any time, free and without a reason (Art. 21(2))"
    ),
    Right.HUMAN_REVIEW: "to have a person look at a decision made by a machine alone (Art. 22(3))",
    Right.WITHDRAW_CONSENT: (
        "to withdraw your consent at any time; what was done before stays lawful (Art. 7(3))"
    ),
}

MECHANISMS: Final[Mapping[TransferMechanism, str]] = {
    TransferMechanism.ADEQUACY: "an adequacy decision of the European Commission (Art. 45)",
    TransferMechanism.STANDARD_CLAUSES: "standard contractual clauses (Art. 46(2)(c))",
    TransferMechanism.BCR: "binding corporate rules (Art. 47)",
    TransferMechanism.DEROGATION: "an exception for occasional transfers (Art. 49)",
}

STOPS: Final[Mapping[StopKind, str]] = {
    StopKind.OBJECTION: "an objection to direct marketing",
    StopKind.PROHIBITION: "a prohibition of direct marketing",
    StopKind.WITHDRAWAL: "a withdrawal of consent",
    StopKind.REFUSAL: "a refusal of consent",
}

TRIGGERS: Final[Mapping[Trigger, str]] = {
    Trigger.COLLECTION: "after we collected it",
    Trigger.CONNECTION_END: "after your connection with us ends",
    Trigger.WITHDRAWAL: "after your consent is withdrawn or ends",
    Trigger.LAST_ACTIVITY: "after the last thing you did with us",
    Trigger.CLOSING: "after the matter is closed",
    Trigger.CALENDAR_YEAR_OF_FINANCIAL_YEAR_END: (
        "after the end of the calendar year in which the financial year ended"
    ),
    Trigger.FINANCIAL_YEAR_END: "after the end of the financial year",
    Trigger.CALENDAR_YEAR_END: "after the end of the calendar year",
    Trigger.CLAIM: (
        "after a claim fell due, a damage became known, or your connection with us ended"
    ),
}

#: kind of fact -> what happened, in words for the person.
SENTENCES: Final[Mapping[str, str]] = {
    "subject-added": "You were entered in our register",
    "data-collected": "We collected data about you",
    "data-rectified": "Data about you was corrected or completed",
    "data-erased": "Data about you was erased",
    "data-resealed": "Data about you was encrypted under a new key",
    "person-erased": "All values held about you were erased and their key was destroyed",
    "circumstance-noted": "Something about your situation was noted",
    "notice-given": "You were given our privacy notice",
    "consent-given": "A consent of yours was recorded",
    "consent-requested": "A choice of yours was recorded, and you were asked to confirm it",
    "consent-confirmed": "Your confirmation of a consent was recorded",
    "consent-refused": "A refusal of consent was recorded",
    "consent-withdrawn": "A withdrawal of consent was recorded",
    "marketing-objection": "An objection to direct marketing was recorded",
    "marketing-prohibition": "A prohibition of direct marketing was recorded",
    "objection-raised": "You objected, on grounds of your situation",
    "objection-decided": "Your objection was decided",
    "restriction-imposed": "The use of your data was restricted to storage",
    "restriction-lifted": "A restriction of the use of your data was lifted",
    "connection-started": "Your connection with us began",
    "connection-ended": "Your connection with us ended",
    "activity-noted": "We noted something you did",
    "connection-tied": "Something that connects you with us was noted",
    "contact-held": "A contact between you and us was noted",
    "role-taken": "The organisation you act for was noted",
    "old-entry-found": "You were found in an old marketing register of ours",
    "address-obtained-at-sale": "We got a contact detail of yours at a sale",
    "relevance-assessed": "We looked into whether our offers relate to your work",
    "list-checked": "We checked a list of people who want no marketing",
    "disclosed": "Data about you was disclosed to a recipient",
    "recipient-notified": "A recipient was told of the use of a right of yours",
    "moved-to-marketing": "Data about you was copied into our direct-marketing register",
    "marketing-entry-ended": "Your entry in our direct-marketing register ended",
    "archived": "Data about you was put into our archive",
    "hold-placed": "Erasing was put on hold because of a legal matter",
    "hold-lifted": "A hold on erasing was lifted",
    "claim-noted": "A legal claim was noted",
    "claim-interrupted": "The limitation of a legal claim began again",
    "merged-from": "Another entry about you was joined to this one",
    "merged-into": "This entry about you was joined to another one",
    "merge-reversed": "A joining of two entries was taken back",
    "request-received": "We received a request about your data",
    "request-acknowledged": "We confirmed that your request had arrived",
    "identity-requested": "We asked for proof of who you are",
    "identity-insufficient": "What we got did not settle who you are",
    "identity-confirmed": "Who you are was settled",
    "clarification-requested": "We asked you to say more exactly what you want",
    "clarification-received": "You said more exactly what you want",
    "fee-announced": "We announced a fee",
    "handling-begun": "We began to work on your request",
    "request-extended": "We extended the time for our answer",
    "request-fulfilled": "We fulfilled your request",
    "request-partly-refused": "We fulfilled part of your request and refused part",
    "request-refused": "We refused your request",
    "subject-not-identifiable": "We could not tell which data is yours",
    "request-withdrawn": "Your request was withdrawn",
}

#: Attributes of facts that add what a person wants to know; ids and references are left out.
_DETAILS: Final = (
    "purpose",
    "recipient",
    "kind",
    "circumstance",
    "activity",
    "cause",
    "ground",
    "grounds",
    "reason",
    "right",
    "about",
    "channels",
    "checked",
)
_YES_OR_NO: Final[Mapping[tuple[str, bool], str]] = {
    ("holds", False): "it does not hold any more",
    ("hit", True): "you are on it",
    ("hit", False): "you are not on it",
    ("related", True): "they do",
    ("related", False): "they do not",
    ("upheld", True): "upheld",
    ("upheld", False): "not upheld",
}


@final
@attrs.frozen(kw_only=True)
class Letter:
    """What stands around the facts on the page.

    Args:
        controller: Who answers.
        right: The right the request used.
        received: The day the request was received, in the controller's zone.
        answered: The day of the answer, in the controller's zone.
        labels: Field -> what people call it.
        told: What happened, in order: the day and a sentence.
        on_hold: Whether a legal hold keeps everything from being erased.
        staff_left_out: Whether the line names staff members, who are left out.
    """

    controller: Controller
    right: Right
    received: date
    answered: date
    labels: Mapping[str, str]
    told: tuple[tuple[date, str], ...]
    on_hold: bool = False
    staff_left_out: bool = False


# --- words ------------------------------------------------------------------------------------


def worded(name: str) -> str:
    """Return a declared name as words: what is declared no longer has no label."""
    return str(name).replace("-", " ")


def purpose_label(register: Register, name: PurposeId) -> str:
    """Return what people call a purpose; a register changes, so old ones may be gone."""
    found = register.purposes.get(name)
    return worded(name) if found is None else found.label


def recipient_label(register: Register, name: RecipientId) -> str:
    """Return the legal name of a recipient, or what people call it while that is unknown."""
    found = register.recipients.get(name)
    return worded(name) if found is None else found.name or found.label


def basis_words(purpose: Purpose | None) -> str:
    """Return the legal basis of a purpose in plain words (GDPR Art. 6(1))."""
    match purpose.basis if purpose is not None else None:
        case LegalBasis.CONSENT:
            return "your consent"
        case LegalBasis.CONTRACT:
            return "the contract with you"
        case LegalBasis.LEGAL_OBLIGATION:
            return _with("a legal duty", purpose.statute if purpose else None)
        case LegalBasis.VITAL_INTERESTS:
            return "vital interests, yours or another person's"
        case LegalBasis.PUBLIC_TASK:
            return _with("a public task", purpose.statute if purpose else None)
        case LegalBasis.LEGITIMATE_INTERESTS:
            return _with("our legitimate interest", purpose.interest if purpose else None)
        case None:
            return "no legal basis is declared"


def _with(words: str, more: str | None) -> str:
    return f"{words}: {more}" if more else words


def period_words(period: Period) -> str:
    """Return a length of time in words: ``24 months``, ``1 year and 6 months``."""
    parts = ((period.years, "year"), (period.months, "month"), (period.days, "day"))
    named = [f"{count} {unit}{'s' * (count != 1)}" for count, unit in parts if count]
    return " and ".join(named) or "no time"


def told(fact: Fact, register: Register) -> str:
    """Return what happened as a sentence: the kind's own, with what may be said of this fact."""
    details = [_detail(getattr(fact, name, None), name, register) for name in _DETAILS]
    details += [
        words for (name, value), words in _YES_OR_NO.items() if getattr(fact, name, None) is value
    ]
    known = "; ".join(filter(None, details))
    sentence = SENTENCES[KINDS[type(fact)][0]]
    return f"{sentence} ({known})." if known else f"{sentence}."


def _detail(value: object, name: str, register: Register) -> str:
    if name == "purpose":
        return purpose_label(register, PurposeId(str(value))) if value else ""
    if name == "recipient":
        return recipient_label(register, RecipientId(str(value))) if value else ""
    if isinstance(value, StrEnum):
        return worded(value)
    if isinstance(value, frozenset):
        return ", ".join(sorted(worded(one) for one in value))
    return ""  # free texts are the controller's pointers


# --- the page ---------------------------------------------------------------------------------

_Facts = Mapping[str, Any]
_Values = Mapping[str, Mapping[str, Sequence[Any]]]


def _day(iso: str) -> str:
    return long_date(date.fromisoformat(iso))


def _plain(value: object) -> str:
    """Return a value as text a reader of the page sees as it is, not as marks of the page."""
    if isinstance(value, Mapping):
        return "; ".join(f"{_plain(key)}: {_plain(one)}" for key, one in value.items())
    if isinstance(value, (list, tuple)):
        return ", ".join(map(_plain, value))
    text = str(value).replace("\\", "\\\\").replace("<", "\\<").replace("[", "\\[")
    lines = text.splitlines() or [""]
    return "\n  ".join(f"\\{line}" if line[:1] in set("#>-+*=~`|") else line for line in lines)


def _head(letter: Letter) -> Iterator[str]:
    who = letter.controller
    yield "# Your personal data: our answer"
    yield ""
    yield f"- Controller: {_with_id(who)}"
    yield f"- Address: {who.address}"
    yield f"- E-mail: {who.email}"
    if who.phone:
        yield f"- Telephone: {who.phone}"
    if who.dpo:
        yield f"- Data protection officer: {who.dpo}"
    yield f"- Your request: {worded(letter.right)}, received on {long_date(letter.received)}"
    yield f"- Date of this answer: {long_date(letter.answered)}"


def _with_id(who: Controller) -> str:
    return f"{who.name} (business ID {who.business_id})" if who.business_id else who.name


def _held(values: _Values, letter: Letter) -> Iterator[str]:
    if not values:
        yield "We hold no values about you. What we still keep stands below: what happened, and"
        yield "any stop that you set."
        return
    yield "Yes, we process personal data about you. These are the data we hold."
    for filing, fields in values.items():
        yield ""
        yield f"### In {FILINGS[FilingSystem(filing)]}"
        yield ""
        for field, found in fields.items():
            label = letter.labels.get(field, worded(field))
            yield from (f"- {label}: {_plain(value)}" for value in found)


def _purposes(facts: _Facts, _letter: Letter) -> Iterator[str]:
    for item in facts["purposes"]:
        ended = "; that consent has ended and the data waits to be erased"
        consent = ended if item.get("consent") == "ended" else ""
        yield f"- {item['purpose']}. Basis: {item['basis']}{consent}. Data: {_list(item['data'])}."


def _recipients(facts: _Facts, _letter: Letter) -> Iterator[str]:
    for item in facts["recipients"]:
        name = item["recipient"]
        if not item["named"]:
            name += " (we have no name on record; ask us who it is)"
        when = (
            f"last on {_day(item['last'])}"
            if item["last"]
            else "may receive it; no disclosure is recorded"
        )
        data = f" Data: {_list(item['data'])}." if item["data"] else ""
        where = f", country {item['country']}" if item["country"] else ""
        yield f"- {name}{where}. For: {item['purpose']}; {when}.{data}"


def _sources(facts: _Facts, _letter: Letter) -> Iterator[str]:
    for item in facts["where it came from"]:
        public = " (open to the public)" if item["public"] else ""
        yield f"- {item['source']}{public}: {_list(item['data'])}."


def _transfers(facts: _Facts, _letter: Letter) -> Iterator[str]:
    for item in facts["transfers outside the EEA"]:
        recorded = "recorded" if item["recorded"] else "declared; none recorded for you"
        unknown = f" Not known to us: {_list(item['missing'])}." if item["missing"] else ""
        to = item["importer"] or item["recipient"] or "not known"
        yield (
            f"- Country {item['country']}, to: {to} ({recorded}). "
            f"Safeguard: {item['safeguard']}.{unknown}"
        )


def _periods(facts: _Facts, letter: Letter) -> Iterator[str]:
    for item in facts["how long we keep it"]:
        where = FILINGS[FilingSystem(item["where"])]
        if item["until"] is None:
            end = item["criterion"]
        elif date.fromisoformat(item["until"]) < letter.answered:
            end = f"until {_day(item['until'])}; that day is over and the value waits to be erased"
        else:
            end = f"until {_day(item['until'])}"
        yield f"- {item['label']}, in {where}: {end}."
    if letter.on_hold:
        yield "- A legal hold is in force: until it is lifted nothing is erased."


def _marketing(facts: _Facts, _letter: Letter) -> Iterator[str]:
    for item in facts["direct-marketing register"]:
        yield f"- You have an entry. It lasts until {_day(item['entry until'])} at the latest."


def _stops(facts: _Facts, _letter: Letter) -> Iterator[str]:
    for item in facts["stops we remember"]:
        scope = f" For: {item['purpose']}." if item["purpose"] else ""
        yield (
            f"- {STOPS[StopKind(item['stop'])].capitalize()}, since {_day(item['since'])}, "
            f"on {item['channels']}.{scope}"
        )


def _categories(facts: _Facts, _letter: Letter) -> Iterator[str]:
    yield from (f"- {worded(name)}" for name in facts["categories of data"])


def _automated(facts: _Facts, _letter: Letter) -> Iterator[str]:
    yield from (f"- {item}" for item in facts["automated decisions"])


def _rights(facts: _Facts, _letter: Letter) -> Iterator[str]:
    yield from (f"- You have the right {RIGHTS[Right(r)]}." for r in facts["your rights"])


def _complaint(facts: _Facts, _letter: Letter) -> Iterator[str]:
    yield from (f"- You may complain to: {name}." for name in facts["complaint"])
    yield "- You may also turn to a court (Art. 79)."


def _left_out(_facts: _Facts, letter: Letter) -> Iterator[str]:
    yield "- Other people's data: none is recorded as such in your file, so nothing was held back."
    if letter.staff_left_out:
        yield "- Which member of our staff wrote an entry: their data, not needed to know yours."
    yield "- Keys, fingerprints and sealed forms of the values above: they tell nothing more."


def _history(_facts: _Facts, letter: Letter) -> Iterator[str]:
    yield from (f"- {long_date(day)}: {sentence}" for day, sentence in letter.told)


_KEPT_STOPS: Final = (
    "When you stop marketing, we keep a keyed fingerprint of each address or number it is for.\n"
    "The address cannot be read from it. It is kept after your data is erased, only so that\n"
    "the stop goes on holding."
)

#: heading -> what gives its lines, and the words that stand when there are none.
_SECTIONS: Final[tuple[tuple[str, Callable[[_Facts, Letter], Iterator[str]], str], ...]] = (
    ("What we use it for, and why we may", _purposes, "No value is held for a purpose."),
    ("Kinds of data", _categories, "None."),
    ("Where it came from", _sources, "No value is held."),
    ("Who received it", _recipients, "No recipient is recorded or declared for your data."),
    ("Outside the EU and the EEA", _transfers, "No transfer is recorded or declared."),
    ("How long we keep it", _periods, "No value is held."),
    ("Direct-marketing register", _marketing, "You have no entry in it."),
    ("Stops we remember", _stops, "You have set none."),
    ("Automated decisions", _automated, "None."),
    ("Your rights", _rights, "None."),
    ("If you are not content", _complaint, ""),
    ("What was left out", _left_out, ""),
    ("What happened", _history, "Nothing is recorded."),
)


def page(letter: Letter, facts: Mapping[str, Any], values: _Values) -> str:
    """Return the page.

    Args:
        letter: What stands around the facts.
        facts: What ``keeper.answer`` gathered.
        values: Filing system -> field -> values in clear.

    Source: GDPR Art. 12(1), 15(1)-(3); R-501.
    """
    lines = [*_head(letter), "", "## What we hold", "", *_held(values, letter), ""]
    for title, content, empty in _SECTIONS:
        lines += [f"## {title}", "", *(list(content(facts, letter)) or [empty]), ""]
        if content is _stops:
            lines += [_KEPT_STOPS, ""]
    return "\n".join(lines)


def _list(words: Sequence[str]) -> str:
    return "; ".join(words)
