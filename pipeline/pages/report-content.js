// The page's first half: what is in the news.
"use strict";

const STORIES = 10;
const FEW_UNITS = 8; // of time: fewer have bars with names
const MOST_COLUMNS = 30,
  MOST_POINTS = 45; // over time; where there are more, neighbours are drawn as one

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
  const order = [...colours.keys(), -1],
    tops = new Map();
  const rows = [...cells]
    .map(([key, n]) => {
      const [unit, series] = key.split(" ").map(Number);
      return { unit, series, n };
    })
    .sort((a, b) => a.unit - b.unit || order.indexOf(a.series) - order.indexOf(b.series));
  for (const row of rows) {
    row.y0 = tops.get(row.unit) || 0;
    row.y1 = row.y0 + row.n;
    tops.set(row.unit, row.y1);
    row.t0 = unitStart(row.unit);
    row.t1 = row.t0 + frame.unit_days * DAY_MS;
    row.day = new Date(row.t0).toLocaleDateString("en-GB", {
      day: "numeric",
      month: "short",
      year: frame.unit_days > 7 ? "numeric" : undefined,
      timeZone: "UTC",
    });
    row.colour = SERIES[row.series < 0 ? 8 : colours.get(row.series)];
    row.tip = `${row.series < 0 ? "others" : publisherName(row.series)}\n${span(row.t0, frame.unit_days)}\n${plural(row.n, "article")}`;
  }
  return plot("articles", tops.size < FEW_UNITS ? stackedDays : stackedTime, rows, {
    title: `Articles per ${unitName} by publisher`,
    heads: ["from", "publisher", "articles"],
    cells: (row) => [dayOf(row.t0), row.series < 0 ? "others" : publisherName(row.series), row.n],
  });
}

const outlines = data.world.objects.countries.geometries.map((shape) => unfold(shape, data.world));

/** A shape of a TopoJSON topology as GeoJSON: its rings are chains of arcs, ~n being arc n backwards. */
function unfold(shape, { arcs, transform: { scale, translate } }) {
  const positions = (number) => {
    let x = 0,
      y = 0;
    const line = arcs[number < 0 ? ~number : number].map(([dx, dy]) => [
      (x += dx) * scale[0] + translate[0],
      (y += dy) * scale[1] + translate[1],
    ]);
    return number < 0 ? line.reverse() : line;
  };
  const ring = (numbers) => numbers.flatMap((number, i) => positions(number).slice(i ? 1 : 0)); // arcs share their ends
  const polygon = (rings) => rings.map(ring);
  return {
    type: "Feature",
    id: shape.id,
    geometry: {
      type: shape.type,
      coordinates: shape.type === "Polygon" ? polygon(shape.arcs) : shape.arcs.map(polygon),
    },
  };
}

async function drawMap(articles) {
  const by = document.querySelector('input[name="country-by"]:checked').value;
  const rows = facet(by);
  const n = new Map(rows.map((row) => [row.label, row.n]));
  const bounds = classes(rows.map((row) => row.n));
  const fill = (code) => SHADES[n.has(code) ? shade(n.get(code), bounds) : 0];
  const words = (code) => `${country(code)}\n${plural(n.get(code) || 0, "article")}`;
  const shapes = outlines.map((shape) => ({ ...shape, code: shape.id, colour: fill(shape.id), tip: words(shape.id) }));
  const dots = Object.entries(data.world.points)
    .filter(([code]) => n.has(code))
    .map(([code, [longitude, latitude]]) => ({ longitude, latitude, code, colour: fill(code), tip: words(code) }));
  await plot("map", world, [...shapes, ...dots], {
    title: by === "about" ? "Countries that stories are about" : "Countries mentioned",
    values: rows,
    heads: ["country", "code", "articles"],
    cells: (row) => [country(row.label), row.label, row.n],
  });
  sizeMap();
  id("map-legend").replaceChildren(
    ...(rows.length ? bounds : []).map((from, i) => {
      const to = i + 1 < bounds.length ? bounds[i + 1] - 1 : Math.max(from, rows[0].n);
      return node(
        "li",
        {},
        node("i", { className: `swatch s${i + 1}` }),
        from === to ? count(from) : `${count(from)}–${count(to)}`,
      );
    }),
  );
  const total = rows.reduce((sum, row) => sum + row.n, 0);
  id("countries").replaceChildren(
    table(
      ["country", "articles", "share"],
      rows.slice(0, 10).map((row) => [country(row.label), row.n, percent(row.n, by === "about" ? total : articles)]),
    ),
  );
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
  bounds.forEach((from, i) => {
    if (number >= from) found = i + 1;
  });
  return bounds.length < 5 ? found + (5 - bounds.length) : found;
}

