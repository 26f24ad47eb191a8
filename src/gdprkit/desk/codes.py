"""What the codes of an import say, in a plain sentence each.

Codes are stable; these sentences may improve. Always true: every code that a reader, a row or the
keeper gives a finding of an import has a sentence here, which a test holds.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

__all__ = ["ROW_CODES"]

ROW_CODES: Final[Mapping[str, str]] = {
    "already-there": "The person is in the register and the row says nothing else.",
    "cell-missing": "A cell that every row needs is empty.",
    "cell-too-long": "The cell is longer than its column allows.",
    "consent-evidence-missing": "The person was added without the consent: the row does not hold "
    "what would prove it.",
    "consent-notice-not-declared": "The person was added without the consent: the register does "
    "not declare the notice that was shown.",
    "consent-purpose-not-declared": "The person was added without the consent: the register does "
    "not declare the purpose.",
    "contact-point-unreadable": "The mailbox, telephone number or address cannot be brought into "
    "the form people are found by.",
    "control-character": "The cell holds a character that is not to be seen.",
    "date-in-the-future": "The day has not come yet, and it can only have been in the past.",
    "date-unreadable": "The day is not written as 2026-01-31, or there is no such day.",
    "differs-from-the-register": "The person is in the register with another value in this field; "
    "nothing was changed.",
    "email-unreadable": "The mailbox is not written as name@domain.",
    "end-has-not-come": "The person was added; the end of the connection lies ahead and is to be "
    "recorded when it has come.",
    "end-incomplete": "An end needs both its day and its cause, and one of them is empty.",
    "ends-before-it-starts": "The connection ends on a day before its start.",
    "field-not-declared": "The register does not declare this field.",
    "formula-cell": "The cell begins as a formula does, and a spreadsheet would run it.",
    "invalid-value": "The keeper refused a value for its form.",
    "no-contact-point": "The row has neither mailbox, telephone number nor address.",
    "not-allowed": "The keeper refused to record the row: the rules forbid it.",
    "not-possible-now": "The keeper refused a step that does not follow from those before it.",
    "notice-not-declared": "The register does not declare this notice.",
    "phone-without-country-code": "The telephone number does not begin with + and a country code.",
    "plaintext-too-large": "A value is larger than one sealed field may be.",
    "plaintext-type": "A value is of a kind that cannot be sealed.",
    "quotes-unreadable": "The quotes in the row cannot be read.",
    "row-empty": "The row has no cell with anything in it.",
    "source-not-declared": "The register does not declare this source.",
    "stop-recorded": "The person is in the register and the row says stop: the stop was recorded, "
    "nothing else was changed.",
    "unindexable": "A contact point cannot be brought into the form people are found by.",
    "unknown-name": "The row names something that the register does not declare.",
    "unknown-notice": "The row names a notice that the register does not declare.",
    "unknown-purpose": "The row names a purpose that the register does not declare.",
    "value-refused": "A word of the row has no form that can be stored.",
    "word-unknown": "The word is none of those this column takes.",
    "wrong-number-of-cells": "The row has more or fewer cells than the header.",
}
