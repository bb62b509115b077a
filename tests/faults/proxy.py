"""Stands between the product and PostgreSQL, to cut a connection in COMMIT or to slow it down.

`python -m tests.faults.proxy SNARES UPSTREAM NAME=FOLDER …` listens on a socket in each folder. `cut:NAME` cuts
one connection when its COMMIT was carried out and before its answer is passed on; `slow:NAME` lasts until lifted.
"""

from __future__ import annotations

import asyncio
import sys
from contextlib import suppress
from functools import partial
from pathlib import Path

from tests.faults.journal import Snares

SOCKET = ".s.PGSQL.5432"
DELAY = 0.05
_COMMIT = b"COMMIT\0"


async def _serve(snares: Snares, upstream: str, places: dict[str, str]) -> None:
    for name, folder in places.items():
        await asyncio.start_unix_server(
            partial(_pass_on, snares, upstream, name), str(Path(folder) / SOCKET), limit=2**20
        )
    print("ready", flush=True)
    await asyncio.Event().wait()


async def _pass_on(
    snares: Snares,
    upstream: str,
    name: str,
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
) -> None:
    try:
        there, back = await asyncio.open_unix_connection(upstream, limit=2**20)
    except OSError:
        writer.close()
        return
    is_cut = asyncio.Event()

    async def forward() -> None:
        while piece := await reader.read(2**18):
            if _COMMIT in piece and piece[:1] == b"Q" and snares.take(f"cut:{name}"):
                is_cut.set()
            if snares.is_laid(f"slow:{name}"):
                await asyncio.sleep(DELAY)
            back.write(piece)
            await back.drain()

    async def backward() -> None:
        while piece := await there.read(2**18):
            if is_cut.is_set():
                break
            writer.write(piece)
            await writer.drain()

    async def quietly(work: asyncio.Future[None]) -> None:
        try:
            with suppress(OSError):
                await work
        finally:
            # Whichever side is gone, the other one hears of it.
            writer.close()
            back.close()

    await asyncio.gather(
        quietly(asyncio.ensure_future(forward())), quietly(asyncio.ensure_future(backward()))
    )


if __name__ == "__main__":
    given = dict(word.split("=", 1) for word in sys.argv[3:])
    asyncio.run(_serve(Snares(Path(sys.argv[1])), sys.argv[2], given))
