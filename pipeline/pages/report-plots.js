// The plots: each a Vega-Lite specification whose rows are replaced when the selection changes.
"use strict";

const INK = "var(--ink)",
  MUTED = "var(--muted)",
  LINE = "var(--line)";
const FONT = 'system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "Helvetica Neue", Arial, sans-serif';

const CONFIG = {
  background: null,
  font: FONT,
  padding: 0,
  view: { stroke: null },
  axis: {
    labelColor: MUTED,
    titleColor: MUTED,
    gridColor: LINE,
    domainColor: LINE,
    tickColor: LINE,
    labelFontSize: 12,
    labelPadding: 6,
    title: null,
    ticks: false,
  },
  axisQuantitative: { domain: false, tickCount: 5 },
  text: { fill: INK, fontSize: 12 },
};

const ROW = 23; // pixels of a row of horizontal bars
const AUTOSIZE = { type: "fit-x", contains: "padding" };
const asColour = (field) => ({ field, type: "nominal", scale: null, legend: null });
const TOOLTIP = { field: "tip", type: "nominal" };

const DATE = frame.unit_days > 1 ? "%b %Y" : "%-d %b";

const TIME = {
  type: "temporal",
  scale: { type: "utc", nice: false },
  axis: {
    grid: false,
    labelOverlap: "greedy",
    labelSeparation: 8,
    labelFlush: true,
    tickCount: 6,
    labelExpr: `utchours(datum.value) === 0 && utcminutes(datum.value) === 0 ? utcFormat(datum.value, "${DATE}") : ""`,
  },
};

// A label goes to Vega behind its number, for Vega keeps what it draws in plain objects, where "constructor" is taken.
const LABELS = {
  field: "numbered",
  type: "nominal",
  sort: { field: "order", op: "min" },
  axis: {
    labelLimit: innerWidth < 640 ? 110 : 150,
    labelColor: INK,
    domain: false,
    labelExpr: "slice(datum.value, indexof(datum.value, ' ') + 1)",
  },
};

/** Bars over time, stacked by the rows' own y0 and y1. */
const stackedTime = {
  height: 260,
  mark: { type: "rect", tooltip: true },
  encoding: {
    x: { field: "t0", ...TIME },
    x2: { field: "t1" },
    y: { field: "y0", type: "quantitative", axis: { format: "~s" } },
    y2: { field: "y1" },
    color: asColour("colour"),
    tooltip: TOOLTIP,
    description: { field: "tip" },
  },
};

/** The same for a few units of time: a bar with its day below, not a wall. */
const stackedDays = {
  height: 260,
  mark: { type: "bar", tooltip: true, width: { expr: "min(72, 0.8 * bandwidth('x'))" } },
  encoding: {
    ...stackedTime.encoding,
    x: { field: "day", type: "ordinal", sort: { field: "t0", op: "min" }, axis: { labelAngle: 0 } },
  },
};

delete stackedDays.encoding.x2;

/** Horizontal bars with their numbers behind them, in the rows' order. */
const bars = {
  height: "by label",
  encoding: {
    y: LABELS,
    x: { field: "n", type: "quantitative", axis: null, scale: { domainMin: 0, nice: false } },
    description: { field: "tip" },
  },
  layer: [
    {
      mark: { type: "bar", cornerRadiusEnd: 2, height: { band: 0.72 }, tooltip: true, color: SERIES[1] },
      encoding: { tooltip: TOOLTIP },
    },
    {
      mark: { type: "text", align: "left", dx: 5, fontSize: 11, color: MUTED, aria: false },
      encoding: { text: { field: "text" } },
    },
  ],
};

/** Bars as above for what went wrong. */
const badBars = {
  ...bars,
  layer: [{ ...bars.layer[0], mark: { ...bars.layer[0].mark, color: "var(--bad)" } }, bars.layer[1]],
};

/** A row of small fields for each label, darker where there were more. */
const heat = {
  height: "by label",
  mark: { type: "rect", tooltip: true, stroke: "var(--surface)", strokeWidth: 1 },
  encoding: {
    y: LABELS,
    x: { field: "t0", ...TIME },
    x2: { field: "t1" },
    color: asColour("colour"),
    tooltip: TOOLTIP,
    description: { field: "tip" },
  },
};

