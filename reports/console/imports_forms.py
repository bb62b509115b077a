"""The form a file is uploaded with, and how its answers become an import mapping. Remembered per session."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.core.validators import RegexValidator
from django.http import HttpRequest

from portfolio.importers import DEFAULT_LIMITS
from portfolio.importers.base import FIELDS, MONTH_FORMATS, Mapping
from portfolio.models.portfolio import CURRENCY
from portfolio.terms import Book
from reports.console import grid_notation
from reports.console.grid_notation import NOTATIONS

SESSION_KEY = "import_options"
_SOURCE = RegexValidator(
    r"\A[A-Za-z0-9][A-Za-z0-9._:-]*\Z", "Use letters, digits, dot, dash, colon and underscore."
)
_MEGABYTE = 2**20


class UploadForm(forms.Form):
    """A file of actuals or of a plan, and how it is written."""

    file = forms.FileField(
        label="CSV file or .xlsx workbook",
        widget=forms.FileInput(attrs={"accept": ".csv,.txt,.xlsx"}),
        help_text=f"At most {DEFAULT_LIMITS.file_bytes // _MEGABYTE} MB; the content decides, not the name.",
    )
    notation = forms.ChoiceField(
        label="Numbers are written",
        choices=[(each.key, each.example) for each in NOTATIONS.values()],
        help_text="A value that does not fit this in full is rejected, never guessed.",
    )
    month_format = forms.ChoiceField(
        label="Months are written", choices=[(each, each) for each in MONTH_FORMATS]
    )
    book = forms.ChoiceField(
        label="Book",
        choices=[(book.value, book.value.capitalize()) for book in (Book.ACTUAL, Book.PLAN, Book.FORECAST)],
        help_text="Where the file has no column of its own for it.",
    )
    layout = forms.ChoiceField(
        label="Layout",
        required=False,
        choices=[
            ("", "Recognize it"),
            ("long", "Long: one value per row"),
            ("wide", "Wide: one column per month"),
        ],
    )
    source = forms.CharField(
        label="Source",
        max_length=64,
        initial="actuals",
        validators=[_SOURCE],
        help_text="An import replaces only what the same source stated. “actuals” is what people enter.",
    )
    currency = forms.CharField(
        label="Currency",
        required=False,
        max_length=3,
        validators=[CURRENCY],
        help_text="Where a row names none. Empty: the portfolio's own.",
    )
    columns = forms.CharField(
        label="Headings that mean something else here",
        required=False,
        max_length=4_000,
        widget=forms.Textarea(attrs={"rows": 3, "placeholder": "Project = investment\nPeriod = month"}),
        help_text=f"One per line, heading = field. Fields: {', '.join(FIELDS)}.",
    )

    def clean_file(self) -> "UploadedFile[Any]":
        """Refuse what is too large before any of it is read."""
        file: UploadedFile[Any] = self.cleaned_data["file"]
        if (file.size or 0) > DEFAULT_LIMITS.file_bytes:
            raise ValidationError(
                f"The file is larger than {DEFAULT_LIMITS.file_bytes // _MEGABYTE} MB; split it."
            )
        return file

    def clean_columns(self) -> dict[str, str]:
        """Return the headings' meaning, as the mapping takes it."""
        return parse_columns(self.cleaned_data["columns"])

    def clean(self) -> dict[str, Any]:
        """Refuse answers that contradict each other."""
        answers = super().clean() or {}
        if not self.errors:
            try:
                answers["mapping"] = self._mapping(answers)
            except ValueError as error:
                raise ValidationError(str(error)) from None
        return answers

    def _mapping(self, answers: dict[str, Any]) -> Mapping:
        notation = NOTATIONS[answers["notation"]]
        return Mapping(
            columns=answers["columns"],
            layout=answers["layout"] or None,
            decimal_separator=notation.decimal,
            grouping_separator=notation.grouping or None,
            month_format=answers["month_format"],
            default_currency=answers["currency"],
            default_book=answers["book"],
        )


def parse_columns(text: str) -> dict[str, str]:
    """Return `heading = field` lines as a map; raises ValidationError naming the line that is not one."""
    columns: dict[str, str] = {}
    for line in filter(None, (each.strip() for each in text.splitlines())):
        heading, found, name = (part.strip() for part in line.rpartition("="))
        if not (heading and found and name):
            raise ValidationError(f"'{line[:60]}' is not written as heading = field.")
        columns[heading] = name.lower()
    return columns


def remembered(request: HttpRequest) -> dict[str, Any]:
    """Return the answers given last time in this session, with the user's own notation as a start.

    A link may ask for a book.
    """
    start = {
        "source": "actuals",
        "book": Book.ACTUAL.value,
        "notation": grid_notation.chosen(request, None).key,
    }
    kept: dict[str, Any] = request.session.get(SESSION_KEY, {})
    asked = request.GET.get("book")
    return start | kept | ({"book": asked} if asked in set(Book) else {})


def remember(request: HttpRequest) -> None:
    """Keep every answer but the file for the next import of this session."""
    names = [name for name in UploadForm.base_fields if name != "file"]
    request.session[SESSION_KEY] = {name: request.POST.get(name, "")[:4_000] for name in names}
