// Wires the page: filters, headline numbers, and what each section draws of the selection.
"use strict";

const id = (name) => document.getElementById(name);
const TOLD_APART = 8; // colours of publishers; the others share the last
const TOP = 15;
const STORIES = 10;
const MORE_DAYS = "With more days, this shows how it changes.";
const FEW_UNITS = 8; // of time: fewer have bars with names
const MOST_COLUMNS = 30, MOST_POINTS = 45; // over time; where there are more, neighbours are drawn as one
const plural = (n, one, many = `${one}s`) => `${count(n)} ${n === 1 ? one : many}`;
const names = { region: new Intl.DisplayNames("en", { type: "region" }), language: new Intl.DisplayNames("en", { type: "language" }) };

function named(kind, code) {
  try { return names[kind].of(code) || code; } catch { return code; }
}
const country = (code) => (code === "XK" ? "Kosovo" : named("region", code));
const language = (code) => (code === "und" ? "unknown" : named("language", code));

/** The words for a unit of time that starts at `ms`. */
function span(ms, days) {
  return days === 1 ? dayOf(ms) : `${dayOf(ms)} to ${dayOf(ms + (days - 1) * DAY_MS)}`;
}
const unitName = { 1: "day", 7: "week", 28: "four weeks", 84: "twelve weeks", 336: "48 weeks" }[frame.unit_days] || `${frame.unit_days} days`;

// ------------------------------------------------------------------ filters

function fillFilters() {
  for (let step = 0; step < frame.steps; step++) {
    id("from").append(new Option(dayOf(Math.max(stepStart(step), Date.parse(frame.first_day))), step, step === 0, step === 0));
    id("to").append(new Option(dayOf(stepStart(step + 1) - DAY_MS), step, step === frame.steps - 1, step === frame.steps - 1));
  }
  fillChoice("publisher", "all publishers", frame.publishers, data.totals.publishers > frame.publishers.length ? "all other publishers" : null);
  fillChoice("language", "all languages", frame.languages.map(language), cubes.articles.axes[2].some((l) => l === OTHER_LANGUAGES) ? "all other languages" : null);
  id("filters").addEventListener("change", readFilters);
  id("filters").addEventListener("submit", (event) => event.preventDefault());
  id("filters").addEventListener("reset", () => setTimeout(readFilters));
  for (const radio of document.getElementsByName("country-by")) radio.addEventListener("change", draw);
}

function fillChoice(name, all, values, others) {
  id(name).append(new Option(all, -1, true, true));
  values.forEach((value, i) => id(name).append(new Option(value, i)));
  if (others) id(name).append(new Option(others, values.length));
}

function readFilters(event) {
  for (const key of ["from", "to", "publisher", "language"]) selection[key] = Number(id(key).value);
  if (selection.from > selection.to) { // the end that was not touched follows
    const moved = event?.target?.id === "to" ? "from" : "to";
    selection[moved] = selection[moved === "to" ? "from" : "to"];
    id(moved).value = selection[moved];
  }
  return draw();
}

function choosePublisher(p) {
  id("publisher").value = selection.publisher === p ? -1 : p;
  readFilters();
}

// ------------------------------------------------------------------ sections

