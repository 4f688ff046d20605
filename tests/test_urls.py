"""Addresses: what is one article, what stays two, and whom a canonical link may speak for."""

import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import transforms.urls
from transforms.urls import absolute_url, article_id, canonical_url, registrable_domain, url_key

PLAIN = "https://www.harbour-post.example/2026/05/ferry-delayed"

SAME = [
    "http://harbour-post.example/2026/05/ferry-delayed/",
    "HTTPS://WWW.Harbour-Post.example:443/2026/05/ferry-delayed?",
    "https://m.harbour-post.example/2026/05/ferry-delayed?m=1",
    "https://www.harbour-post.example/2026/05/ferry-delayed?utm_source=x&utm_medium=y&fbclid=z",
    "https://www.harbour-post.example/2026/05/ferry-delayed?ref=rss",
    "https://www.harbour-post.example/2026/05/ferry-delayed?mod=rss_world",
    "https://www.harbour-post.example/2026/05/ferry-delayed#comments",
    "https://www.harbour-post.example/2026/05/ferry-delayed?utm_source=x&amp;utm_medium=y&amp;amp=1",
    "//www.harbour-post.example/2026/05/ferry-delayed",
    "https://www.bing.com/amp/s/www.harbour-post.example/2026/05/ferry-delayed",
    "https://www.harbour-post.example/2026/05/ferry-delayed#:~:text=delayed",
    "https://www.harbour-post.example/2026/x/../05/./ferry-delayed",
    "https://www.harbour-post.example/2026//05/ferry%2Ddelayed",
    "https://www.harbour-post.example/2026/05/ferry-delayed;jsessionid=4F?outputType=amp",
    "https://amp.harbour-post.example/2026/05/ferry-delayed",
    "https://www.harbour-post.example/amp/2026/05/ferry-delayed",
    "https://www.harbour-post.example/2026/05/ferry-delayed/amp/",
    "https://www.harbour-post.example/2026/05/ferry-delayed.amp",
    "https://www.harbour-post.example/2026/05/ferry-delayed/index.html",
    "https://harbour--post-example.cdn.ampproject.org/v/s/harbour-post.example/2026/05/ferry-delayed?amp_js_v=0.1",
    "https://www.google.com/amp/s/amp.harbour-post.example/2026/05/ferry-delayed",
    "https://www.google.com/url?sa=t&url=https%3A%2F%2Fwww.harbour-post.example%2F2026%2F05%2Fferry-delayed",
    "  https://user:word@www.harbour-post.example/2026/05/ferry-delayed\n",
]

DIFFERENT = [
    ("https://a.example/view?id=1", "https://a.example/view?id=2"),
    ("https://a.example/view?id=1&page=1", "https://a.example/view?id=1&page=2"),
    ("https://a.example/view?x=1&amp;id=1", "https://a.example/view?x=1&amp;id=2"),
    ("https://a.example/view?pk_id=1", "https://a.example/view?pk_id=2"),
    ("https://a.example/list?ref=rss", "https://a.example/list?ref=20260101-17"),
    ("https://de.a.example/1", "https://en.a.example/1"),
    ("https://a.example/Ab", "https://a.example/aB"),
    ("https://a.example/#!/1", "https://a.example/#!/2"),
    ("https://a.example/x?m=12", "https://a.example/x?m=13"),
    ("https://a.example:8600/1", "https://a.example:8601/1"),
    ("http://127.0.10.1:8600/1", "http://127.0.10.2:8600/1"),
    ("https://one.blogspot.com/1", "https://two.blogspot.com/1"),
    ("https://a.example/amp", "https://a.example/"),
    ("https://a.example/a%2Fb", "https://a.example/a/b"),
]


@pytest.mark.parametrize("variant", SAME)
def test_dressing_of_an_address_does_not_change_its_key(variant: str) -> None:
    assert url_key(variant) == url_key(PLAIN)


@pytest.mark.parametrize(("one", "other"), DIFFERENT)
def test_what_may_name_another_article_stays_apart(one: str, other: str) -> None:
    assert url_key(one) != url_key(other)


def test_every_rule_of_the_data_file_does_what_its_example_says() -> None:
    rules = tomllib.loads((Path(transforms.urls.__file__).parent / "lexicons" / "urls.toml").read_text("utf-8"))
    for rule in [*rules["parameter"], *rules["wrapper"], rules["host"], rules["path"]]:
        assert rule["reason"]
        assert url_key(rule["example"]) == "https://news.example/a/1", rule["example"]


def test_international_hosts_have_one_spelling() -> None:
    assert url_key("https://www.bücher.example/a") == url_key("https://xn--bcher-kva.example/a")
    assert registrable_domain("https://news.bücher.example/a") == "xn--bcher-kva.example"


