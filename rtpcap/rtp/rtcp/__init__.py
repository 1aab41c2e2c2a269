"""RTCP: reports, descriptions, feedback (RFC 3550 section 6, 3611, 4585, 5104, 5506)."""

from rtpcap.rtp.rtcp.compound import Compound, build, parse
from rtpcap.rtp.rtcp.description import Chunk, Item, SourceDescription
from rtpcap.rtp.rtcp.extended import (
    DelaySinceLastRR,
    DuplicateRLE,
    ExtendedReport,
    LastRR,
    LossRLE,
    OtherBlock,
    ReceiptTimes,
    ReceiverReferenceTime,
    StatisticsSummary,
)
from rtpcap.rtp.rtcp.feedback import Feedback, OtherFeedback
from rtpcap.rtp.rtcp.goodbye import ApplicationDefined, Goodbye
from rtpcap.rtp.rtcp.part import Other, Packet, Reason, RTCPFault
from rtpcap.rtp.rtcp.picture import (
    FIR,
    PLI,
    REMB,
    RPSI,
    SLI,
    TSTN,
    TSTR,
    Command,
    LostSlice,
    TradeOff,
)
from rtpcap.rtp.rtcp.reports import ReceiverReport, ReportBlock, SenderReport
from rtpcap.rtp.rtcp.srtcp import SRTCP
from rtpcap.rtp.rtcp.transport import NACK, TMMBN, TMMBR, BitRate
from rtpcap.rtp.rtcp.transport_cc import TransportCC
from rtpcap.rtp.rtcp.voip import VoIPMetrics

__all__ = [
    "FIR",
    "NACK",
    "PLI",
    "REMB",
    "RPSI",
    "SLI",
    "SRTCP",
    "TMMBN",
    "TMMBR",
    "TSTN",
    "TSTR",
    "ApplicationDefined",
    "BitRate",
    "Chunk",
    "Command",
    "Compound",
    "DelaySinceLastRR",
    "DuplicateRLE",
    "ExtendedReport",
    "Feedback",
    "Goodbye",
    "Item",
    "LastRR",
    "LossRLE",
    "LostSlice",
    "Other",
    "OtherBlock",
    "OtherFeedback",
    "Packet",
    "RTCPFault",
    "Reason",
    "ReceiptTimes",
    "ReceiverReferenceTime",
    "ReceiverReport",
    "ReportBlock",
    "SenderReport",
    "SourceDescription",
    "StatisticsSummary",
    "TradeOff",
    "TransportCC",
    "VoIPMetrics",
    "build",
    "parse",
]
