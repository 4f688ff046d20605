// The page's second half: how the pipeline is.
"use strict";

async function drawRuns() {
  const runs = data.runs.newest.filter((run) => inTime(run.t));
  id("runs-note").textContent =
    `${plural(data.runs.number, "run")} in all: ${count(data.runs.entries)} entries, ${count(data.runs.stored)} stored.` +
    (data.runs.number > data.runs.newest.length ? ` The newest ${data.runs.newest.length} are shown.` : "");
  const rows = runs.flatMap((run) => {
    let y = 0;
    return [
      ["stored", SERIES[1]],
      ["dropped", SERIES[5]],
      ["rejected", "var(--bad)"],
      ["unchanged", SERIES[8]],
    ].map(([key, colour]) => {
      const y0 = y;
      y += run[key] || 0;
      return {
        run: run.id,
        y0,
        y1: y,
        colour,
        tip: `${run.at} UTC\n${plural(run.entries, "entry", "entries")}: ${count(run.stored || 0)} stored, ${count(run.dropped || 0)} dropped,\n${count(run.rejected || 0)} rejected, ${count(run.unchanged || 0)} unchanged\n${plural(run.polled || 0, "feed")} polled, ${count(run.failed || 0)} failed${run.seconds ? `\n${run.seconds.toFixed(0)} s` : ""}`,
      };
    });
  });
  await plot("runs", runBars, rows, {
    title: "Entries of each run",
    values: runs,
    heads: ["started", "seconds", "feeds", "failed", "entries", "stored", "dropped", "rejected", "unchanged", "alarms"],
    cells: (run) => [
      run.at,
      (run.seconds || 0).toFixed(1),
      run.polled || 0,
      run.failed || 0,
      run.entries,
      run.stored || 0,
      run.dropped || 0,
      run.rejected || 0,
      run.unchanged || 0,
      run.alarms.join(" · "),
    ],
    none: "No run in the time shown.",
  });
}

async function drawRejects() {
  const rows = rejectsShown();
  const shown = rows.slice(0, TOP).map((row) => ({
    label: row.reason,
    n: row.n,
    text: count(row.n),
    tip: `${row.reason}\n${plural(row.n, "entry", "entries")}\n${row.meaning}`,
  }));
  await plot("rejects", badBars, shown, {
    title: "Reasons for rejects",
    values: rows,
    heads: ["reason", "stage", "entries"],
    cells: (row) => [row.reason, row.stage, row.n],
    none: "Nothing was rejected in what is shown.",
  });
  id("reasons").replaceChildren(
    table(
      ["reason", "what it means", "an example"],
      rows.slice(0, 8).map((row) => [row.reason, row.meaning + (row.retryable ? " (tried again)" : ""), row.example]),
    ),
  );
}

const STATES = { failing: "failing", silent: "silent", late: "late", new: "no article yet", fine: "fine" };

function drawFeeds() {
  const { states, listed, as_of } = data.feeds;
  const all = Object.values(states).reduce((sum, n) => sum + n, 0);
  id("feeds-note").textContent = all
    ? `As of ${as_of} UTC. Silent: nothing new for ${data.limits.silent_gaps} times the pause that is usual; late: the typical entry is seen more than ${data.limits.late_h} hours after its publication.`
    : "No feed has been polled.";
  id("feed-states").replaceChildren(
    ...Object.entries(states)
      .filter(([, n]) => n)
      .map(([state, n]) =>
        node("li", {}, node("span", { className: `state ${state}`, textContent: `${count(n)} ${STATES[state]}` })),
      ),
  );
  const hours = (h) => (h === null ? "" : h >= 48 ? `${(h / 24).toFixed(0)} d` : `${h.toFixed(1)} h`);
  const shown = listed.filter(
    (feed) => selection.publisher < 0 || feed.publisher === frame.publishers[selection.publisher],
  );
  const rows = shown.map((feed) => [
    node(
      "span",
      {},
      node("span", { className: `state ${feed.state}`, textContent: STATES[feed.state] }),
      feed.why ? node("br") : "",
      node("small", { className: "muted", textContent: feed.why }),
    ),
    node(
      "span",
      { title: feed.url },
      node("bdi", { textContent: feed.id }),
      node("br"),
      node("small", { className: "muted" }, node("bdi", { textContent: feed.publisher })),
    ),
    feed.articles,
    feed.polls ? percent(feed.failed, feed.polls) : "–",
    hours(feed.silent_h) || "–",
    hours(feed.usual_h) || "–",
    hours(feed.lag_h) || "–",
  ]);
  id("feeds").replaceChildren(
    table(["state", "feed", "articles", "polls failed", "last news", "usual pause", "seen after"], rows),
  );
  if (all > listed.length)
    id("feeds").append(
      node("p", { className: "muted", textContent: `and ${plural(all - listed.length, "feed")} more` }),
    );
}

