"""May a child consent alone, or does a parent have to (GDPR Art. 8)?

The age of the law profile is for consent to an information society service offered directly to
children and for nothing else (R-112): for every other purpose whoever is known to be a minor is
spoken for by the holder of parental responsibility. No birth date is needed: the form confirms an
age band, and what it confirmed stands in the evidence. Below the age a parent consents, and how
that was verified is noted (Art. 8(2)). Always true: an unknown age never allows, but somebody known
through work is taken to be of age.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from gdprkit.facts.consent import ConsentEvidence
from gdprkit.policy.case import Case
from gdprkit.policy.decisions import Reason, forbid, need
from gdprkit.register.purposes import Purpose
from gdprkit.words.citations import gdpr
from gdprkit.words.vocabulary import Actor, Circumstance

__all__ = ["child_problems"]

CONSENT_OF_A_MINOR: Final = forbid("consent-of-a-minor", "R-112", gdpr("8"))
CONSENT_NEEDS_PARENT: Final = need(
    "consent-needs-parent",
    "R-112",
    gdpr("8(1)"),
    missing="that the child is old enough, or the consent of the holder of parental responsibility",
)
PARENT_UNVERIFIED: Final = need(
    "parent-unverified",
    "R-112",
    gdpr("8(2)"),
    missing="how it was verified that the holder of parental responsibility consented",
)


def child_problems(
    case: Case, purpose: Purpose | None, evidence: ConsentEvidence
) -> Iterator[Reason]:
    """Yield why a consent fails since the person is a child, or may be one."""
    minor = case.standing.data.circumstance(Circumstance.MINOR)
    by_parent = evidence.actor is Actor.GUARDIAN
    if purpose is None or not purpose.offered_to_children:
        if minor and not by_parent:
            yield CONSENT_OF_A_MINOR.on(minor.position)
        return
    if by_parent:
        if not evidence.proof:
            yield PARENT_UNVERIFIED
        return
    if minor is None and _of_age(case):
        return
    confirmed = evidence.age_confirmed
    if confirmed is None or confirmed < case.law.information_service_age:
        yield CONSENT_NEEDS_PARENT.on(*([minor.position] if minor else []))


def _of_age(case: Case) -> bool:
    adult = case.standing.data.circumstance(Circumstance.ADULT)
    return adult is not None or case.is_business
