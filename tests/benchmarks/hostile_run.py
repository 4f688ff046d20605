"""One whole `newsbeam run` over every hostile scenario, every hostile page and 100 fair articles, with the shipped
limits, and a second one, as a scheduler would.

Prints seconds, peak memory of the process tree, the books and what did not end as expected; exits with 1 when a target
is missed: 90 s, 1 GB, every fair article stored, no request to the canary, no internal error, no control character on
standard error, a dataset that `newsbeam verify` finds sound.

    python -m tests.benchmarks.hostile_run
"""

import json
import re
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

import pyarrow.dataset as ds

from tests import hostile_pages
from tests.benchmarks.end_to_end import MemoryWatch
from tests.hostile_server import FEEDS, PAGES, Scenario, rss, serve_all
from tests.servers import HTML, Reply, Site, html, serve

FAIR_HOSTS, FAIR_PAGES = 5, 20
MAX_SECONDS, MAX_MB = 90, 1_000


def fair_site(number: int) -> Site:
    links = [f"/{number}/{n}" for n in range(FAIR_PAGES)]
    return Site({link: html(_article(link)) for link in links} | {"/feed": Reply(body=rss(*links))})


def _article(link: str) -> str:
    name = f"Ferry {link.replace('/', '-')}"
    paragraphs = "".join(
        f"<p>{name} left harbour {n} of the island with {n * 7} crates of pears and {n + 2} cyclists on board. "
        f"The weather office at point {link}.{n} said little.</p>"
        for n in range(1, 9)
    )
    head = f"<!DOCTYPE html><html lang=en><head><title>{name} sails</title></head>"
    return f"{head}<body><article><h1>{name} sails</h1>{paragraphs}</article></body></html>"


def main() -> int:
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        canary = stack.enter_context(serve({}))
        port = canary.host.rpartition(":")[2]
        pages = stack.enter_context(serve_all(PAGES, port))
        feeds = stack.enter_context(serve_all(FEEDS, port))
        fair = [fair_site(number) for number in range(FAIR_HOSTS)]
        odd_pages = {f"/{n}": odd_page(markup) for n, markup in enumerate(hostile_pages.PAGES.values())}
        content = stack.enter_context(serve({**odd_pages, "/feed": Reply(body=rss(*odd_pages))}))
        offer = stack.enter_context(serve({"/feed": Reply(body=rss(*(site.url(one.target) for one, site in pages)))}))
        sites = [offer, content, *fair, *(site for _, site in pages + feeds)]
        urls = [
            offer.url("/feed"),
            content.url("/feed"),
            *(site.url("/feed") for site in [*fair, *(site for _, site in feeds)]),
        ]
        config = folder / "hostile.toml"
        allowed = json.dumps([site.host for site in sites])
        tables = "".join(f"[[feeds]]\nurl = {json.dumps(url)}\n" for url in urls)
        config.write_text(f'output = "{folder}/out"\n[fetch]\nper_host_delay_s = 0\nallow_hosts = {allowed}\n{tables}')
        start = time.monotonic()
        newsbeam = Path(sys.executable).with_name("newsbeam")
        run = subprocess.Popen([newsbeam, "run", config, "--json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        memory = MemoryWatch(run.pid)
        out, err = run.communicate()
        report = json.loads(out)
        seconds, peak_mb = time.monotonic() - start, memory.stop()
        articles = ds.dataset(folder / "out" / "articles").to_table(["title"]).to_pydict()["title"]
        rejects = ds.dataset(folder / "out" / "rejects").to_table(["url", "reason"]).to_pylist()
        reasons = {row["url"]: row["reason"] for row in rejects}
        ends = [(one, reasons.get(site.url(one.target), "ok")) for one, site in pages]
        odd = [(one.name, end) for one, end in ends if not as_expected(one, end)]
        stored = sum(bool(title and title.startswith("Ferry")) for title in articles)
        settled = report["unchanged"] + report["stored"] + report["duplicates"]["dropped"] + report["rejected"]
        again = subprocess.run([newsbeam, "run", config, "--json", "--quiet"], capture_output=True, check=True)
        sound = subprocess.run([newsbeam, "verify", folder / "out"], check=False).returncode == 0
        for site in fair:
            site.close()
        shown = ("entries", "unchanged", "stored", "rejected", "reasons", "feeds", "seconds")
        print(json.dumps({key: report[key] for key in shown}, indent=1))
        print(f"{seconds:.1f} s, peak {peak_mb:.0f} MB, {stored} fair articles stored")
        print(f"canary asked {len(canary.requests)} times; {report['entries']} entries, {settled} settled; odd: {odd}")
        internal = [row for row in rejects if row["reason"] == "internal-error"]
        steering = re.findall(rb"[\x00-\x09\x0b-\x1f\x7f]|\xc2[\x80-\x9f]", err)
        twice = json.loads(again.stdout)["stored"]
        print(f"internal errors: {internal}; control characters: {steering}; stored again: {twice}; sound: {sound}")
        good = seconds <= MAX_SECONDS and peak_mb <= MAX_MB and stored == FAIR_HOSTS * FAIR_PAGES
        good = good and report["entries"] == settled and not canary.requests and not odd
        return 0 if good and sound and not internal and not steering and not twice else 1


def odd_page(markup: str) -> Reply:
    return Reply(body=markup.encode("utf-8", "surrogatepass"), headers=HTML)


def as_expected(scenario: Scenario, end: str) -> bool:
    """Pages that arrive are too short to be articles, which is for Clean to say."""
    expected = {scenario.expected, *scenario.also}
    return end in expected or ("ok" in expected and end in ("too-short", "unparsable"))


if __name__ == "__main__":
    sys.exit(main())
