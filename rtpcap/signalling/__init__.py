"""SIP and SDP text -> who called whom, with which formats, and where the media was to go."""

from rtpcap.signalling.arrival import Arrival, Moment
from rtpcap.signalling.aside import Exchange
from rtpcap.signalling.dialog import Dialog
from rtpcap.signalling.dialogs import Dialogs, Signalling
from rtpcap.signalling.endpoints import Endpoint, Endpoints
from rtpcap.signalling.framing import looks_like_sip, sip_candidates
from rtpcap.signalling.media import Candidate, Media
from rtpcap.signalling.offers import Epoch
from rtpcap.signalling.pressed import KeyPress
from rtpcap.signalling.reports import VoiceReport
from rtpcap.signalling.rtsp import RtspMessage, RtspSessions, RtspStream, parse_rtsp
from rtpcap.signalling.sdp import SessionDescription, parse_sdp
from rtpcap.signalling.sip import SipMessage, parse_sip, parse_sip_messages
from rtpcap.signalling.transfers import Transfer

__all__ = [
    "Arrival",
    "Candidate",
    "Dialog",
    "Dialogs",
    "Endpoint",
    "Endpoints",
    "Epoch",
    "Exchange",
    "KeyPress",
    "Media",
    "Moment",
    "RtspMessage",
    "RtspSessions",
    "RtspStream",
    "SessionDescription",
    "Signalling",
    "SipMessage",
    "Transfer",
    "VoiceReport",
    "looks_like_sip",
    "parse_rtsp",
    "parse_sdp",
    "parse_sip",
    "parse_sip_messages",
    "sip_candidates",
]
