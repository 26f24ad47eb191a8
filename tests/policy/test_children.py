"""Consent of children to an online service: the age of the profile decides (GDPR Art. 8, R-112)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.policy.support import NEWSLETTER, START, added, case, evidence, with_purpose

from gdprkit.errors import InvalidValue
from gdprkit.facts.consent import ConsentGiven
from gdprkit.facts.data import CircumstanceNoted
from gdprkit.facts.entry import Fact
from gdprkit.policy.consent import consent_in_force
from gdprkit.policy.decisions import Decision, Outcome
from gdprkit.policy.law import FI_2026, FINLAND
from gdprkit.words.vocabulary import Actor, Channel, Circumstance

SERVICE = with_purpose(NEWSLETTER, offered_to_children=True, double_opt_in=False)
LATER = START + timedelta(days=30)


def asked(*facts: Fact, age: int | None, actor: Actor = Actor.SUBJECT, law: int = 13) -> Decision:
    """Ask whether a consumer's consent to the service is in force under that age of the law."""
    given_ = ConsentGiven(
        purpose=NEWSLETTER,
        channels=[Channel.EMAIL],
        evidence=evidence(age_confirmed=age, actor=actor),
    )
    found = case(*added("consumer"), *facts, given_, register=SERVICE, at=LATER)
    found = attrs.evolve(found, law=attrs.evolve(FI_2026, information_service_age=law))
    return consent_in_force(found, NEWSLETTER, Channel.EMAIL)


@given(age=st.integers(0, 120), law=st.integers(13, 16))
def test_the_age_of_the_profile_decides(age: int, law: int) -> None:
    """A child consents alone exactly from the age of the law on."""
    assert bool(asked(age=age, law=law)) is (age >= law)


def test_before_the_finnish_act_the_age_was_sixteen() -> None:
    """The profile of the day is read: 13 in Finland since 2019, 16 before."""
    old = FINLAND.on(datetime(2018, 6, 1, tzinfo=UTC).date()).information_service_age
    assert not asked(age=15, law=old)
    assert asked(age=15)


def test_a_parent_is_verified() -> None:
    """Without a pointer to how it was verified a parent's word waits (Art. 8(2))."""
    found = asked(age=None, actor=Actor.GUARDIAN)
    assert (found.outcome, {r.code for r in found.against}) == (
        Outcome.NEEDS,
        {"parent-unverified"},
    )


def test_a_known_minor_names_the_entry() -> None:
    """The reason points to the entry that says the person is a minor."""
    found = asked(CircumstanceNoted(circumstance=Circumstance.MINOR), age=None)
    (reason,) = found.against
    assert reason.code == "consent-needs-parent"
    assert reason.evidence


@pytest.mark.parametrize("age", [-1, 121, True, "13", 13.0])
def test_an_age_is_whole_years(age: object) -> None:
    """What is no age is refused when the evidence is made."""
    with pytest.raises(InvalidValue, match="age_confirmed is no age"):
        evidence(age_confirmed=age)
