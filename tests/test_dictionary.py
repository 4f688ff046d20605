"""The schema only grows: what an earlier release told its readers still holds."""

import copy
import json
from pathlib import Path

import pytest

from pipeline.dictionary import as_tables, compare

RELEASES = sorted((Path(__file__).parent / "golden").glob("schema-*.json"))


@pytest.mark.parametrize("release", RELEASES, ids=lambda path: path.stem)
def test_a_reader_of_an_earlier_release_reads_what_is_written_today(release: Path) -> None:
    _, broken = compare(json.loads(release.read_text()), as_tables())
    assert broken == []


def test_a_column_gone_or_retyped_breaks_and_a_new_one_does_not() -> None:
    old, new = as_tables(), copy.deepcopy(as_tables())
    columns = new["datasets"]["articles"]
    del columns[0]
    columns[0]["type"] = "string"
    columns.append({"name": "mood", "type": "string"})
    added, broken = compare(old, new)
    assert added == ["articles.mood: added"]
    assert broken == ["articles.article_id: gone", "articles.version: was int32, is string"]
