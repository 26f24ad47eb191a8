"""skip-django-GDPR (django-GDPR), over Django's ORM and its SQLite.

One purpose with the four fields; erasing is ending the consent, which encrypts what no other reason
covers; expiring is its own sweep, which runs through all reasons past their end.
"""

# ruff: noqa: I001
from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.metadata import version
from types import ModuleType
from typing import Any, final

import django
from django.conf import settings

from tests.bench.beside.child import DUTIES, World, fields

__all__ = ["make"]


def make(world: World) -> _DjangoGdpr:
    """Set Django up, and fill a register."""
    settings.configure(
        SECRET_KEY="for trying out",
        GDPR_KEY="for trying out",
        INSTALLED_APPS=["django.contrib.contenttypes", "gdpr"],
        USE_TZ=True,
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
        DATABASES={
            "default": {
                "ENGINE": "django.db.backends.sqlite3",
                "NAME": str(world.folder / "people.db"),
                "OPTIONS": {
                    "init_command": "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
                    " PRAGMA secure_delete = ON;"
                },
            }
        },
    )
    django.setup()
    return _DjangoGdpr(world)


@final
class _DjangoGdpr:
    duties = DUTIES
    versions = f"skip-django-GDPR {version('skip-django-GDPR')}, Django {django.get_version()}"

    def __init__(self, world: World) -> None:
        from dateutil.relativedelta import relativedelta  # type: ignore[import-untyped]
        from django.db import connection, models, transaction
        from django.utils import timezone
        from django.core.management import call_command
        from gdpr import anonymizers
        from gdpr.purposes.default import AbstractPurpose

        self._world, self._timezone = world, timezone
        self._at = world.now
        timezone.now = lambda: self._at
        # a model must stand in a module of an app
        home = ModuleType("gdpr.bench")
        sys.modules[home.__name__] = home

        class Person(models.Model):
            name = models.CharField(max_length=100)
            email = models.EmailField()
            phone = models.CharField(max_length=100)
            company = models.CharField(max_length=100)

            class Meta:
                app_label = "gdpr"

        class PersonAnonymizer(anonymizers.ModelAnonymizer):
            name = anonymizers.CharFieldAnonymizer()
            email = anonymizers.EmailFieldAnonymizer()
            phone = anonymizers.CharFieldAnonymizer()
            company = anonymizers.CharFieldAnonymizer()

            def get_encryption_key(self, obj: Any) -> str:
                return str(obj.pk)

            class Meta:
                model = Person

        class Newsletter(AbstractPurpose):
            name = "newsletter"
            slug = "newsletter"
            expiration_timedelta = relativedelta(years=10)
            fields = ("name", "email", "phone", "company")

        from gdpr.models import LegalReason

        self._person, self._reasons = Person, LegalReason.objects
        del PersonAnonymizer, Newsletter  # they have entered themselves into its lists
        call_command("migrate", verbosity=0)
        with connection.schema_editor() as editor:
            editor.create_model(Person)
        with transaction.atomic():
            for number in world.people:
                someone = Person.objects.create(pk=number + 1, **fields(number))
                if number not in world.all_met("record"):
                    self._agree(someone, number)

    def _agree(self, someone: Any, number: int) -> None:
        ends = self._world.ends(number)
        self._reasons.create_consent("newsletter", someone, expires_at=ends)

    def _of(self, number: int) -> Any:
        return self._person(pk=number + 1)

    def record(self, number: int) -> None:
        self._agree(self._of(number), number)

    def check(self, number: int) -> bool:
        return bool(self._reasons.exists_valid_consent("newsletter", self._of(number)))

    def erase(self, number: int) -> None:
        someone = self._person.objects.get(pk=number + 1)
        self._reasons.deactivate_consent("newsletter", someone)

    def expire(self, job: int) -> None:
        self._at = self._world.sweep_at(job)
        self._reasons.expire_old_consents()
        self._at = self._world.now

    def left(self) -> Sequence[int]:
        everybody = self._person.objects.values_list("pk", "email")
        return [pk - 1 for pk, email in everybody if email == fields(pk - 1)["email"]]
