"""The command line: a verb parses arguments, calls the package and prints a view."""

__all__: list[str] = []
