// Wires the page: filters, headline numbers, and drawing anew when the selection changes.
"use strict";

function fillFilters() {
  for (let step = 0; step < frame.steps; step++) {
    id("from").append(
      new Option(dayOf(Math.max(stepStart(step), Date.parse(frame.first_day))), step, step === 0, step === 0),
    );
    id("to").append(
      new Option(dayOf(stepStart(step + 1) - DAY_MS), step, step === frame.steps - 1, step === frame.steps - 1),
    );
  }
  fillChoice(
    "publisher",
    "all publishers",
    frame.publishers,
    data.totals.publishers > frame.publishers.length ? "all other publishers" : null,
  );
  fillChoice(
    "language",
    "all languages",
    frame.languages.map(language),
    cubes.articles.axes[2].some((l) => l === OTHER_LANGUAGES) ? "all other languages" : null,
  );
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
  if (selection.from > selection.to) {
    // the end that was not touched follows
    const moved = event?.target?.id === "to" ? "from" : "to";
    selection[moved] = selection[moved === "to" ? "from" : "to"];
    id(moved).value = selection[moved];
  }
  draw();
}

function choosePublisher(p) {
  id("publisher").value = selection.publisher === p ? -1 : p;
  readFilters();
}

function drawTop() {
  const newest = data.runs.newest.at(-1);
  const range = frame.first_day === frame.last_day ? frame.first_day : `${frame.first_day} to ${frame.last_day}`;
  id("headline").textContent =
    `${plural(sum(cubes.articles.values[0]), "article")}, ${plural(data.totals.stories, "story", "stories")}`;
  id("span").textContent =
    `${range} (UTC) · ${plural(data.runs.number, "run")}${newest ? `, the last at ${newest.at.slice(0, 16)}` : ""} · ${plural(data.totals.versions, "later version")} of articles`;
  id("unit").textContent = unitName;
  const alarms = newest ? newest.alarms : [];
  if (alarms.length)
    id("alarms").append(
      node(
        "div",
        { className: "note alarms", role: "alert" },
        node("strong", { textContent: "Alarms of the last run" }),
        node("ul", {}, ...alarms.map((alarm) => node("li", {}, node("bdi", { textContent: alarm })))),
      ),
    );
  id("names-note").textContent =
    "Counted by the articles that mention a name, among the names that most articles of all, or of one publisher, mention.";
  id("health-note").textContent =
    "Runs and hosts follow the time alone, feeds the publisher alone, rejects both, extraction all that is chosen.";
}

function drawHeadlines(total) {
  const [articles, words, authors, dates, wire, copies] = total;
  const rejected = rejectsShown().reduce((sum, reason) => sum + reason.n, 0);
  const publishers = new Set(),
    languages = new Set();
  const {
    axes: [units, houses, tongues],
    length,
  } = cubes.articles;
  for (let i = 0; i < length; i++)
    if (inTime(Math.floor(units[i] / perStep)) && ofPublisher(houses[i]) && ofLanguage(tongues[i])) {
      publishers.add(houses[i]);
      languages.add(tongues[i]);
    }
  const more = (set, last, all) =>
    set.has(last) ? (isAll() && all ? count(all) : `${set.size - 1}+`) : count(set.size);
  const days =
    (Math.min(stepStart(selection.to + 1), Date.parse(frame.last_day) + DAY_MS) -
      Math.max(stepStart(selection.from), Date.parse(frame.first_day))) /
    DAY_MS;
  const rate = (number) => (number < 10 ? number.toFixed(1) : count(Math.round(number)));
  const figures = [
    ["Articles", count(articles), `${rate(articles / days)} a day`],
    ["Words", count(articles ? Math.round(words / articles) : 0), "in the average article"],
    [
      "Publishers",
      more(publishers, OTHER_PUBLISHERS, data.totals.publishers),
      `${plural(languages.has(OTHER_LANGUAGES) ? languages.size - 1 : languages.size, "language")}${languages.has(OTHER_LANGUAGES) ? " and others" : ""}`,
    ],
    ["Countries", count(facet("mentioned").length), "mentioned"],
    ["Originals", percent(articles - copies, articles), `${plural(copies, "copy", "copies")} of earlier articles`],
    ["Wire", percent(wire, articles), "agency texts"],
    ["Dated", percent(dates, articles), `${percent(authors, articles)} with authors`],
    [
      "Rejected",
      count(rejected),
      selection.language < 0 ? `${percent(rejected, rejected + articles)} of new entries` : "in all languages",
    ],
  ];
  id("headlines").replaceChildren(
    ...figures.map(([head, number, small]) =>
      node("div", {}, node("dt", { textContent: head }), node("dd", {}, number, node("small", { textContent: small }))),
    ),
  );
}

const isAll = () =>
  selection.from === 0 && selection.to === frame.steps - 1 && selection.publisher < 0 && selection.language < 0;
const sum = (list) => list.reduce((total, n) => total + n, 0);

let turn = 0;
let drawing = Promise.resolve();

/** Draws everything anew from the selection, after what is being drawn; of several calls the last one counts. */
function draw() {
  const mine = ++turn;
  document.documentElement.dataset.drawn = "no";
  drawing = drawing.catch(() => {}).then(() => (mine === turn ? drawAll(mine) : undefined));
}

async function drawAll(mine) {
  const byPublisher = articlesBy((_, p) => p);
  const total = [0, 0, 0, 0, 0, 0];
  for (const sums of byPublisher.values())
    sums.forEach((n, k) => {
      total[k] += n;
    });
  const shown = [...byPublisher]
    .filter(([p]) => p !== OTHER_PUBLISHERS)
    .sort((a, b) => b[1][0] - a[1][0])
    .slice(0, TOLD_APART)
    .map(([p]) => p);
  const colours = coloursOf(shown);
  id("shown").textContent = isAll()
    ? ""
    : `Shown: ${plural(total[0], "article")} of ${count(sum(cubes.articles.values[0]))}.`;
  drawHeadlines(total);
  drawStories();
  drawFeeds();
  const sections = [
    () => drawArticles(colours),
    () => drawMap(total[0]),
    drawTopics,
    () => drawBars("people", "People", facet("people")),
    () => drawBars("organizations", "Organisations", facet("organizations")),
    () => drawBars("places", "Places", facet("places")),
    () => drawWire(byPublisher),
    drawRuns,
    drawRejects,
    () => drawDrift(byPublisher),
    drawHosts,
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
