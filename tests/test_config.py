"""The config: every mistake is told with file, key and what was expected."""

from pathlib import Path

import pytest

from pipeline.config import feed_id, load_config, parse_config, read_feed_list
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
        ({"output": "out", "clean": {"hosts": ["nowhere.toml"]}}, "clean: "),
    ],
)
def test_a_mistake_is_told_by_key_and_expectation(document: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError) as error:
        parse_config(document, "news.toml")
    assert str(error.value).startswith(f"news.toml: {message}")


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
