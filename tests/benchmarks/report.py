"""The rows of a benchmark: value, unit, bound and whether it holds, printed and written to var/bench.json."""

import json
import operator
from dataclasses import asdict, dataclass
from pathlib import Path

OUTPUT = Path(__file__).resolve().parent.parent.parent / "var" / "bench.json"
_COMPARE = {"<=": operator.le, ">=": operator.ge}


@dataclass(frozen=True, slots=True)
class Row:
    """One measured value with its bound, written as `<= 1.5`; an empty bound is for information."""

    name: str
    value: float
    unit: str
    bound: str = ""

    @property
    def holds(self) -> bool:
        """Return whether the value keeps its bound."""
        if not self.bound:
            return True
        sign, limit = self.bound.split()
        return bool(_COMPARE[sign](self.value, float(limit)))


def write(rows: list[Row]) -> bool:
    """Print rows and merge them into var/bench.json at once, so that no later failure loses them; True: all hold."""
    known = json.loads(OUTPUT.read_text()) if OUTPUT.exists() else {}
    for row in rows:
        mark = "" if not row.bound else ("  holds" if row.holds else "  MISSED")
        print(f"{row.name:<66} {row.value:>12,.3f} {row.unit:<8} {row.bound:>9}{mark}", flush=True)
        entry = asdict(row) | {"holds": row.holds}
        known[entry.pop("name")] = entry
    OUTPUT.parent.mkdir(exist_ok=True)
    OUTPUT.write_text(json.dumps(known, indent=2) + "\n")
    return all(row.holds for row in rows)
