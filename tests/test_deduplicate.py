"""Deduplicate: one story counted once, whatever it is called, wherever it is printed, however the input is cut."""

import dataclasses
import itertools
import random
import tempfile
from pathlib import Path

import apache_beam as beam
import pytest
from apache_beam.runners.portability.fn_api_runner import FnApiRunner
from apache_beam.testing.test_pipeline import TestPipeline
from apache_beam.testing.util import assert_that, equal_to
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.archive import Archive
from tests.arrivals import article, day, made_up
from tests.articles import REPORT
from transforms.assignment import Outcome, assign, counters
from transforms.deduplicate import Deduplicate
from transforms.memory import Memory
from transforms.near_index import NearIndex
from transforms.recognition import Unchanged
from transforms.schema import Article, Reject
from transforms.settings import DeduplicateSettings
from transforms.urls import article_id

FORECAST = (
    "{place} will be dry in the morning and wet by night, the weather office of {place} said. The wind will come from"
    " the {wind} at {speed} kilometres an hour, with gusts of up to {gusts}. Temperatures will reach {high} degrees in"
    " the afternoon and fall to {low} at night. Drivers should expect standing water on roads near the river. The next"
    " forecast will be published at {hour} o'clock."
)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "news"


def outcomes(root: Path, articles: list[Article], near: str = "mark") -> list[Outcome]:
    index = NearIndex.open(root / "state" / "signatures")
    return list(assign(articles, Memory(root), index, DeduplicateSettings(near=near)))  # type: ignore[arg-type] # literals


def test_an_original_is_its_own_cluster(root: Path) -> None:
    (first,) = outcomes(root, [article("https://a.example/1", REPORT, 0)])
    assert isinstance(first, Article)
    assert (first.version, first.cluster_id, first.duplicate_of) == (1, first.article_id, None)
    assert len(first.content_hash) == 16 and first.signature


def test_copies_elsewhere_are_marked_with_the_cluster_s_first(root: Path) -> None:
    cut = REPORT.rpartition("\n")[0]
    first, exact, near = outcomes(
        root,
        [
            article("https://a.example/1", REPORT, 0),
            article("https://b.example/x", REPORT.upper(), 1),
            article("https://c.example/y", "Local readers will want to know.\n" + cut, 2),
        ],
    )
    assert isinstance(first, Article) and isinstance(exact, Article) and isinstance(near, Article)
    assert exact.cluster_id == near.cluster_id == exact.duplicate_of == near.duplicate_of == first.article_id
    assert (exact.duplicate_kind, exact.duplicate_score, near.duplicate_kind) == ("exact", 1.0, "near")


def test_reports_cast_in_one_mould_stay_apart(root: Path) -> None:
    one = FORECAST.format(place="Westmouth", wind="north", speed=30, gusts=72, high=5, low=-8, hour=9)
    two = FORECAST.format(place="Skarholm", wind="south", speed=11, gusts=24, high=17, low=6, hour=7)
    assert all(
        isinstance(outcome, Article) and outcome.duplicate_of is None
        for outcome in outcomes(root, [article("https://a.example/1", one, 0), article("https://b.example/2", two, 1)])
    )


def test_variants_of_an_address_with_the_same_text_add_no_row(root: Path) -> None:
    found = outcomes(
        root,
        [
            article("https://a.example/1", REPORT, 0),
            article("https://a.example/1?utm_source=feed", REPORT, 1),
            article("https://amp.a.example/1", REPORT + "\nShare this page", 2),
            article("https://m.a.example/1", REPORT.replace("\n", "\n\n"), 3),
        ],
    )
    assert [type(outcome) for outcome in found] == [Article, Unchanged, Unchanged, Unchanged]


def test_a_changed_text_is_a_new_version_that_keeps_cluster_and_first_sight(root: Path) -> None:
    first, copy, changed = outcomes(
        root,
        [
            article("https://a.example/1", REPORT, 0),
            article("https://b.example/2", REPORT, 1),
            article("https://b.example/2", REPORT.replace("14 of", "17 of"), 2),
        ],
    )
    assert isinstance(first, Article) and isinstance(copy, Article) and isinstance(changed, Article)
    assert (changed.version, changed.change_kind, changed.cluster_id) == (2, "substantive", first.article_id)
    assert changed.first_seen_at == copy.first_seen_at
    assert changed.changes is not None and [change.op for change in changed.changes] == ["delete", "insert"]


