"""A dataset of any size within seconds: an invented news world, column by column, for what reads datasets.

Everything in it is made up: publishers, people, organisations, titles. It has what a report should show: weeks with
their weekends, agency copies, a publisher whose pages changed, a feed that fell silent, one that fails, one that is
late, a slow host. Texts are short; nothing that reads columns notices.
"""

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from transforms.arrow_schema import arrow_schema

Random = np.random.Generator
HOUSES = (
    ("Meridian Press", "en"), ("Harbour Courier", "en"), ("Northwall Gazette", "en"), ("Dos Orillas", "es"),
    ("Zwei Ufer", "de"), ("The Lantern Post", "en"), ("Le Quai du Matin", "fr"), ("Saltmarsh Observer", "en"),
    ("Kestrel Daily", "en"), ("Il Ponte Nuovo", "it"), ("Bergland Kurier", "de"), ("Diário da Foz", "pt"),
    ("Highmoor Times", "en"), ("El Faro del Sur", "es"), ("Tide and Field", "en"), ("Fjordposten", "no"),
)  # fmt: skip
FIRST = ("Ada", "Bruno", "Celia", "Dario", "Edda", "Faisal", "Greta", "Hugo", "Ines", "Jonas", "Kaya", "Leif", "Mira")
LAST = ("Almqvist", "Brandvold", "Castellane", "Dragan", "Eastlake", "Farouki", "Grünwald", "Halloran", "Ibarra")
ORGANIZATIONS = (
    "Harbour Board", "Northern Rail Union", "Council of Coastal Towns", "Lagoon Institute", "Meridian Bank",
    "Ministry of Rivers", "Saltmarsh Trust", "Highmoor Hospital", "Fishers' League", "Kestrel Aviation",
    "Academy of Winds", "Foz Energy", "Chamber of Ferries", "Red Kite Rescue", "Assembly of Valleys",
)  # fmt: skip
PLACES = (
    ("Lisbon", "PT"), ("Bergen", "NO"), ("Genoa", "IT"), ("Halifax", "CA"), ("Lima", "PE"), ("Mombasa", "KE"),
    ("Hamburg", "DE"), ("Valencia", "ES"), ("Brest", "FR"), ("Cork", "IE"), ("Chennai", "IN"), ("Osaka", "JP"),
    ("Recife", "BR"), ("Lagos", "NG"), ("Gdansk", "PL"), ("Izmir", "TR"), ("Manila", "PH"), ("Perth", "AU"),
)  # fmt: skip
COUNTRIES = (
    "US", "GB", "DE", "FR", "UA", "CN", "IN", "BR", "NG", "JP", "KE", "PE", "NO", "CA", "ES",
    "IT", "PT", "AU", "MX", "ZA", "EG", "TR", "PL", "SE", "AR", "CL", "CO", "ID", "PH", "KR",
    "VN", "TH", "SA", "IR", "IQ", "IL", "GR", "RO", "NL", "BE", "CH", "AT", "DK", "FI", "IE",
    "IS", "MA", "DZ", "ET", "GH", "TZ", "UG", "PK", "BD", "NZ", "SG", "MT", "CU", "VE", "KZ",
)  # fmt: skip
TOPICS = (
    ("11000000", "politics and government"), ("04000000", "economy, business and finance"), ("15000000", "sport"),
    ("16000000", "conflict, war and peace"), ("02000000", "crime, law and justice"), ("07000000", "health"),
    ("03000000", "disaster, accident and emergency incident"), ("13000000", "science and technology"),
    ("01000000", "arts, culture, entertainment and media"), ("06000000", "environment"), ("17000000", "weather"),
    ("05000000", "education"), ("14000000", "society"), ("09000000", "labor"), ("10000000", "lifestyle and leisure"),
)  # fmt: skip
DEEDS = ("reopens", "is to close", "will be rebuilt", "divides the council", "draws a record crowd", "waits for rain")
THINGS = (
    "The ferry pier",
    "A mountain railway",
    "The old observatory",
    "A night market",
    "The lighthouse",
    "A river dam",
)
REASONS = ("http-404", "too-short", "timeout", "robots-disallowed", "soft-404", "http-403", "consent-wall", "not-html")
WIRE = "Meridian Press"
FIRST_DAY = date(2026, 1, 5)
RUNS_A_DAY = 6


