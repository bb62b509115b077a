"""Imports through the console: upload, preview, commit, undo, discard, and who may see a run."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from portfolio import months
from portfolio.models import Batch, Cell, ImportRun
from tests.reports.cast import START, Cast, assemble, money

pytestmark = pytest.mark.django_db
HEAD = "investment,month,account,amount,currency\n"
GOOD = HEAD + "AI-001,2026-01,model_api,1000,USD\nAI-002,2026-01,model_api,2000,USD\n"


@pytest.fixture
def cast() -> Cast:
    """Return the cast in this test's database."""
    return assemble()


def upload(client: Client, text: str, *, name: str = "april.csv", **answers: str) -> HttpResponse:
    """Post a file with the answers of the form."""
    form = {
        "notation": "point",
        "month_format": "YYYY-MM",
        "book": "actual",
        "source": "actuals",
        "layout": "",
        "currency": "",
        "columns": "",
    }
    file = SimpleUploadedFile(name, text.encode())
    return client.post(reverse("admin:reports_imports"), form | answers | {"file": file}, follow=True)


def act(client: Client, name: str, run: ImportRun, **answers: str) -> HttpResponse:
    """Post one of the run's buttons and follow to the page it leads to."""
    return client.post(reverse(f"admin:reports_import_{name}", args=[run.public_id]), answers, follow=True)


def notices(response: HttpResponse) -> str:
    """Return the notices a page shows."""
    context: Any = response.context
    return " ".join(str(each) for each in context["messages"])


def test_a_file_is_previewed_committed_and_undone(cast: Cast) -> None:
    """Nothing is recorded before the commit, everything after it, and the undo states it away."""
    client = cast.client("finn")
    page = upload(client, GOOD)
    run = ImportRun.objects.get()
    assert "Ready: 2 new and 0 changed" in page.content.decode()
    assert not Cell.objects.exists()
    assert "Committed: 2 new" in notices(act(client, "commit", run))
    assert sorted(Cell.objects.values_list("amount", flat=True)) == [1000, 2000]
    assert "Undone" in notices(act(client, "undo", run))
    assert set(Cell.objects.values_list("kind", flat=True)) == {"withdrawn"}


def test_the_same_file_again_says_that_nothing_would_change(cast: Cast) -> None:
    """The second upload offers nothing to commit."""
    client = cast.client("finn")
    upload(client, GOOD)
    act(client, "commit", ImportRun.objects.get())
    page = upload(client, GOOD).content.decode()
    assert "Nothing would change" in page
    assert "committed before" in page
    assert reverse("admin:reports_import_commit", args=[ImportRun.objects.first().public_id]) not in page


def test_rejected_cells_are_shown_with_their_reason_and_block_the_commit(cast: Cast) -> None:
    """The preview opens on what is wrong; a forged commit records nothing."""
    client = cast.client("finn")
    page = upload(client, GOOD + 'AI-001,2026-02,model_api,"1,000",USD\nNOPE,2026-02,model_api,5,USD\n')
    text = page.content.decode()
    assert "2 values were rejected" in text
    assert "separators do not fit" in text
    assert "There is no investment" in text
    assert "rejected" in notices(act(client, "commit", ImportRun.objects.get()))
    assert not Cell.objects.exists()


def test_the_preview_shows_old_and_new_values_and_asks_why_closed_months_change(cast: Cast) -> None:
    """A restatement is marked; without a reason the ledger refuses it."""
    cast.record(money(cast.support, START, "model_api", "900"))
    cast.close(START)
    client = cast.client("finn")
    text = upload(client, GOOD).content.decode()
    run = ImportRun.objects.get()
    assert "Restatement" in text
    assert ">900<" in text
    assert 'name="reason" required' in text
    assert (
        "Late"
        in client.get(
            reverse("admin:reports_import", args=[run.public_id]), {"status": "new"}
        ).content.decode()
    )
    assert "reason" in notices(act(client, "commit", run))
    assert "Committed" in notices(act(client, "commit", run, reason="Corrected invoice."))
    assert Batch.objects.latest("id").reason == "Corrected invoice."


