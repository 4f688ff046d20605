"""Text from foreign markup as the dataset promises it: valid UTF-8, no NUL, no surrogates, no control characters."""

import html
import re
import unicodedata
from typing import Literal

MAX_MARKS = 30  # in a row, as in Unicode's stream-safe text format (UAX 15)
HEAP_CHARS = 400  # no text shorter than this holds a heap that costs anything

_CONTROL = re.compile(
    r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufeff\ufffe\uffff\u200b\u2060\u00ad]"
)
_TAG = re.compile(r"</?[A-Za-z][^<>]{0,500}>|<!--[^<>]{0,500}-->")
_ENTITY = re.compile(r"&(?:#\d{1,7}|#[xX][0-9A-Fa-f]{1,6}|[A-Za-z][A-Za-z0-9]{1,30});")
_ALPHANUMERIC = re.compile(r"[^\W_]+")
_SIGNS = re.compile(rf"[^\w\s]{{{MAX_MARKS + 1},}}")
_WORD = re.compile(r"\w+")
_UNSPACED = re.compile(r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff]")


def without_control(text: str) -> str:
    """`text` without characters that mean nothing in a document: controls, surrogates, zero-width and soft hyphens."""
    return text if text.isprintable() else _CONTROL.sub("", text)  # most are, and are told fast


def one_line(text: str | None, max_chars: int = 20_000) -> str:
    """`text` on one line: NFC, no control characters, single spaces, at most `max_chars` characters."""
    if not text:
        return ""
    line = " ".join(without_control(text[: 4 * max_chars]).split())
    return _normalized("NFC", line)[:max_chars].rstrip()


def from_markup(value: str | None, max_chars: int = 20_000) -> str:
    """`value` of a JSON or meta field, which may hold (twice) escaped markup, as one line of plain text."""
    if not value:
        return ""
    text = value[: 4 * max_chars]
    for _ in range(2):
        if _ENTITY.search(text):
            text = html.unescape(text)
    if "<" in text:
        text = _TAG.sub(" ", text)
    return one_line(text, max_chars)


def key(text: str) -> str:
    """What is left of `text` for a comparison: letters and digits in one case, single spaces between words."""
    return " ".join(_ALPHANUMERIC.findall(one_case(text)))


def one_case(text: str) -> str:
    """`text` with each letter in one form and case, as words are compared."""
    return text.lower() if text.isascii() else _normalized("NFKC", text).casefold()


def count_words(text: str) -> int:
    """Words of `text`; in scripts written without spaces each two characters count as one."""
    unspaced = len(_UNSPACED.findall(text))
    return len(_WORD.findall(_UNSPACED.sub(" ", text))) + (unspaced + 1) // 2


def _normalized(form: Literal["NFC", "NFKC"], text: str) -> str:
    """`text` in a Unicode normal form, without the rest of heaps of combining marks: no language has them, and to put
    one in order costs the square of its length."""
    if text.isascii():
        return text
    return unicodedata.normalize(form, _SIGNS.sub(_without_heaps, text) if len(text) > HEAP_CHARS else text)


def _without_heaps(signs: re.Match[str]) -> str:
    kept, marks = [], 0
    for sign in signs[0]:
        marks = marks + 1 if unicodedata.combining(sign) else 0
        if marks <= MAX_MARKS:
            kept.append(sign)
    return "".join(kept)