def test_near_drop_gives_copies_up_in_the_open(root: Path) -> None:
    _, exact, near = outcomes(
        root,
        [
            article("https://a.example/1", REPORT, 0),
            article("https://b.example/2", REPORT, 1),
            article("https://c.example/3", REPORT.replace("14 of", "17 of"), 2),
        ],
        near="drop",
    )
    assert isinstance(exact, Reject) and isinstance(near, Reject)
    assert (exact.stage, exact.reason, near.reason) == ("deduplicate", "exact-duplicate", "near-duplicate")
    assert counters(exact) == counters(near) == ["dropped"]


def test_near_off_marks_nothing_and_still_keeps_versions(root: Path) -> None:
    _, copy, changed = outcomes(
        root,
        [
            article("https://a.example/1", REPORT, 0),
            article("https://b.example/2", REPORT, 1),
            article("https://b.example/2", REPORT + " More follows.", 2),
        ],
        near="off",
    )
    assert isinstance(copy, Article) and copy.duplicate_of is None
    assert isinstance(changed, Article) and changed.version == 2


def test_a_link_that_its_feed_changed_is_the_same_article(root: Path) -> None:
    changed = REPORT.replace("14 of", "17 of")
    title = "Old ferry pier closed in Westmouth"
    first, by_guid, by_title, other_guid, other_host = outcomes(
        root,
        [
            article("https://a.example/1", REPORT, 0, title, guid="a-1"),
            article("https://a.example/ferry-pier", changed, 1, title, guid="a-1"),
            article("https://b.example/1", FORECAST, 2, title, guid="https://b.example/1"),
            article("https://a.example/2", REPORT, 3, title, guid="a-2"),
            article("https://b.example/ferry-pier", FORECAST, 4, title, guid="https://b.example/ferry-pier"),
        ],
    )
    assert isinstance(first, Article) and isinstance(by_guid, Article) and isinstance(by_title, Article)
    assert (by_guid.article_id, by_guid.version) == (first.article_id, 2)
    assert isinstance(other_guid, Article) and other_guid.duplicate_of == first.article_id
    assert other_host == Unchanged(by_title.article_id)


