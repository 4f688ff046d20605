"""Addresses: which article one names, whose it is, and what a page's canonical link may be trusted with.

`url_key` is a name for an article, never an address to fetch: scheme, tracking parameters, AMP and mobile dressing and
spelling are taken off by the rules of `lexicons/urls.toml`, each of which has its reason and example there. The rules
are a deny-list: a parameter nobody listed stays, since two articles made one lose news while one made two
only counts it twice. `url_key(url_key(u)) == url_key(u)` for any string.

Nothing here raises or takes more than time linear in the length of what it is given, and nothing opens a connection:
registrable domains come from the public suffix list that the tld package carries.
"""

import re
from collections.abc import Iterable
from functools import lru_cache
from urllib.parse import SplitResult, quote, unquote, urljoin, urlsplit, urlunsplit

import xxhash

from transforms.hosts import ascii_host, is_ip, suffix_labels
from transforms.url_rules import Wrapper, url_rules

MAX_URL_CHARACTERS = 4096
MAX_HOST_CHARACTERS = 253

_SCHEME = re.compile(r"https?://", re.IGNORECASE)
_ESCAPE = re.compile(r"%([0-9a-fA-F]{2})")
_STRAY_PERCENT = re.compile(r"%(?![0-9a-fA-F]{2})")
_CONTROL = re.compile(r"[\x00-\x20\x7f]")
# Characters that mean the same in a path or query, escaped or not: RFC 3986's unreserved ones, and those delimiters
# that delimit nothing there.
_PLAIN = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~!$'()*,:@")
_ASCII = "".join(chr(code) for code in range(0x21, 0x7F) if chr(code) not in '"<>`{}|\\^')
_DEFAULT_PORTS = {"http": 80, "https": 443}


def url_key(url: str) -> str:
    """What the address names: equal keys are the same article. Any string is taken; what is no
    web address is its own key."""
    url = url.strip()
    if url.startswith("//"):
        url = f"https:{url}"
    parts = _parts(url)
    if parts is None:
        return _bounded(url)
    inner = _unwrapped(parts)
    if inner is not None:  # always shorter than what it was in
        return url_key(inner)
    key = _key(parts)
    plain = _parts(key)
    if plain is not None and _unwrapped(plain) is not None:  # a viewer's address that hid behind its spelling
        return url_key(key)
    return _bounded(key)


def article_id(url: str) -> str:
    """32 hex digits: a 128-bit hash of the URL key, the same in every run."""
    return xxhash.xxh3_128_hexdigest(url_key(url).encode("utf-8", "surrogatepass"))


@lru_cache(maxsize=65_536)
def registrable_domain(url_or_host: str) -> str:
    """The domain somebody registered: "bbc.co.uk" of "https://www.bbc.co.uk/news". IP addresses and single labels are
    themselves, without port; platforms on the private part of the public suffix list count as suffixes. "" when there
    is no host."""
    host = _host_of(url_or_host)
    if "." not in host or is_ip(host):
        return host
    suffix = suffix_labels(host)
    labels = host.split(".")
    return ".".join(labels[-(suffix + 1) :])


def canonical_url(page_url: str, rel_canonical: str | None) -> str:
    """The address to keep for a page: its rel=canonical where that can be trusted, else its own without tracking marks.

    A canonical link is trusted on the page's own registrable domain only, and not when it names the home page, a folder
    two or more levels above the page, or the page's path without the parameter that tells its articles apart.
    """
    own = _without_marks(page_url.strip())
    if not rel_canonical:
        return own
    link = absolute_url(page_url, rel_canonical)
    if link is None or not _trusted(page_url, link):
        return own
    return _without_marks(link)


def absolute_url(base: str, link: str) -> str | None:
    """`link` as found on a page or in a feed at `base`, made absolute; None when it is no http or https address."""
    link = _CONTROL.sub("", link.strip()) if len(link) <= MAX_URL_CHARACTERS else ""
    if not link or len(base) > MAX_URL_CHARACTERS:
        return None
    try:
        joined = urljoin(base, link)
    except ValueError:
        return None
    return joined if _parts(joined) is not None else None


