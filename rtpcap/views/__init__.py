"""For eyes: tables, HTML and charts of what the other folders found; nothing imports these.

Name the module (``from rtpcap.views.plot import gaps``): each loads what only it needs.
"""

__all__: list[str] = []
