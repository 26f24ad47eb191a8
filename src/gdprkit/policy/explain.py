"""A decision in words. Codes are stable; these sentences may improve.

Every code of the policies has a sentence here, which a test holds. Words name the law and the
entries a reason rests on, never a person's data.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final, Protocol

from gdprkit.words.citations import Citation

__all__ = ["SENTENCES", "explain", "sentence"]


class _Reason(Protocol):
    """What is told of a reason; ``policy.decisions.Reason`` has it."""

    @property
    def code(self) -> str: ...
    @property
    def outcome(self) -> str: ...
    @property
    def rule(self) -> str: ...
    @property
    def cites(self) -> tuple[Citation, ...]: ...
    @property
    def evidence(self) -> tuple[int, ...]: ...
    @property
    def missing(self) -> tuple[str, ...]: ...


class _Decision(Protocol):
    """What is told of a decision; ``policy.decisions.Decision`` has it."""

    @property
    def question(self) -> str: ...
    @property
    def outcome(self) -> str: ...
    @property
    def cell(self) -> str | None: ...
    @property
    def at(self) -> datetime: ...
    @property
    def reasons(self) -> Sequence[_Reason]: ...
    @property
    def valid_until(self) -> datetime | None: ...


SENTENCES: Final[Mapping[str, str]] = {
    "adult": "the person is of age, or known through work",
    "age-unknown": "it is not known whether the person is of age",
    "assessment-failed": "the balancing assessment found against the interest",
    "assessment-missing": "no balancing assessment is on file",
    "assessment-not-for-former": "the assessment does not speak about former customers",
    "address-dead": "the contact point is dead",
    "assessment-not-yet": "the assessment was decided later",
    "assessment-overdue": "the assessment is past its review date",
    "assessment-passed": "the balancing assessment is passed and current",
    "basis-swap": "the person withdrew or refused the consent this processing rested on",
    "basis-is-consent": "the purpose rests on consent and there is none in force",
    "basis-missing": "the register declares no legal basis for the purpose",
    "cell-allows": "the marketing matrix allows it on conditions",
    "cell-forbids": "the marketing matrix forbids it without prior consent",
    "channel-not-decided": "this channel is not decided by the library",
    "channel-not-declared": "the purpose does not use this channel",
    "closed-data-used": "closed data was used to choose the person",
    "closed-to-marketing": "this field is closed to marketing",
    "company-prohibited": "the organisation has prohibited marketing to its address",
    "consent-before-notice": "the notice shown was not published yet",
    "consent-bundled": "one act was to answer for several purposes",
    "consent-conditional": "the consent was made a condition of a service that does not need it",
    "consent-expired": "the consent is older than its review period",
    "consent-in-force": "a valid consent is in force",
    "consent-never-given": "no consent was ever given",
    "consent-not-affirmative": "the consent was not a clear affirmative act",
    "consent-not-by-the-person": "somebody other than the person consented",
    "consent-not-confirmed": "the purpose asks for a double opt-in and there was none",
    "consent-not-informed": "the notice shown does not speak of this purpose",
    "consent-not-separate": "the choice did not stand apart from other declarations",
    "consent-notice-differs": "the text shown is not the text of the declared notice",
    "consent-notice-unknown": "the notice shown is not in the register",
    "consent-of-a-minor": "a minor consented without the holder of parental responsibility",
    "consent-oral-unproved": "an oral consent has no recording, script or follow-up",
    "consent-pre-ticked": "the choice was on before the person made it",
    "consent-refused": "the person refused",
    "consent-unconfirmed": "the double opt-in was never confirmed",
    "consent-unproved": "there is no evidence of the consent",
    "consent-withdrawal-not-told": "the person was not told how to withdraw",
    "consent-withdrawn": "the person has withdrawn the consent",
    "contract-live": "the contract with the person is live",
    "contract-not-live": "there is no live contract with the person",
    "criminal-data": "data on offences is closed without a law that opens it",
    "duty-evidence-thin": "the only evidence of the contact's duties is a title",
    "duty-related": "the offer relates to the contact's duties",
    "duty-unknown": "nobody has looked into the contact's duties",
    "end-unknown": "it is not known when the relation ended",
    "field-not-covered": "the purpose does not need this field",
    "identity-code": "a personal identity code needs its own ground",
    "in-marketing-register": "the person has a live entry in the marketing register",
    "interest-not-told": "no notice has named the interest",
    "interest-told": "a notice named the interest",
    "kind-not-covered": "the purpose is not declared for this kind of person",
    "left-role": "the contact no longer has the role",
    "minor": "the person is a minor",
    "not-in-marketing-register": "the relation is over and there is no entry in the marketing "
    "register",
    "not-party-to-the-contract": "the contract is with the organisation, not with the person",
    "notice-given": "the notice was given",
    "notice-not-given": "no notice has named marketing, the interest and the right to object",
    "objected": "the person has objected",
    "opt-out-not-offered": "messages of this purpose offer no opt-out",
    "opt-out-offered": "every message offers an opt-out",
    "own-similar-products": "the offer is the seller's own and similar",
    "period-over": "the period of the purpose is over",
    "period-runs": "the period of the purpose runs",
    "person-deceased": "the person has died",
    "person-erased": "the person was erased",
    "person-unknown": "nothing is recorded about the person",
    "population-register-ban": "the population register holds a marketing ban",
    "population-register-checked": "the population register's ban was checked lately",
    "population-register-not-checked": "the population register's ban was not checked lately",
    "products-not-shown-own": "it is not shown that the offer is own and similar",
    "prospect-fresh": "the prospect's period runs",
    "prospect-period-over": "the prospect's period is over",
    "prohibited": "the person has prohibited marketing",
    "purpose-not-marketing": "the purpose is not declared as marketing",
    "register-entry-expired": "the entry in the marketing register has expired",
    "request-pending": "a request that would stop it is open",
    "restricted": "processing is restricted to storage",
    "restriction-asked": "a request for restriction is open",
    "robinson-checked": "the Robinson list was checked lately",
    "robinson-hit": "the person is on the Robinson list",
    "robinson-not-checked": "the Robinson list was not checked lately",
    "safety-ban": "the person has a safety ban",
    "selected-by-undeclared": "a field was used to choose people that the purpose does not need",
    "sender-identified": "messages are recognisable as marketing and name the sender",
    "sender-not-identified": "messages do not show themselves as marketing or hide the sender",
    "soft-opt-in-fresh": "the sale is recent enough",
    "soft-opt-in-too-old": "the relation ended too long ago to rest on the sale",
    "source-known": "the source of the data is recorded",
    "source-notice-not-given": "no notice has named the source",
    "source-unknown": "the source of the data is not recorded",
    "special-data": "special categories of data need an exception",
    "statute-missing": "the law behind the duty is not named",
    "statute-named": "the law behind the duty is named",
    "stopped": "a later stop of the person outranks the consent",
    "suppressed": "the contact point is on the suppression list",
    "t1-already-moved": "T1: the person is in the marketing register already",
    "t1-end-proved": "T1: the end of the connection is recorded with evidence",
    "t1-end-unproved": "T1: the end of the connection has no evidence yet",
    "t1-not-ended": "T1: the connection has not ended",
    "t1-not-ended-yet": "T1: the day of the end has not come",
    "t1-review-over": "T1: the review after the end is over",
    "t10-expired": "T10: an entry would have expired already",
    "t10-expiry-set": "T10: the entry has a last day",
    "t10-no-register": "T10: no marketing register is declared, so nothing is moved",
    "t10-no-expiry": "T10: no last day can be set",
    "t11-address-dead": "T11: the contact point is dead",
    "t11-contact-left": "T11: the contact has left the organisation",
    "t11-deceased": "T11: the person has died",
    "t11-left-role": "T11: the contact no longer has the role",
    "t11-there": "T11: the person is there and in the role",
    "t12-checked": "T12: the suppression list was looked into",
    "t12-not-checked": "T12: the suppression list was not looked into",
    "t12-suppressed": "T12: every contact point is on the suppression list",
    "t2-assessment": "T2: an assessment covers former customers",
    "t2-consent": "T2: a valid consent carries the register for its channels",
    "t2-no-basis": "T2: neither an assessment for former customers nor a consent carries it",
    "t3-not-told": "T3: no notice has named marketing, the interest and the right to object",
    "t3-told-at-collection": "T3: the notice at collection named all of it",
    "t3-window-open": "T3: the objection window of the later notice is open",
    "t3-window-passed": "T3: the later notice was given and its objection window has passed",
    "t4-right-not-told": "T4: the right to object was not told apart from the rest",
    "t4-right-told": "T4: the right to object was told apart from the rest",
    "t5-no-stop": "T5: no stop, no pending request, no restriction",
    "t5-request-pending": "T5: a request is pending that would stop it",
    "t5-restricted": "T5: processing is restricted",
    "t5-stopped": "T5: the person has said stop",
    "t6-compatible": "T6: the compatibility assessment is on file",
    "t6-not-compatible": "T6: marketing was no original purpose and no assessment finds it "
    "compatible",
    "t6-original-purpose": "T6: marketing was a purpose from the start",
    "t7-nothing-to-move": "T7: no value may be moved",
    "t7-whitelisted": "T7: only whitelisted values move",
    "t8-minor": "T8: the person is a minor",
    "t8-person-open": "T8: nothing about the person closes the register",
    "t8-safety-ban": "T8: the person has a safety ban",
    "t9-channel-usable": "T9: at least one channel stays usable",
    "t9-no-channel": "T9: no channel stays usable, so the data is erased instead",
    "under-review": "the connection has ended and the review is not done",
    "vital-interest-note": "processing for vital interests needs a note of the emergency",
}

_MARKS: Final = {"allowed": "+", "needs": "?", "forbidden": "-"}


def sentence(reason: _Reason) -> str:
    """Return one reason in words, with its law, rule and entries."""
    cites = ", ".join(str(cite) for cite in reason.cites)
    entries = ", ".join(str(position) for position in reason.evidence)
    rests = f"; entry {entries}" if entries else ""
    missing = f"; missing: {', '.join(reason.missing)}" if reason.missing else ""
    return f"{SENTENCES[reason.code]} ({cites}; {reason.rule}{rests}){missing}"


def explain(decision: _Decision) -> str:
    """Return the decision in words: the outcome, then a line for each reason."""
    cell = f" [{decision.cell}]" if decision.cell else ""
    head = f"{decision.question}: {decision.outcome}{cell} at {decision.at:%Y-%m-%d %H:%M} UTC"
    lines = [f"  {_MARKS[r.outcome]} {sentence(r)}" for r in decision.reasons]
    until = decision.valid_until
    if until is not None:
        lines.append(f"  holds until {until:%Y-%m-%d %H:%M} UTC if nothing new is recorded")
    return "\n".join([head, *lines])
