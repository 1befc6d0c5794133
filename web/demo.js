/** The demo page: takes files in by drop, choice or paste, and runs each through the client, a few at a time. */

import { AirlockError, contentUrl, upload, withdraw } from "./airlock.js";
import { Row } from "./row.js";

// Browsers keep six HTTP/1.1 connections to a host, and each upload that is followed holds one.
const LANES = 4;
const LOG_LINES = 20;

const service = new URL(".", location.href).href;
const byId = (id) => document.getElementById(id);
const rows = new Set();
const waiting = [];
let busy = 0;

function add(files) {
  const { value: profile } = document.querySelector("input[name=profile]:checked");
  const added = files.map((file) => new Row(file, profile, byId("row")));
  byId("rows").prepend(...added.map((row) => row.element));
  for (const row of added) {
    row.cancel.addEventListener("click", () => cancel(row));
    row.again.addEventListener("click", () => again(row));
    row.download.addEventListener("click", (event) => download(row, event));
    rows.add(row);
    enqueue(row);
  }
  notify("");
  tally();
}

function enqueue(row) {
  row.stop = new AbortController();
  waiting.push(row);
  advance();
}

function advance() {
  while (busy < LANES && waiting.length > 0) {
    busy += 1;
    run(waiting.shift()).finally(() => {
      busy -= 1;
      advance();
    });
  }
}

async function run(row) {
  try {
    show(row, "asking");
    const status = await upload(row.file, {
      ...connection(),
      profile: row.profile || undefined,
      signal: row.stop.signal,
      onState: (news) => reached(row, news),
      onProgress: (progress) => (progress.stored ? stored(row, progress) : row.progress(progress)),
    });
    row.download.href = contentUrl(status.id, { service });
  } catch (error) {
    ended(row, error);
  }
}

function reached(row, status) {
  row.id = status.id;
  const known = row.state === "stored" && status.state === "awaiting_upload";
  if (!known) row.status(status);
  said(row);
}

function stored(row, progress) {
  row.progress(progress);
  show(row, "stored");
}

function show(row, state, because) {
  row.show(state, because);
  said(row);
}

function ended(row, error) {
  if (row.stop.signal.aborted) return show(row, "cancelled");
  if (!(error instanceof AirlockError)) {
    show(row, "unreachable", `This page failed: ${error.message}`);
    throw error;
  }
  show(row, error.status === 0 || error.status >= 500 ? "unreachable" : "refused", error.detail);
  if (error.status === 401) byId("access").open = true;
}

function cancel(row) {
  row.stop.abort();
  const place = waiting.indexOf(row);
  if (place >= 0) waiting.splice(place, 1);
  // The last byte may have left already: withdrawing makes sure that nothing is kept.
  if (row.id) withdraw(row.id, connection()).catch(() => {});
  show(row, "cancelled");
  row.again.focus();
}

function again(row) {
  delete row.id;
  row.reset();
  row.cancel.focus();
  enqueue(row);
  tally();
}

// A link cannot carry a token, so with one the bytes are fetched first.
async function download(row, event) {
  if (!connection().token) return;
  event.preventDefault();
  try {
    const response = await fetch(row.download.href, { headers: { Authorization: `Bearer ${connection().token}` } });
    if (!response.ok) throw new Error(`it answered ${response.status}`);
    save(await response.blob(), row.file.name);
  } catch (error) {
    notify(`“${row.name}” could not be downloaded: ${error.message}.`);
  }
}

function save(blob, name) {
  const link = Object.assign(document.createElement("a"), { href: URL.createObjectURL(blob), download: name });
  link.click();
  URL.revokeObjectURL(link.href);
}

function connection() {
  return { service, token: byId("token").value.trim() || undefined };
}

function said(row) {
  const line = document.createElement("p");
  line.textContent = row.announcement;
  byId("log").append(line);
  while (byId("log").childElementCount > LOG_LINES) byId("log").firstElementChild.remove();
  tally();
}

function tally() {
  const finished = [...rows].filter((row) => row.finished);
  const accepted = finished.filter((row) => row.state === "accepted");
  byId("tally").textContent = `${rows.size} ${rows.size === 1 ? "file" : "files"}, ${accepted.length} accepted`;
  byId("clear").hidden = finished.length === 0;
  byId("uploads").hidden = rows.size === 0;
  byId("how").hidden = rows.size > 0;
}

function clear() {
  for (const row of rows) {
    if (!row.finished) continue;
    rows.delete(row);
    row.element.remove();
  }
  tally();
  (rows.size > 0 ? byId("uploads-heading") : byId("choose")).focus();
}

function notify(sentence) {
  byId("notice").textContent = sentence;
  byId("notice").hidden = sentence === "";
}

function take(transfer) {
  const entries = [...transfer.items].filter((item) => item.kind === "file");
  const folders = entries.filter((item) => item.webkitGetAsEntry()?.isDirectory).length;
  const files = entries.filter((item) => !item.webkitGetAsEntry()?.isDirectory).map((item) => item.getAsFile());
  if (files.length > 0) add(files);
  if (folders > 0) notify("Folders are not sent. Drop the files that are in them.");
}

function carriesFiles(event) {
  return event.dataTransfer?.types.includes("Files");
}

function listenForDrops() {
  let depth = 0; // dragenter and dragleave come for every element that is crossed
  const curtain = (change) => {
    depth = Math.max(0, depth + change);
    byId("curtain").hidden = depth === 0;
  };
  addEventListener("dragenter", (event) => carriesFiles(event) && curtain(+1));
  addEventListener("dragleave", (event) => carriesFiles(event) && curtain(-1));
  addEventListener("dragover", (event) => carriesFiles(event) && event.preventDefault());
  addEventListener("drop", (event) => {
    if (!carriesFiles(event)) return;
    event.preventDefault();
    curtain(-Infinity);
    take(event.dataTransfer);
  });
  addEventListener("paste", (event) => event.clipboardData.files.length > 0 && take(event.clipboardData));
}

function listenForChoices() {
  byId("choose").addEventListener("click", () => byId("files").click());
  byId("files").addEventListener("change", ({ target }) => {
    add([...target.files]);
    target.value = ""; // so that the same file can be chosen again
  });
  byId("clear").addEventListener("click", clear);
  byId("profiles").addEventListener("change", hint);
  byId("token-form").addEventListener("submit", (event) => event.preventDefault());
}

function hint() {
  byId("profile-hint").textContent = document.querySelector("input[name=profile]:checked").dataset.hint;
}

listenForDrops();
listenForChoices();
hint();
