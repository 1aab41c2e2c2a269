"""What RTCP says of streams: reports, round-trip times, losses, clocks, names."""
