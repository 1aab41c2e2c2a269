"""Codecs that are known by name and not decoded here, and what decodes them."""

from __future__ import annotations

from rtpcap.codecs.registry import PLUG_INS, unavailable

__all__ = ["KNOWN"]

KNOWN = {
    "AMR-WB+": "3GPP's reference (TS 26.304) can be wrapped",
    "BV16": "Broadcom's reference can be wrapped",
    "BV32": "Broadcom's reference can be wrapped",
    "CODEC2": "the package pycodec2 can be wrapped",
    "EVRCB": "the reference of 3GPP2 can be wrapped",
    "EVRCNW": "the reference of 3GPP2 can be wrapped",
    "EVRCWB": "the reference of 3GPP2 can be wrapped",
    "EVS": "there is no free decoder; 3GPP's reference (TS 26.442) can be wrapped",
    "G719": "ITU-T's reference can be wrapped",
    "G7221": "ITU-T's reference can be wrapped",
    "G7291": "ITU-T's reference can be wrapped",
    "G729D": "ITU-T's reference can be wrapped",
    "G729E": "ITU-T's reference can be wrapped",
    "GSM-HR-08": "ETSI's reference (GSM 06.06) can be wrapped",
    "ISAC": "the decoder that WebRTC had can be wrapped",
    "LC3": "the package lc3py can be wrapped",
    "LC3plus": "ETSI's reference (TS 103 634) can be wrapped",
    "LPC": "no program sends it today",
    "SILK": "the package silk-python can be wrapped",
    "VDVI": "no program is known to send it",
    "VMR-WB": "the reference of 3GPP2 can be wrapped",
}
"""Encoding names, and what could decode each."""

for _name, _cure in KNOWN.items():
    unavailable(_name, f"{_cure}, by a package with an entry point in the group {PLUG_INS}")
