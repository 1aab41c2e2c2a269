"""How fragments of HTML look: in notebooks with a light or a dark theme, and in plain pages."""

from __future__ import annotations

__all__ = ["COLOURS", "SCOPE", "STYLE"]

SCOPE = "rtpcap"
"""The class of every fragment, and what the names of all classes inside begin with."""

COLOURS = {
    #          light      dark
    "text": ("#1f2328", "#e6edf3"),
    "page": ("#ffffff", "#161b22"),
    "soft": ("#59636e", "#9aa4af"),
    "line": ("#d5dbe1", "#3a424c"),
    "band": ("#f4f6f8", "#1f262e"),
    "ink": ("#2f6fb7", "#6cb0ff"),
    "calm": ("#8aa4bf", "#55708c"),
    "bad": ("#c0342b", "#ff8078"),
    "warn": ("#8a5a00", "#e0ac3f"),
    "other": ("#7a4fb5", "#b99aee"),
}
"""Name -> its colour on a light and on a dark page. Charts use the names as classes."""


def _colours(dark: bool) -> str:
    told = ";".join(f"--{SCOPE}-{name}:{pair[dark]}" for name, pair in COLOURS.items())
    return f"{told};color-scheme:{'dark' if dark else 'light'}"


def _rules() -> str:
    # The theme of the notebook is a better witness than the system's wish, so it comes last.
    light = f'[data-jp-theme-light="true"] .{SCOPE},.vscode-light .{SCOPE}'
    dark = f'[data-jp-theme-light="false"] .{SCOPE},.vscode-dark .{SCOPE}'
    fills = "".join(
        f".{SCOPE} svg .{SCOPE}-{name}{{fill:var(--{SCOPE}-{name})}}"
        f".{SCOPE} svg .{SCOPE}-{name}-line{{stroke:var(--{SCOPE}-{name});fill:none}}"
        f".{SCOPE} span.{SCOPE}-{name}{{color:var(--{SCOPE}-{name})}}"
        for name in COLOURS
    )
    rules = f"""
.R{{{_colours(False)}}}
@media (prefers-color-scheme:dark){{.R{{{_colours(True)}}}}}
{light}{{{_colours(False)}}}
{dark}{{{_colours(True)}}}
.R{{color:var(--R-text);background:var(--R-page);font:13px/1.5 system-ui,sans-serif;
padding:6px 10px;border-radius:6px;overflow-x:auto;text-align:left}}
.R .R-head{{font-weight:600;margin:2px 0 6px;overflow-wrap:anywhere}}
.R .R-facts{{margin:0 0 6px}}
.R .R-facts>span{{display:inline-block;margin-right:16px;overflow-wrap:anywhere}}
.R .R-facts b{{color:var(--R-soft);font-weight:400}}
.R .R-note{{color:var(--R-soft);margin:2px 0 6px}}
.R .R-title{{color:var(--R-soft);margin:8px 0 2px}}
.R table.R-t{{border-collapse:collapse;border:0;margin:0 0 4px;color:inherit;font-size:12px;
font-variant-numeric:tabular-nums;table-layout:auto;width:auto}}
.R table.R-t tr,.R table.R-t tbody tr:nth-child(n){{background:none}}
.R table.R-t tbody tr:nth-child(even){{background:var(--R-band)}}
.R table.R-t th,.R table.R-t td{{padding:2px 8px;border:0;text-align:left;color:inherit;
vertical-align:middle;max-width:28em;overflow-wrap:break-word}}
.R table.R-t th{{color:var(--R-soft);font-weight:400;white-space:nowrap;
border-bottom:1px solid var(--R-line)}}
.R table.R-k{{display:inline-block;vertical-align:top;margin-right:28px}}
.R table.R-k th{{border:0;vertical-align:top}}
.R table.R-t .R-n{{text-align:right;white-space:nowrap}}
.R table.R-t .R-c{{white-space:nowrap}}
.R svg{{display:block;max-width:none}}
.R svg text{{fill:var(--R-soft);font:10px system-ui,sans-serif}}
.R svg text.R-strong{{fill:var(--R-text);font-size:12px}}
.R audio{{display:block;width:100%;max-width:560px;margin:4px 0}}
"""
    return rules.strip().replace("--R-", f"--{SCOPE}-").replace(".R", f".{SCOPE}") + fills


STYLE = f"<style>{_rules()}</style>"
"""What each fragment carries with it: rules that reach nothing outside of it."""
