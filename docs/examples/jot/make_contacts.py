"""Make a CSV of fictional contacts that shows every turn of a person's life in the register.

    python docs/examples/jot/make_contacts.py --people 1000 > docs/examples/jot/contacts.csv

One row depends only on its number and the seed, so the same command always gives the same bytes,
and a longer file begins with the shorter one. All people, companies and streets are invented, all
mailboxes lie in domains reserved for examples (RFC 2606), and no telephone number can be dialled:
none has a number of digits that Finland uses.

Each hundred rows hold the same situations in the same shares (``PATTERN``): customers, company
contacts, former customers, objectors, leftovers of "consent by use", duplicates and broken rows.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import io
import sys
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from typing import TextIO

SEED = 2026
PEOPLE = 1000

HEADER = (
    "kind", "name", "email", "phone", "address", "company", "title", "language",
    "customer_number", "product_area", "orders", "invoice", "source", "collected", "notice",
    "later_notice", "later_notice_on", "contract", "started", "ended", "end_cause",
    "end_evidence", "relevance", "relevance_evidence", "sale_of", "circumstances", "marketing",
    "marketing_on", "consent_purpose", "consent_method", "consent_notice",
    "consent_text_sha256", "consent_wording", "consent_form", "consent_captured_by",
    "consent_proof",
)  # fmt: skip

FIRST = (
    "Aamu", "Äijö", "Bodil", "Çelik", "Dvořák", "Eero", "Fríða", "Güneş", "Hanni", "Ilkka",
    "Järvi", "Kielo", "Łucja", "Märta", "Nuppu", "Örjan", "Päivikki", "Ruska", "Sísí", "Tuuli",
    "Ulpu", "Vieno", "Žofie", "Åke",
)  # fmt: skip
LAST = (
    "Ahomaa", "Björkqvistö", "Csörgő", "Eskolampi", "Fjällnära", "Guðlax", "Hämyranta",
    "Ikivuo", "Jängä", "Kuutamoinen", "Lähdesmaja", "Metsätähti", "Nähkiäinen", "Oravakoski",
    "Pöllölä", "Räntäsade", "Sýkora-Testi", "Törnskoga", "Uusiporras", "Västerkulla",
    "Ylärinne", "Żabkowa", "Åströmsnäs",
)  # fmt: skip
COMPANIES = (
    "Esimerkki Testaus Oy", "Kuviteltu Konepaja Oy", "Mallikas Elektroniikka Oy",
    "Påhittade Verkstaden Ab", "Fiktiv Fertigung GmbH", "Keksitty Automaatio Oy",
    "Invented Instruments Ltd", "Olematon Optiikka Oy",
)  # fmt: skip
TITLES = ("Test manager", "Buyer", "Production engineer", "Tuotantopäällikkö", "Inköpare")
STREETS = ("Keksitynkatu", "Olemattomantie", "Kuvitelmanpolku", "Påhittsgränden")
AREAS = ("test-systems", "production-automation", "spare-parts")
DOMAINS = ("example.com", "example.org", "example.net", "contacts.test", "mail.invalid")
CAUSES = ("contract-end", "last-delivery", "warranty-end", "termination", "dormancy")
WORDING = "Yes, send me the newsletter by e-mail; I can stop it at any time"

Row = dict[str, str]


class Dice:
    """Choices that depend on the seed, the row and a word, and on nothing else."""

    def __init__(self, seed: int, row: int) -> None:
        self.seed, self.row = seed, row

    def number(self, word: str, size: int) -> int:
        text = f"{self.seed}/{self.row}/{word}"
        return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") % size

    def one(self, word: str, choices: tuple[str, ...]) -> str:
        return choices[self.number(word, len(choices))]

    def day(self, word: str, first: str, last: str) -> str:
        start, end = date.fromisoformat(first), date.fromisoformat(last)
        return str(start + timedelta(days=self.number(word, (end - start).days + 1)))


# --- who --------------------------------------------------------------------------------------


def plain(text: str) -> str:
    """Return *text* for a mailbox: small ASCII letters."""
    table = str.maketrans("äöåçřáíğüşłŁžýőðŻż", "aoacraigusllzyodzz")
    return "".join(c for c in text.lower().translate(table) if c.isascii() and c.isalpha())


def person(dice: Dice, kind: str) -> Row:
    """Return who: a name, contact points, and what belongs to the kind."""
    i = dice.row
    first, last = dice.one("first", FIRST), dice.one("last", LAST)
    local = f"{plain(first)}.{plain(last)}.{i}"
    row = {
        "kind": kind,
        "name": f"{first} {last}",
        "email": f"{local}@{dice.one('domain', DOMAINS)}",
        "phone": f"+358 00 {i:09d}",
        "language": dice.one("language", ("fi", "en", "sv")),
        "customer_number": f"K{i:07d}",
        "product_area": dice.one("area", AREAS),
        "source": "contact-form",
        "marketing": "none",
    }
    if kind in ("company-contact", "sole-trader", "generic-address"):
        row["company"] = dice.one("company", COMPANIES)
    if kind == "company-contact":
        row["title"] = dice.one("title", TITLES)
        row["source"] = dice.one("source", ("contact-form", "agreement", "employer"))
    if kind in ("consumer", "sole-trader"):
        number = 1 + dice.number("house", 98)
        row["address"] = f"{dice.one('street', STREETS)} {number}, 00001 Esimerkkilä"
        row["circumstances"] = "adult"
    if kind == "generic-address":
        row |= {"name": "", "email": f"info.{i}@{dice.one('domain', DOMAINS)}"}
        del row["customer_number"]
    return row


def business(row: Row, dice: Dice) -> Row:
    """Add orders and an invoice."""
    i = dice.row
    return row | {
        "orders": f"Order {i:06d}: {1 + dice.number('pieces', 40)} pieces",
        "invoice": f"Invoice {i:06d}, {10 + dice.number('euro', 90000)}.00 EUR",
    }


def told(row: Row, dice: Dice, notice: str = "v7") -> Row:
    """Add when the data was collected and the notice shown then."""
    if notice == "v7":
        return row | {"collected": dice.day("c", "2024-05-02", "2024-06-30"), "notice": "v7"}
    return row | {"collected": dice.day("c", "2023-12-01", "2024-03-31"), "notice": notice}


def related(row: Row, finding: str = "related") -> Row:
    return row | {"relevance": finding, "relevance_evidence": "sales note on duties"}


def active(row: Row, dice: Dice) -> Row:
    return row | {
        "contract": f"C-{dice.row:06d}",
        "started": dice.day("s", "2024-07-01", "2026-09-30"),
    }


def former(row: Row, dice: Dice, **more: str) -> Row:
    row = row | {
        "contract": f"C-{dice.row:06d}",
        "started": dice.day("s", "2024-07-01", "2025-12-31"),
        "ended": dice.day("e", "2026-05-01", "2026-10-15"),
        "end_cause": dice.one("cause", CAUSES),
        "end_evidence": f"contract-file-{dice.row:06d}",
    }
    return row | more


def consent(row: Row, dice: Dice) -> Row:
    notice = row.get("notice") or "v7"
    return row | {
        "marketing": "consent",
        "marketing_on": dice.day("m", "2025-06-01", "2026-09-30"),
        "consent_purpose": "newsletter",
        "consent_method": "double-opt-in",
        "consent_notice": notice,
        "consent_text_sha256": hashlib.sha256(WORDING.encode()).hexdigest(),
        "consent_wording": WORDING,
        "consent_form": "default-off separate withdrawal-told free",
        "consent_captured_by": "newsletter-form",
        "consent_proof": f"confirmation-{dice.row:06d}",
    }


# --- situations -------------------------------------------------------------------------------


def contact(dice: Dice) -> Row:
    """Return a company contact who was told everything and whose duties were looked into."""
    return business(related(told(person(dice, "company-contact"), dice)), dice)


def customer(dice: Dice) -> Row:
    row = active(contact(dice), dice)
    return row if dice.number("assessed", 5) else row | {"relevance": "thin"}


def customer_old_notice(dice: Dice) -> Row:
    row = related(told(person(dice, "company-contact"), dice, "v6"))
    return active(business(row, dice), dice)


def consumer(dice: Dice) -> Row:
    row = active(business(told(person(dice, "consumer"), dice), dice), dice)
    return row | {"sale_of": row["product_area"]} if dice.number("soft", 2) else row


def generic(dice: Dice) -> Row:
    return active(told(person(dice, "generic-address"), dice), dice)


def sole_trader(dice: Dice) -> Row:
    return active(business(told(person(dice, "sole-trader"), dice), dice), dice)


def subscriber(dice: Dice) -> Row:
    return consent(customer(dice), dice)


def implied(dice: Dice) -> Row:
    row = customer_old_notice(dice)
    return row | {
        "marketing": "implied",
        "marketing_on": row["collected"],
        "consent_purpose": "newsletter",
        "consent_wording": "By using our website, you hereby consent",
    }


def objector(dice: Dice) -> Row:
    day = dice.day("m", "2025-01-01", "2026-10-31")
    return customer(dice) | {"marketing": "objected", "marketing_on": day}


def prospect_subscriber(dice: Dice) -> Row:
    row = told(person(dice, "consumer"), dice)
    for column in ("customer_number", "product_area", "address", "phone"):
        row.pop(column, None)
    row["collected"] = dice.day("c", "2025-03-01", "2025-05-31")
    return consent(row, dice)


def prospect_listed(dice: Dice) -> Row:
    row = told(person(dice, "company-contact"), dice, "v7-14")
    del row["customer_number"]
    collected = dice.day("c", "2026-02-01", "2026-09-30")
    return row | {"source": "trade-register", "collected": collected}


def unproved_consent(dice: Dice) -> Row:
    return prospect_subscriber(dice) | {"consent_wording": "", "consent_text_sha256": ""}


def withdrawn(dice: Dice) -> Row:
    row = prospect_subscriber(dice)
    blank = {column: "" for column in row if column.startswith("consent_")}
    return row | blank | {"marketing": "withdrawn"}


def former_told(dice: Dice) -> Row:
    row = former(contact(dice), dice)
    return row if dice.number("papers", 2) else row | {"orders": "", "invoice": ""}


def former_consumer(dice: Dice) -> Row:
    row = former(business(told(person(dice, "consumer"), dice), dice), dice)
    return row | {"sale_of": row["product_area"]}


def lost(dice: Dice, **more: str) -> Row:
    """Return a former contact whom one guard keeps out of the marketing register."""
    row = former(contact(dice), dice) | more
    return row if dice.number("papers", 2) else row | {"orders": "", "invoice": ""}


def former_objector(dice: Dice) -> Row:
    day = dice.day("m", "2025-01-01", "2026-10-31")
    return lost(dice, marketing="objected", marketing_on=day)


def never_told(dice: Dice) -> Row:
    return lost(dice, notice="", collected=dice.day("c", "2024-01-01", "2024-03-31"))


def told_too_little(dice: Dice) -> Row:
    return lost(dice, notice="v6", collected=dice.day("c", "2024-01-01", "2024-03-31"))


def reminded(dice: Dice) -> Row:
    day = dice.day("l", "2026-07-01", "2026-08-31")
    return told_too_little(dice) | {"later_notice": "v7-reminder", "later_notice_on": day}


def reminded_lately(dice: Dice) -> Row:
    day = dice.day("l", "2026-10-10", "2026-10-25")
    return told_too_little(dice) | {"later_notice": "v7-reminder", "later_notice_on": day}


def end_unproved(dice: Dice) -> Row:
    return lost(dice, end_evidence="")


def ends_soon(dice: Dice) -> Row:
    return lost(dice, ended="2026-11-30")


def silent_consumer(dice: Dice) -> Row:
    row = former(told(person(dice, "consumer"), dice), dice)
    return row | {"address": "", "phone": ""}


def thin_evidence(dice: Dice) -> Row:
    return lost(dice, relevance="thin")


def deceased(dice: Dice) -> Row:
    return lost(dice, circumstances="deceased")


def left_role(dice: Dice) -> Row:
    return lost(dice, circumstances="left-role")


def contact_left(dice: Dice) -> Row:
    return lost(dice, end_cause="contact-left")


def address_dead(dice: Dice) -> Row:
    return lost(dice, circumstances="address-dead")


def minor(dice: Dice) -> Row:
    row = former(told(person(dice, "consumer"), dice), dice)
    return row | {"circumstances": "minor", "sale_of": row["product_area"]}


def safety_ban(dice: Dice) -> Row:
    return lost(dice, circumstances="safety-ban")


def long_gone(dice: Dice) -> Row:
    row = lost(dice, started="2024-05-10", ended=dice.day("e", "2024-06-01", "2024-08-31"))
    return row | {"collected": "2024-05-02", "notice": "v7"}


def shared_phone(dice: Dice) -> Row:
    """Return a contact known by one telephone only: that of an objector before them."""
    for earlier in range(dice.row - 1, 0, -1):
        if situation(earlier) is objector:
            row = lost(dice, phone=objector(Dice(dice.seed, earlier))["phone"])
            return row | {"email": "", "address": ""}
    return lost(dice)


def earlier_customer(dice: Dice) -> Row:
    for earlier in range(dice.row - 1, 0, -1):
        if situation(earlier) is customer:
            return customer(Dice(dice.seed, earlier))
    return customer(dice)


def again(dice: Dice) -> Row:
    return earlier_customer(dice)


def again_changed(dice: Dice) -> Row:
    row = earlier_customer(dice)
    return row | {"email": row["email"].upper(), "title": "Head of testing"}


def again_objecting(dice: Dice) -> Row:
    return earlier_customer(dice) | {"marketing": "objected", "marketing_on": "2026-10-30"}


BROKEN: tuple[Row, ...] = (
    {"email": "no mailbox here"},
    {"name": '=HYPERLINK("https://example.com","open me")'},
    {"kind": "customr"},
    {"collected": "31.12.2024"},
    {"phone": "040 123"},
    {"collected": "2031-01-01"},
    {"title": "+1+1|cmd"},
    {"source": "a-list-we-found"},
    {"ended": "2020-01-01", "end_cause": "termination"},
    {"email": "", "phone": "", "address": ""},
    {"name": "@SUM(1)"},
)


def broken(dice: Dice) -> Row:
    turn = (2 * (dice.row // 100) + (dice.row % 2)) % (len(BROKEN) + 1)
    row = customer(dice)
    if turn == len(BROKEN):
        return row | {"too": "many"}  # one cell more than the header has
    return row | BROKEN[turn]


Situation = Callable[[Dice], Row]

#: Each hundred rows: the situation and how many of them.
SHARES: tuple[tuple[Situation, int], ...] = (
    (customer, 15), (customer_old_notice, 4), (consumer, 8), (generic, 2), (sole_trader, 3),
    (subscriber, 6), (implied, 6), (objector, 5), (prospect_subscriber, 4),
    (prospect_listed, 2), (unproved_consent, 2), (withdrawn, 1), (former_told, 9),
    (former_consumer, 3), (former_objector, 3), (never_told, 2), (told_too_little, 2),
    (reminded, 1), (reminded_lately, 2), (end_unproved, 2), (ends_soon, 1),
    (silent_consumer, 2), (thin_evidence, 1), (deceased, 1), (left_role, 1), (contact_left, 1),
    (address_dead, 1), (minor, 1), (safety_ban, 1), (long_gone, 1), (shared_phone, 1),
    (again, 2), (again_changed, 1), (again_objecting, 1), (broken, 2),
)  # fmt: skip
PATTERN: tuple[Situation, ...] = tuple(s for s, share in SHARES for _ in range(share))


def situation(row: int) -> Situation:
    """Return the situation of a row; 37 and the length share no factor, so all are met."""
    return PATTERN[(row * 37) % len(PATTERN)]


def contacts(people: int = PEOPLE, seed: int = SEED) -> Iterator[list[str]]:
    """Give the header and *people* rows."""
    yield list(HEADER)
    for number in range(1, people + 1):
        row = situation(number)(Dice(seed, number))
        extra = [row["too"]] if "too" in row else []
        yield [row.get(column, "") for column in HEADER] + extra


def write(file: TextIO, people: int = PEOPLE, seed: int = SEED) -> None:
    """Write the CSV to *file*, a line at a time."""
    csv.writer(file, lineterminator="\n").writerows(contacts(people, seed))


def main() -> None:
    parser = argparse.ArgumentParser(description="Make a CSV of fictional contacts.")
    parser.add_argument("--people", type=int, default=PEOPLE, help="rows to make")
    parser.add_argument("--seed", type=int, default=SEED, help="another seed, other people")
    chosen = parser.parse_args()
    write(
        io.TextIOWrapper(sys.stdout.buffer, encoding="utf-8", newline=""),
        chosen.people,
        chosen.seed,
    )


if __name__ == "__main__":
    main()
