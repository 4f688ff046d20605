"""The config: every mistake is told with file, key and what was expected."""

from datetime import date
from pathlib import Path

import pytest

from pipeline.config import load_config, parse_config
from pipeline.config_feeds import feed_id, read_feed_list
from pipeline.errors import ConfigError

FEED = {"url": "https://example.org/feed.xml"}


def write(folder: Path, text: str) -> Path:
    path = folder / "news.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_config_of_output_and_feeds_gets_every_default(tmp_path: Path) -> None:
    config = load_config(write(tmp_path, 'output = "out"\n[[feeds]]\nurl = "https://example.org/feed.xml"\n'))
    assert config.output == "out"
    assert config.settings.fetch.timeout_s == 30
    assert config.feeds[0].id == feed_id("https://example.org/feed.xml")


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ({"feeds": [FEED]}, "output: expected"),
        ({"output": "out", "fetch": {"timeout": 3}}, "fetch.timeout: unknown key; did you mean fetch.timeout_s?"),
        ({"output": "out", "fetch": {"timeout_s": "soon"}}, "fetch.timeout_s: "),
        ({"output": "out", "deduplicate": {"near": "maybe"}}, "deduplicate.near: "),
        ({"output": "out", "run": {"batch_entries": 0}}, "run.batch_entries: "),
        (
            {"output": "out", "feeds": [{"url": "ftp://example.org/"}]},
            "feeds[0].url: expected an http or https address",
        ),
        ({"output": "out", "feeds": [FEED | {"kindd": "feed"}]}, "feeds[0].kindd: unknown key"),
        ({"output": "out", "feeds": [FEED | {"kind": "page"}]}, "feeds[0].kind: "),
        ({"output": "out", "write": "zstd"}, "write: expected a table"),
        ({"output": "out", "tag": {"taggers": ["weather"]}}, "tag.taggers: expected some of places, names"),
        ({"output": "out", "tag": {"lexicons": ["nowhere"]}}, "tag.lexicons: expected a folder"),
        ({"output": "out", "tag": {"topic_model": "nowhere.npz"}}, "tag.topic_model: expected a file"),
        ({"output": "out", "clean": {"hosts": ["nowhere.toml"]}}, "clean.hosts: expected a file"),
        ({"output": "out", "tag": {"topic_model": __file__}}, f"tag.topic_model: {__file__}: "),
        ({"output": "out", "clean": {"hosts": [__file__]}}, f"clean.hosts: {__file__}: "),
        ({"output": "out", "feeds": 3}, "feeds: expected [[feeds]] tables, got 3"),
        ({"output": "out", "feeds": [FEED | {"country": "UK"}]}, "feeds[0].country: expected an ISO 3166-1 alpha-2"),
        ({"output": "out", "feeds": [FEED | {"language": "English (US)"}]}, "feeds[0].language: expected BCP 47"),
        ({"output": "out", "feeds": [FEED | {"publisher": " "}]}, "feeds[0].publisher: expected a text that is not"),
        ({"output": "out", "feeds": [FEED | {"id": ""}]}, "feeds[0].id: expected a text that is not"),
        ({"output": "out", "feeds": [FEED | {"interval_s": "60"}]}, "feeds[0].interval_s: expected a number, got '60'"),
        ({"output": "out", "feeds": [FEED | {"interval_s": -1}]}, "feeds[0].interval_s: "),
        ({"output": "out", "feeds": [FEED | {"interval_s": 1e300}]}, "feeds[0].interval_s: "),
        ({"output": "out", "feeds": [{"url": "http://a.example:b/"}]}, "feeds[0].url: expected an http or https"),
        ({"output": "out", "feeds": [{"url": "http://a.example/ b"}]}, "feeds[0].url: expected an http or https"),
        ({"output": "out", "fetch": {"allow_hosts": ["localhost"]}}, 'fetch.allow_hosts: expected "host:port"'),
        ({"output": "out", "fetch": {"allow_hosts": ["http://a:1"]}}, 'fetch.allow_hosts: expected "host:port"'),
        ({"output": "out", "fetch": {"allow_hosts": ["a:65536"]}}, 'fetch.allow_hosts: expected "host:port"'),
        ({"output": "out", "fetch": {"user_agent": "a\r\nb: c"}}, "fetch.user_agent: expected one line"),
        ({"output": "out", "tag": {"taggers": ["spacy:nowhere"]}}, "tag.taggers: expected a folder that holds a model"),
        ({"output": "out", "tag": {"taggers": ["spacy"]}}, "tag.taggers: expected some of places, names"),
    ],
)
def test_a_mistake_is_told_by_key_and_expectation(document: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError) as error:
        parse_config(document, "news.toml")
    assert str(error.value).startswith(f"news.toml: {message}")


