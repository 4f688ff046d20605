"""Names by models of the user's own. Real libraries with models made here; a library not installed skips its test."""

from pathlib import Path

import pytest

from transforms.model_taggers import PIECE_CHARACTERS, ModelTagger, _pieces
from transforms.settings import TagSettings
from transforms.taggers import Document, Tags, load_taggers

TEXT = "Ada Obiora met Henrik Aalto of Northvale Robotics in Oslo.\nAda Obiora left early."


@pytest.fixture
def spacy_model(tmp_path: Path) -> Path:
    spacy = pytest.importorskip("spacy", reason="spaCy is not installed: newsbeam[spacy]")
    pipeline = spacy.blank("en")
    ruler = pipeline.add_pipe("entity_ruler")
    ruler.add_patterns(
        [
            {"label": "PERSON", "pattern": "Ada Obiora"},
            {"label": "PERSON", "pattern": "Henrik Aalto"},
            {"label": "ORG", "pattern": "Northvale Robotics"},
            {"label": "GPE", "pattern": "Oslo"},
        ]
    )
    pipeline.to_disk(tmp_path / "model")
    return tmp_path / "model"


def test_a_spacy_pipeline_names_people_and_organisations(spacy_model: Path) -> None:
    taggers = load_taggers(TagSettings(taggers=(f"spacy:{spacy_model}", "quotes")))
    tags = taggers.tag(Document(title="Northvale Robotics grows", text=TEXT, language="en"))
    assert [(name.name, name.mentions) for name in tags.people] == [("Ada Obiora", 2), ("Henrik Aalto", 1)]
    assert [(name.name, name.mentions) for name in tags.organizations] == [("Northvale Robotics", 2)]
    evidence = taggers.explain(Document(title="", text=TEXT, language="en"))
    assert all(TEXT[found.start :].startswith(found.surface) for found in evidence)


def test_a_transformers_model_is_asked_piece_by_piece(tmp_path: Path) -> None:
    transformers = pytest.importorskip("transformers", reason="transformers is not installed: newsbeam[transformers]")
    pytest.importorskip("torch", reason="torch is not installed: newsbeam[transformers]")
    folder = tmp_path / "model"
    folder.mkdir()
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "ada", "obiora", "left"]
    (folder / "vocab.txt").write_text("\n".join(words), "utf-8")
    transformers.BertTokenizerFast(vocab_file=str(folder / "vocab.txt")).save_pretrained(folder)
    config = transformers.BertConfig(
        vocab_size=len(words),
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=16,
        id2label={0: "B-PER", 1: "B-ORG"},
        label2id={"B-PER": 0, "B-ORG": 1},
    )
    transformers.BertForTokenClassification(config).save_pretrained(folder)
    tags = ModelTagger("transformers", folder).tag(Document(title="", text=TEXT, language="en"), Tags())
    found = {name.name for name in (*tags.people, *tags.organizations)}
    assert found  # weights are random: which words are names is not the point
    assert all(name in TEXT for name in found)
    assert all(0 <= name.score <= 1 for name in (*tags.people, *tags.organizations))


def test_a_gliner_model_is_told_what_to_look_for(tmp_path: Path) -> None:
    gliner = pytest.importorskip("gliner", reason="GLiNER is not installed: newsbeam[gliner]")
    transformers = pytest.importorskip("transformers", reason="transformers is not installed: newsbeam[gliner]")
    torch = pytest.importorskip("torch", reason="torch is not installed: newsbeam[gliner]")
    encoder, folder = tmp_path / "encoder", tmp_path / "model"
    encoder.mkdir()
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "ada", "obiora", "left"]
    (encoder / "vocab.txt").write_text("\n".join(words), "utf-8")
    transformers.BertTokenizerFast(vocab_file=str(encoder / "vocab.txt")).save_pretrained(encoder)
    sizes = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16}
    transformers.BertModel(transformers.BertConfig(vocab_size=len(words), **sizes)).save_pretrained(encoder)
    config = gliner.GLiNERConfig(
        model_name=str(encoder), hidden_size=16, span_mode="markerV0", max_width=6, max_len=128, max_types=5
    )
    found: set[str] = set()
    for seed in range(20):  # weights are random: some give names, which ones is not the point
        torch.manual_seed(seed)
        gliner.GLiNER.from_config(config).save_pretrained(folder)
        tags = ModelTagger("gliner", folder).tag(Document(title="", text=TEXT, language="en"), Tags())
        names = (*tags.people, *tags.organizations)
        found |= {name.name for name in names}
        assert all(0.5 <= name.score <= 1 for name in names)
    assert found
    assert all(name in TEXT for name in found)


def test_a_path_that_is_no_folder_and_an_unknown_kind_are_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="expected a folder that holds a model"):
        load_taggers(TagSettings(taggers=(f"spacy:{tmp_path / 'none'}",)))
    with pytest.raises(ValueError, match=r"unknown tagger 'weather:.*places"):
        load_taggers(TagSettings(taggers=(f"weather:{tmp_path}",)))


def test_long_texts_are_cut_between_words_and_nothing_is_lost() -> None:
    text = "word " * 1_000 + "x" * 5_000
    pieces = list(_pieces(text))
    assert "".join(piece for _, piece in pieces) == text
    assert all(len(piece) <= PIECE_CHARACTERS for _, piece in pieces)
    assert all(text[at:].startswith(piece) for at, piece in pieces)
