"""The addresses of requests: checked, without fragment, and as their publisher wrote them."""

import re
from functools import lru_cache
from ipaddress import IPv4Address
from urllib.parse import urljoin, urlsplit, urlunsplit

import xxhash
from yarl import URL

from transforms.reject import Rejected

MAX_URL_CHARS = 8_000
_PLAIN_URL = re.compile(r"[!-~]+")
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
_HOST = re.compile(r"[a-z0-9._-]+|[0-9a-f:.]*:[0-9a-f:.]*")  # a name, or an IPv6 address


@lru_cache(maxsize=1_024)
def host_of(url: str, *, default_port: bool = False) -> str | None:
    """`host` or `host:port` of an address, the port only where it is not the scheme's own; None without a host."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        return None
    if not host:
        return None
    if ":" in host:
        host = f"[{host}]"
    own = {"http": 80, "https": 443}.get(parts.scheme)
    if default_port:
        return f"{host}:{port or own}"
    return host if port in (None, own) else f"{host}:{port}"


def host_shard(url: str, shards: int) -> int:
    """The number, below `shards`, of the group of hosts that an address belongs to."""
    return xxhash.xxh32_intdigest((host_of(url) or "").encode("utf-8", "replace")) % shards


def checked_url(url: str) -> str:
    """`url` without its fragment; raises `Rejected("bad-url")` unless it is an http(s) address one can connect to."""
    url = url.strip()
    if len(url) > MAX_URL_CHARS:
        raise Rejected("bad-url", f"{len(url)} characters")
    try:
        parts = urlsplit(url)
        if parts.scheme.lower() not in ("http", "https"):
            raise Rejected("bad-url", f"scheme {parts.scheme[:20]!r}")
        if not parts.hostname or parts.username is not None or parts.port == 0:
            raise Rejected("bad-url", "no host, port 0, or credentials in the address")
        plain = urlunsplit((parts.scheme.lower(), parts.netloc.lower(), parts.path or "/", parts.query, ""))
        if not _PLAIN_URL.fullmatch(plain):
            plain = str(URL(plain))
        host = urlsplit(plain).hostname or ""
        if not (_PLAIN_URL.fullmatch(plain) and _HOST.fullmatch(host)):
            raise Rejected("bad-url", "characters that no host name has")
        if _NUMBER.fullmatch(host.rstrip(".").rpartition(".")[2]):
            IPv4Address(host.rstrip("."))  # other spellings of it would each pass for a host of its own
        exact_url(plain)
    except (
        ValueError
    ) as error:  # no number as port, a host name no resolver takes, an address of other than four numbers
        raise Rejected("bad-url", str(error)[:200]) from None
    return plain


def redirect_target(url: str, location: str) -> str:
    """Where a Location header leads from `url`; raises `Rejected`: "bad-url", "tls-downgrade"."""
    try:
        target = urljoin(url, location.strip())
    except ValueError:
        raise Rejected("bad-url", "a redirect to an address that cannot be read") from None
    target = checked_url(target)
    if url.startswith("https:") and not target.startswith("https:"):
        raise Rejected("tls-downgrade", f"to {host_of(target)}")
    return target


def exact_url(url: str) -> URL:
    """The address as it was written: servers may tell %7E from ~."""
    return URL(url, encoded=True)
