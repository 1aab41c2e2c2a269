"""What other test suites import: packets, golden captures, made and impaired ones."""
