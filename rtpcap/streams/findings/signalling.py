"""x"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from rtpcap.streams.findings.evidence import Evidence
from rtpcap.streams.findings.finding import Finding

KINDS: Mapping[str, str] = {}
RULES: tuple[Callable[[Evidence], Iterator[Finding]], ...] = ()
