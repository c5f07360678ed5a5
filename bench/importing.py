"""Importing a hash list of N rows into PostgreSQL: seconds, rows a second, this process's memory.

Environment: N (1,000,000), FORMAT=json prints one object.
"""

import json
import os
import resource
import secrets
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

from circumstances import circumstances, line

from tutela.adapters.postgres import embedded, migrate
from tutela.indicators.importing import import_list
from tutela.primitives.database import Database


def importing(n: int) -> dict[str, object]:
    folder = Path(tempfile.mkdtemp(prefix="tutela-bench-"))
    folder.chmod(0o755)
    table = folder / "list.csv"
    with table.open("w") as file:
        file.write("kind,value,external_id,scheme,scheme_version,category\n")
        for number in range(n):
            file.write(f"pdq,{secrets.token_hex(32)},e{number},ncmec-ab,2022,B2\n")
    with embedded(folder / "postgres") as url:
        migrate(url)
        database = Database(url)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        began = time.perf_counter()
        done = import_list(
            database, path=table, name="bench", format="csv", by="bench", at=datetime.now(UTC)
        )
        seconds = time.perf_counter() - began
        after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        database.close()
    return {
        "rows": n,
        "added": done.added,
        "seconds": round(seconds, 1),
        "rows_per_second": round(n / seconds),
        "peak_memory_before_mib": before // 1024,
        "peak_memory_after_mib": after // 1024,
    }


def main() -> None:
    """Measure and print."""
    found = importing(int(os.environ.get("N", "1000000")))
    if os.environ.get("FORMAT") == "json":
        print(json.dumps(circumstances() | found))
        return
    print(line())
    for name, value in found.items():
        print(f"{name.replace('_', ' '):28} {value:>12,}")


if __name__ == "__main__":
    main()
