"""The characters of a page: which encoding its bytes are in.

A byte order mark decides; else bytes that are valid UTF-8 are UTF-8, whatever a server says of them (random text in
another encoding almost never is); else what the header or the document declares, read as browsers read it (WHATWG
encoding labels); else a guess from the bytes.
"""

import codecs
import re

from charset_normalizer import from_bytes

_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_HEADER = re.compile(r"charset\s{0,5}=\s{0,5}[\"']?([A-Za-z0-9_.:-]{2,40})", re.IGNORECASE)
_META = re.compile(rb"(?:charset|encoding)\s{0,5}=\s{0,5}[\"']?([A-Za-z0-9_.:-]{2,40})", re.IGNORECASE)
_META_BYTES = 4096
_GUESS_BYTES = 5000

# Labels that browsers read as a superset of what they name (https://encoding.spec.whatwg.org/#names-and-labels).
_SUPERSETS = {
    "ascii": "cp1252",
    "iso8859-1": "cp1252",
    "iso8859-9": "cp1254",
    "iso8859-11": "cp874",
    "tis-620": "cp874",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "shift_jis": "cp932",
    "euc_kr": "cp949",
    "big5": "big5hkscs",
}
_NOT_TEXT = {"utf-7", "unicode_escape", "raw_unicode_escape", "punycode", "idna", "undefined"}


def decode(body: bytes, content_type: str | None) -> str:
    """The text of `body`. `content_type` is the header's value. Never raises: what no encoding fits is replaced."""
    for mark, encoding in _BOMS:
        if body.startswith(mark):
            return body[len(mark) :].decode(encoding, "replace")
    declared = [name for name in (_from_header(content_type), _from_document(body)) if name]
    if declared and declared[0].startswith("iso2022"):  # seven bits: would pass as UTF-8
        return body.decode(declared[0], "replace")
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError:
        pass
    for name in declared:
        text = body.decode(name, "replace")
        if text.count("\ufffd") <= len(body) // 500:  # a stray byte is no evidence against a declaration
            return text
    return body.decode(_guess(body), "replace")


def _from_header(content_type: str | None) -> str | None:
    found = _HEADER.search((content_type or "")[:500])
    return _codec(found[1]) if found else None


def _from_document(body: bytes) -> str | None:
    found = _META.search(body[:_META_BYTES])
    return _codec(found[1].decode("ascii")) if found else None


def _codec(label: str) -> str | None:
    try:
        name = codecs.lookup(label).name
    except LookupError:
        return None
    if name in _NOT_TEXT or name.startswith(("utf-16", "utf-32")):  # a page that can be read this far is neither
        return None
    if not getattr(codecs.lookup(name), "_is_text_encoding", True):
        return None
    return _SUPERSETS.get(name, name)


def _guess(body: bytes) -> str:
    """From the bytes around the first that is not ASCII, where the language shows."""
    first = next((n for n, byte in enumerate(body) if byte > 127), 0)
    best = from_bytes(body[max(0, first - 500) : first + _GUESS_BYTES]).best()
    return _codec(best.encoding) or "cp1252" if best else "cp1252"
