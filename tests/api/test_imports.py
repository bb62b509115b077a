"""Imports over the API: a file is staged, looked at, committed and undone, by its uploader alone."""

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from portfolio.models import Cell, Entry, ImportRun, Membership
from tests.api.conftest import World

URL = "/api/v1/imports"
GOOD = "investment,month,account,amount,currency\nCX-1,2026-03,infrastructure,410.50,USD\n"


def upload(world: World, text: str = GOOD, *, name: str = "finn", **fields: Any) -> Any:
    file = SimpleUploadedFile("actuals.csv", text.encode())
    return world.client(name).post(URL, {"file": file} | fields, format="multipart")


def test_file_is_staged_then_committed_then_undone(world: World) -> None:
    run = upload(world).json()
    assert (run["status"], run["new_count"], run["rejected_count"]) == ("staged", 1, 0)
    client = world.client("finn")
    rows = client.get(f"{URL}/{run['id']}/rows").json()["results"]
    assert [(r["investment"], r["amount"], r["status"]) for r in rows] == [("CX-1", "410.500000", "new")]
    assert not Cell.objects.filter(month="2026-03-01").exists()
    assert client.post(f"{URL}/{run['id']}/commit", {}, format="json").json()["status"] == "committed"
    assert Cell.objects.filter(month="2026-03-01", kind="value").exists()
    assert client.post(f"{URL}/{run['id']}/commit", {}, format="json").status_code == 422
    assert client.post(f"{URL}/{run['id']}/undo").json()["status"] == "undone"
    assert not Cell.objects.filter(month="2026-03-01", kind="value").exists()


def test_rejected_rows_say_why_and_stop_the_commit(world: World) -> None:
    run = upload(world, GOOD + "OPS-SECRET,2026-03,infrastructure,1,USD\n").json()
    client = world.client("finn")
    rejected = client.get(f"{URL}/{run['id']}/rows?status=rejected").json()["results"]
    assert len(rejected) == 1
    assert rejected[0]["investment"] is None
    before = Entry.objects.count()
    assert client.post(f"{URL}/{run['id']}/commit", {}, format="json").status_code == 422
    assert Entry.objects.count() == before


def test_unreadable_file_is_kept_as_refused(world: World) -> None:
    response = upload(world, "no\x00table")
    assert (response.status_code, response.json()["status"]) == (201, "refused")
    assert response.json()["refusal"]


def test_restatement_by_file_needs_a_reason(world: World) -> None:
    run = upload(world, GOOD.replace("2026-03", "2026-01")).json()
    client, url = world.client("finn"), f"{URL}/{run['id']}/commit"
    assert client.post(url, {}, format="json").status_code == 422
    assert client.post(url, {"reason": "Invoice corrected."}, format="json").json()["status"] == "committed"


def test_mapping_is_applied(world: World) -> None:
    text = "investment;month;account;amount;currency\nCX-1;2026-03;infrastructure;410,50;USD\n"
    run = upload(world, text, mapping='{"decimal_separator": ","}').json()
    assert run["new_count"] == 1, run


@pytest.mark.parametrize(
    "fields",
    [
        {"mapping": "{"},
        {"mapping": "[]"},
        {"mapping": '{"columns": []}'},
        {"mapping": '{"columns": {"a": "nonsense"}}'},
        {"mapping": '{"shell": "x"}'},
        {"mapping": '{"decimal_separator": "x"}'},
        {"mapping": '{"month_format": "x"}'},
        {"source": "BAD SOURCE"},
        {"file": "text"},
    ],
)
def test_wrong_upload_is_refused(world: World, fields: dict[str, str]) -> None:
    assert upload(world, **fields).status_code == 400


def test_member_without_the_role_uploads_nothing(world: World) -> None:
    assert upload(world, name="vera").status_code == 403
    assert not ImportRun.objects.filter(file_name="actuals.csv").exists()


def test_lost_role_stops_commit_and_undo(world: World) -> None:
    staged, committed = upload(world).json(), upload(world, GOOD.replace("-03", "-04")).json()
    client = world.client("finn")
    client.post(f"{URL}/{committed['id']}/commit", {}, format="json")
    Membership.objects.filter(user=world.users["finn"]).delete()
    assert client.post(f"{URL}/{staged['id']}/commit", {}, format="json").status_code == 403
    assert client.post(f"{URL}/{committed['id']}/undo").status_code == 403
    assert client.get(f"{URL}/{staged['id']}/rows").json()["results"] == []