async function drawDrift(byPublisher) {
  const changes = driftByPublisher();
  const largest = [...byPublisher]
    .filter(([p]) => p !== OTHER_PUBLISHERS)
    .sort((a, b) => b[1][0] - a[1][0])
    .map(([p]) => p);
  const colours = coloursOf(
    [...new Set([...changes.filter((row) => row.far).map((row) => row.p), ...largest])].slice(0, 5),
  );
  legend("drift-legend", colours, false);
  const width = pointWidth(),
    days = width * frame.unit_days;
  const byBoth = [...articlesBy((unit, p) => (colours.has(p) ? Math.floor(unit / width) * P + p : -1))]
    .filter(([key]) => key >= 0)
    .sort((a, b) => a[0] - b[0]);
  const alone = new Set(byBoth.map(([place]) => Math.floor(place / P))).size < 2;
  id("drift-plots").hidden = id("drift-legend").hidden = alone;
  const kinds = [
    ["words", "Words an article", lines, (v) => `${count(Math.round(v))} words an article`],
    ["authors", "Share with authors", shareLines, (v) => `${percent(v, 1)} with authors`],
    ["dates", "Share with a date", shareLines, (v) => `${percent(v, 1)} with a date`],
  ];
  for (const [key, title, spec, words] of kinds) {
    const rows = byBoth.map(([place, sums]) => {
      const start = unitStart(Math.floor(place / P) * width),
        p = place % P,
        y = sums[ARTICLE[key]] / sums[0];
      return {
        t0: start,
        y,
        series: p,
        colour: SERIES[colours.get(p)],
        n: sums[0],
        tip: `${publisherName(p)}\n${span(start, days)}\n${words(y)}\nin ${plural(sums[0], "article")}`,
      };
    });
    await plot(`drift-${key}`, spec, alone ? [] : rows, {
      title,
      heads: ["from", "publisher", title.toLowerCase(), "articles"],
      cells: (row) => [
        dayOf(row.t0),
        publisherName(row.series),
        key === "words" ? Math.round(row.y) : percent(row.y, 1),
        row.n,
      ],
    });
  }
  const cell = ({ before, after, far }, words) =>
    node("span", { className: far ? "warn" : "", textContent: `${words(before)} → ${words(after)}` });
  const share = (v) => percent(v, 1),
    whole = (v) => count(Math.round(v));
  if (alone) {
    id("drift").replaceChildren(
      table(
        ["publisher", "articles", "words", "with authors", "with a date"],
        largest.map((p) => {
          const sums = byPublisher.get(p),
            of = (key) => sums[ARTICLE[key]];
          return [
            publisherName(p),
            sums[0],
            whole(of("words") / sums[0]),
            percent(of("authors"), sums[0]),
            percent(of("dates"), sums[0]),
          ];
        }),
      ),
    );
    return;
  }
  id("drift").replaceChildren(
    table(
      ["earlier → later half", "articles", "words", "with authors", "with a date"],
      changes.map(({ p, articles, words, authors, dates }) => [
        publisherName(p),
        articles,
        cell(words, whole),
        cell(authors, share),
        cell(dates, share),
      ]),
    ),
  );
}