function drawBars(name, title, rows) {
  const shown = rows.slice(0, TOP).map((row) => ({
    label: row.label,
    n: row.n,
    text: count(row.n),
    tip: `${row.label}\n${plural(row.n, "article")}`,
  }));
  return plot(name, bars, shown, {
    title,
    heads: [title.toLowerCase(), "articles"],
    values: rows.slice(0, 100),
    cells: (row) => [row.label, row.n],
  });
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
  await plot("topics-time", heat, columns > 1 ? cells : [], {
    title: "Topics over time",
    none: MORE_DAYS,
    heads: ["from", "topic", "articles"],
    cells: (row) => [dayOf(row.t0), row.label, row.n],
  });
}

function drawStories() {
  const shown = storiesShown().slice(0, STORIES);
  id("stories").replaceChildren(
    ...shown.map(({ story, n, size }) => {
      const first = story.copies[0];
      const outside = size - n ? `, ${count(size)} in all` : "";
      const houses = new Set(story.copies.map((copy) => copy.publisher)).size;
      const summary = node(
        "summary",
        {},
        node(
          "span",
          { className: "count" },
          count(n),
          node("small", { className: "muted", textContent: n === 1 ? "article" : "articles" }),
        ),
        node(
          "span",
          {},
          node("span", { className: "title" }, node("bdi", { textContent: first.title })),
          node("br"),
          node(
            "small",
            { className: "muted" },
            `${first.at} · first seen at `,
            node("bdi", { textContent: first.publisher }),
            houses > 1 ? ` and later at ${plural(houses - 1, "other")}` : "",
            outside,
            story.agency ? " · agency: " : "",
            node("bdi", { textContent: story.agency || "" }),
          ),
        ),
      );
      const copies = story.copies.map((copy) => [
        copy.at,
        copy.publisher,
        linked(copy.title, copy.url),
        copy.kind ? `${copy.kind}${copy.score === null ? "" : ` ${percent(copy.score, 1)}`}` : "first seen",
      ]);
      const body = node(
        "div",
        { className: "scroll", tabIndex: 0 },
        table(["seen", "publisher", "title", "copy"], copies),
      );
      if (size > story.copies.length)
        body.append(
          node("p", {
            className: "muted",
            textContent: `and ${plural(size - story.copies.length, "copy", "copies")} more`,
          }),
        );
      return node("li", {}, node("details", {}, summary, body));
    }),
  );
  if (!shown.length)
    id("stories").replaceChildren(
      node("li", { className: "muted", textContent: "No story with copies in what is shown." }),
    );
}

/** A link where the address is one of the web, else the text alone. */
function linked(text, address) {
  const words = node("bdi", { textContent: text });
  if (!/^https?:\/\//i.test(address || "")) return words;
  return node("a", { href: address, rel: "noopener noreferrer nofollow", target: "_blank" }, words);
}

async function drawWire(byPublisher, colours) {
  const rows = [...byPublisher]
    .sort((a, b) => b[1][0] - a[1][0])
    .slice(0, TOP)
    .map(([p, sums]) => ({
      label: publisherName(p),
      wire: sums[ARTICLE.wire] / sums[0],
      copies: sums[ARTICLE.copies] / sums[0],
      n: sums[0],
      sums,
      tip: `${publisherName(p)}\n${percent(sums[ARTICLE.wire], sums[0])} agency texts\n${percent(sums[ARTICLE.copies], sums[0])} copies\nof ${plural(sums[0], "article")}`,
    }));
  await plot("wire", shares, rows, {
    title: "Wire share and copies by publisher",
    heads: ["publisher", "articles", "wire", "copies"],
    cells: (row) => [
      row.label,
      row.n,
      percent(row.sums[ARTICLE.wire], row.n),
      percent(row.sums[ARTICLE.copies], row.n),
    ],
  });
  const width = pointWidth(),
    days = width * frame.unit_days;
  const byUnit = [...articlesBy((unit) => Math.floor(unit / width) * width)].sort((a, b) => a[0] - b[0]);
  const points = byUnit.flatMap(([unit, sums]) =>
    [
      ["agency texts", "wire", 1],
      ["copies", "copies", 2],
    ].map(([words, key, colour]) => ({
      t0: unitStart(unit),
      series: key,
      words,
      y: sums[ARTICLE[key]] / sums[0],
      colour: SERIES[colour],
      n: sums[0],
      tip: `${percent(sums[ARTICLE[key]], sums[0])} ${words}\n${span(unitStart(unit), days)}\nof ${plural(sums[0], "article")}`,
    })),
  );
  await plot("copies-time", shareLines, byUnit.length > 1 ? points : [], {
    none: MORE_DAYS,
    title: "Share of wire and copies over time",
    heads: ["from", "what", "share", "of articles"],
    cells: (row) => [dayOf(row.t0), row.words, percent(row.y, 1), row.n],
  });
}
