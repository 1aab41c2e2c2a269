"""Nothing heavy is imported before it is needed: looked at in a fresh interpreter."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

FIXTURE = Path(__file__).resolve().parents[2] / "fixtures" / "ff-pcmu.pcap"


def modules_after(code: str) -> set[str]:
    """Top-level names in ``sys.modules`` of a new interpreter that has run `code`."""
    return {name.partition(".")[0] for name in all_modules_after(code)}


def all_modules_after(code: str) -> set[str]:
    """``sys.modules`` of a new interpreter that has run `code`."""
    told = "import json, sys\n" + code + "\nprint('\\n' + json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, check=True)
    return {str(name) for name in json.loads(done.stdout.splitlines()[-1])}


def run_command(*arguments: str) -> str:
    """Code that runs the command line in the interpreter and goes on after it."""
    return (
        f"sys.argv = {['rtpcap', *arguments]!r}\n"
        "from rtpcap.cli.main import main\n"
        "try:\n    main()\nexcept SystemExit as ended:\n    assert not ended.code, ended.code"
    )


def test_import_is_quick_and_quiet() -> None:
    heavy = {"numpy", "pandas", "matplotlib", "dpkt", "soundfile", "click", "tqdm", "socket"}
    assert not heavy & modules_after("import rtpcap")


def test_help_loads_no_numpy() -> None:
    loaded = modules_after(run_command("--help"))
    assert "click" in loaded
    assert not {"numpy", "pandas", "matplotlib", "dpkt", "soundfile", "tqdm"} & loaded


OF_OTHER_VERBS = (
    "rtpcap.audio.audio",
    "rtpcap.audio.track",
    "rtpcap.capture.files.pcapng",
    "rtpcap.capture.files.several",
    "rtpcap.capture.pieces",
    "rtpcap.codecs.encoders",
    "rtpcap.codecs.evidence",
    "rtpcap.codecs.pyav",
    "rtpcap.live",
    "rtpcap.rtp.rtcp",
    "rtpcap.signalling",
    "rtpcap.streams.explain",
    "rtpcap.streams.findings",
    "rtpcap.streams.further",
    "rtpcap.streams.jitterbuffer",
    "rtpcap.streams.reports.beside",
    "rtpcap.streams.reports.roundtrip",
    "rtpcap.streams.reports.rows",
    "rtpcap.views.plot",
    "rtpcap.views.table",
    "wave",
)


def test_streams_loads_what_it_needs() -> None:
    """Of G.711 without signalling, in a pcap: no other codec, format, verb, and no big library."""
    loaded = all_modules_after(run_command("streams", str(FIXTURE)))
    assert "numpy" in loaded
    assert "rtpcap.codecs.g711" in loaded
    assert not {"pandas", "matplotlib", "soundfile", "tqdm"} & loaded
    assert not set(OF_OTHER_VERBS) & loaded


def test_every_codec_is_there_when_it_is_looked_for() -> None:
    """Also the last of them, in an interpreter that has looked for nothing before."""
    look = "import rtpcap.codecs as c; from rtpcap.rtp.payload_types import Format"
    find = "print(type(c.find(Format('SBC', 44100))).__module__)"
    loaded = all_modules_after(f"{look}; {find}")
    assert "rtpcap.codecs.surround" in loaded


def test_a_codec_that_is_declared_from_outside_wins() -> None:
    code = """
from rtpcap.codecs import codec, available, find
from rtpcap.codecs.g711 import PCMA
from rtpcap.rtp.payload_types import Format
class Mine(PCMA): pass
codec("PCMU")(lambda fmt: Mine(fmt))
assert "opus" in available()
assert type(find(Format("PCMU", 8000))) is Mine
"""
    assert "rtpcap.codecs.g711" in all_modules_after(code)


def test_decode_loads_no_pandas_and_no_matplotlib(tmp_path: Path) -> None:
    loaded = modules_after(run_command("decode", str(FIXTURE), "-o", str(tmp_path), "--jobs", "1"))
    assert "soundfile" in loaded
    assert list(tmp_path.glob("*.wav"))
    assert not {"pandas", "matplotlib"} & loaded


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="threads are counted in /proc")
def test_streams_starts_no_thread() -> None:
    """numpy would start some for its linear algebra, unless the user wants them."""
    count = "\nimport os; assert len(os.listdir('/proc/self/task')) == 1"
    assert "numpy" in modules_after(run_command("streams", str(FIXTURE)) + count)
    asked = "import os; os.environ['OPENBLAS_NUM_THREADS'] = '2'\n"
    kept = "\nassert os.environ['OPENBLAS_NUM_THREADS'] == '2'"
    modules_after(asked + run_command("--version") + kept)
