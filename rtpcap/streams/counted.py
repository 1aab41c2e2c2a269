"""Numbers of things, in words."""

__all__ = ["counted"]


def counted(number: int, what: str, plural: str = "s") -> str:
    """How many of what.

    >>> counted(1, "packet"), counted(2000, "packet"), counted(2, "press", "es")
    ('1 packet', '2,000 packets', '2 presses')
    """
    return f"{number:,} {what}{plural if number != 1 else ''}"
