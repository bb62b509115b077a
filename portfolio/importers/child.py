"""What runs in the sandboxed child: take limits, read one file from standard input, write `wire` lines."""

import codecs
import gc
import json
import resource
import sys
import unicodedata

import python_calamine

from portfolio.importers import importer_of, wire
from portfolio.importers.base import FileRefused, Limits, Mapping

# Loaded before files can no longer be opened: the reader, the codecs of archives, the character tables.
PRELOADED = (python_calamine, unicodedata, codecs.lookup("utf-8"), codecs.lookup("cp437"))


def main() -> None:
    """Parse standard input and write the outcome; any other failure ends the process with a non-zero code."""
    header = json.loads(sys.stdin.buffer.readline())
    limits = Limits(**header["limits"])
    mapping = None if header["mapping"] is None else Mapping.from_dict(header["mapping"])
    confine(limits)
    gc.disable()
    try:
        data = sys.stdin.buffer.read()
        lines = wire.encoded(importer_of(data).parse(data, mapping=mapping, limits=limits))
        sys.stdout.writelines(f"{line}\n" for line in lines)
    except FileRefused as refusal:
        sys.stdout.write(f"{wire.encoded_refusal(refusal)}\n")
    except MemoryError:
        sys.exit("out of memory")
    sys.stdout.flush()


def confine(limits: Limits) -> None:
    """Give up memory, time, files, sockets and processes beyond what parsing takes."""
    _lower("RLIMIT_CORE", 0)
    _lower("RLIMIT_CPU", limits.cpu_seconds)
    _lower("RLIMIT_FSIZE", limits.output_bytes)
    _lower("RLIMIT_AS", limits.memory_bytes)
    _lower("RLIMIT_NPROC", 0)
    # Standard input, output and error are open already; no file and no socket can be opened any more.
    _lower("RLIMIT_NOFILE", 3)


def _lower(name: str, value: int) -> None:
    """Lower one limit, soft and hard; a system that lacks it (macOS: RLIMIT_AS) keeps the others."""
    kind = getattr(resource, name, None)
    if kind is None:
        return
    try:
        resource.setrlimit(kind, (value, value))
    except (ValueError, OSError):
        sys.stderr.write(f"{name} cannot be set here\n")


if __name__ == "__main__":
    main()
