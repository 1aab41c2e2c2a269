"""File -> datagrams: capture files of several formats, and the UDP payloads in their frames."""

from rtpcap.capture.decoder import Decoder
from rtpcap.capture.files.formats import Source, is_capture, open_source
from rtpcap.capture.tables import Damage, Datagram, Datagrams, Flow, Flows, Records, Tally

__all__ = [
    "Damage",
    "Datagram",
    "Datagrams",
    "Decoder",
    "Flow",
    "Flows",
    "Records",
    "Source",
    "Tally",
    "is_capture",
    "open_source",
]
