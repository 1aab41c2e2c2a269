"""What is wrong with a capture, its calls and its streams, each with numbers and evidence."""
