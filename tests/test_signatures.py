"""Sketches of texts: what two texts share can be told without the texts."""

from hypothesis import given
from hypothesis import strategies as st

from transforms.signatures import compare, content_hash, line_hashes, pack, sign, unpack

REPORT = (
    "The harbour board of Westmouth voted on Tuesday to close the old ferry pier after engineers found cracks in 14 of"
    " its 60 timber piles.\nChair Ingrid Solberg said the pier would stay shut until 3 November while Dalgleish"
    " Marine repairs the footing. Ferries to Skarholm will leave from the fish quay, and the last boat at 21.40 is"
    " cancelled.\nFishermen's spokesman Peter Aune called the decision late, saying the board had known of the damage"
    " since the storms of February."
)
OTHER = (
    "Voters in the Tarn valley go to the polls on Sunday to decide whether two villages should merge. The councils of"
    " Upper Tarn and Lindal have debated the plan for 9 years. Supporters point to shared schools; opponents, led by"
    " farmer Joan Pike, fear that the smaller village would lose its post office and its say in the water board."
)


def test_the_exact_hash_reads_words_only() -> None:
    assert content_hash("“Ferry” closed – again!") == content_hash('"FERRY"  closed,\nagain')
    assert content_hash("Ferry closed again") != content_hash("Ferry closed")


def test_a_text_is_like_itself_and_unlike_another() -> None:
    same, apart = compare(sign(REPORT), sign(REPORT)), compare(sign(REPORT), sign(OTHER))
    assert (same.jaccard, same.containment, same.key_containment) == (1.0, 1.0, 1.0)
    assert apart.containment == 0.0 and apart.key_containment < 0.2


def test_a_shortened_copy_is_contained() -> None:
    lede = REPORT.split("\n", maxsplit=1)[0]
    assert compare(sign(lede), sign(REPORT)).containment > 0.95


def test_repeated_lines_are_left_out_but_remembered() -> None:
    furniture = "Follow our channel for more from the coast"
    bare, dressed = sign(REPORT, "a.example"), REPORT + "\n" + furniture
    repeated = set(line_hashes(furniture, "a.example"))
    cleaned = sign(dressed, "a.example", repeated)
    assert cleaned.shingles.tolist() == bare.shingles.tolist()
    assert set(cleaned.lines.tolist()) > set(bare.lines.tolist())
    assert line_hashes(furniture, "a.example") != line_hashes(furniture, "b.example")


@given(st.text(), st.text(max_size=5))
def test_every_text_has_a_signature_that_survives_packing(text: str, host: str) -> None:
    signature = sign(text, host)
    packed = pack(signature)
    again = unpack(packed)
    assert again is not None and pack(again) == packed
    assert compare(signature, again).jaccard in (0.0, 1.0)


@given(st.binary(max_size=200))
def test_foreign_bytes_are_no_signature(packed: bytes) -> None:
    found = unpack(packed)
    assert found is None or pack(found) == packed


def test_long_texts_cost_bounded_work() -> None:
    assert sign("word " * 1_000_000).tokens < 100_000
