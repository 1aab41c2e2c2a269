"""Fuzzing with atheris: ``python -m tests.fuzz TARGET --seconds N``.

The corpus begins with the project's own fixtures and grows in ``--corpus``. What fails is kept in
``--keep``; ``--show FILE`` runs one such input again, prints what it leads to, and writes the
capture that it was, for other programs to look into.

A finding is not committed as the bytes it was found with: it is built again from labelled fields,
as a scenario beside the others of its kind, which says what is wrong with it.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import traceback
from pathlib import Path

FOLDER = Path(tempfile.gettempdir()) / "rtpcap-fuzz"
NAMES = ("pcap", "pcapng", "link", "fragments", "tcp", "rtp", "rtcp")
LONGEST_INPUT = 16 << 10
LONGEST_RUN_S = 10
MOST_BYTES = 256 << 20
"""Held for one input; libFuzzer's own limit would count what it keeps itself, which grows."""


def show(name: str, found: Path) -> int:
    from tests.damage.walk import go_through
    from tests.fuzz.targets import TARGETS

    path = found.with_name(found.name + ".capture")
    path.write_bytes(TARGETS[name].build(found.read_bytes()))
    sys.stdout.write(f"{path}\n")
    try:
        capture = go_through(path)
    except Exception:
        traceback.print_exc()
        return 1
    sys.stdout.write(f"{'refused' if capture is None else capture!r}\n")
    return 0


def fuzz(name: str, seconds: int, corpus: Path, keep: Path) -> None:
    try:
        import atheris
    except ImportError as error:
        raise SystemExit("atheris is not installed: pip install -e '.[test,fuzz]'") from error
    with atheris.instrument_imports(include=["rtpcap"]):
        import rtpcap

        for public in rtpcap.__all__:
            getattr(rtpcap, public)
    from tests.damage.walk import go_through
    from tests.damage.watch import watched
    from tests.fuzz.seeds import SEEDS
    from tests.fuzz.targets import TARGETS

    corpus.mkdir(parents=True, exist_ok=True)
    keep.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(SEEDS[name]()):
        (corpus / f"seed-{number:03}").write_bytes(seed)
    build = TARGETS[name].build
    path = corpus.parent / f"{corpus.name}.capture"

    def one(text: bytes) -> None:
        path.write_bytes(build(text))
        with watched(LONGEST_RUN_S, MOST_BYTES):
            go_through(path)

    atheris.Setup(
        [
            sys.argv[0],
            str(corpus),
            f"-max_total_time={seconds}",
            f"-max_len={LONGEST_INPUT}",
            "-rss_limit_mb=0",
            f"-artifact_prefix={keep}/{name}-",
        ],
        one,
    )
    atheris.Fuzz()


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("target", choices=NAMES)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--corpus", type=Path, default=FOLDER / "corpus")
    parser.add_argument("--keep", type=Path, default=FOLDER)
    parser.add_argument("--show", type=Path, metavar="FILE")
    options = parser.parse_args()
    if options.show is not None:
        return show(options.target, options.show)
    fuzz(options.target, options.seconds, options.corpus / options.target, options.keep)
    return 0


if __name__ == "__main__":
    sys.exit(main())
