/** One upload's row on the demo page. Shows what it is told; decides nothing. Only textContent: names are hostile. */

import { STATES, engine, exactSize, fileName, moment, sentence, size } from "./words.js";

const CANCELLABLE = new Set(["queued", "asking", "awaiting_upload"]);
const REPEATABLE = new Set(["cancelled", "refused", "unreachable", "failed", "expired"]);
const CHAMBER = { queued: 0, asking: 0, awaiting_upload: 0, stored: 1, received: 1, inspecting: 1 };

export class Row {
  /**
   * @param {File} file
   * @param {string} profile its name, or "" for the service's default
   * @param {HTMLTemplateElement} template
   */
  constructor(file, profile, template) {
    this.file = file;
    this.profile = profile;
    this.name = fileName(file.name);
    this.element = template.content.cloneNode(true).firstElementChild;
    this.#text(".name", this.name);
    this.#text(".facts", [size(file.size), file.type, profile].filter(Boolean).join(" · "));
    for (const which of this.element.querySelectorAll(".which")) which.textContent = ` ${this.name}`;
    this.bar = this.#find("progress");
    this.bar.setAttribute("aria-label", `Sending ${this.name}`);
    this.cancel = this.#find(".cancel");
    this.again = this.#find(".again");
    this.download = this.#find(".download");
    this.show("queued");
  }

  /** Whether nothing more will happen to this row by itself. */
  get finished() {
    return CHAMBER[this.state] === undefined;
  }

  /** What a screen reader is told of the present state. */
  get announcement() {
    const findings = [...this.element.querySelectorAll(".findings p")].map((item) => item.textContent);
    return [`${this.name}: ${STATES[this.state].label}.`, ...findings].join(" ");
  }

  /**
   * @param {string} state a key of STATES
   * @param {string} [because] a sentence that says more than the state's own
   */
  show(state, because) {
    const { tone, label, sentence: usual } = STATES[state] ?? { tone: "quiet", label: state, sentence: "" };
    this.state = state;
    Object.assign(this.element.dataset, { state, tone, chamber: CHAMBER[state] ?? 2 });
    this.#text(".badge", label);
    this.#text(".sentence", because ? sentence(because) : usual);
    this.#find(".mark use").setAttribute("href", `#icon-${state === "queued" ? "file" : tone}`);
    this.cancel.hidden = !CANCELLABLE.has(state);
    this.again.hidden = !REPEATABLE.has(state);
    this.download.hidden = state !== "accepted";
  }

  /** @param {import("./airlock.js").Progress} progress */
  progress({ loaded, total }) {
    this.bar.value = total ? loaded / total : 1;
    const percent = Math.floor(this.bar.value * 100);
    this.#text(".badge", `${percent} %`);
    this.#text(".sentence", `${size(loaded)} of ${size(total)} sent, straight from this browser to S3.`);
  }

  /** @param {import("./airlock.js").UploadStatus} status settled or not */
  status({ id, state, verdict }) {
    this.show(state);
    this.#findings(verdict?.findings ?? []);
    if (verdict) this.#evidence(id, verdict);
  }

  /** Back to the beginning, for another try. */
  reset() {
    this.bar.value = 0;
    this.#findings([]);
    this.#find(".evidence").hidden = true;
    this.show("queued");
  }

  #findings(findings) {
    const list = this.#find(".findings");
    list.replaceChildren(...findings.map(finding));
    list.hidden = findings.length === 0;
  }

  #evidence(id, verdict) {
    this.#text(".facts", [size(verdict.bytes), verdict.media_type, this.profile].filter(Boolean).join(" · "));
    this.#text(".by", verdict.engines.map(({ name, version }) => ` · ${name} ${version.split(" (")[0]}`).join(""));
    this.#find(".evidence dl").replaceChildren(...facts(id, verdict).flatMap(([term, ...values]) => [
      element("dt", "", term), ...values.map((value) => element("dd", "", value)),
    ]));
    this.#find(".evidence").hidden = false;
  }

  #find(selector) {
    return this.element.querySelector(selector);
  }

  #text(selector, text) {
    this.#find(selector).textContent = text;
  }
}

function facts(id, { bytes, media_type, readings = [], members = {}, sha256, engines, missing, inspected_at }) {
  const inside = Object.entries(members).map(([kind, count]) => `${count} × ${kind}`);
  return [
    ["Detected type", media_type || "unknown"],
    ["Size", exactSize(bytes)],
    ["SHA-256", sha256],
    ...(readings.length ? [["Examined", ...readings.map(examined)]] : []),
    ...(inside.length ? [["Files inside", ...inside]] : []),
    ["Engines", ...(engines.length ? engines.map(engine) : ["none was needed"])],
    ...(missing?.length ? [["Did not look", ...missing]] : []),
    ["Inspected", moment(inspected_at)],
    ["Upload id", id],
  ];
}

function examined({ media_type, examined_by }) {
  return `${media_type} by ${examined_by.length ? examined_by.join(", ") : "no check"}`;
}

function finding({ code, check, outcome, message }) {
  const item = document.createElement("li");
  item.className = outcome === "accepted" ? "note" : "";
  item.append(element("p", "", sentence(message)), element("span", "source", `${check} · ${code}`));
  return item;
}

function element(name, className, text) {
  const made = document.createElement(name);
  made.className = className;
  made.textContent = text;
  return made;
}
