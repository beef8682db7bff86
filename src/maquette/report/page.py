"""An HTML page in one file, which needs nothing from outside."""

import base64
from collections.abc import Iterable, Sequence
from html import escape

_STYLE = """
:root { color-scheme: light; }
body { margin: 0; background: #fff; color: #2b2b2b; font: 16px/1.55 system-ui, -apple-system, "Segoe UI", sans-serif; }
main { max-width: 960px; margin: 0 auto; padding: 40px 20px 72px; }
h1 { font-size: 30px; margin: 0 0 6px; } h2 { font-size: 20px; margin: 44px 0 10px; }
h3 { font-size: 16px; margin: 26px 0 4px; }
p, li { max-width: 76ch; } .lead { color: #5d5a54; margin-top: 0; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(200px, 1fr)); gap: 14px; margin: 26px 0; }
.tile { border: 1px solid #ddd8ce; border-radius: 8px; padding: 14px 18px; }
.tile b { display: block; font-size: 27px; font-weight: 650; } .tile span { color: #5d5a54; font-size: 14px; }
.strip { display: grid; grid-template-columns: repeat(auto-fit, minmax(420px, 1fr)); gap: 12px; }
figure { margin: 0; } figure img, video { width: 100%; display: block; border: 1px solid #ddd8ce; border-radius: 6px; }
figcaption, .legend { color: #5d5a54; font-size: 14px; margin: 4px 0 0; }
.legend span { margin-right: 18px; }
.legend i { display: inline-block; width: 18px; height: 3px; vertical-align: middle; margin-right: 6px; }
svg { width: 100%; height: auto; display: block; } svg text { font-size: 12px; fill: #5d5a54; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; }
td, th { padding: 4px 22px 4px 0; border-bottom: 1px solid #eae6de; text-align: left; }
th { font-weight: 600; font-size: 14px; color: #5d5a54; vertical-align: bottom; }
td.n, th.n { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
code { background: #f4f1ea; padding: 1px 5px; border-radius: 4px; font-size: 14px; overflow-wrap: anywhere; }
a { color: #2f5f9e; } .notes li { font-size: 14px; overflow-wrap: anywhere; }
.small { font-size: 14px; color: #5d5a54; } .warn { border-left: 4px solid #dd6b2b; padding-left: 12px; }
details { margin: 10px 0; } summary { cursor: pointer; color: #2f5f9e; }
@media print { section { break-inside: avoid; } }
"""


def page(title: str, sections: Iterable[str]) -> str:
    """The whole document."""
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1"><link rel="icon" href="data:,">'
        f"<style>{_STYLE}</style></head><body><main>{''.join(sections)}</main></body></html>\n"
    )


def section(title: str, body: str) -> str:
    """A part of the page with its heading."""
    return f"<section><h2>{escape(title)}</h2>{body}</section>"


def tiles(items: Iterable[tuple[str, str]]) -> str:
    """Large numbers, each with what it is."""
    inner = "".join(
        f'<div class="tile"><b>{escape(value)}</b><span>{escape(what)}</span></div>' for value, what in items
    )
    return f'<div class="tiles">{inner}</div>'


def table(head: Sequence[str], rows: Iterable[Sequence[str]], numbers: Sequence[int] = ()) -> str:
    """A table of texts; the columns in ``numbers`` are set to the right."""

    def cells(row: Sequence[str], tag: str) -> str:
        kinds = ('<{0} class="n">' if column in numbers else "<{0}>" for column in range(len(row)))
        inner = (f"{kind.format(tag)}{escape(cell)}</{tag}>" for kind, cell in zip(kinds, row, strict=True))
        return f"<tr>{''.join(inner)}</tr>"

    top = cells(head, "th") if head else ""
    return f'<div class="wide"><table>{top}{"".join(cells(row, "td") for row in rows)}</table></div>'


def notes(sentences: Iterable[str]) -> str:
    """A numbered list in small letters."""
    return f'<ol class="notes">{"".join(f"<li>{escape(sentence)}</li>" for sentence in sentences)}</ol>'


def data_uri(data: bytes, kind: str) -> str:
    """Address of a file that is inside the page; ``kind`` as ``image/png``."""
    return f"data:{kind};base64,{base64.b64encode(data).decode('ascii')}"