# --------------------------------------------------------------------------- taking an address apart


def _parts(url: str) -> SplitResult | None:
    """The parts of a web address, None for anything else."""
    if len(url) > MAX_URL_CHARACTERS:
        return None
    url = _CONTROL.sub(lambda found: "%20" if found[0] == " " else "", url)
    if not _SCHEME.match(url):
        return None
    head, mark, tail = url.partition("?")
    url = head.replace("\\", "/") + mark + tail  # as browsers read it
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return None
    return parts if parts.hostname and len(parts.hostname) <= MAX_HOST_CHARACTERS else None


def _bounded(key: str) -> str:
    """Keys have a limit too: the tail of a longer one is replaced by its hash."""
    if len(key) <= MAX_URL_CHARACTERS:
        return key
    digest = xxhash.xxh3_128_hexdigest(key.encode("utf-8", "surrogatepass"))
    return f"long:{digest}"


def _host_of(url_or_host: str) -> str:
    url = url_or_host.strip()
    parts = _parts(url if _SCHEME.match(url) else f"http://{url}")
    return _host(parts) if parts is not None else ""


def _host(parts: SplitResult) -> str:
    return ascii_host(parts.hostname or "")


# --------------------------------------------------------------------------- the key


def _key(parts: SplitResult) -> str:
    host = _undressed_host(_host(parts))
    port = parts.port
    if port is not None and port != _DEFAULT_PORTS[parts.scheme.lower()]:
        host = f"{host}:{port}"
    path, query, fragment = _path(parts.path), _query(parts.query), _fragment(parts.fragment)
    return f"https://{host}{path}{'?' if query else ''}{query}{'#' if fragment else ''}{fragment}"


def _undressed_host(host: str) -> str:
    """Without the labels that serve the same articles to another device. Never cuts into the registrable domain."""
    if ":" in host:
        return f"[{host}]"
    labels = host.split(".")
    if not url_rules().host_labels.intersection(labels[:-1]):
        return host
    own = registrable_domain(host).count(".") + 1
    kept = [label for label in labels[:-own] if label not in url_rules().host_labels]
    return ".".join([*kept, *labels[-own:]])


def _path(path: str) -> str:
    """Dot segments resolved, escapes in one spelling, without AMP marks, folder indexes, sessions and final slash."""
    rules = url_rules()
    if ";" in path:
        path = rules.session.sub("", path)
    kept: list[str] = []
    for segment in _plain(path).split("/"):
        if segment == "..":
            if kept:
                kept.pop()
        elif segment not in ("", "."):
            kept.append(segment)
    without = [segment for segment in kept if segment not in rules.segments]
    segments = without or kept
    while segments:
        last = segments[-1] = _without_suffix(segments[-1], rules.suffixes)
        if last not in rules.index and (last not in rules.segments or len(segments) == 1):
            break
        segments.pop()
    return "/" + "/".join(segments) if segments else ""


def _without_suffix(segment: str, suffixes: Iterable[str]) -> str:
    shorter = True
    while shorter:
        shorter = False
        for suffix in suffixes:
            if segment.endswith(suffix) and len(segment) > len(suffix):
                _, _, rest = suffix[1:].partition(".")
                segment = segment.removesuffix(suffix) + (f".{rest}" if rest else "")
                shorter = True
    return segment


def _query(query: str) -> str:
    """Sorted, without what the rules drop and without empty values' equals signs."""
    drops = url_rules().parameters.drops
    kept = set()
    for pair in _plain(query.replace("+", "%20")).split("&"):
        name, _, value = _unescaped(pair).partition("=")
        if name and not drops(name.lower(), value.lower()):
            kept.add(f"{name}={value}" if value else name)
    return "&".join(sorted(kept))


