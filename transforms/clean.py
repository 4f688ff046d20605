"""Clean: Pages in, Articles out; a page that holds no article becomes a Reject on the output "rejects", its entry one
of the "notes" when it is worth another try.

Each page is cleaned by `transforms.extraction.clean_page` in a child process that can be killed: over `timeout_s` it
becomes the reject extraction-timeout, a child that dies extraction-crash, an unforeseen exception internal-error. Every
page comes out exactly once, as an article or a reject, not necessarily in order. A site of which `GIVE_UP_AFTER` pages
of a bundle hung or crashed has its other pages put off, as retryable rejects, so that one site cannot cost a run hours.
Memory is bounded by the window of pages in flight, a few for each child.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Literal

import apache_beam as beam
from apache_beam.pvalue import DoOutputsTuple, PCollection, TaggedOutput
from apache_beam.transforms.window import BoundedWindow
from apache_beam.utils.timestamp import Timestamp
from apache_beam.utils.windowed_value import WindowedValue
from pebble import ProcessExpired

from transforms.boilerplate import load_boilerplate
from transforms.delivery import Note
from transforms.extraction import clean_page
from transforms.host_rules import load_host_rules
from transforms.hosts import is_ip
from transforms.reject import Rejected, after, reject_entry, unforeseen
from transforms.request_urls import host_of
from transforms.schema import Article, Kept, Page, Reject
from transforms.settings import CleanSettings
from transforms.tally import Stopwatch, count
from transforms.urls import registrable_domain
from transforms.workers import InFlight, shared_workers

IN_FLIGHT_PER_CHILD = 4
GIVE_UP_AFTER = 5  # pages of a site that hung or crashed
_HUNG = frozenset({"extraction-timeout", "extraction-crash"})

Outcome = WindowedValue | TaggedOutput[Literal["rejects", "notes"], WindowedValue]  # of an Article, a Reject, a Note


@dataclass(eq=False, kw_only=True)
class Clean(beam.PTransform[PCollection[Page], DoOutputsTuple]):
    """Pages -> Articles, Rejects on "rejects", and "notes": entries to be tried again, and the time it took. `workers`
    is the number of child processes, 0 one a core."""

    settings: CleanSettings = field(default_factory=CleanSettings)
    workers: int = 0

    def __post_init__(self) -> None:
        super().__init__()
        load_boilerplate(self.settings.boilerplate)  # a mistake in a rule file is told before the run begins
        load_host_rules(self.settings.hosts)

    def expand(self, pages: PCollection[Page]) -> DoOutputsTuple:
        cleaning = beam.ParDo(CleanFn(self.settings, self.workers)).with_output_types(
            Article, rejects=Reject, notes=Note
        )
        return pages | "CleanPage" >> cleaning.with_outputs("rejects", "notes", main="articles")


@dataclass(frozen=True, slots=True)
class _Given:
    """A page, and the window and timestamp its outcome belongs to."""

    page: Page
    window: BoundedWindow
    timestamp: Timestamp

    def windowed(self, outcome: Article | Reject | Note) -> WindowedValue:
        return WindowedValue(outcome, self.timestamp, (self.window,))


class CleanFn(beam.DoFn):
    """Keeps the children busy: submits each page, passes on what is done, waits for the rest at the bundle's end."""

    def __init__(self, settings: CleanSettings, workers: int) -> None:
        self.settings = settings
        self.workers = workers

    def setup(self) -> None:
        self.children = shared_workers(self.workers)

    def start_bundle(self) -> None:
        self.in_flight: InFlight[_Given, Article] = InFlight(IN_FLIGHT_PER_CHILD * self.children.processes)
        self.watch = Stopwatch("clean")
        self.latest: _Given | None = None
        self.hung: Counter[str] = Counter()  # pages by site

    def process(
        self,
        element: Page,
        window: BoundedWindow = beam.DoFn.WindowParam,  # type: ignore[assignment]  # Beam's way to ask for it
        timestamp: Timestamp = beam.DoFn.TimestampParam,  # type: ignore[assignment]
    ) -> Iterable[Outcome]:
        self.latest = _Given(element, window, timestamp)
        if self.hung[_site(element.final_url)] >= GIVE_UP_AFTER:
            put_off = Rejected("extraction-timeout", "put off: other pages of the site hung", retryable=True)
            yield from _outputs(self.latest, reject_entry(element.entry, put_off))
            return
        with self.watch.running():
            future = self.children.submit(self.settings.timeout_s, clean_page, element, self.settings)
            self.in_flight.add(self.latest, future)
            done = list(self.in_flight.done())
        for given, future in done:
            yield from self._settled(given, future)

    def finish_bundle(self) -> Iterable[Outcome]:
        with self.watch.running():
            done = list(self.in_flight.rest())
        for given, future in done:
            yield from self._settled(given, future)
        if self.latest:
            yield TaggedOutput("notes", self.latest.windowed(self.watch.note()))

    def _settled(self, given: _Given, future: Future[Article]) -> Iterator[Outcome]:
        outcome = outcome_of(future, given.page)
        if isinstance(outcome, Reject) and outcome.reason in _HUNG:
            self.hung[_site(given.page.final_url)] += 1
        yield from _outputs(given, outcome)


def _site(url: str) -> str:
    """Whom a page belongs to: a registered domain, or a host that has no name."""
    domain = registrable_domain(url)
    return host_of(url) or domain if is_ip(domain) else domain


def _outputs(given: _Given, outcome: Article | Reject) -> Iterator[Outcome]:
    """What became of a page, counted and on the output it belongs to."""
    if isinstance(outcome, Reject):
        count(f"rejected-{outcome.reason}")
        yield TaggedOutput("rejects", given.windowed(outcome))
        if outcome.retryable:
            yield TaggedOutput("notes", given.windowed(Kept(entry=given.page.entry)))
        return
    count("cleaned")
    yield given.windowed(outcome)


def outcome_of(future: Future[Article], page: Page) -> Article | Reject:
    """What became of `page`: the article its future holds, or the reject that says why there is none."""
    try:
        return future.result()
    except Rejected as error:
        rejected = error
    except TimeoutError:
        rejected = Rejected("extraction-timeout", page.final_url)
    except ProcessExpired as death:
        rejected = Rejected("extraction-crash", f"exit code {death.exitcode}")
    except MemoryError:
        rejected = Rejected("extraction-crash", "over the memory limit of a child")
    except Exception as error:
        rejected = unforeseen(error, "clean")
    return reject_entry(page.entry, after(rejected, page.http_status, page.attempts))
