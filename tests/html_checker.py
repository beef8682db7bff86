"""A page read by Python's HTML parser: every tag closed in order; its texts, links and sources."""

from html.parser import HTMLParser

VOID = {"meta", "link", "img", "br", "line", "rect", "circle", "polyline"}


class HtmlChecker(HTMLParser):
    """Feed it a page; a tag that is closed out of order fails at once."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.texts: list[str] = []
        self.sources: list[str] = []

    def handle_starttag(self, tag, attrs):
        self.sources += [value for name, value in attrs if name in ("src", "href", "poster") and value]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data):
        self.texts.append(data)


def needs_nothing_from_outside(page: str) -> bool:
    """Whether a page names no address but those inside itself."""
    return not any(word in page for word in ("http:", "https:", "//cdn", "<script", "@import", "url("))
