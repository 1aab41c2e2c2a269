"""RTP voice captures: streams, audio, digits and gaps."""
