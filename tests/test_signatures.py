"""Sketches of texts: what two texts share can be told without the texts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.articles import REPORT
from transforms.reading import content_hash, read
from transforms.signatures import Likeness, Signature, pack, sketch, unpack
from transforms.signatures import compare as compare_many
from transforms.signatures import sign as sign_reading

OTHER = (
    "Voters in the Tarn valley go to the polls on Sunday to decide whether two villages should merge. The councils of"
    " Upper Tarn and Lindal have debated the plan for 9 years. Supporters point to shared schools; opponents, led by"
    " farmer Joan Pike, fear that the smaller village would lose its post office and its say in the water board."
)


def sign(text: str, host: str = "", repeated: frozenset[int] = frozenset()) -> Signature:
    return sign_reading(read(text, host), repeated)


def compare(one: Signature, other: Signature) -> Likeness:
    return compare_many(one, sketch(other))


def test_the_exact_hash_reads_words_only() -> None:
    assert content_hash("“Ferry” closed – again!") == content_hash('"FERRY"  closed,\nagain')
    assert content_hash("Ferry closed again") != content_hash("Ferry closed")


def test_a_text_is_like_itself_and_unlike_another() -> None:
    same, apart = compare(sign(REPORT), sign(REPORT)), compare(sign(REPORT), sign(OTHER))
    assert (same.jaccard, same.containment, same.key_containment) == (1.0, 1.0, 1.0)
    assert apart.containment == 0.0 and (apart.key_containment < 0.2).all()


def test_a_shortened_copy_is_contained() -> None:
    lede = REPORT.split("\n", maxsplit=1)[0]
    assert compare(sign(lede), sign(REPORT)).containment > 0.95


def test_repeated_lines_are_left_out_but_remembered() -> None:
    furniture = "Follow our channel for more from the coast"
    bare, dressed = sign(REPORT, "a.example"), REPORT + "\n" + furniture
    repeated = frozenset(read(furniture, "a.example").line_hashes)
    cleaned = sign(dressed, "a.example", repeated)
    assert cleaned.shingles.tolist() == bare.shingles.tolist()
    assert set(cleaned.lines.tolist()) > set(bare.lines.tolist())
    assert read(furniture, "a.example").line_hashes != read(furniture, "b.example").line_hashes


@given(st.text(), st.text(max_size=5))
def test_every_text_has_a_signature_that_survives_packing(text: str, host: str) -> None:
    signature = sign(text, host)
    packed = pack(signature)
    again = unpack(packed)
    assert again is not None and pack(again) == packed
    assert compare(signature, again).jaccard in (0.0, 1.0)  # 0 for nothing


@given(st.binary(max_size=200))
def test_foreign_bytes_are_no_signature(packed: bytes) -> None:
    found = unpack(packed)
    assert found is None or pack(found) == packed


@pytest.mark.timeout(10)
@pytest.mark.parametrize("piece", ["word ", "a\u0301\u0316", "\u0301\u0316", "1,", "字", "A. ", "\n"])
def test_long_texts_cost_bounded_work(piece: str) -> None:
    assert sign(piece * 500_000).tokens <= 400_000
    assert sign("a" + piece * 500_000).tokens <= 400_000


def test_the_same_words_are_read_from_ascii_and_other_lines() -> None:
    ascii_line, other_line = read("Harbour, 14 piles/BOATS_x"), read("Harbour— 14 piles/BOATS_x")
    assert ascii_line.content_hash == other_line.content_hash


def test_captions_and_menus_are_not_signed() -> None:
    dressed = "Home | News | Sport\n" + REPORT + "\nPicture: harbour office\nMore on this"
    assert sign(dressed).shingles.tolist() == sign(REPORT).shingles.tolist()


def test_a_text_without_prose_is_signed_as_it_is() -> None:
    table = "\n".join(f"Tarn Rovers {n} Lindal {n + 1}" for n in range(12))
    assert sign(table).tokens == 12 * 5


def test_scripts_without_spaces_are_read_by_characters() -> None:
    report = (
        "港湾局は火曜日、古いフェリー桟橋を閉鎖すると決めた。技術者が六十本の杭のうち十四本に亀裂を見つけたためである。"
    )
    changed = report.replace("火曜日", "水曜日")
    assert sign(report).tokens > 25
    likeness = compare(sign(report), sign(changed))
    assert 0.5 < likeness.containment < 1.0
