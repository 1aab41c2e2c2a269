"""Voice quality reports of SIP, ``application/vq-rtcpxr``: a body -> its figures (RFC 6035)::

    VQSessionReport: CallTerm
    CallID: 12345678@alice.example.org
    LocalAddr: IP=10.0.0.1 PORT=5000 SSRC=1a3b5c7d
    LocalMetrics:
    PacketLoss: NLR=5.0 JDR=2.0
    QualityEst: MOSLQ=4.2 MOSCQ=4.1
    RemoteMetrics:
    ...

Names are compared without case; a line that begins with a blank goes on with the one before.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

__all__ = ["VQAddress", "VQMetrics", "VQReport", "parse_vq_report"]

REPORTS = {
    "vqsessionreport": "session",
    "vqintervalreport": "interval",
    "vqalertreport": "alert",
}
LOCAL, REMOTE = "localmetrics", "remotemetrics"
VALUE = re.compile(r'(?<![\w.-])([A-Za-z][\w.-]*)[ \t]*=[ \t]*("[^"\r\n]*"|[^ \t"]*)')
NOT_KNOWN = 127
"""As in RFC 3611: signal, noise, echo and R factors of 127 are not known."""


@dataclass(frozen=True)
class VQAddress:
    """One end of the media; `ssrc` is None where it is not told, or no number."""

    ip: str | None
    port: int | None
    ssrc: int | None


@dataclass(frozen=True)
class VQMetrics:
    """What one side measured. Figures are None where they were not told, or are no numbers."""

    groups: Mapping[str, Mapping[str, str]]
    """All that was told: ``{"packetloss": {"nlr": "5.0"}}``, names in small letters."""

    def text(self, group: str, name: str) -> str | None:
        """One value as it was told."""
        return self.groups.get(group, {}).get(name)

    def figure(self, group: str, name: str) -> float | None:
        """One value as a number."""
        return _number(self.text(group, name))

    def _known(self, group: str, name: str) -> float | None:
        value = self.figure(group, name)
        return None if value == NOT_KNOWN else value

    @property
    def start(self) -> str | None:
        """When it began, as told (RFC 3339)."""
        return self.text("timestamps", "start")

    @property
    def stop(self) -> str | None:
        """When it ended, as told."""
        return self.text("timestamps", "stop")

    @property
    def codec(self) -> str | None:
        """The payload's name, as in SDP."""
        return self.text("sessiondesc", "pd")

    @property
    def loss_pct(self) -> float | None:
        """Lost on the network."""
        return self.figure("packetloss", "nlr")

    @property
    def discard_pct(self) -> float | None:
        """Discarded by the jitter buffer."""
        return self.figure("packetloss", "jdr")

    @property
    def round_trip_ms(self) -> float | None:
        """Round-trip delay."""
        return self.figure("delay", "rtd")

    @property
    def end_system_ms(self) -> float | None:
        """Delay inside the end system."""
        return self.figure("delay", "esd")

    @property
    def jitter_ms(self) -> float | None:
        """Interarrival jitter."""
        return self.figure("delay", "iaj")

    @property
    def signal_dbm0(self) -> float | None:
        """Level of speech."""
        return self._known("signal", "sl")

    @property
    def noise_dbm0(self) -> float | None:
        """Level of the silence between."""
        return self._known("signal", "nl")

    @property
    def r_lq(self) -> float | None:
        """R factor of listening."""
        return self._known("qualityest", "rlq")

    @property
    def r_cq(self) -> float | None:
        """R factor of conversing."""
        return self._known("qualityest", "rcq")

    @property
    def mos_lq(self) -> float | None:
        """Opinion score of listening, 1.0..4.9."""
        return self.figure("qualityest", "moslq")

    @property
    def mos_cq(self) -> float | None:
        """Opinion score of conversing."""
        return self.figure("qualityest", "moscq")

    @property
    def algorithm(self) -> str | None:
        """How the scores were estimated, as told."""
        return self.text("qualityest", "qoeestalg")


@dataclass(frozen=True)
class VQReport:
    """A third party's view of a call."""

    kind: str
    """``session``, ``interval`` or ``alert``; empty where the body does not tell."""
    event: str
    """What stands behind that: ``CallTerm``, or what an alert is about."""
    fields: Mapping[str, str] = field(default_factory=dict)
    """Lines outside of metrics, names in small letters: ``callid``, ``localid``."""
    local: VQMetrics | None = None
    """What the reporter measured of what it received."""
    remote: VQMetrics | None = None
    """What the other side told it."""

    @property
    def call_id(self) -> str | None:
        """The Call-ID of the call's dialog."""
        return self.fields.get("callid")

    @property
    def local_address(self) -> VQAddress | None:
        """The reporter's end of the media."""
        return self._address("localaddr")

    @property
    def remote_address(self) -> VQAddress | None:
        """The other end."""
        return self._address("remoteaddr")

    def _address(self, name: str) -> VQAddress | None:
        line = self.fields.get(name)
        if line is None:
            return None
        values = _values(line)
        port, ssrc = values.get("port"), values.get("ssrc")
        return VQAddress(values.get("ip"), _integer(port, 10, 16), _integer(ssrc, 16, 32))


def parse_vq_report(body: bytes) -> VQReport | None:
    """The report in a body; None where no line of it is of a report.

    Never raises for what the bytes are; lines that are none are left aside.
    """
    kind = event = ""
    fields: dict[str, str] = {}
    metrics: dict[str, dict[str, dict[str, str]]] = {}
    into: dict[str, dict[str, str]] | None = None
    for name, value in _lines(body.decode("utf-8", "replace")):
        if name in REPORTS:
            kind, event = REPORTS[name], value
            into = None
        elif name in (LOCAL, REMOTE):
            into = metrics.setdefault(name, {})
        elif into is not None and "=" in value and name != "dialogid":
            into.setdefault(name, {}).update(_values(value))
        else:
            fields.setdefault(name, value)
    if not kind and not metrics:
        return None
    sides = {name: VQMetrics(groups) for name, groups in metrics.items()}
    return VQReport(kind, event, fields, sides.get(LOCAL), sides.get(REMOTE))


def _lines(text: str) -> Iterable[tuple[str, str]]:
    """Names, in small letters, and what stands behind their colon."""
    lines: list[list[str]] = []
    for line in text.splitlines():
        if line[:1] in (" ", "\t") and lines:
            lines[-1].append(line.strip())
        elif line.strip():
            lines.append([line.strip()])
    for parts in lines:
        name, colon, value = " ".join(parts).partition(":")
        if colon and name.strip():
            yield name.strip().lower(), value.strip()


def _values(line: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in VALUE.findall(line):
        found.setdefault(name.lower(), value.strip('"'))
    return found


def _number(text: str | None) -> float | None:
    try:
        value = float(text) if text else None
    except ValueError:
        return None
    return value if value is not None and math.isfinite(value) else None


def _integer(text: str | None, base: int, bits: int) -> int | None:
    """The number of a text that fits into so many bits."""
    try:
        value = int(text, base) if text else -1
    except ValueError:
        return None
    return value if 0 <= value < 1 << bits else None
