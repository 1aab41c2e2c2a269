"""Frames -> payloads: links, networks and tunnels, from header to header."""