/** The later half of the time shown against the earlier, by publisher; what fell by half, or words that doubled, is far. */
function driftByPublisher() {
  let first = Infinity,
    last = -Infinity;
  eachArticleCell((unit) => {
    first = Math.min(first, unit);
    last = Math.max(last, unit);
  });
  const middle = (first + last) / 2;
  const halves = articlesBy((unit, p) => 2 * p + (unit <= middle ? 0 : 1));
  const rows = [];
  for (let p = 0; p < OTHER_PUBLISHERS; p++) {
    const early = halves.get(2 * p),
      late = halves.get(2 * p + 1);
    if (!early || !late) continue;
    const enough = Math.min(early[0], late[0]) >= data.limits.drift_articles;
    const row = { p, n: early[0] + late[0], articles: `${count(early[0])} → ${count(late[0])}`, far: false };
    for (const key of ["words", "authors", "dates"]) {
      const before = early[ARTICLE[key]] / early[0],
        after = late[ARTICLE[key]] / late[0];
      const far =
        enough &&
        (after < before * (1 - data.limits.drift) || (key === "words" && after > before / (1 - data.limits.drift)));
      row[key] = { before, after, far };
      row.far ||= far;
    }
    rows.push(row);
  }
  return rows.sort((a, b) => b.far - a.far || b.n - a.n);
}

async function drawHosts() {
  const hosts = hostsShown(),
    shown = hosts.slice(0, TOP);
  const rows = shown.flatMap((host) => {
    let x = 0;
    return [
      ["ok", "ok", "var(--good)"],
      ["unmodified", "not modified", SERIES[4]],
      ["failed", "failed", "var(--bad)"],
    ].map(([key, words, colour]) => {
      const x0 = x;
      x += host[key] / host.n;
      return {
        label: host.host,
        x0,
        x1: x,
        colour,
        tip: `${host.host}\n${count(host[key])} of ${plural(host.n, "fetch", "fetches")} ${words}`,
      };
    });
  });
  const told = (host) =>
    host.outcomes
      .map((n, o) => [n, data.hosts.outcomes[o] ?? "others"])
      .filter(([n, outcome]) => n && outcome !== "ok" && outcome !== "not-modified")
      .sort((a, b) => b[0] - a[0])
      .map(([n, outcome]) => `${outcome} ${count(n)}`)
      .join(", ");
  await plot("outcomes", parts, rows, {
    title: "Outcomes of fetches by host",
    values: hosts,
    heads: ["host", "fetches", "ok", "not modified", "failed"],
    cells: (host) => [host.host, host.n, host.ok, host.unmodified, host.failed],
    none: "No fetch in the time shown.",
  });
  const spans = shown.map((host) => ({
    label: host.host,
    half: Math.max(0.001, host.half_ms / 1000),
    most: Math.max(0.001, host.most_ms / 1000),
    tip: `${host.host}\nhalf within ${seconds(host.half_ms)}\n95 of 100 within ${seconds(host.most_ms)}`,
  }));
  await plot("latency", ranges, spans, {
    title: "Seconds that fetches took by host",
    heads: ["host", "half within", "95 of 100 within"],
    cells: (row) => [row.label, seconds(row.half * 1000), seconds(row.most * 1000)],
    none: "No fetch in the time shown.",
  });
  id("hosts").replaceChildren(
    table(
      ["host", "fetches", "failed", "failures", "half within", "95 of 100 within", "received"],
      hosts.map((host) => [
        host.host,
        host.n,
        percent(host.failed, host.n),
        told(host),
        seconds(host.half_ms),
        seconds(host.most_ms),
        `${(host.kb / 1024).toFixed(1)} MB`,
      ]),
    ),
  );
}

const seconds = (ms) => `${(ms / 1000).toPrecision(2)} s`;
