// What the sections share: elements, tables, words for numbers and times, colours and legends.
"use strict";

const id = (name) => document.getElementById(name);

/** An element; text goes in by `textContent` alone, so that nothing in it is ever markup. */
function node(name, properties = {}, ...children) {
  const element = Object.assign(document.createElement(name), properties);
  element.append(...children);
  return element;
}

/** A table; a cell is a number, a text, or an element. Nothing when there are no rows. */
function table(heads, rows) {
  if (rows.length === 0) return "";
  const numeric = heads.map((_, i) =>
    rows.every((row) => typeof row[i] === "number" || /^[\d.,–-]+( ?%| h| d| s| MB)?$/.test(String(row[i]))),
  );
  const head = node(
    "tr",
    {},
    ...heads.map((text, i) => node("th", { textContent: text, scope: "col", className: numeric[i] ? "number" : "" })),
  );
  const body = rows.map((row) =>
    node(
      "tr",
      {},
      ...row.map((value, i) => {
        const cell = node("td", {
          className: numeric[i] ? "number" : String(value.textContent ?? value).length > 30 ? "long" : "",
        });
        cell.append(
          value instanceof Node
            ? value
            : node("bdi", { textContent: typeof value === "number" ? count(value) : value }),
        );
        return cell;
      }),
    ),
  );
  return node("table", {}, node("thead", {}, head), node("tbody", {}, ...body));
}

const count = (number) => number.toLocaleString("en");
const percent = (part, whole) =>
  whole ? `${((100 * part) / whole).toFixed(part && part / whole < 0.0995 ? 1 : 0)} %` : "–";
const plural = (n, one, many = `${one}s`) => `${count(n)} ${n === 1 ? one : many}`;

const names = {
  region: new Intl.DisplayNames("en", { type: "region" }),
  language: new Intl.DisplayNames("en", { type: "language" }),
};

function named(kind, code) {
  try {
    return names[kind].of(code) || code;
  } catch {
    return code;
  }
}

const country = (code) => (code === "XK" ? "Kosovo" : named("region", code));
const language = (code) => (code === "und" ? "unknown" : named("language", code));

/** The words for a unit of time that starts at `ms`. */
function span(ms, days) {
  return days === 1 ? dayOf(ms) : `${dayOf(ms)} to ${dayOf(ms + (days - 1) * DAY_MS)}`;
}

const unitName =
  { 1: "day", 7: "week", 28: "four weeks", 84: "twelve weeks", 336: "48 weeks" }[frame.unit_days] ||
  `${frame.unit_days} days`;
const MORE_DAYS = "With more days, this shows how it changes.";

const TOP = 15;

const SERIES = [0, 1, 2, 3, 4, 5, 6, 7, 8].map((i) => `var(--c${i})`); // the last is for all others
const SHADES = [0, 1, 2, 3, 4, 5].map((i) => `var(--s${i})`);

const TOLD_APART = 8; // colours of publishers; the others share the last

/** Colours of publishers that stay when the selection changes, as far as no two that are shown have the same. */
function coloursOf(shown) {
  const taken = new Set(),
    colours = new Map(),
    later = [];
  for (const p of shown) {
    const own = p % TOLD_APART;
    if (taken.has(own)) later.push(p);
    else {
      taken.add(own);
      colours.set(p, own);
    }
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
    const button = node("button", {
      type: "button",
      title: selection.publisher === p ? "Show all publishers" : "Show this publisher alone",
    });
    button.append(node("i", { className: `swatch c${colour}` }), node("bdi", { textContent: publisherName(p) }));
    button.addEventListener("click", () => choosePublisher(p));
    return node("li", {}, button);
  });
  if (others) items.push(node("li", {}, node("i", { className: "swatch c8" }), "others"));
  id(name).replaceChildren(...items);
}

/** How many units a point of a line stands for, so that there are not too many. */
function pointWidth() {
  return Math.ceil(((selection.to - selection.from + 1) * perStep) / MOST_POINTS);
}
