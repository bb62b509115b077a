"""What every table of the house shares: a public id, and the mark of an append-only table."""

import uuid
from collections.abc import Iterable
from enum import StrEnum

from django.db import models


class AppendOnly(models.Model):
    """A table whose rows are written once; the application's database role may not change or remove them."""

    append_only = True

    class Meta:
        abstract = True


class PublicId(models.Model):
    """A table whose rows are named outside by a random id, never by their key."""

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)

    class Meta:
        abstract = True


def choices_of(terms: Iterable[StrEnum]) -> list[tuple[str, str]]:
    """Return form choices for an enum of terms: the value and its spoken form."""
    return [(term.value, term.value.replace("_", " ").capitalize()) for term in terms]


class MoneyField(models.DecimalField):  # type: ignore[type-arg]
    """Exact money: numeric(20,6), sign as recorded."""

    def __init__(self, *args: object, **kwargs: object) -> None:
        kwargs["max_digits"] = 20
        kwargs["decimal_places"] = 6
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]


class RateField(models.DecimalField):  # type: ignore[type-arg]
    """A fraction, 0.12 for twelve percent; per year where the field's help says so."""

    def __init__(self, *args: object, **kwargs: object) -> None:
        kwargs["max_digits"] = 12
        kwargs["decimal_places"] = 8
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
