"""The file's bytes -> records: formats, what they are packed in, and several files as one."""
