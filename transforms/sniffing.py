"""Whether a body may be an HTML page, told from its first bytes and its Content-Type, neither trusted alone.

After the WHATWG MIME Sniffing standard, as far as it matters to a reader of articles.
"""

from transforms.reject import Rejected

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