@pytest.mark.parametrize(
    ("section", "key", "value", "expected"),
    [
        ("run", "workers", "2", "a whole number"),
        ("run", "workers", 2.0, "a whole number"),
        ("run", "workers", True, "a whole number"),
        ("fetch", "timeout_s", "30", "a number"),
        ("fetch", "timeout_s", True, "a number"),
        ("fetch", "respect_robots", "yes", "true or false"),
        ("fetch", "respect_robots", 1, "true or false"),
        ("fetch", "contact", date(2026, 3, 14), 'a text in "quotes"'),
        ("alarms", "rejected_share", "0.5", "a number"),
    ],
)
def test_a_value_of_another_type_is_an_error_and_never_read_into_the_expected_one(
    section: str, key: str, value: object, expected: str
) -> None:
    with pytest.raises(ConfigError) as error:
        parse_config({"output": "out", section: {key: value}}, "news.toml")
    assert str(error.value).startswith(f"news.toml: {section}.{key}: expected {expected}, got ")


@pytest.mark.parametrize("value", [float("inf"), 1e9])
def test_no_wait_is_longer_than_a_day(value: float) -> None:
    for key in ("timeout_s", "per_host_delay_s"):
        with pytest.raises(ConfigError, match=f"fetch.{key}: "):
            parse_config({"output": "out", "fetch": {key: value}}, "news.toml")


def test_a_model_of_the_users_own_is_a_tagger(tmp_path: Path) -> None:
    named = f"spacy:{tmp_path}"
    try:
        config = parse_config({"output": "out", "tag": {"taggers": ["places", named]}}, "news.toml")
        assert config.settings.tag.taggers == ("places", named)
    except ConfigError as error:  # the library is an extra
        assert "needs a library: pip install 'newsbeam[spacy]'" in str(error)


def test_a_country_is_written_in_capitals_whatever_the_config_says() -> None:
    assert parse_config({"output": "out", "feeds": [FEED | {"country": "gb"}]}, "news.toml").feeds[0].country == "GB"


def test_a_config_may_begin_with_a_byte_order_mark(tmp_path: Path) -> None:
    (tmp_path / "news.toml").write_text('output = "out"\n', encoding="utf-8-sig")
    assert load_config(tmp_path / "news.toml").output == "out"


def test_a_wrong_address_in_a_list_is_told_by_the_lists_name(tmp_path: Path) -> None:
    (tmp_path / "more.txt").write_text("www.a.example/feed\n")
    with pytest.raises(ConfigError, match=r"more\.txt: url: expected an http or https address"):
        load_config(write(tmp_path, 'output = "out"'), feed_files=[tmp_path / "more.txt"])


def test_a_file_that_is_not_there_or_not_toml_is_told_by_name(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"absent\.toml"):
        load_config(tmp_path / "absent.toml")
    with pytest.raises(ConfigError, match="not valid TOML"):
        load_config(write(tmp_path, "output = "))


def test_the_command_line_overrides_the_file(tmp_path: Path) -> None:
    path = write(tmp_path, 'output = "out"\n[fetch]\nretries = 1\n')
    config = load_config(
        path,
        output="other",
        assignments=["fetch.retries=0", 'deduplicate.near="off"', "write.compression=snappy"],
        workers=3,
    )
    assert (config.output, config.settings.fetch.retries, config.settings.run.workers) == ("other", 0, 3)
    assert (config.settings.deduplicate.near, config.settings.write.compression) == ("off", "snappy")


def test_an_assignment_without_a_value_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"expected section\.key=value"):
        load_config(write(tmp_path, 'output = "out"'), assignments=["fetch.retries"])


def test_feed_lists_are_lines_or_opml(tmp_path: Path) -> None:
    lines = tmp_path / "feeds.txt"
    lines.write_text("# world\nhttps://a.example/feed\n\nhttps://b.example/feed#part # a note\n", encoding="utf-8")
    assert read_feed_list(lines) == ["https://a.example/feed", "https://b.example/feed#part"]
    opml = tmp_path / "feeds.opml"
    opml.write_text(
        '<opml version="2.0"><body><outline text="World"><outline type="rss" xmlUrl="https://a.example/f?x=1&amp;y=2"/>'
        "</outline></body></opml>",
        encoding="utf-8",
    )
    assert read_feed_list(opml) == ["https://a.example/f?x=1&y=2"]
    opml.write_text("<html><body>no list of feeds</body></html>")
    with pytest.raises(ConfigError, match=r"feeds\.opml: no OPML"):
        read_feed_list(opml)


def test_a_feed_listed_twice_is_polled_once() -> None:
    assert len(parse_config({"output": "out", "feeds": [FEED, FEED]}, "news.toml").feeds) == 1


def test_a_password_in_an_address_is_refused_and_not_repeated(tmp_path: Path) -> None:
    file = tmp_path / "c.toml"
    file.write_text('output = "out"\n[[feeds]]\nurl = "https://mara:harbour99@news.example/feed"\n')
    with pytest.raises(ConfigError, match=r"without user name and password \(news\.example\)") as refused:
        load_config(file)
    assert "harbour99" not in str(refused.value)


def test_an_id_given_to_two_addresses_is_an_error() -> None:
    feeds = [{"url": "https://a.example/", "id": "a"}, {"url": "https://b.example/", "id": "a"}]
    with pytest.raises(ConfigError, match="given to two addresses"):
        parse_config({"output": "out", "feeds": feeds}, "news.toml")
