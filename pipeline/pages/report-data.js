// The cubes, and what the filters leave of them. Nothing here touches the page.
"use strict";

const data = JSON.parse(document.getElementById("data").textContent);
const frame = data.frame;
const DAY_MS = 86400000;
const OTHER_PUBLISHERS = frame.publishers.length; // cubes count what is not told apart under the number after the last
const OTHER_LANGUAGES = frame.languages.length;
const perStep = frame.step_days / frame.unit_days;
const origin = Date.parse(frame.origin);
const ARTICLE = { articles: 0, words: 1, authors: 2, dates: 3, wire: 4, copies: 5 };

/** A cube's cells: for each axis a list of coordinates, then for each number a list of values. */
function unpack(cube, sizes, numbers) {
  const length = cube.keys.length;
  const axes = sizes.map(() => new Int32Array(length));
  const values = Array.from({ length: numbers }, () => new Float64Array(length));
  let place = 0;
  for (let i = 0; i < length; i++) {
    place += cube.keys[i];
    let rest = place;
    for (let axis = sizes.length - 1; axis >= 0; axis--) {
      axes[axis][i] = rest % sizes[axis];
      rest = Math.floor(rest / sizes[axis]);
    }
    for (let k = 0; k < numbers; k++) values[k][i] = cube.values[i * numbers + k];
  }
  return { length, axes, values, labels: cube.labels };
}

const P = frame.publishers.length + 1,
  L = frame.languages.length + 1;
const cubes = { articles: unpack(data.articles, [frame.units, P, L], 6) };
for (const name of ["about", "mentioned", "topics", "people", "organizations", "places"])
  cubes[name] = unpack(data[name], [frame.steps, P, L, Math.max(1, data[name].labels.length)], 1);
cubes.rejects = unpack(data.rejects, [frame.steps, P, Math.max(1, data.rejects.reasons.length)], 1);
const HOSTS = data.hosts.names.length + 1,
  OUTCOMES = data.hosts.outcomes.length + 1,
  BINS = data.hosts.bin_ms.length - 1;
cubes.outcomes = unpack(data.hosts.by_outcome, [frame.steps, HOSTS, OUTCOMES], 2);
cubes.latency = unpack(data.hosts.by_latency, [frame.steps, HOSTS, BINS], 1);

/** What is shown: steps from and to (both in), a publisher and a language by number, -1 for all. */
const selection = { from: 0, to: frame.steps - 1, publisher: -1, language: -1 };

const inTime = (step) => step >= selection.from && step <= selection.to;
const ofPublisher = (p) => selection.publisher < 0 || p === selection.publisher;
const ofLanguage = (l) => selection.language < 0 || l === selection.language;

/** Calls `take(unit, publisher, numbers)` for each cell of the articles that is shown; numbers in the order of ARTICLE. */
function eachArticleCell(take) {
  const {
    axes: [units, publishers, languages],
    values,
    length,
  } = cubes.articles;
  for (let i = 0; i < length; i++)
    if (inTime(Math.floor(units[i] / perStep)) && ofPublisher(publishers[i]) && ofLanguage(languages[i]))
      take(
        units[i],
        publishers[i],
        values.map((list) => list[i]),
      );
}

/** Totals of the six numbers of articles by `key(unit, publisher)`: a Map. */
function articlesBy(key) {
  const found = new Map();
  eachArticleCell((unit, publisher, numbers) => {
    const at = key(unit, publisher);
    const sums = found.get(at) || found.set(at, [0, 0, 0, 0, 0, 0]).get(at);
    numbers.forEach((number, k) => {
      sums[k] += number;
    });
  });
  return found;
}

/** Articles by value of a facet: [{label, n}], most first; with `byStep` also how many in each step. */
function facet(name, byStep) {
  const {
    axes: [steps, publishers, languages, values],
    values: [counts],
    labels,
    length,
  } = cubes[name];
  const found = new Map();
  for (let i = 0; i < length; i++) {
    if (!inTime(steps[i]) || !ofPublisher(publishers[i]) || !ofLanguage(languages[i])) continue;
    let row = found.get(values[i]);
    if (!row) found.set(values[i], (row = { label: labels[values[i]], n: 0, steps: new Map() }));
    row.n += counts[i];
    if (byStep) row.steps.set(steps[i], (row.steps.get(steps[i]) || 0) + counts[i]);
  }
  return [...found.values()].sort((a, b) => b.n - a.n || (a.label < b.label ? -1 : 1));
}

