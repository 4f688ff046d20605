"""Tag against extraction: CPU time an article, in one process, tagger by tagger.

    python -m tests.benchmarks.bench_tag [--pages FILE.jsonl.xz] [--every N]

Pages go through `trafilatura.bare_extraction(html, with_metadata=True)`, the library's own extraction, then are cleaned
and their articles tagged, in turns of sixteen, as a child does, so that a noisy machine disturbs all; read the ratios.
The first half of the pages warms up what a worker remembers of words and is not counted. Lexicons are
left out of collections, as the server of the children does. Without --pages the articles are our own
(`tests.benchmarks.synthetic`); FILE is one of `tests.benchmarks.bench_clean`. Memory is that of a fresh process that
does nothing but tag.
"""

import argparse
import gc
import time
from collections import defaultdict
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

from transforms.schema import Article
from transforms.settings import TagSettings
from transforms.taggers import Tags, document_of, load_taggers, tag_article

CHUNK_ARTICLES = 16
WANTED_SHARE, WANTED_ARTICLES_PER_S, WANTED_MB = 0.12, 250, 150


def resident_mb() -> float:
    """Resident memory of this process (Linux)."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 / 1e6


def tag_timed(article: Article, spent_s: dict[str, float]) -> None:
    """Tag an article and add to `spent_s` what each tagger took."""
    document = document_of(article)
    tags = Tags(dateline=document.dateline)
    for name, tagger in zip(TagSettings().taggers, load_taggers(TagSettings()).chain, strict=True):
        start = time.process_time()
        tags = tagger.tag(document, tags)
        spent_s[name] += time.process_time() - start


def memory_mb(articles: list[Article]) -> tuple[float, float, float]:
    """Resident memory before the lexicons are loaded, with them, and when all articles are tagged."""
    bare = resident_mb()
    taggers = load_taggers(TagSettings())
    loaded = resident_mb()
    for article in articles:
        tag_article(article, taggers)
    return bare, loaded, resident_mb()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pages", type=Path)
    parser.add_argument("--every", type=int, default=1)
    arguments = parser.parse_args()
    import trafilatura

    from tests.benchmarks.bench_clean import SETTINGS, read_pages
    from transforms.extraction import clean_page, warm  # not above: the process whose memory is measured needs none
    from transforms.reject import Rejected

    pages = read_pages(arguments.pages, arguments.every)
    warm()
    load_taggers(TagSettings())
    gc.collect()
    gc.freeze()
    library_s, cleaned_s, spent_s, articles, counted = 0.0, 0.0, defaultdict[str, float](float), list[Article](), 0
    for first in range(0, len(pages), CHUNK_ARTICLES):
        if not counted and first >= len(pages) // 2:
            library_s, cleaned_s, spent_s, counted = 0.0, 0.0, defaultdict(float), len(articles)
        turn = pages[first : first + CHUNK_ARTICLES]
        start = time.process_time()
        for page in turn:
            trafilatura.bare_extraction(page.body, url=page.final_url, with_metadata=True)
        library_s += time.process_time() - start
        start = time.process_time()
        chunk = []
        for page in turn:
            try:
                chunk.append(clean_page(page, SETTINGS))
            except Rejected:
                pass
        cleaned_s += time.process_time() - start
        for article in chunk:
            tag_timed(article, spent_s)
        articles += chunk
    number = len(articles) - counted
    tagged_s = sum(spent_s.values())
    characters = sum(len(article.text) for article in articles[counted:]) / number
    print(f"{number} articles of {characters:.0f} characters, CPU milliseconds each")
    print(f"{'library':12}{library_s / number * 1000:8.2f}")
    print(f"{'clean':12}{cleaned_s / number * 1000:8.2f}")
    shares = f"{tagged_s / library_s:.3f} of the library, {tagged_s / cleaned_s:.3f} of clean (wanted {WANTED_SHARE})"
    print(f"{'tag':12}{tagged_s / number * 1000:8.2f}   {shares}")
    for name, seconds in spent_s.items():
        print(f"  {name:10}{seconds / number * 1000:8.2f}   {seconds / tagged_s:.0%}")
    print(f"{number / tagged_s:.0f} articles a second and core (wanted {WANTED_ARTICLES_PER_S})")
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process:
        bare, loaded, after = process.submit(memory_mb, articles).result()
    told = f"{bare:.0f} MB bare, {loaded:.0f} with lexicons, {after:.0f} at the end"
    print(f"memory of a worker: {told} (wanted {WANTED_MB})")


if __name__ == "__main__":
    main()