function drawHeadlines(total) {
  const [articles, words, authors, dates, wire, copies] = total;
  const rejected = rejectsShown().reduce((sum, reason) => sum + reason.n, 0);
  const publishers = new Set(), languages = new Set();
  const { axes: [units, houses, tongues], length } = cubes.articles;
  for (let i = 0; i < length; i++)
    if (inTime(Math.floor(units[i] / perStep)) && ofPublisher(houses[i]) && ofLanguage(tongues[i])) { publishers.add(houses[i]); languages.add(tongues[i]); }
  const more = (set, last, all) => (set.has(last) ? (isAll() && all ? count(all) : `${set.size - 1}+`) : count(set.size));
  const days = (Math.min(stepStart(selection.to + 1), Date.parse(frame.last_day) + DAY_MS) - Math.max(stepStart(selection.from), Date.parse(frame.first_day))) / DAY_MS;
  const rate = (number) => (number < 10 ? number.toFixed(1) : count(Math.round(number)));
  const figures = [
    ["Articles", count(articles), `${rate(articles / days)} a day`],
    ["Words", count(articles ? Math.round(words / articles) : 0), "in the average article"],
    ["Publishers", more(publishers, OTHER_PUBLISHERS, data.totals.publishers), `${plural(languages.has(OTHER_LANGUAGES) ? languages.size - 1 : languages.size, "language")}${languages.has(OTHER_LANGUAGES) ? " and others" : ""}`],
    ["Countries", count(facet("mentioned").length), "mentioned"],
    ["Originals", percent(articles - copies, articles), `${plural(copies, "copy", "copies")} of earlier articles`],
    ["Wire", percent(wire, articles), "agency texts"],
    ["Dated", percent(dates, articles), `${percent(authors, articles)} with authors`],
    ["Rejected", count(rejected), selection.language < 0 ? `${percent(rejected, rejected + articles)} of new entries` : "in all languages"],
  ];
  id("headlines").replaceChildren(...figures.map(([head, number, small]) => node("div", {}, node("dt", { textContent: head }), node("dd", {}, number, node("small", { textContent: small })))));
}

const isAll = () => selection.from === 0 && selection.to === frame.steps - 1 && selection.publisher < 0 && selection.language < 0;

/** Colours of publishers that stay when the selection changes, as far as no two that are shown have the same. */
function coloursOf(shown) {
  const taken = new Set(), colours = new Map(), later = [];
  for (const p of shown) {
    const own = p % TOLD_APART;
    if (taken.has(own)) later.push(p); else { taken.add(own); colours.set(p, own); }
  }
  for (const p of later) {
    const free = [...Array(TOLD_APART).keys()].find((i) => !taken.has(i));
    taken.add(free);
    colours.set(p, free);
  }
  return colours;
}

function legend(name, colours, others) {
  const items = [...colours].map(([p, colour]) => {
    const button = node("button", { type: "button", title: selection.publisher === p ? "Show all publishers" : "Show this publisher alone" });
    button.append(node("i", { className: `swatch c${colour}` }), node("bdi", { textContent: publisherName(p) }));
    button.addEventListener("click", () => choosePublisher(p));
    return node("li", {}, button);
  });
  if (others) items.push(node("li", {}, node("i", { className: "swatch c8" }), "others"));
  id(name).replaceChildren(...items);
}

function drawArticles(colours) {
  const cells = new Map();
  let others = false;
  eachArticleCell((unit, publisher, [n]) => {
    const series = colours.has(publisher) ? publisher : -1;
    others ||= series < 0;
    const key = `${unit} ${series}`;
    cells.set(key, (cells.get(key) || 0) + n);
  });
  legend("articles-legend", colours, others);
  const order = [...colours.keys(), -1], tops = new Map();
  const rows = [...cells].map(([key, n]) => { const [unit, series] = key.split(" ").map(Number); return { unit, series, n }; })
    .sort((a, b) => a.unit - b.unit || order.indexOf(a.series) - order.indexOf(b.series));
  for (const row of rows) {
    row.y0 = tops.get(row.unit) || 0;
    row.y1 = row.y0 + row.n;
    tops.set(row.unit, row.y1);
    row.t0 = unitStart(row.unit);
    row.t1 = row.t0 + frame.unit_days * DAY_MS;
    row.day = new Date(row.t0).toLocaleDateString("en-GB", { day: "numeric", month: "short", year: frame.unit_days > 7 ? "numeric" : undefined, timeZone: "UTC" });
    row.colour = SERIES[row.series < 0 ? 8 : colours.get(row.series)];
    row.tip = `${row.series < 0 ? "others" : publisherName(row.series)}\n${span(row.t0, frame.unit_days)}\n${plural(row.n, "article")}`;
  }
  return plot("articles", tops.size < FEW_UNITS ? stackedDays : stackedTime, rows, {
    title: `Articles per ${unitName} by publisher`, heads: ["from", "publisher", "articles"],
    cells: (row) => [dayOf(row.t0), row.series < 0 ? "others" : publisherName(row.series), row.n],
  });
}

