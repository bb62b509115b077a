"""The journal and the snares: nothing torn is read, and a fault is met by one process only."""

from __future__ import annotations

import threading
from pathlib import Path

from tests.faults.journal import Journal, Snares


def test_entries_are_read_as_they_come_and_none_is_torn(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.jsonl")
    assert journal.read() == []
    journal.write(what="begin", id="a")
    assert [entry["id"] for entry in journal.read()] == ["a"]
    with (tmp_path / "journal.jsonl").open("ab") as file:
        file.write(b'{"what": "begin", "id"')
        file.flush()
        assert [entry["id"] for entry in journal.read()] == ["a"]
        file.write(b': "b"}\n')
    journal.write(what="begin", id="c")
    assert [entry["id"] for entry in journal.read()] == ["a", "b", "c"]


def test_a_snare_is_met_by_one_of_many(tmp_path: Path) -> None:
    snares = Snares(tmp_path)
    snares.lay("kill:before_send", "now")
    assert snares.read("kill:before_send") == "now"
    met: list[bool] = []
    threads = [threading.Thread(target=lambda: met.append(snares.take("kill:before_send"))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert met.count(True) == 1
    assert not snares.is_laid("kill:before_send")
    assert not snares.lift("kill:before_send")