def test_ids_are_32_hex_digits_and_stay_what_they_are() -> None:
    assert article_id(PLAIN) == article_id(SAME[0]) == "4dab1f2cd914d2c7d9dc0896d80fad99"


PIECES = (
    "https:// http: // / ? # & = % %2e %41 %zz ;jsessionid=1 amp .amp .. . index.html www. m. a.example utm_source ref"
    " rss id amp; cdn.ampproject.org /c/s/ ! @ google.com /amp/s/ /url url= : 80 [ ] ::1 + \\ é 。 \ud800 \0"
)
pieces = st.sampled_from([*PIECES.split(" "), " ", "\t"])
addresses = st.one_of(
    st.text(), st.lists(pieces, max_size=14).map("".join), st.lists(pieces, max_size=14).map("http://a.example/".join)
).flatmap(lambda text: st.sampled_from([text, "https://a.example/" + text, "https://" + text]))


@given(addresses)
def test_a_key_is_its_own_key(url: str) -> None:
    key = url_key(url)
    assert url_key(key) == key
    assert len(key) <= transforms.urls.MAX_URL_CHARACTERS


@given(addresses, addresses)
def test_no_string_makes_addresses_raise(base: str, link: str) -> None:
    assert article_id(base)
    assert isinstance(registrable_domain(base), str)
    assert isinstance(canonical_url(base, link), str)
    joined = absolute_url(base, link)
    assert joined is None or joined.lower().startswith("http")


@given(addresses)
def test_the_canonical_url_of_a_page_names_the_same_article_when_there_is_no_link(url: str) -> None:
    assert url_key(canonical_url(url, None)) == url_key(url)


def test_long_addresses_stay_apart_and_are_cut() -> None:
    long = "https://a.example/" + "x" * 1_000_000
    assert url_key(long) != url_key(long + "y")
    assert len(url_key(long)) < 100


@pytest.mark.parametrize(
    ("url", "domain"),
    [
        ("https://www.bbc.co.uk/news", "bbc.co.uk"),
        ("news.bbc.co.uk", "bbc.co.uk"),
        ("http://127.0.10.1:8600/a", "127.0.10.1"),
        ("http://[::1]:8600/a", "::1"),
        ("localhost:8600", "localhost"),
        ("co.uk", "co.uk"),
        ("https://a.b.unknown-ending/x", "b.unknown-ending"),
        ("https://someone.github.io/x", "someone.github.io"),
        ("http://", ""),
        ("", ""),
    ],
)
def test_registrable_domains_follow_the_public_suffix_list(url: str, domain: str) -> None:
    assert registrable_domain(url) == domain


@pytest.mark.parametrize(
    ("page", "link", "expected"),
    [
        ("https://a.example/1/amp", "https://a.example/1", "https://a.example/1"),
        ("https://amp.a.example/1", "//www.a.example/1?utm_source=x", "https://www.a.example/1"),
        ("https://a.example/1?utm_source=x", None, "https://a.example/1"),
        ("https://a.example/1", "https://b.example/1", "https://a.example/1"),
        ("https://www.google.com/amp/s/a.example/1", "https://a.example/1", "https://a.example/1"),
        ("https://a.example/1", "https://a.example/", "https://a.example/1"),
        ("https://a.example/", "https://www.a.example/", "https://www.a.example/"),
        ("https://a.example/story.asp?sid=55", "https://a.example/story.asp", "https://a.example/story.asp?sid=55"),
        ("https://a.example/story?session-x=55", "https://a.example/story", "https://a.example/story"),
        ("https://a.example/news/2026/05/ferry", "https://a.example/news", "https://a.example/news/2026/05/ferry"),
        ("https://a.example/1", "javascript:alert(1)", "https://a.example/1"),
        ("http://127.0.0.1:1/a", "http://127.0.0.1:2/b", "http://127.0.0.1:1/a"),
        ("http://127.0.0.1:1/a?x=1", "http://127.0.0.1:1/a", "http://127.0.0.1:1/a"),
    ],
)
def test_a_canonical_link_is_trusted_only_where_it_can_speak_for_the_article(
    page: str, link: str | None, expected: str
) -> None:
    assert canonical_url(page, link) == expected


def test_links_are_made_absolute_and_only_web_addresses_pass() -> None:
    assert absolute_url("https://a.example/x/", "../y?z=1") == "https://a.example/y?z=1"
    assert absolute_url("https://a.example/x/", "mailto:desk@a.example") is None
    assert absolute_url("https://a.example/x/", "http://[broken") is None
