/** How the demo page says things: states, sizes, dates. */

/**
 * Every state that a row can be in: those of the service, and those that only this page knows.
 * tone picks the colour; label is the badge; sentence is the line under it.
 *
 * @type {Record<string, {tone: "quiet"|"busy"|"good"|"warn"|"bad"|"odd", label: string, sentence: string}>}
 */
export const STATES = {
  queued: { tone: "quiet", label: "Queued", sentence: "Waiting for its turn." },
  asking: { tone: "busy", label: "Asking", sentence: "Asking the service for permission." },
  awaiting_upload: { tone: "busy", label: "Sending", sentence: "Going straight from this browser to S3." },
  stored: { tone: "busy", label: "Awaiting", sentence: "Stored in the incoming bucket; awaiting inspection." },
  received: { tone: "busy", label: "Received", sentence: "A worker knows of it and will inspect it next." },
  inspecting: { tone: "busy", label: "Inspecting", sentence: "Every check of the profile is reading the file." },
  accepted: { tone: "good", label: "Accepted", sentence: "Every check saw the whole file, and none objected." },
  rejected: { tone: "warn", label: "Rejected", sentence: "The file breaks a rule of its profile." },
  infected: { tone: "bad", label: "Infected", sentence: "An engine recognised something malicious. The file was not let in." },
  unscannable: { tone: "odd", label: "Unscannable", sentence: "Not all of the file could be looked at, so it was not let in." },
  failed: { tone: "bad", label: "Failed", sentence: "The inspection failed on our side, after every retry. The file was not let in." },
  expired: { tone: "quiet", label: "Expired", sentence: "Nothing arrived before the permission ended." },
  withdrawn: { tone: "quiet", label: "Withdrawn", sentence: "It was withdrawn; its bytes are being removed." },
  cancelled: { tone: "quiet", label: "Cancelled", sentence: "You stopped it. Nothing was kept." },
  refused: { tone: "warn", label: "Refused", sentence: "The service or the storage refused the file." },
  unreachable: { tone: "bad", label: "Interrupted", sentence: "There was no answer, after every retry." },
};

const UNITS = ["bytes", "KiB", "MiB", "GiB", "TiB"];

/** @param {number} bytes @returns {string} e.g. "1.4 MiB" */
export function size(bytes) {
  if (bytes === 1) return "1 byte";
  const power = bytes < 1024 ? 0 : Math.min(UNITS.length - 1, Math.floor(Math.log2(bytes) / 10));
  const value = bytes / 1024 ** power;
  return `${value.toLocaleString("en", { maximumFractionDigits: power && value < 100 ? 1 : 0 })} ${UNITS[power]}`;
}

/** @param {number} bytes @returns {string} e.g. "1.4 MiB (1,468,006 bytes)" */
export function exactSize(bytes) {
  return bytes < 1024 ? size(bytes) : `${size(bytes)} (${bytes.toLocaleString("en")} bytes)`;
}

/** @param {string} name @returns {string} the name without characters that hide, or that turn "gnp.exe" into "exe.png" */
export function fileName(name) {
  return name.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, "�");
}

/** @param {string} iso @returns {string} date and time in the reader's zone */
export function moment(iso) {
  return new Date(iso).toLocaleString("en-GB", { dateStyle: "medium", timeStyle: "medium" });
}

/** @param {import("./airlock.js").Engine} engine @returns {string} e.g. "clamd 1.4.3, signatures of 3 Nov 2026" */
export function engine({ name, version, signatures_at: signaturesAt }) {
  const day = signaturesAt && new Date(signaturesAt).toLocaleDateString("en-GB", { dateStyle: "medium" });
  return `${name} ${version}${day ? `, signatures of ${day}` : ""}`;
}

/** @param {string} text @returns {string} the text, beginning and ending as a sentence does */
export function sentence(text) {
  const begun = text.trim().replace(/^\p{Ll}/u, (letter) => letter.toUpperCase());
  return /[.!?…]$/.test(begun) ? begun : `${begun}.`;
}
