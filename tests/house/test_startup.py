"""Nothing heavy is imported before it is needed: looked at in a fresh interpreter."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

FIXTURE = Path(__file__).resolve().parents[2] / "fixtures" / "ff-pcmu.pcap"


def modules_after(code: str) -> set[str]:
    """Top-level names in ``sys.modules`` of a new interpreter that has run `code`."""
    told = "import json, sys\n" + code + "\nprint('\\n' + json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, check=True)
    return {str(name).partition(".")[0] for name in json.loads(done.stdout.splitlines()[-1])}


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


def test_streams_loads_no_pandas_and_no_matplotlib() -> None:
    loaded = modules_after(run_command("streams", str(FIXTURE)))
    assert "numpy" in loaded
    assert not {"pandas", "matplotlib", "soundfile", "tqdm"} & loaded


def test_decode_loads_no_pandas_and_no_matplotlib(tmp_path: Path) -> None:
    loaded = modules_after(run_command("decode", str(FIXTURE), "-o", str(tmp_path), "--jobs", "1"))
    assert "soundfile" in loaded
    assert list(tmp_path.glob("*.wav"))
    assert not {"pandas", "matplotlib"} & loaded