def write_dataset(root: Path, *, articles: int, days: int, publishers: int = len(HOUSES), seed: int = 1) -> None:
    """Write a dataset of about `articles` articles below `root`, with its fetches, rejects and manifests."""
    random = np.random.default_rng(seed)
    weekday = np.array([(FIRST_DAY + timedelta(days=day)).weekday() for day in range(days)])
    weights = np.where(weekday > 4, 0.6, 1.0) * random.uniform(0.9, 1.1, days)
    runs = days * RUNS_A_DAY
    known = 0
    numbers = np.maximum(1, np.round(articles * weights / weights.sum())).astype(int).tolist()
    for day, number in enumerate(numbers):
        at = _instants(random, day, number)
        table, copies = _articles(random, at, day=day, days=days, publishers=publishers, known=known)
        known += number
        _write(root, "articles", day, table)
        rejects = _rejects(random, _instants(random, day, max(1, number // 18)), publishers)
        _write(root, "rejects", day, rejects)
        _write(root, "fetches", day, _fetches(random, at, day, days, publishers))
        for run in range(RUNS_A_DAY):
            told = {
                "stored": number // RUNS_A_DAY,
                "copies": copies // RUNS_A_DAY,
                "gone": rejects.num_rows // RUNS_A_DAY,
            }
            _manifest(root, day, run, **told, last=day * RUNS_A_DAY + run == runs - 1)


def house(number: int) -> tuple[str, str]:
    """Name and language of a publisher; after the first they go on with numbers."""
    name, language = HOUSES[number % len(HOUSES)]
    return (name if number < len(HOUSES) else f"{name} {number // len(HOUSES) + 1}"), language


def _instants(random: Random, day: int, number: int) -> Any:
    """Sorted microseconds since 1970, most of them by day."""
    start = (FIRST_DAY - date(1970, 1, 1)).days + day
    hours = np.clip(random.normal(13, 4.5, number), 0.05, 23.9)
    return np.sort(start * 86_400_000_000 + (hours * 3_600_000_000).astype(np.int64))


def _articles(random: Random, at: Any, *, day: int, days: int, publishers: int, known: int) -> tuple[pa.Table, int]:
    """Rows of a day, and how many are copies; `known` articles came before."""
    number = len(at)
    by = np.minimum((publishers * random.random(number) ** 1.8).astype(int), publishers - 1)
    if day > 0.75 * days:
        by[by == 8] = 0  # its feed fell silent
    ids = np.arange(known, known + number)
    wire = random.random(number) < 0.06 + 0.2 * (by % 5 == 1)
    copied = wire & (random.random(number) < 0.8) & (ids > known)
    originals = known + (np.maximum(0, ids - known - 1) * random.random(number) ** 6).astype(int)
    clusters = np.where(copied, originals, ids)
    for index in np.nonzero(copied)[0]:
        clusters[index] = clusters[clusters[index] - known]  # a copy of a copy belongs to the first
    changed = (by == 5) & (day > 0.6 * days)  # its pages have a new layout
    words = np.where(changed, random.normal(70, 15, number), random.normal(480 + 25 * (by % 7), 140, number))
    dated = random.random(number) < np.where(changed, 0.35, 0.97)
    delay = np.where(by == 9, 14 * 3600e6, 25 * 60e6) * random.uniform(0.5, 1.5, number)
    names = pa.array([house(i)[0] for i in range(publishers)])
    hexes = pa.array([f"{i:032x}" for i in ids])
    cluster_ids = pa.array([f"{i:032x}" for i in clusters])
    homes = (by * 7 % len(COUNTRIES)).astype(int)
    about = np.where(random.random(number) < 0.35, homes, _zipf(random, number, len(COUNTRIES)))
    topics = (_zipf(random, number, len(TOPICS)) + by * 2 + (day // 9)) % len(TOPICS)
    columns = {
        "article_id": hexes,
        "version": pa.array(np.ones(number, np.int32)),
        "url": pa.array([f"https://{_domain(p)}/{i}" for p, i in zip(by, ids, strict=True)]),
        "feed_id": pa.array([f"feed-{p}" for p in by]),
        "publisher": names.take(pa.array(by)),
        "publisher_domain": pa.array([_domain(p) for p in by]),
        "title": pa.array([f"{THINGS[i % 6]} {DEEDS[i // 6 % 6]}" for i in clusters * 7]),
        "text": pa.array(["Short."] * number),
        "word_count": pa.array(np.maximum(20, words).astype(np.int32)),
        "authors": _structs(random, number, np.where(changed, 0, 1), {"name": FIRST, "kind": ("person",)}),
        "access": pa.array(["free"] * number),
        "published_at": pa.array(at - delay.astype(np.int64), pa.timestamp("us", "UTC"), mask=~dated),
        "published_precision": pa.array(["second"] * number, mask=~dated),
        "first_seen_at": pa.array(at, pa.timestamp("us", "UTC")),
        "fetched_at": pa.array(at + 2_000_000, pa.timestamp("us", "UTC")),
        "language": pa.array([house(p)[1] for p in by]),
        "agency": pa.array([WIRE] * number, mask=~wire),
        "is_wire_copy": pa.array(wire & (by > 0)),
        "primary_country": pa.array(COUNTRIES).take(pa.array(about)),
        "countries": _structs(
            random, number, random.integers(0, 4, number), {"code": COUNTRIES, "mentions": (1, 2, 5)}
        ),
        "places": _structs(
            random,
            number,
            random.integers(0, 3, number),
            {"name": [name for name, _ in PLACES], "country": [code for _, code in PLACES], "mentions": (1,)},
        ),
        "people": _structs(
            random,
            number,
            random.integers(0, 4, number),
            {"name": [f"{first} {last}" for last in LAST for first in FIRST], "mentions": (1, 3), "score": (0.5, 0.9)},
        ),
        "organizations": _structs(
            random, number, random.integers(0, 3, number), {"name": ORGANIZATIONS, "mentions": (1,), "score": (0.5,)}
        ),
        "topics": _structs(
            random,
            number,
            np.ones(number, int),
            {"id": [f"medtop:{code}" for code, _ in TOPICS], "name": [name for _, name in TOPICS], "score": (0.5,)},
            topics,
        ),
        "cluster_id": cluster_ids,
        "duplicate_of": pa.array(cluster_ids.to_pylist(), mask=~copied),
        "duplicate_kind": pa.array(np.where(random.random(number) < 0.3, "exact", "near"), mask=~copied),
        "duplicate_score": pa.array(random.uniform(0.6, 1, number).astype(np.float32), mask=~copied),
        "run_id": pa.array([_run_id(day, _run_of(instant)) for instant in at]),
    }
    return _table("articles", number, columns), int(copied.sum())


def _rejects(random: Random, at: Any, publishers: int) -> pa.Table:
    number = len(at)
    by = random.integers(0, publishers, number)
    reasons = _zipf(random, number, len(REASONS))
    columns = {
        "url": pa.array([f"https://{_domain(p)}/gone-{i}" for i, p in enumerate(by)]),
        "feed_id": pa.array([f"feed-{p}" for p in by]),
        "title": pa.array(["A page that did not come"] * number),
        "stage": pa.array(["fetch"] * number),
        "reason": pa.array(REASONS).take(pa.array(reasons)),
        "detail": pa.array(["seen in an invented world"] * number),
        "seen_at": pa.array(at, pa.timestamp("us", "UTC")),
        "run_id": pa.array(["r"] * number),
    }
    return _table("rejects", number, columns)


def _fetches(random: Random, at: Any, day: int, days: int, publishers: int) -> pa.Table:
    """A page for each article, and each feed in each run; one feed fails in the end, one host is slow."""
    polls = np.repeat(np.arange(publishers), RUNS_A_DAY)
    start = ((FIRST_DAY - date(1970, 1, 1)).days + day) * 86_400_000_000
    polled_at = start + np.tile(np.arange(RUNS_A_DAY) * 4 * 3_600_000_000, publishers)
    by = np.concatenate([random.integers(0, publishers, len(at)), polls])
    feed = np.arange(len(by)) >= len(at)
    outcome = np.where(random.random(len(by)) < 0.04, "timeout", "ok").astype(object)
    outcome[feed & (random.random(len(by)) < 0.55)] = "not-modified"
    outcome[feed & (by == publishers - 1) & (day > 0.85 * days)] = "http-5xx"
    elapsed = np.exp(random.normal(5.4, 0.6, len(by)) + np.where(by == 3, 1.8, 0))
    number = len(by)
    columns = {
        "url": pa.array([f"https://{_domain(p)}/feed" for p in by]),
        "kind": pa.array(np.where(feed, "feed", "page")),
        "feed_id": pa.array([f"feed-{p}" for p in by]),
        "host": pa.array([_domain(p) for p in by]),
        "outcome": pa.array(outcome, pa.string()),
        "wire_bytes": pa.array(random.integers(5_000, 90_000, number)),
        "elapsed_ms": pa.array(elapsed.astype(np.int32)),
        "fetched_at": pa.array(np.concatenate([at, polled_at]), pa.timestamp("us", "UTC")),
        "run_id": pa.array(["r"] * number),
    }
    return _table("fetches", number, columns)


def _manifest(root: Path, day: int, run: int, *, stored: int, copies: int, gone: int, last: bool) -> None:
    started_at = datetime.combine(FIRST_DAY, datetime.min.time(), UTC) + timedelta(days=day, hours=4 * run + 3.9)
    told = {
        "run_id": _run_id(day, run),
        "kind": "run",
        "started_at": started_at.isoformat(),
        "finished_at": (started_at + timedelta(minutes=5)).isoformat(),
        "feeds": {"polled": len(HOUSES), "unchanged": 6, "failed": 1, "not_due": 0},
        "entries": 2 * stored + gone,
        "unchanged": stored,
        "stored": stored,
        "duplicates": {"exact": 0, "near": copies, "dropped": 0},
        "dropped_duplicates": 0,
        "rejected": gone,
        "files": [],
        "seconds": {"total": 60 + stored / 20},
        "alarms": ["feed https://fjordposten.example/feed keeps failing: http-5xx"] if last else [],
    }
    path = root / "runs" / f"{told['run_id']}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(told), encoding="utf-8")


def _run_id(day: int, run: int) -> str:
    return f"{FIRST_DAY + timedelta(days=day):%Y%m%d}T{4 * run + 3:02d}5400Z-{run:06x}"


def _run_of(instant: int) -> int:
    return int(instant % 86_400_000_000 // (4 * 3_600_000_000))


def _domain(publisher: int) -> str:
    name = "".join(char for char in house(publisher)[0].lower() if char.isascii() and char.isalnum())
    return f"{name}.example"


def _zipf(random: Random, number: int, size: int) -> Any:
    """Numbers below `size`, small ones more often."""
    return np.minimum((size * random.random(number) ** 2.2).astype(int), size - 1)


def _structs(random: Random, number: int, counts: Any, fields: dict[str, Any], chosen: Any = None) -> pa.Array:
    """A list of structs for each row: fields with as many values as the first are drawn together, others apart."""
    counts = np.broadcast_to(counts, number)
    total = int(counts.sum())
    size = len(next(iter(fields.values())))
    drawn = _zipf(random, total, size) if chosen is None else chosen
    parts = [
        pa.array(values).take(pa.array(drawn if len(values) == size else random.integers(0, len(values), total)))
        for values in fields.values()
    ]
    offsets = np.concatenate([[0], np.cumsum(counts)]).astype(np.int32)
    return pa.ListArray.from_arrays(pa.array(offsets), pa.StructArray.from_arrays(parts, list(fields)))


def _table(dataset: str, number: int, columns: dict[str, pa.Array]) -> pa.Table:
    """All columns of the dataset's schema: those given, the others empty."""
    schema = arrow_schema(dataset)
    return pa.table([_fitted(columns.get(field.name), field, number) for field in schema], schema=schema)


def _fitted(column: pa.Array | None, field: pa.Field, number: int) -> pa.Array:
    if column is None:
        return pa.nulls(number, field.type)
    if not pa.types.is_list(field.type):
        return column.cast(field.type)
    structs = column.values
    whole = field.type.value_type
    parts = [
        structs.field(part.name).cast(part.type)
        if structs.type.get_field_index(part.name) >= 0
        else pa.nulls(len(structs), part.type)
        for part in whole
    ]
    return pa.ListArray.from_arrays(
        column.offsets, pa.StructArray.from_arrays(parts, fields=list(whole)), type=field.type
    )


def _write(root: Path, dataset: str, day: int, table: pa.Table) -> None:
    folder = root / dataset / f"seen_date={FIRST_DAY + timedelta(days=day)}"
    folder.mkdir(parents=True, exist_ok=True)
    pq.write_table(table, folder / "part.parquet", compression="zstd")
