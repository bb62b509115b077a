"""The child process: choosing by content, the walls around it, what attacks cost until they are refused."""

import json
import struct
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from portfolio import importers
from portfolio.importers import sandbox, wire
from portfolio.importers.base import FileRefused, Limits, Mapping
from tests.portfolio.importers import books

ROOT = Path(__file__).resolve().parents[3]
HEADER = b"investment,month,account,amount\n"
MEASURE = """
import json, resource, sys
from portfolio import importers
data = sys.stdin.buffer.read()
try:
    parsed = importers.parse(data)
    outcome = [parsed.accepted, ""]
except importers.FileRefused as refused:
    outcome = [None, refused.code]
usage = resource.getrusage(resource.RUSAGE_CHILDREN)
unit = 1 if sys.platform == "darwin" else 1024
print(json.dumps([*outcome, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * unit]))
"""


def measured(data: bytes) -> tuple[int | None, str, float, int]:
    """Return what parsing gives, and the CPU seconds and peak bytes of the child, from a slim parent."""
    run = subprocess.run(
        [sys.executable, "-c", MEASURE], input=data, capture_output=True, cwd=ROOT, check=True
    )
    accepted, code, seconds, peak = json.loads(run.stdout)
    return accepted, code, seconds, peak


def chunks(unit: bytes, *, size: int) -> Iterator[bytes]:
    block = unit * (2**20 // len(unit))
    for _ in range(size // len(block)):
        yield block


def big_part(name: str, unit: bytes, *, size: int, head: bytes = b"", tail: bytes = b"") -> bytes:
    return books.packed({**books.parts(), name: [head, *chunks(unit, size=size), tail]})


def varied(line: Callable[[int], str], *, count: int) -> bytes:
    return "".join(line(each) for each in range(count)).encode()


def many_entries() -> bytes:
    """Return a directory of 400,000 entries and nothing else: listing it alone takes seconds."""
    entry = (
        struct.pack("<4s6H3L5H2L", b"PK\x01\x02", 20, 20, 0, 0, 0, 33, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0) + b"x"
    )
    directory = entry * 400_000
    return (
        b"PK\x03\x04" + directory + struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 1, 1, len(directory), 4, 0)
    )


def nested_bomb() -> bytes:
    inner = books.packed({"x": chunks(b"\0", size=50 * 2**20)})
    return books.packed({**books.parts(), **{f"xl/media/{each}.bin": inner for each in range(9)}})


SHEET = "xl/worksheets/sheet1.xml"
ROWS = f'<worksheet xmlns="{books.MAIN}"><sheetData>'.encode()
ATTACKS: dict[str, Callable[[], bytes]] = {
    "zip bomb": lambda: big_part("xl/media/x.bin", b"\0", size=200 * 2**20),
    "bomb in the sheet": lambda: big_part(SHEET, b" ", size=300 * 2**20, head=ROWS),
    "bomb below the total": lambda: big_part(SHEET, b"<c/>", size=70 * 2**20, head=ROWS + b"<row>"),
    "nested bomb": nested_bomb,
    "many entries": many_entries,
    "far cell": lambda: books.book('<row r="1048576"><c r="XFD1048576"><v>1</v></c></row>'),
    "widest area": lambda: books.book('<row r="100000"><c r="A1"/><c r="NA100000"/></row>'),
    "billion laughs": lambda: books.book(
        head="<!DOCTYPE x [<!ENTITY a 'aaaaaaaaaa'>"
        + "".join(f"<!ENTITY a{n} '&a;&a;'>" for n in range(9))
        + "]>"
    ),
    "empty elements": lambda: books.packed(
        {
            **books.parts(),
            "xl/x.xml": b"<x>" + varied(lambda n: f"<a b='{n * 7919 % 10007}'/>", count=600_000),
        }
    ),
    "deep elements": lambda: books.packed(
        {**books.parts(), "xl/x.xml": varied(lambda n: f"<a{n * 7919 % 10007}>", count=600_000)}
    ),
    "giant tag": lambda: books.packed(
        {
            **books.parts(),
            "xl/x.xml": b"<x " + varied(lambda n: f"a{n}='{n * 7919 % 10007}' ", count=400_000),
        }
    ),
    "shared strings": lambda: books.packed(
        {
            **books.parts(),
            "xl/sharedStrings.xml": b"<sst uniqueCount='4294967295'><si><t>" + b"x" * 10_000_000,
        }
    ),
    "10 MB workbook cell": lambda: books.book(
        f'<row r="1"><c r="A1" t="inlineStr"><is><t>{"0123456789" * 1_000_000}</t></is></c></row>'
    ),
    "formula": lambda: books.book(books.ONE_ROW.replace("<v>5</v>", "<f>1+1</f>")),
    "10 MB cell": lambda: HEADER + b"AI-1,2026-03,dev," + b"9" * 10_000_000 + b"\n",
    "19 MB of open quotes": lambda: HEADER + b'"\n' * 9_500_000,
    "19 MB of commas": lambda: HEADER + b"," * 19_000_000,
    "record of many lines": lambda: HEADER + b'"\n",' * 4_500_000,
    "19 MB of blank lines": lambda: HEADER + b"\n" * 19_000_000,
    "wide header": lambda: b"month," * 3_000_000,
    "NUL": lambda: HEADER + b"x" * 15_000_000 + b"\0",
    "21 MB": lambda: b"x" * (21 * 2**20),
}


@pytest.mark.parametrize("name", ATTACKS)
def test_an_attack_is_refused_within_a_second_and_256_mb(name: str) -> None:
    accepted, code, seconds, peak = measured(ATTACKS[name]())
    assert accepted is None
    assert code not in ("", "reader_failed", "too_slow"), "refused by its wall, not by its guard"
    assert seconds <= 1.0
    assert peak <= 256 * 2**20


def honest_book(rows: int) -> bytes:
    """Return a workbook with every column filled, as a spreadsheet program's own sheet would weigh."""
    names = "".join(f'<c t="inlineStr"><is><t>{name}</t></is></c>' for name in books.HEADER)
    text = '<c t="inlineStr"><is><t>{}</t></is></c>'

    def line(at: int) -> str:
        codes = [f"AI-{at % 500:04d}", f"20{10 + at // 500 % 12}-{1 + at // 6000 % 12:02d}", "development"]
        texts = "".join(text.format(each) for each in codes)
        rest = "".join(text.format(each) for each in ("actual", f"INV-{at}", f"a note on row {at}"))
        return f"<row>{texts}<c><v>{at}.25</v></c>{text.format('USD')}<c><v>{at}</v></c>{rest}</row>"

    return books.book(f"<row>{names}</row>" + "".join(line(at) for at in range(rows)))


def test_fifty_thousand_honest_rows_fit() -> None:
    _, _, seconds_of_a_fifth, _ = measured(honest_book(10_000))
    accepted, code, seconds, peak = measured(honest_book(50_000))
    assert (accepted, code) == (50_000, "")
    # In proportion, with room for a machine that does other things too.
    assert seconds <= 8 * seconds_of_a_fifth
    assert peak <= 256 * 2**20


def test_the_content_chooses_the_importer() -> None:
    csv = importers.parse(HEADER + b"AI-1,2026-03,dev,5\n")
    book = importers.parse(books.written([books.HEADER[:4], ["AI-1", "2026-03", "dev", 5]], name="Sheet1"))
    assert csv.rows == book.rows
    assert csv.rows[0].amount == Decimal(5)


def test_mapping_and_limits_reach_the_child() -> None:
    data = b"Wert;investment;month;account\n1234,5;AI-1;2026-03;dev\n;AI-1;2026-03;dev\n"
    columns = {name: name for name in ("investment", "month", "account")}
    mapping = Mapping(columns={**columns, "Wert": "amount"}, decimal_separator=",")
    parsed = importers.parse(data, mapping=mapping)
    assert parsed.mapping.columns == mapping.columns
    assert (parsed.rows[0].amount, parsed.rows_read, parsed.rejected) == (Decimal("1234.5"), 2, 1)
    assert parsed.errors[0].code == "missing_value"
    with pytest.raises(FileRefused) as refused:
        importers.parse(data, mapping=mapping, limits=Limits(rows=1))
    assert refused.value.code == "too_many_rows"


def test_what_the_child_writes_is_what_the_parent_reads() -> None:
    data = HEADER + b"AI-1,2026-03,dev,5\nAI-1,2026-03,dev,x\nAI-2,2026-03,dev,nil\n"
    parsed = importers.importer_of(data).parse(data, mapping=None, limits=Limits())
    assert wire.decoded(wire.encoded(parsed)) == parsed
    assert importers.parse(data) == parsed


@pytest.mark.parametrize("lines", [[], [""], ["{}"], ["[]"], ['{"rows":1}'], ["not json"], ['{"refused":1}']])
def test_broken_lines_refuse_the_file(lines: list[str]) -> None:
    with pytest.raises(FileRefused):
        wire.decoded(lines)


def test_a_cut_answer_refuses_the_file() -> None:
    data = HEADER + b"AI-1,2026-03,dev,5\n"
    lines = list(wire.encoded(importers.importer_of(data).parse(data, mapping=None, limits=Limits())))
    with pytest.raises(FileRefused):
        wire.decoded(lines[:-1])


@pytest.mark.parametrize(
    ("limits", "rows", "code"),
    [
        (Limits(memory_bytes=48 * 2**20), 20_000, "reader_failed"),
        (Limits(cpu_seconds=1), 30_000, "reader_failed"),
        (Limits(output_bytes=1_000), 1_000, "reader_failed"),
        (Limits(wall_seconds=0.2), 10_000, "too_slow"),
        (Limits(file_bytes=1_000), 100, "too_large"),
    ],
)
def test_each_wall_refuses_with_a_sentence(limits: Limits, rows: int, code: str) -> None:
    if sys.platform == "darwin" and limits.memory_bytes != Limits().memory_bytes:
        pytest.skip("This system does not limit address space.")
    with pytest.raises(FileRefused, match=r"\.$") as refused:
        importers.parse(honest_book(rows), limits=limits)
    assert refused.value.code == code


CONFINED = """
import sys; sys.path.extend(sys.argv[1:])
from portfolio.importers.base import Limits
from portfolio.importers.child import confine
import os, socket
confine(Limits())
outcomes = []
for attempt in (lambda: socket.socket(), lambda: open("/etc/hosts"), lambda: os.dup(0)):
    try:
        attempt()
        outcomes.append("allowed")
    except OSError:
        outcomes.append("refused")
print(outcomes, dict(os.environ), "django" in sys.modules)
"""


def test_the_child_opens_nothing_and_knows_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_KEY", "canary")
    started = []
    original = subprocess.run

    def confined(command: list[str], **options: Any) -> subprocess.CompletedProcess[bytes]:
        at = command.index("-c") + 1
        started.append(command)
        return original([*command[:at], CONFINED, *command[at + 1 :]], **options)

    monkeypatch.setattr(subprocess, "run", confined)
    output = run_confined()
    assert output.startswith("['refused', 'refused', 'refused']")
    assert "canary" not in output
    assert output.endswith("False\n")
    assert started[0][1:3] == ["-I", "-S"]


def run_confined() -> str:
    with tempfile.TemporaryFile() as source, tempfile.TemporaryFile() as target:
        sandbox._run_child(source.fileno(), target.fileno(), limits=Limits())
        target.seek(0)
        return target.read().decode()


def test_parent_processes_never_load_the_reader() -> None:
    code = "import sys, portfolio.importers; print('python_calamine' in sys.modules, 'django' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, cwd=ROOT, check=True, text=True)
    assert run.stdout == "False False\n"
