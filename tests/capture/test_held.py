"""Captures that are no files on a disk: pipes, standard input, URLs."""

from __future__ import annotations

import gzip
import io
import os
import sys
import tempfile
import threading
from pathlib import Path

import fsspec
import pytest

import rtpcap
from rtpcap.capture.formats import open_source
from rtpcap.errors import CaptureError

FIXTURES = Path(__file__).resolve().parents[2] / "fixtures"
FILE = (FIXTURES / "gst-dtmf.pcap").read_bytes()
HAS_DESCRIPTORS = os.path.isdir("/dev/fd") and os.path.isdir("/proc/self/fd")
descriptors = pytest.mark.skipif(not HAS_DESCRIPTORS, reason="no files by descriptor here")


class Piped:
    """A pipe that somebody writes to: its end for reading."""

    def __init__(self, data: bytes) -> None:
        self.descriptor, write = os.pipe()

        def feed() -> None:
            with os.fdopen(write, "wb") as file:
                file.write(data)

        self._thread = threading.Thread(target=feed)
        self._thread.start()

    def close(self) -> None:
        self._thread.join()
        os.close(self.descriptor)


@descriptors
@pytest.mark.parametrize("form", ["/dev/fd/{}", "/proc/self/fd/{}"])
@pytest.mark.parametrize("packed", [False, True])
def test_a_pipe_by_its_descriptor(form: str, packed: bool) -> None:
    pipe = Piped(gzip.compress(FILE) if packed else FILE)
    try:
        name = form.format(pipe.descriptor)
        capture = rtpcap.open(name)
    finally:
        pipe.close()
    expected = rtpcap.open(FIXTURES / "gst-dtmf.pcap")
    assert capture.path == name
    assert capture.bytes == len(FILE)
    assert capture.streams.rows() == expected.streams.rows()
    assert [d.payload for d in capture.datagrams] == [d.payload for d in expected.datagrams]
    assert capture.dtmf.rows() == expected.dtmf.rows()


def test_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(FILE)))
    capture = rtpcap.open("-")
    assert (capture.path, capture.bytes) == ("-", len(FILE))
    assert len(capture.streams) == 1
    with pytest.raises(CaptureError, match=r"^-: empty file$"):
        rtpcap.open("-")


def test_no_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", None)
    with pytest.raises(CaptureError, match=r"^-: there is no standard input$"):
        rtpcap.open("-")


@descriptors
def test_a_descriptor_that_is_a_file_is_that_file(tmp_path: Path) -> None:
    with (FIXTURES / "gst-dtmf.pcap").open("rb") as file:
        file.seek(100)
        assert len(rtpcap.open(f"/dev/fd/{file.fileno()}").streams) == 1


@descriptors
def test_a_descriptor_that_is_not_open() -> None:
    with pytest.raises(CaptureError, match=r"^/dev/fd/987654: "):
        open_source("/dev/fd/987654")


def test_an_endless_pipe_ends_at_the_limit() -> None:
    pipe = Piped(FILE + bytes(3 << 20))
    try:
        with pytest.raises(CaptureError, match="holds more than 1 MiB"):
            open_source(f"/dev/fd/{pipe.descriptor}", most_unpacked=1 << 20)
        # The rest is read here, so that the writer can end.
        while os.read(pipe.descriptor, 1 << 20):
            pass
    finally:
        pipe.close()


def test_no_file_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    path = tmp_path / "call.gz"
    path.write_bytes(gzip.compress(FILE))
    capture = rtpcap.open(path)
    assert len(capture.streams) == 1
    assert list((tmp_path / "temporary").iterdir()) == []


def test_no_room_for_what_is_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "missing"))
    path = tmp_path / "call.gz"
    path.write_bytes(gzip.compress(FILE))
    with pytest.raises(CaptureError, match=r"call\.gz: no temporary file: "):
        rtpcap.open(path)


def test_a_file_url_needs_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "fsspec", None)
    path = tmp_path / "a call.pcap"
    path.write_bytes(FILE)
    capture = rtpcap.open(path.as_uri())
    assert capture.path == path.as_uri()
    assert len(capture.streams) == 1
    with pytest.raises(CaptureError, match="No such file"):
        rtpcap.open((tmp_path / "missing").as_uri())


def test_a_url_through_fsspec() -> None:
    memory = fsspec.filesystem("memory")
    memory.pipe("/captures/call.pcap", FILE)
    memory.pipe("/captures/call.pcap.gz", gzip.compress(FILE))
    try:
        for name in ("memory://captures/call.pcap", "memory://captures/call.pcap.gz"):
            capture = rtpcap.open(name)
            assert (capture.path, capture.bytes) == (name, len(FILE))
            assert len(capture.streams) == 1
    finally:
        memory.rm("/captures", recursive=True)
    with pytest.raises(CaptureError, match="memory://captures/gone: cannot be fetched: "):
        rtpcap.open("memory://captures/gone")


def test_a_url_of_a_protocol_that_nothing_here_speaks() -> None:
    with pytest.raises(CaptureError, match=r"nonsense://a/b: cannot be fetched: .*nonsense"):
        rtpcap.open("nonsense://a/b")


def test_a_url_without_fsspec_says_the_cure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "fsspec", None)
    with pytest.raises(CaptureError, match=r"s3://b/c\.pcap: .*pip install 'rtpcap\[remote\]'"):
        rtpcap.open("s3://b/c.pcap")