const outlines = data.world.objects.countries.geometries.map((shape) => unfold(shape, data.world));

/** A shape of a TopoJSON topology as GeoJSON: its rings are chains of arcs, ~n being arc n backwards. */
function unfold(shape, { arcs, transform: { scale, translate } }) {
  const positions = (number) => {
    let x = 0, y = 0;
    const line = arcs[number < 0 ? ~number : number].map(([dx, dy]) => [(x += dx) * scale[0] + translate[0], (y += dy) * scale[1] + translate[1]]);
    return number < 0 ? line.reverse() : line;
  };
  const ring = (numbers) => numbers.flatMap((number, i) => positions(number).slice(i ? 1 : 0)); // arcs share their ends
  const polygon = (rings) => rings.map(ring);
  return { type: "Feature", id: shape.id, geometry: { type: shape.type, coordinates: shape.type === "Polygon" ? polygon(shape.arcs) : shape.arcs.map(polygon) } };
}

async function drawMap() {
  const by = document.querySelector('input[name="country-by"]:checked').value;
  const rows = facet(by);
  const n = new Map(rows.map((row) => [row.label, row.n]));
  const bounds = classes(rows.map((row) => row.n));
  const fill = (code) => SHADES[n.has(code) ? shade(n.get(code), bounds) : 0];
  const words = (code) => `${country(code)}\n${plural(n.get(code) || 0, "article")}`;
  const shapes = outlines.map((shape) => ({ ...shape, code: shape.id, colour: fill(shape.id), tip: words(shape.id) }));
  const dots = Object.entries(data.world.points).filter(([code]) => n.has(code))
    .map(([code, [longitude, latitude]]) => ({ longitude, latitude, code, colour: fill(code), tip: words(code) }));
  await plot("map", world, [...shapes, ...dots], {
    title: by === "about" ? "Countries that stories are about" : "Countries mentioned", values: rows,
    heads: ["country", "code", "articles"], cells: (row) => [country(row.label), row.label, row.n],
  });
  sizeMap();
  id("map-legend").replaceChildren(...(rows.length ? bounds : []).map((from, i) => {
    const to = i + 1 < bounds.length ? bounds[i + 1] - 1 : Math.max(from, rows[0].n);
    return node("li", {}, node("i", { className: `swatch s${i + 1}` }), from === to ? count(from) : `${count(from)}–${count(to)}`);
  }));
  const total = rows.reduce((sum, row) => sum + row.n, 0);
  id("countries").replaceChildren(rows.length ? table(["country", "articles", "share"], rows.slice(0, 10).map((row) => [country(row.label), row.n, percent(row.n, by === "about" ? total : totalArticles())])) : "");
}

function sizeMap() {
  const view = views.get("map")?.view;
  if (!view) return;
  const height = Math.round(id("map").clientWidth / 2.2);
  if (height && view.height() !== height) view.height(height).run(); // the other plots keep theirs
}

/** Lower bounds of up to five classes of numbers, each larger than the one before by about the same factor. */
function classes(numbers) {
  const most = Math.max(1, ...numbers);
  const bounds = [0, 1, 2, 3, 4].map((i) => Math.round(most ** (i / 5)));
  return [...new Set(bounds)];
}
function shade(number, bounds) {
  let found = 1;
  bounds.forEach((from, i) => { if (number >= from) found = i + 1; });
  return bounds.length < 5 ? found + (5 - bounds.length) : found;
}