def test_a_locked_month_is_committed_by_a_second_person_only(cast: Cast) -> None:
    """Finn stages, Fiona's commit is the approval; an owner cannot give it."""
    cast.record(money(cast.support, START, "model_api", "900"))
    cast.close(START)
    months.lock(cast.portfolio, [START], now=datetime.now(UTC), actor=cast.people["finn"])
    text = upload(cast.client("finn"), GOOD).content.decode()
    run = ImportRun.objects.get()
    assert "second person" in text
    for name in ("finn", "olivia"):
        assert "locked" in notices(act(cast.client(name), "commit", run, reason="Why not."))
    assert "Committed" in notices(act(cast.client("fiona"), "commit", run, reason="Audit."))
    batch = Batch.objects.latest("id")
    assert (batch.actor, batch.approver) == (cast.people["finn"], cast.people["fiona"])


@pytest.mark.parametrize(
    ("name", "status"), [("olivia", 200), ("fiona", 200), ("adam", 200), ("vera", 404), ("mallory", 404)]
)
def test_who_may_see_a_run(cast: Cast, name: str, status: int) -> None:
    """A run is open to whoever may record for all of its investments; for others it does not exist."""
    upload(cast.client("finn"), GOOD, name="margins-of-cx.csv")
    run = ImportRun.objects.get()
    client = cast.client(name)
    assert client.get(reverse("admin:reports_import", args=[run.public_id])).status_code == status
    for act_name in ("commit", "undo", "discard"):
        if status == 404:
            assert act(client, act_name, run).status_code == 404
    listed = client.get(reverse("admin:reports_imports")).content.decode()
    assert ("margins-of-cx.csv" in listed) is (status == 200)


def test_a_role_that_was_taken_away_closes_the_own_runs_too(cast: Cast) -> None:
    """Who staged a file no longer sees it after leaving the portfolio."""
    client = cast.client("finn")
    upload(client, GOOD)
    cast.people["finn"].memberships.all().delete()
    run = ImportRun.objects.get()
    assert client.get(reverse("admin:reports_import", args=[run.public_id])).status_code == 404


def test_a_file_that_is_no_table_is_refused_with_a_sentence_and_can_be_discarded(cast: Cast) -> None:
    """The refused run stays as evidence until it is discarded."""
    client = cast.client("finn")
    page = upload(client, "\x00\x01\x02", name="evil.csv")
    run = ImportRun.objects.get()
    assert run.refusal
    assert "The file was refused" in page.content.decode()
    act(client, "discard", run)
    assert not ImportRun.objects.exists()


def test_answers_are_remembered_and_headings_mapped(cast: Cast) -> None:
    """The second upload starts with the first one's answers."""
    client = cast.client("finn")
    text = "Projekt;month;account;amount\nAI-001;2026-01;model_api;1.000,50\n"
    upload(
        client,
        text,
        notation="comma-point",
        source="sap",
        columns="Projekt = investment\nmonth = month\naccount = account\namount = amount",
    )
    run = ImportRun.objects.get()
    assert (run.new_count, run.rejected_count, run.source) == (1, 0, "sap")
    initial = client.get(reverse("admin:reports_imports")).context["form"].initial
    assert (initial["notation"], initial["source"]) == ("comma-point", "sap")


@pytest.mark.parametrize(
    "answers", [{"columns": "no sign"}, {"columns": "a = nonsense"}, {"source": "a b"}, {"currency": "usd"}]
)
def test_wrong_answers_get_a_sentence_and_stage_nothing(cast: Cast, answers: dict[str, str]) -> None:
    """The form comes back with its errors."""
    assert upload(cast.client("finn"), GOOD, **answers).status_code == 400
    assert not ImportRun.objects.exists()


def test_a_viewer_cannot_upload(cast: Cast) -> None:
    """Without a role that records there is no import."""
    assert upload(cast.client("vera"), GOOD).status_code == 404
    assert (
        "Ask an administrator" in cast.client("vera").get(reverse("admin:reports_imports")).content.decode()
    )


@pytest.mark.parametrize(("kind", "start"), [("csv", b"\xef\xbb\xbfinvestment"), ("xlsx", b"PK")])
def test_the_template_holds_the_portfolios_codes(cast: Cast, kind: str, start: bytes) -> None:
    """Both formats download; another portfolio's template does not exist."""
    client, address = cast.client("finn"), reverse("admin:reports_import_template")
    response = client.get(address, {"portfolio": "CX", "format": kind, "year": "2026"})
    assert response.content.startswith(start)
    assert response["Content-Disposition"].endswith(f'.{kind}"')
    if kind == "csv":
        assert b"AI-001" in response.content
        assert b"XX-001" not in response.content
    assert client.get(address, {"portfolio": "OT"}).status_code == 404