/** Lines over time, one for each series. */
const linesOf = (format) => ({
  height: 170,
  encoding: {
    x: { field: "t0", ...TIME },
    y: { field: "y", type: "quantitative", axis: { format }, scale: { zero: true } },
    detail: { field: "series", type: "nominal" },
    color: asColour("colour"),
  },
  layer: [
    { mark: { type: "line", strokeWidth: 2, interpolate: "linear", aria: false } },
    {
      mark: { type: "point", filled: true, size: 28, opacity: 1, tooltip: true },
      encoding: { tooltip: TOOLTIP, description: { field: "tip" } },
    },
  ],
});

const lines = linesOf("~s"),
  shareLines = linesOf("%");

/** Bars of one share with a stroke for another. */
const shares = {
  height: "by label",
  encoding: {
    y: LABELS,
    x: {
      field: "wire",
      type: "quantitative",
      axis: { format: "%", orient: "top" },
      scale: { domainMin: 0, nice: true },
    },
    tooltip: TOOLTIP,
    description: { field: "tip" },
  },
  layer: [
    { mark: { type: "bar", cornerRadiusEnd: 2, height: { band: 0.72 }, tooltip: true, color: SERIES[1] } },
    {
      mark: { type: "tick", thickness: 3, opacity: 1, size: 18, tooltip: true, color: SERIES[2], aria: false },
      encoding: { x: { field: "copies", type: "quantitative" } },
    },
  ],
};

const digits = (from, to) => `toNumber(slice(datum.value, ${from}, ${to}))`;
const STARTED = `utc(${digits(0, 4)}, ${digits(4, 6)} - 1, ${digits(6, 8)}, ${digits(9, 11)}, ${digits(11, 13)})`; // of a run's id

/** Bars, one for each run, stacked by the rows' own y0 and y1. */
const runBars = {
  height: 200,
  mark: { type: "bar", tooltip: true, width: { expr: "min(72, bandwidth('x'))" } },
  encoding: {
    x: {
      field: "run",
      type: "ordinal",
      sort: "ascending",
      scale: { paddingInner: 0.12, paddingOuter: 0.05 },
      axis: {
        labelAngle: 0,
        labelOverlap: "greedy",
        labelSeparation: 12,
        labelFlush: true,
        labelExpr: `utcFormat(${STARTED}, "%-d %b %H:%M")`,
      },
    },
    y: { field: "y0", type: "quantitative", axis: { format: "~s" } },
    y2: { field: "y1" },
    color: asColour("colour"),
    tooltip: TOOLTIP,
    description: { field: "tip" },
  },
};

/** Horizontal bars from x0 to x1 in the rows' colours: outcomes by host. */
const parts = {
  height: "by label",
  mark: { type: "bar", height: { band: 0.72 }, tooltip: true },
  encoding: {
    y: LABELS,
    x: { field: "x0", type: "quantitative", axis: { format: "%", orient: "top" }, scale: { domain: [0, 1] } },
    x2: { field: "x1" },
    color: asColour("colour"),
    tooltip: TOOLTIP,
    description: { field: "tip" },
  },
};

/** From the typical to the slow, on a logarithmic scale: latencies by host. */
const ranges = {
  height: "by label",
  encoding: { y: LABELS, tooltip: TOOLTIP, description: { field: "tip" } },
  layer: [
    {
      mark: { type: "rule", strokeWidth: 5, strokeCap: "round", opacity: 0.45, tooltip: true, color: SERIES[1] },
      encoding: {
        x: {
          field: "half",
          type: "quantitative",
          scale: { type: "log", nice: true },
          axis: {
            orient: "top",
            grid: true,
            values: [0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100, 300],
            labelExpr: "datum.value + ' s'",
          },
        },
        x2: { field: "most" },
      },
    },
    {
      mark: { type: "point", filled: true, size: 60, opacity: 1, tooltip: true, color: SERIES[0], aria: false },
      encoding: { x: { field: "half", type: "quantitative" } },
    },
  ],
};