let articlesShown = 0;
const totalArticles = () => articlesShown;

function drawBars(name, title, rows) {
  const shown = rows.slice(0, TOP).map((row) => ({ label: row.label, n: row.n, text: count(row.n), tip: `${row.label}\n${plural(row.n, "article")}` }));
  return plot(name, bars, shown, { title, heads: [title.toLowerCase(), "articles"], values: rows.slice(0, 100), cells: (row) => [row.label, row.n] });
}

async function drawTopics() {
  const rows = facet("topics", true);
  await drawBars("topics", "Topics", rows);
  const top = rows.slice(0, TOP);
  const width = Math.ceil((selection.to - selection.from + 1) / MOST_COLUMNS);
  const cells = top.flatMap((row) => {
    const columns = new Map();
    for (const [step, n] of row.steps) {
      const from = selection.from + Math.floor((step - selection.from) / width) * width;
      columns.set(from, (columns.get(from) || 0) + n);
    }
    return [...columns].map(([step, n]) => ({ label: row.label, step, n }));
  });
  const most = Math.max(1, ...cells.map((cell) => cell.n));
  for (const cell of cells) {
    const last = Math.min(cell.step + width - 1, selection.to);
    cell.t0 = Math.max(stepStart(cell.step), Date.parse(frame.first_day));
    cell.t1 = stepStart(last + 1);
    cell.colour = SHADES[Math.ceil((5 * cell.n) / most)];
    cell.tip = `${cell.label}\n${span(cell.t0, Math.round((cell.t1 - cell.t0) / DAY_MS))}\n${plural(cell.n, "article")}`;
  }
  const columns = new Set(cells.map((cell) => cell.step)).size;
  await plot("topics-time", heat, columns > 1 ? cells : [], { title: "Topics over time", none: MORE_DAYS, heads: ["from", "topic", "articles"], cells: (row) => [dayOf(row.t0), row.label, row.n] });
}

function drawStories() {
  const shown = storiesShown().slice(0, STORIES);
  id("stories").replaceChildren(...shown.map(({ story, n, size }) => {
    const first = story.copies[0];
    const outside = size - n ? `, ${count(size)} in all` : "";
    const houses = new Set(story.copies.map((copy) => copy.publisher)).size;
    const summary = node("summary", {},
      node("span", { className: "count" }, count(n), node("small", { className: "muted", textContent: n === 1 ? "article" : "articles" })),
      node("span", {}, node("span", { className: "title" }, node("bdi", { textContent: first.title })), node("br"),
        node("small", { className: "muted" }, `${first.at} · first seen at `, node("bdi", { textContent: first.publisher }), houses > 1 ? ` and later at ${plural(houses - 1, "other")}` : "", outside, story.agency ? " · agency: " : "", node("bdi", { textContent: story.agency || "" }))));
    const copies = story.copies.map((copy) => [copy.at, copy.publisher, linked(copy.title, copy.url), copy.kind ? `${copy.kind}${copy.score === null ? "" : ` ${percent(copy.score, 1)}`}` : "first seen"]);
    const body = node("div", { className: "scroll" }, table(["seen", "publisher", "title", "copy"], copies));
    if (size > story.copies.length) body.append(node("p", { className: "muted", textContent: `and ${plural(size - story.copies.length, "copy", "copies")} more` }));
    return node("li", {}, node("details", {}, summary, body));
  }));
  if (!shown.length) id("stories").replaceChildren(node("li", { className: "muted", textContent: "No story with copies in what is shown." }));
}

