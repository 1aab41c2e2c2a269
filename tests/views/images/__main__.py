"""Draw the references anew: ``python -m tests.views.images [NAME...]``."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from tests.views.images import SCENES, keep, pixels_of


def main(names: list[str]) -> None:
    for name in names or SCENES:
        with tempfile.TemporaryDirectory() as folder:
            path = keep(name, pixels_of(SCENES[name](Path(folder))))
        sys.stdout.write(f"{path.name}: {path.stat().st_size:,} bytes\n")


if __name__ == "__main__":
    main(sys.argv[1:])