def test_a_digest_joins_none_of_its_stories(root: Path) -> None:
    stories = [made_up(seed) for seed in range(4)]
    digest = "\n".join(story[: len(story) // 3].rpartition(".")[0] + "." for story in stories)
    texts = [*stories, digest]
    found = outcomes(root, [article(f"https://s{n}.example/1", text, n) for n, text in enumerate(texts)])
    assert [isinstance(one, Article) and one.duplicate_of for one in found] == [None] * 5


FURNITURE = [
    "Sign up for our morning letter and never miss a tide of news from the whole of the northern coast.",
    "All rights reserved by the publisher, who answers for no loss that a reader may suffer from it.",
    "The tables of the ferry company are printed each Friday in the paper and can be had at the office.",
]


def test_a_wire_copy_is_found_behind_the_furniture_of_its_host(root: Path) -> None:
    def dressed(text: str) -> str:
        return "\n".join([*FURNITURE, text, *(line.upper() for line in FURNITURE)])

    story = made_up(1)
    half = story[: len(story) // 2]
    found = outcomes(
        root,
        [
            article("https://wire.example/1", story, 0),
            article("https://a.example/other", dressed(made_up(2)), 1),
            article("https://a.example/copy", dressed(half), 2),
        ],
    )
    assert isinstance(found[0], Article) and isinstance(found[2], Article)
    assert found[2].duplicate_of == found[0].article_id
    assert found[2].duplicate_score is not None and found[2].duplicate_score > 0.9


OTHER_SCRIPTS = {
    "Arabic": (
        "قرر مجلس الميناء يوم الثلاثاء إغلاق رصيف العبارات القديم بعد أن وجد المهندسون شقوقا في أرب"
        "عة عشر عمودا من أعمدته الستين. وقالت رئيسة المجلس إن الرصيف سيبقى مغلقا حتى نوفمبر على الأ"
        "قل ريثما يتم إصلاح الأساسات. وستغادر العبارات من رصيف الصيد وألغيت الرحلة الأخيرة في المسا"
        "ء. ووصف متحدث باسم الصيادين القرار بأنه متأخر قائلا إن المجلس كان يعلم بالأضرار منذ عواصف "
        "الشتاء."
    ),
    "Chinese": (
        "港务局星期二决定关闭旧渡轮码头，因为工程师在六十根木桩中发现十四根有裂缝。港务局主席说，"
        "在修复基础之前，码头将至少关闭到十一月。前往北岛的渡轮将改从渔港出发，晚上最后一班船取消"
        "。渔民代表批评这一决定来得太晚，他说港务局自冬季风暴以来就知道损坏情况。市政府将于下周就"
        "拨款进行表决。"
    ),
    "Japanese": (
        "港湾局は火曜日、古いフェリー桟橋を閉鎖すると決めた。技術者が六十本の杭のうち十四本に亀裂"
        "を見つけたためである。局長は、基礎の修理が終わる十一月までは閉鎖を続けると述べた。北の島"
        "へ向かう船は漁港から出航し、夜の最終便は取りやめとなる。漁業者の代表は決定が遅すぎると批"
        "判し、局は冬の嵐のころから損傷を知っていたと話した。"
    ),
    "Thai": (
        "คณะกรรมการท่าเรือมีมติเมื่อวันอังคารให้ปิดท่าเรือข้ามฟากเก่าหลังจากวิศวกรพบรอยร้"
        "าวในเสาไม้สิบสี่ต้นจากทั้งหมดหกสิบต้น ประธานกล่าวว่าท่าเรือจะปิดอย่างน้อยจนถึงเด"
        "ือนพฤศจิกายนระหว่างซ่อมแซมฐานราก เรือจะออกจากท่าเรือประมงแทน และเที่ยวสุดท้ายตอน"
        "กลางคืนถูกยกเลิก ตัวแทนชาวประมงกล่าวว่าการตัดสินใจล่าช้าเกินไป"
    ),
}


@pytest.mark.parametrize("script", OTHER_SCRIPTS)
def test_scripts_without_capitals_or_spaces_are_told_apart_and_together(root: Path, script: str) -> None:
    text = OTHER_SCRIPTS[script]
    cut = text[: len(text) * 2 // 3]
    others = [other for name, other in OTHER_SCRIPTS.items() if name != script]
    first, *rest = outcomes(
        root,
        [article(f"https://s{n}.example/1", each, n, title=f"{n}") for n, each in enumerate([text, cut, *others])],
    )
    assert isinstance(first, Article)
    copies = [isinstance(one, Article) and one.duplicate_of == first.article_id for one in rest]
    assert copies == [True, False, False, False]


SAME_SCRIPT = {
    "Arabic": (
        "فاز فريق المدينة بكأس الدوري مساء السبت بعد مباراة امتدت إلى ركلات الترجيح أمام عشرين ألف متفرج. وسجل المهاجم"
        " الشاب هدف التعادل في الدقيقة الأخيرة قبل أن يتصدى الحارس لركلتين. وقال المدرب إن اللاعبين استحقوا اللقب بعد"
        " موسم طويل وشاق، وإن الاحتفال سيقام في ساحة البلدية يوم الأحد."
    ),
    "Chinese": (
        "星期六晚上，市队在两万名观众面前通过点球大战夺得联赛杯冠军。年轻前锋在最后一分钟攻入扳平的一球，"
        "守门员随后扑出两个点球。主教练说，球员们经过漫长而艰苦的赛季，理应得到这个奖杯。庆祝活动将于星期日在市政广场举行，"
        "预计会有数千名球迷参加。"
    ),
    "Japanese": (
        "土曜日の夜、市のチームは二万人の観客の前でＰＫ戦の末にリーグ杯を制した。若い選手が終了間際に同点のゴールを決め、"
        "キーパーが二本のＰＫを止めた。監督は、長く厳しいシーズンを戦った選手たちはこの優勝にふさわしいと語った。"
        "祝賀会は日曜日に市役所前の広場で開かれる。"
    ),
    "Thai": (
        "ทีมของเมืองคว้าแชมป์ลีกคัพเมื่อคืนวันเสาร์หลังชนะการดวลจุดโทษต่อหน้าผู้ชมสองหมื่นคน กองหน้าหนุ่มยิงประตูตีเสมอในนาทีสุดท้าย"
        " ก่อนที่ผู้รักษาประตูจะเซฟได้สองครั้ง ผู้ฝึกสอนกล่าวว่านักเตะสมควรได้ถ้วยนี้หลังจากฤดูกาลที่ยาวนานและหนักหน่วง"
        " งานฉลองจะจัดขึ้นที่ลานหน้าศาลากลางในวันอาทิตย์"
    ),
}


@pytest.mark.parametrize("script", OTHER_SCRIPTS)
def test_copies_in_scripts_without_capitals_are_told_from_other_stories(root: Path, script: str) -> None:
    text, other = OTHER_SCRIPTS[script], SAME_SCRIPT[script]
    first, unlike, changed, dressed = outcomes(
        root,
        [
            article("https://a.example/1", text, 0, title="1"),
            article("https://b.example/2", other, 1, title="2"),
            article("https://c.example/3", text[: len(text) * 5 // 6] + other[-20:], 2, title="3"),
            article("https://d.example/4", f"{other[:12]}\n{other}\n{other[-12:]}", 3, title="4"),
        ],
    )
    assert isinstance(first, Article) and isinstance(unlike, Article)
    assert isinstance(changed, Article) and isinstance(dressed, Article)
    assert unlike.duplicate_of is None
    assert (changed.duplicate_of, dressed.duplicate_of) == (first.article_id, unlike.article_id)


def test_a_failure_of_the_program_costs_one_article(root: Path) -> None:
    broken = dataclasses.replace(article("https://a.example/1", REPORT, 0), text=None)  # type: ignore[arg-type] # the fault
    found = outcomes(root, [broken, article("https://b.example/1", REPORT, 1)])
    assert isinstance(found[0], Reject) and found[0].reason == "internal-error"
    assert isinstance(found[1], Article)


def in_batches(folder: Path, articles: list[Article], cuts: list[int], near: str) -> list[Outcome]:
    """The outcomes when runs are cut at `cuts` and each finds the index its forerunners left."""
    archive, found = Archive(folder), []
    for begin, end in itertools.pairwise([0, *sorted(cuts), len(articles)]):
        of_batch = list(assign(articles[begin:end], archive, archive.index(), DeduplicateSettings(near=near)))  # type: ignore[arg-type] # literals
        archive.store(of_batch)
        found += of_batch
    return found


edits = st.sampled_from(["", "cut", "furniture", "upper", "number", "amp"])
arrivals = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 2), st.integers(0, 1), edits), min_size=1, max_size=14)


@settings(max_examples=20, deadline=None)
@given(arrivals, st.data())
def test_batches_may_be_cut_anywhere(arrived: list[tuple[int, int, int, str]], data: st.DataObject) -> None:
    articles = []
    for arrival, (story, host, page, edit) in enumerate(arrived):
        text = made_up(story)
        text = {
            "cut": text[:900],
            "furniture": f"{FURNITURE[host]}\n{text}\n{FURNITURE[0]}",
            "upper": text.upper(),
            "number": text.replace("1", "7"),
            "amp": text + "\nShare this",
        }.get(edit, text)
        name = "amp.h" if edit == "amp" else "h"
        articles.append(article(f"https://{name}{host}.example/{story}/{page}", text, arrival, f"Story {story}"))
    cuts = data.draw(st.lists(st.integers(0, len(articles)), max_size=4))
    near = data.draw(st.sampled_from(["mark", "drop", "off"]))
    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as other:
        assert in_batches(Path(one), articles, [], near) == in_batches(Path(other), articles, cuts, near)


@settings(max_examples=5, deadline=None)
@given(st.integers(0, 1_000), st.lists(st.integers(0, 60), max_size=3), st.sampled_from(["mark", "drop", "off"]))
def test_a_day_of_news_may_be_cut_anywhere(seed: int, cuts: list[int], near: str) -> None:
    articles = day(seed, 60)
    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as other:
        assert in_batches(Path(one), articles, [], near) == in_batches(Path(other), articles, cuts, near)


def test_the_transform_reads_articles_in_order_of_arrival(root: Path) -> None:
    articles = [article(f"https://{name}.example/1", REPORT, arrival) for arrival, name in enumerate("abcdefgh")]
    articles.append(article("https://a.example/1?utm_source=x", REPORT, 9))
    random.Random(2).shuffle(articles)
    with TestPipeline(runner=FnApiRunner()) as pipeline:
        found = pipeline | beam.Create(articles) | Deduplicate(root=str(root))
        first = article_id("https://a.example/1")
        assert_that(
            found.articles | beam.Map(lambda row: (row.publisher_domain, row.cluster_id, row.duplicate_kind)),
            equal_to([(f"{name}.example", first, None if name == "a" else "exact") for name in "abcdefgh"]),
        )
        assert_that(found.rejects, equal_to([]), label="NoRejects")
    counted = {
        counter.key.metric.name: counter.committed
        for counter in pipeline.result.metrics().query()["counters"]
        if not counter.key.metric.name.endswith("usec")
    }
    assert counted == {"unchanged": 1, "duplicates-exact": 7}