/** A link where the address is one of the web, else the text alone. */
function linked(text, address) {
  const words = node("bdi", { textContent: text });
  if (!/^https?:\/\//i.test(address || "")) return words;
  return node("a", { href: address, rel: "noopener noreferrer nofollow", target: "_blank" }, words);
}

async function drawWire(byPublisher, colours) {
  const rows = [...byPublisher].sort((a, b) => b[1][0] - a[1][0]).slice(0, TOP).map(([p, sums]) => ({
    label: publisherName(p), wire: sums[ARTICLE.wire] / sums[0], copies: sums[ARTICLE.copies] / sums[0], n: sums[0], sums,
    tip: `${publisherName(p)}\n${percent(sums[ARTICLE.wire], sums[0])} agency texts\n${percent(sums[ARTICLE.copies], sums[0])} copies\nof ${plural(sums[0], "article")}`,
  }));
  await plot("wire", shares, rows, {
    title: "Wire share and copies by publisher", heads: ["publisher", "articles", "wire", "copies"],
    cells: (row) => [row.label, row.n, percent(row.sums[ARTICLE.wire], row.n), percent(row.sums[ARTICLE.copies], row.n)],
  });
  const width = pointWidth(), days = width * frame.unit_days;
  const byUnit = [...articlesBy((unit) => Math.floor(unit / width) * width)].sort((a, b) => a[0] - b[0]);
  const points = byUnit.flatMap(([unit, sums]) => [["agency texts", "wire", 1], ["copies", "copies", 2]].map(([words, key, colour]) => ({
    t0: unitStart(unit), series: key, words, y: sums[ARTICLE[key]] / sums[0], colour: SERIES[colour], n: sums[0],
    tip: `${percent(sums[ARTICLE[key]], sums[0])} ${words}\n${span(unitStart(unit), days)}\nof ${plural(sums[0], "article")}`,
  })));
  await plot("copies-time", shareLines, byUnit.length > 1 ? points : [], { none: MORE_DAYS, title: "Share of wire and copies over time", heads: ["from", "what", "share", "of articles"], cells: (row) => [dayOf(row.t0), row.words, percent(row.y, 1), row.n] });
}

/** How many units a point of a line stands for, so that there are not too many. */
function pointWidth() {
  return Math.ceil(((selection.to - selection.from + 1) * perStep) / MOST_POINTS);
}

async function drawRuns() {
  const runs = data.runs.newest.filter((run) => inTime(run.t));
  id("runs-note").textContent = `${plural(data.runs.number, "run")} in all: ${count(data.runs.entries)} entries, ${count(data.runs.stored)} stored.`
    + (data.runs.number > data.runs.newest.length ? ` The newest ${data.runs.newest.length} are shown.` : "");
  const rows = runs.flatMap((run) => {
    let y = 0;
    return [["stored", SERIES[1]], ["dropped", SERIES[5]], ["rejected", "var(--bad)"], ["unchanged", SERIES[8]]].map(([key, colour]) => {
      const y0 = y;
      y += run[key] || 0;
      return { run: run.id, y0, y1: y, colour, tip: `${run.at} UTC\n${plural(run.entries, "entry", "entries")}: ${count(run.stored || 0)} stored, ${count(run.dropped || 0)} dropped,\n${count(run.rejected || 0)} rejected, ${count(run.unchanged || 0)} unchanged\n${plural(run.polled || 0, "feed")} polled, ${count(run.failed || 0)} failed${run.seconds ? `\n${run.seconds.toFixed(0)} s` : ""}` };
    });
  });
  await plot("runs", runBars, rows, {
    title: "Entries of each run", values: runs, heads: ["started", "seconds", "feeds", "failed", "entries", "stored", "dropped", "rejected", "unchanged", "alarms"],
    cells: (run) => [run.at, (run.seconds || 0).toFixed(1), run.polled || 0, run.failed || 0, run.entries, run.stored || 0, run.dropped || 0, run.rejected || 0, run.unchanged || 0, run.alarms.join(" · ")], none: "No run in the time shown.",
  });
}

async function drawRejects() {
  const rows = rejectsShown();
  const shown = rows.slice(0, TOP).map((row) => ({ label: row.reason, n: row.n, text: count(row.n), tip: `${row.reason}\n${plural(row.n, "entry", "entries")}\n${row.meaning}` }));
  await plot("rejects", badBars, shown, {
    title: "Reasons for rejects", values: rows, heads: ["reason", "stage", "entries"], cells: (row) => [row.reason, row.stage, row.n], none: "Nothing was rejected in what is shown.",
  });
  id("reasons").replaceChildren(rows.length ? table(["reason", "what it means", "an example"], rows.slice(0, 8).map((row) => [row.reason, row.meaning + (row.retryable ? " (tried again)" : ""), row.example])) : "");
}

const STATES = { failing: "failing", silent: "silent", late: "late", new: "no article yet", fine: "fine" };

function drawFeeds() {
  const { states, listed, as_of } = data.feeds;
  const all = Object.values(states).reduce((sum, n) => sum + n, 0);
  id("feeds-note").textContent = all
    ? `As of ${as_of} UTC. Silent: nothing new for ${data.limits.silent_gaps} times the pause that is usual; late: the typical entry is seen more than ${data.limits.late_h} hours after its publication.`
    : "No feed has been polled.";
  id("feed-states").replaceChildren(...Object.entries(states).filter(([, n]) => n).map(([state, n]) => node("li", {}, node("span", { className: `state ${state}`, textContent: `${count(n)} ${STATES[state]}` }))));
  const hours = (h) => (h === null ? "" : h >= 48 ? `${(h / 24).toFixed(0)} d` : `${h.toFixed(1)} h`);
  const shown = listed.filter((feed) => selection.publisher < 0 || feed.publisher === frame.publishers[selection.publisher]);
  const rows = shown.map((feed) => [
    node("span", {}, node("span", { className: `state ${feed.state}`, textContent: STATES[feed.state] }), feed.why ? node("br") : "", node("small", { className: "muted", textContent: feed.why })),
    node("span", { title: feed.url }, node("bdi", { textContent: feed.id }), node("br"), node("small", { className: "muted" }, node("bdi", { textContent: feed.publisher }))),
    feed.articles, feed.polls ? percent(feed.failed, feed.polls) : "–", hours(feed.silent_h) || "–", hours(feed.usual_h) || "–", hours(feed.lag_h) || "–",
  ]);
  id("feeds").replaceChildren(rows.length ? table(["state", "feed", "articles", "polls failed", "last news", "usual pause", "seen after"], rows) : "");
  if (all > listed.length) id("feeds").append(node("p", { className: "muted", textContent: `and ${plural(all - listed.length, "feed")} more` }));
}

async function drawDrift(byPublisher) {
  const changes = driftByPublisher();
  const largest = [...byPublisher].filter(([p]) => p !== OTHER_PUBLISHERS).sort((a, b) => b[1][0] - a[1][0]).map(([p]) => p);
  const colours = coloursOf([...new Set([...changes.filter((row) => row.far).map((row) => row.p), ...largest])].slice(0, 5));
  legend("drift-legend", colours, false);
  const width = pointWidth(), days = width * frame.unit_days;
  const byBoth = [...articlesBy((unit, p) => (colours.has(p) ? Math.floor(unit / width) * P + p : -1))].filter(([key]) => key >= 0).sort((a, b) => a[0] - b[0]);
  const alone = new Set(byBoth.map(([place]) => Math.floor(place / P))).size < 2;
  const kinds = [["words", "Words an article", lines, (v) => `${count(Math.round(v))} words an article`], ["authors", "Share with authors", shareLines, (v) => `${percent(v, 1)} with authors`], ["dates", "Share with a date", shareLines, (v) => `${percent(v, 1)} with a date`]];
  for (const [key, title, spec, words] of kinds) {
    const rows = byBoth.map(([place, sums]) => {
      const start = unitStart(Math.floor(place / P) * width), p = place % P, y = sums[ARTICLE[key]] / sums[0];
      return { t0: start, y, series: p, colour: SERIES[colours.get(p)], n: sums[0], tip: `${publisherName(p)}\n${span(start, days)}\n${words(y)}\nin ${plural(sums[0], "article")}` };
    });
    await plot(`drift-${key}`, spec, alone ? [] : rows, { title, none: MORE_DAYS, heads: ["from", "publisher", title.toLowerCase(), "articles"], cells: (row) => [dayOf(row.t0), publisherName(row.series), key === "words" ? Math.round(row.y) : percent(row.y, 1), row.n] });
  }
  const cell = ({ before, after, far }, words) => node("span", { className: far ? "warn" : "", textContent: `${words(before)} → ${words(after)}` });
  const share = (v) => percent(v, 1), whole = (v) => count(Math.round(v));
  if (alone) {
    id("drift").replaceChildren(table(["publisher", "articles", "words", "with authors", "with a date"], largest.map((p) => {
      const sums = byPublisher.get(p), of = (key) => sums[ARTICLE[key]];
      return [publisherName(p), sums[0], whole(of("words") / sums[0]), percent(of("authors"), sums[0]), percent(of("dates"), sums[0])];
    })));
    return;
  }
  id("drift").replaceChildren(changes.length ? table(["earlier → later half", "articles", "words", "with authors", "with a date"], changes.map(({ p, articles, words, authors, dates }) => [
    publisherName(p), articles, cell(words, whole), cell(authors, share), cell(dates, share),
  ])) : "");
}

/** The later half of the time shown against the earlier, by publisher; what fell by half, or words that doubled, is far. */
function driftByPublisher() {
  let first = Infinity, last = -Infinity;
  eachArticleCell((unit) => { first = Math.min(first, unit); last = Math.max(last, unit); });
  const middle = (first + last) / 2;
  const halves = articlesBy((unit, p) => 2 * p + (unit <= middle ? 0 : 1));
  const rows = [];
  for (let p = 0; p < OTHER_PUBLISHERS; p++) {
    const early = halves.get(2 * p), late = halves.get(2 * p + 1);
    if (!early || !late) continue;
    const enough = Math.min(early[0], late[0]) >= data.limits.drift_articles;
    const row = { p, n: early[0] + late[0], articles: `${count(early[0])} → ${count(late[0])}`, far: false };
    for (const key of ["words", "authors", "dates"]) {
      const before = early[ARTICLE[key]] / early[0], after = late[ARTICLE[key]] / late[0];
      const far = enough && (after < before * (1 - data.limits.drift) || (key === "words" && after > before / (1 - data.limits.drift)));
      row[key] = { before, after, far };
      row.far ||= far;
    }
    rows.push(row);
  }
  return rows.sort((a, b) => b.far - a.far || b.n - a.n);
}

async function drawHosts() {
  const hosts = hostsShown(), shown = hosts.slice(0, TOP);
  const rows = shown.flatMap((host) => {
    let x = 0;
    return [["ok", "ok", "var(--good)"], ["unmodified", "not modified", SERIES[4]], ["failed", "failed", "var(--bad)"]].map(([key, words, colour]) => {
      const x0 = x;
      x += host[key] / host.n;
      return { label: host.host, x0, x1: x, colour, tip: `${host.host}\n${count(host[key])} of ${plural(host.n, "fetch", "fetches")} ${words}` };
    });
  });
  const told = (host) => host.outcomes.map((n, o) => [n, data.hosts.outcomes[o] ?? "others"]).filter(([n, outcome]) => n && outcome !== "ok" && outcome !== "not-modified").sort((a, b) => b[0] - a[0]).map(([n, outcome]) => `${outcome} ${count(n)}`).join(", ");
  await plot("outcomes", parts, rows, { title: "Outcomes of fetches by host", values: hosts, heads: ["host", "fetches", "ok", "not modified", "failed"], cells: (host) => [host.host, host.n, host.ok, host.unmodified, host.failed], none: "No fetch in the time shown." });
  const spans = shown.map((host) => ({ label: host.host, half: Math.max(0.001, host.half_ms / 1000), most: Math.max(0.001, host.most_ms / 1000), tip: `${host.host}\nhalf within ${seconds(host.half_ms)}\n95 of 100 within ${seconds(host.most_ms)}` }));
  await plot("latency", ranges, spans, { title: "Seconds that fetches took by host", heads: ["host", "half within", "95 of 100 within"], cells: (row) => [row.label, seconds(row.half * 1000), seconds(row.most * 1000)], none: "No fetch in the time shown." });
  id("hosts").replaceChildren(hosts.length ? table(["host", "fetches", "failed", "failures", "half within", "95 of 100 within", "received"], hosts.map((host) => [host.host, host.n, percent(host.failed, host.n), told(host), seconds(host.half_ms), seconds(host.most_ms), `${(host.kb / 1024).toFixed(1)} MB`])) : "");
}
const seconds = (ms) => `${(ms / 1000).toPrecision(2)} s`;

// ------------------------------------------------------------------ all together

function drawTop() {
  const newest = data.runs.newest.at(-1);
  const range = frame.first_day === frame.last_day ? frame.first_day : `${frame.first_day} to ${frame.last_day}`;
  id("headline").textContent = `${plural(sum(cubes.articles.values[0]), "article")}, ${plural(data.totals.stories, "story", "stories")}`;
  id("span").textContent = `${range} (UTC) · ${plural(data.runs.number, "run")}${newest ? `, the last at ${newest.at.slice(0, 16)}` : ""} · ${plural(data.totals.versions, "later version")} of articles`;
  id("unit").textContent = unitName;
  const alarms = newest ? newest.alarms : [];
  if (alarms.length) id("alarms").append(node("div", { className: "note alarms", role: "alert" }, node("strong", { textContent: "Alarms of the last run" }), node("ul", {}, ...alarms.map((alarm) => node("li", {}, node("bdi", { textContent: alarm }))))));
  id("names-note").textContent = "Counted by the articles that mention a name, among the names that most articles of all, or of one publisher, mention.";
  id("health-note").textContent = "Runs and hosts follow the time alone, rejects and feeds the publisher too, extraction all that is chosen.";
}
const sum = (list) => list.reduce((total, n) => total + n, 0);

let turn = 0;

/** Draws everything anew from the selection; what an earlier call has not drawn yet is left to the later one. */
async function draw() {
  const mine = ++turn;
  document.documentElement.dataset.drawn = "no";
  const byPublisher = articlesBy((_, p) => p);
  const total = [0, 0, 0, 0, 0, 0];
  for (const sums of byPublisher.values()) sums.forEach((n, k) => { total[k] += n; });
  articlesShown = total[0];
  const shown = [...byPublisher].filter(([p]) => p !== OTHER_PUBLISHERS).sort((a, b) => b[1][0] - a[1][0]).slice(0, TOLD_APART).map(([p]) => p);
  const colours = coloursOf(shown);
  id("shown").textContent = isAll() ? "" : `Shown: ${plural(total[0], "article")} of ${count(sum(cubes.articles.values[0]))}.`;
  drawHeadlines(total);
  drawStories();
  drawFeeds();
  const sections = [
    () => drawArticles(colours), drawMap, drawTopics,
    () => drawBars("people", "People", facet("people")), () => drawBars("organizations", "Organisations", facet("organizations")), () => drawBars("places", "Places", facet("places")),
    () => drawWire(byPublisher), drawRuns, drawRejects, () => drawDrift(byPublisher), drawHosts,
  ];
  for (const section of sections) {
    if (mine !== turn) return;
    await section();
  }
  document.documentElement.dataset.drawn = "yes";
}

fillFilters();
drawTop();
draw();
addEventListener("resize", () => requestAnimationFrame(sizeMap));