def _unescaped(pair: str) -> str:
    """Without the rest of an ampersand that was written for HTML: ?id=1&amp;page=2."""
    while pair.lower().startswith("amp;"):
        pair = pair[4:]
    return pair


def _fragment(fragment: str) -> str:
    """Only fragments that are an address themselves (#!/article/1, #/article/1) tell articles apart."""
    if not fragment.startswith(("!", "/")) or len(fragment) < 3:
        return ""
    path, _, query = _plain(fragment).partition("?")
    query = _query(query)
    return f"{path}?{query}" if query else path


def _plain(text: str) -> str:
    """One spelling of escapes: none where the character means the same without, upper case where it does not."""
    if "%" in text:
        text = _ESCAPE.sub(_unescape, _STRAY_PERCENT.sub("%25", text))
    return quote(text, safe=_ASCII, errors="surrogatepass")


def _unescape(found: re.Match[str]) -> str:
    character = chr(int(found[1], 16))
    return character if character in _PLAIN else found[0].upper()


def _unwrapped(parts: SplitResult) -> str | None:
    """The address inside a known viewer or redirect, None when there is none."""
    host = _host(parts)
    for wrapper in url_rules().wrappers:
        if host != wrapper.host and not host.endswith("." + wrapper.host):
            continue
        if wrapper.parameters:
            return _inner_parameter(parts, wrapper) if parts.path in wrapper.paths else None
        for prefix in wrapper.paths:
            if parts.path.startswith(prefix):
                inner = parts.path.removeprefix(prefix)
                scheme = "https" if prefix.endswith("/s/") else "http"
                url = f"{scheme}://{inner}" + (f"?{parts.query}" if parts.query else "")
                return url if "." in inner.partition("/")[0] and _parts(url) else None
    return None


def _inner_parameter(parts: SplitResult, wrapper: Wrapper) -> str | None:
    given = dict(pair.partition("=")[::2] for pair in parts.query.split("&"))
    for name in wrapper.parameters:
        url = unquote(given.get(name, ""), errors="replace")
        if _parts(url) is not None:
            return url
    return None


# --------------------------------------------------------------------------- canonical links


def _site(url: str) -> str:
    """Who may speak for the page: its registrable domain; host and port where there is none (tests, intranets)."""
    parts = _parts(url)
    if parts is None:
        return ""
    domain = registrable_domain(url)
    return f"{domain}:{parts.port}" if "." not in domain or is_ip(domain) else domain


def _trusted(page_url: str, link: str) -> bool:
    page_key, link_key = url_key(page_url), url_key(link)
    if _site(page_key) != _site(link_key):
        return False
    page, target = urlsplit(page_key), urlsplit(link_key)
    if not (target.path or target.query or target.fragment):  # the home page
        return not (page.path or page.query or page.fragment)
    above = page.path.split("/"), target.path.split("/")
    if len(above[0]) - len(above[1]) >= 2 and above[0][: len(above[1])] == above[1] and not target.query:
        return False
    return page.path != target.path or not (_identities(page.query) - _identities(target.query))


def _identities(query: str) -> set[str]:
    names = {pair.partition("=")[0].lower() for pair in query.split("&")}
    return names & url_rules().identities


def _without_marks(url: str) -> str:
    """The address as it can be fetched, without the parameters and the fragment that name nothing."""
    parts = _parts(url)
    if parts is None:
        return url
    drops = url_rules().parameters.drops
    pairs = [pair for pair in parts.query.split("&") if pair and not drops(*_folded(pair))]
    return urlunsplit((parts.scheme, parts.netloc, parts.path, "&".join(pairs), _fragment(parts.fragment)))


def _folded(pair: str) -> tuple[str, str]:
    name, _, value = _unescaped(pair).partition("=")
    return unquote(name, errors="replace").lower(), unquote(value, errors="replace").lower()