/** Stories with what is shown of them: those of which two articles or more are. */
function storiesShown() {
  const found = [];
  for (const story of data.stories) {
    let n = 0;
    const publishers = new Set();
    for (let i = 0; i < story.counts.length; i += 4) {
      const [t, p, l, count] = story.counts.slice(i, i + 4);
      if (inTime(t) && ofLanguage(l)) {
        if (ofPublisher(p)) n += count;
        publishers.add(p);
      }
    }
    const enough = selection.publisher < 0 ? n > 1 : n > 0;
    if (enough)
      found.push({ story, n, size: story.counts.reduce((sum, count, i) => (i % 4 === 3 ? sum + count : sum), 0) });
  }
  return found.sort((a, b) => b.n - a.n || b.size - a.size);
}

/** Rejects by reason: [{...reason, n}], most first. They follow time and publisher; an entry given up on has no language. */
function rejectsShown() {
  const {
    axes: [steps, publishers, reasons],
    values: [counts],
    length,
  } = cubes.rejects;
  const n = new Map();
  for (let i = 0; i < length; i++)
    if (inTime(steps[i]) && ofPublisher(publishers[i])) n.set(reasons[i], (n.get(reasons[i]) || 0) + counts[i]);
  return [...n].map(([i, count]) => ({ ...data.rejects.reasons[i], n: count })).sort((a, b) => b.n - a.n);
}

/** Hosts in the time shown: fetches, outcomes, kilobytes, and latencies in ms below which half and 95 of 100 stayed. */
function hostsShown() {
  const found = Array.from({ length: HOSTS }, (_, h) => ({
    host: data.hosts.names[h] ?? "other hosts",
    n: 0,
    kb: 0,
    outcomes: new Array(OUTCOMES).fill(0),
    bins: new Array(BINS).fill(0),
  }));
  const answers = cubes.outcomes,
    times = cubes.latency;
  for (let i = 0; i < answers.length; i++) {
    if (!inTime(answers.axes[0][i])) continue;
    const host = found[answers.axes[1][i]];
    host.n += answers.values[0][i];
    host.kb += answers.values[1][i];
    host.outcomes[answers.axes[2][i]] += answers.values[0][i];
  }
  for (let i = 0; i < times.length; i++)
    if (inTime(times.axes[0][i])) found[times.axes[1][i]].bins[times.axes[2][i]] += times.values[0][i];
  for (const host of found) {
    host.half_ms = quantile(host.bins, 0.5);
    host.most_ms = quantile(host.bins, 0.95);
    host.ok = host.unmodified = 0;
    data.hosts.outcomes.forEach((outcome, o) => {
      if (outcome === "ok") host.ok += host.outcomes[o];
      if (outcome === "not-modified") host.unmodified += host.outcomes[o];
    });
    host.failed = host.n - host.ok - host.unmodified;
  }
  return found
    .filter((host) => host.n > 0)
    .sort((a, b) => (a.host === "other hosts") - (b.host === "other hosts") || b.n - a.n);
}

/** The latency below which `share` of a histogram lies, read off within its bin. */
function quantile(bins, share) {
  let left = bins.reduce((sum, n) => sum + n, 0) * share;
  for (let i = 0; i < bins.length; i++) {
    if (left <= bins[i] && bins[i] > 0)
      return data.hosts.bin_ms[i] + (data.hosts.bin_ms[i + 1] - data.hosts.bin_ms[i]) * (left / bins[i]);
    left -= bins[i];
  }
  return 0;
}

const dayOf = (ms) => new Date(ms).toISOString().slice(0, 10);
const unitStart = (unit) => origin + unit * frame.unit_days * DAY_MS;
const stepStart = (step) => origin + step * frame.step_days * DAY_MS;
const publisherName = (p) => frame.publishers[p] ?? "other publishers";
