"""Host names: one spelling, and how much of one somebody registered. Nothing here opens a connection: the public suffix
list is the one that the tld package carries."""

import unicodedata
from functools import lru_cache
from ipaddress import ip_address
from urllib.parse import quote

from tld import get_tld


@lru_cache(maxsize=65_536)
def ascii_host(host: str) -> str:
    """Lower case, no final dot, each label outside ASCII as punycode."""
    host = "".join(unicodedata.normalize("NFKC", host.lower()).lower().split())  # some letters unfold into spaces
    return ".".join(_ascii_label(label) for label in host.replace("\u3002", ".").split(".") if label)


def _ascii_label(label: str) -> str:
    if label.isascii():
        return label
    try:
        return "xn--" + label.encode("punycode").decode("ascii")
    except UnicodeError:
        return quote(label, safe="", errors="replace").lower()


def is_ip(host: str) -> bool:
    try:
        ip_address(host.strip("[]"))
    except ValueError:
        return False
    return True


def _readable_label(label: str) -> str:
    """The suffix list spells international labels out."""
    if not label.startswith("xn--"):
        return label
    try:
        return label[4:].encode("ascii").decode("punycode")
    except UnicodeError:
        return label


def suffix_labels(host: str) -> int:
    """How many labels of `host` are public suffix; one where the list knows none."""
    labels = host.split(".")
    readable = ".".join(_readable_label(label) for label in labels)
    try:
        found = get_tld(f"http://{readable}", fail_silently=True, search_private=True)
    except Exception:  # the list's reader raises whatever urlsplit and its tree raise
        found = None
    count = len(found.split(".")) if isinstance(found, str) and found else 1
    return min(count, len(labels) - 1)