/** The world: shapes of countries, and dots for those too small for one. */
const world = {
  height: 300,
  projection: { type: "equalEarth" },
  layer: [
    {
      transform: [{ filter: "datum.geometry" }],
      mark: { type: "geoshape", stroke: "var(--surface)", strokeWidth: 0.6, tooltip: true },
      encoding: { color: asColour("colour"), tooltip: TOOLTIP, description: { field: "tip" } },
    },
    {
      transform: [{ filter: "!datum.geometry" }],
      mark: { type: "circle", size: 34, opacity: 1, stroke: "var(--surface)", strokeWidth: 0.8, tooltip: true },
      encoding: {
        longitude: { field: "longitude", type: "quantitative" },
        latitude: { field: "latitude", type: "quantitative" },
        color: asColour("colour"),
        tooltip: TOOLTIP,
        description: { field: "tip" },
      },
    },
  ],
};

const views = new Map();

/** Draws `rows` at the element of this id, or says that there are none; `heads` and `cells` make the table of the numbers. */
async function plot(
  id,
  spec,
  rows,
  { title, heads, cells, none = "Nothing of this in what is shown.", values = rows },
) {
  const place = document.getElementById(id);
  if (!place.firstChild)
    place.append(node("div", { className: "drawing" }), node("p", { className: "empty" }), numbersTable(id));
  const [drawing, empty, numbers] = place.children;
  drawing.hidden = numbers.hidden = values.length === 0;
  empty.hidden = values.length > 0;
  empty.textContent = none;
  numbers.table = { heads, rows: values.map(cells) };
  if (numbers.open) fillNumbers(numbers);
  if (values.length === 0) return;
  let height = spec.height;
  if (height === "by label") {
    const labels = [...new Set(rows.map((row) => row.label))],
      numbers = new Map(labels.map((label, i) => [label, i]));
    for (const row of rows) {
      row.order = numbers.get(row.label);
      row.numbered = `${row.order} ${row.label}`;
    }
    height = ROW * labels.length;
  }
  const shown = views.get(id);
  if (shown?.spec === spec) {
    if (id !== "map") shown.view.height(height); // which goes by its width
    await shown.view.data("rows", rows).runAsync();
    return;
  }
  shown?.finalize();
  const embedded = await vegaEmbed(
    drawing,
    {
      ...spec,
      height,
      width: "container",
      data: { name: "rows", values: rows },
      config: CONFIG,
      autosize: AUTOSIZE,
      description: title,
    },
    {
      ast: true,
      actions: false,
      defaultStyle: false,
      renderer: "svg",
      tooltip: showTip,
      mode: "vega-lite",
      logLevel: 1,
    },
  );
  drawing.querySelector("svg").setAttribute("aria-label", title);
  views.set(id, { spec, view: embedded.view, finalize: embedded.finalize });
}

function numbersTable(id) {
  const numbers = node("details", { className: "numbers" });
  numbers.append(node("summary", { textContent: "Numbers" }), node("div", { className: "scroll", tabIndex: 0 }));
  numbers.addEventListener("toggle", () => fillNumbers(numbers));
  return numbers;
}

function fillNumbers(numbers) {
  numbers.lastChild.replaceChildren(table(numbers.table.heads, numbers.table.rows));
}

const tip = node("div", { className: "tip", hidden: true });
document.body.append(tip);

/** Vega calls this with the value of the mark under the pointer, null when it leaves. The first line is set bold. */
function showTip(_handler, event, _item, value) {
  tip.hidden = value === null || value === "" || value === undefined;
  if (tip.hidden) return;
  const [first, ...rest] = String(value).split("\n");
  tip.replaceChildren(
    node("b", {}, node("bdi", { textContent: first })),
    ...rest.map((line) => node("div", {}, node("bdi", { textContent: line }))),
  );
  const { clientX, clientY } = event;
  tip.style.left = `${Math.max(4, Math.min(clientX + 14, innerWidth - tip.offsetWidth - 4))}px`;
  tip.style.top = `${Math.max(4, Math.min(clientY + 14, innerHeight - tip.offsetHeight - 4))}px`;
}
