"""What a body is, told from its first bytes and its Content-Type, neither trusted alone: a page, or a way to one.

After the WHATWG MIME Sniffing standard, as far as it matters to a reader of articles.
"""

import html
import re

from transforms.reject import Rejected

SENDING_ON_BYTES = 8_192  # no longer is a page that only sends on to another
SENDING_ON_S = 10  # a page that waits longer is meant to be read, and reloads itself

_MARKUP_TYPES = frozenset({"text/html", "application/xhtml+xml", "application/xml", "text/xml"})
_BINARY_STARTS = (
    *(
        b"%PDF",
        b"%!PS",
        b"\x89PNG",
        b"GIF8",
        b"\xff\xd8\xff",
        b"RIFF",
        b"BM\x00",
        b"II*\x00",
        b"MM\x00*",
        b"\x00\x00\x01\x00",
    ),
    *(
        b"PK\x03\x04",
        b"\x1f\x8b",
        b"BZh",
        b"7z\xbc\xaf",
        b"Rar!",
        b"\xfd7zXZ",
        b"\x28\xb5\x2f\xfd",
        b"\x7fELF",
        b"MZ\x90\x00",
    ),
    *(b"ID3", b"OggS", b"fLaC", b"\x1aE\xdf\xa3", b"FLV\x01", b"wOFF", b"wOF2", b"\xd0\xcf\x11\xe0"),
)
_NOSCRIPT = re.compile(r"<noscript\b.*?</noscript", re.IGNORECASE | re.DOTALL)
_META = re.compile(r"<meta\s[^<>]{1,4000}>", re.IGNORECASE)
_IS_REFRESH = re.compile(r"""http-equiv\s*=\s*["']?refresh\b""", re.IGNORECASE)
_REFRESH = re.compile(
    r"""content\s*=\s*["']?\s*(\d{1,4})(?:\.\d*)?\s*[;,]\s*(?:url\s*=\s*)?["']?([^"'<>\s]{1,2000})""", re.IGNORECASE
)
_WIDE_STARTS = (b"\xff\xfe", b"\xfe\xff")


def require_html(body: bytes, content_type: str | None) -> None:
    """Raise `Rejected` ("empty-body", "not-html") unless `body` may be an HTML page, whatever its header says."""
    head = body[:1024].lstrip()
    if not head:
        raise Rejected("empty-body")
    declared = (content_type or "text/html").partition(";")[0].strip().lower()
    wide = body.startswith(_WIDE_STARTS)
    if head.startswith(_BINARY_STARTS) or head[4:8] == b"ftyp" or (b"\0" in head and not wide):
        raise Rejected("not-html", f"binary data declared as {declared[:60]}")
    if not (declared in _MARKUP_TYPES or wide or head.startswith((b"<", b"\xef\xbb\xbf<"))):
        raise Rejected("not-html", declared[:60])


def refresh_target(body: bytes) -> str | None:
    """Where a small page sends its reader at once by `meta http-equiv=refresh`, as written there; None otherwise."""
    if len(body) > SENDING_ON_BYTES:
        return None
    text = _NOSCRIPT.sub("", body.decode("utf-8", "replace"))
    for meta in _META.findall(text):
        found = _REFRESH.search(meta) if _IS_REFRESH.search(meta) else None
        if found and int(found[1]) <= SENDING_ON_S:
            return html.unescape(found[2])
    return None
