/**
 * Airlock's browser client: asks for a policy, sends the file straight to S3, follows it to its verdict.
 *
 *     import { upload, AirlockError } from "/web/airlock.js";
 *
 *     const stop = new AbortController();
 *     try {
 *       const { id, state, verdict } = await upload(input.files[0], {
 *         service: "https://uploads.example.com", token, profile: "avatar", signal: stop.signal,
 *         onProgress: ({ loaded, total }) => { bar.value = loaded / total; },
 *         onState: ({ state }) => { label.textContent = state; },
 *       });
 *       label.textContent = state === "accepted" ? `stored as ${id}` : verdict?.findings[0]?.message ?? state;
 *     } catch (error) {
 *       if (error instanceof AirlockError) label.textContent = error.detail;  // otherwise: it was aborted
 *     }
 *
 * One file, no dependency, no build step. A verdict against the file is an answer, not an exception: `upload`
 * resolves with it. It rejects with AirlockError when it could not get one, and with `signal.reason` when aborted.
 *
 * @module airlock
 */

/**
 * @typedef {"awaiting_upload"|"received"|"inspecting"|"accepted"|"rejected"|"infected"|"unscannable"|"failed"
 *   |"expired"|"withdrawn"} State
 *
 * @typedef {object} Finding
 * @property {string} code    stable, e.g. "media_type_mismatch"
 * @property {string} check   the check that found it
 * @property {"accepted"|"rejected"|"infected"|"unscannable"} outcome what it calls for; `accepted` is a note
 * @property {string} message one sentence
 *
 * @typedef {object} Engine
 * @property {string} name
 * @property {string} version
 * @property {string|null} [signatures_at] date of its signatures, ISO 8601 UTC
 *
 * @typedef {object} Verdict
 * @property {"accepted"|"rejected"|"infected"|"unscannable"|"failed"} outcome
 * @property {Finding[]} findings
 * @property {Engine[]} engines
 * @property {number} bytes        size of what was inspected, in bytes
 * @property {string} sha256       64 hex digits
 * @property {string} media_type   the type detected in the bytes
 * @property {{media_type: string, examined_by: string[]}[]} readings each format of the bytes, and who examined it
 * @property {Object<string, number>} members how many files of each media type are inside
 * @property {string} inspected_at ISO 8601 UTC
 *
 * @typedef {object} UploadStatus
 * @property {string} id
 * @property {State} state
 * @property {string} [profile]
 * @property {string} [filename]
 * @property {string} [content_type]
 * @property {number} [size]       in bytes
 * @property {string} [created_at] ISO 8601 UTC
 * @property {string} [updated_at] ISO 8601 UTC
 * @property {string} [expires_at] when the policy ends, ISO 8601 UTC; until something has arrived
 * @property {Verdict} [verdict]   once the upload is settled
 *
 * @typedef {object} Progress
 * @property {number} loaded  bytes of the file that have left this browser; falls back to 0 when sending is retried
 * @property {number} total   bytes of the file
 * @property {boolean} stored true once S3 has confirmed the whole file
 *
 * @typedef {object} Connection
 * @property {string} [service]     base URL of the service; the page's own origin when left out
 * @property {string} [token]       bearer token of the uploads' owner
 * @property {AbortSignal} [signal] aborts whatever is under way
 *
 * @typedef {object} Intent
 * @property {string} [profile]     rule set by name; the service's default when left out
 * @property {string} [filename]    for a Blob without a name, or to override the file's
 * @property {string} [contentType] to override the type that the browser guessed
 * @property {string} [sha256]      64 hex digits, if known: S3 then refuses other bytes
 * @property {Record<string, string>} [metadata] only the names that the profile allows
 *
 * @typedef {object} Watch
 * @property {(progress: Progress) => void} [onProgress]
 * @property {(status: UploadStatus) => void} [onState] called at each new state, the first and the last included
 */

/** The states that an upload never leaves. */
export const TERMINAL = new Set([
  "accepted", "rejected", "infected", "unscannable", "failed", "expired", "withdrawn",
]);

const ATTEMPTS = 5;
const RETRYABLE = new Set([0, 429, 500, 502, 503, 504]);
const BACKOFF_MS = 500;
const LONGEST_PAUSE_MS = 60_000;
const HOLD_SECONDS = 20; // below the 30 s at which the more impatient proxies cut an idle request
const QUICK_ANSWER_MS = 1000;

/** Why no verdict could be had. `code` is stable; `detail` is a sentence fit to show. */
export class AirlockError extends Error {
  /**
   * @param {object} problem
   * @param {string} problem.code      of the service's catalogue, or "network", "storage_refused", "unexpected_answer"
   * @param {string} problem.detail
   * @param {string} [problem.field]   the request's field that is at fault
   * @param {number} [problem.status]  HTTP status; 0 when there was no answer
   * @param {{field: string, code?: string, detail: string}[]} [problem.errors] every fault, when there are several
   * @param {string} [problem.request_id] what the service's log calls this request
   * @param {number} [problem.retryAfter] how long the server asked to wait, in ms
   * @param {unknown} [problem.cause]
   */
  constructor({ code, detail, field, status = 0, errors = [], request_id, retryAfter, cause }) {
    super(detail, { cause });
    Object.assign(this, { name: "AirlockError", code, detail, field, status, errors, requestId: request_id, retryAfter });
  }
}

/**
 * Uploads one file and follows it until its state is terminal.
 *
 * @param {File|Blob} file
 * @param {Connection & Intent & Watch} [options]
 * @returns {Promise<UploadStatus>} whatever the outcome: look at `state`
 * @throws {AirlockError} the request or the file was refused, or no answer came after five attempts
 */
export async function upload(file, options = {}) {
  const { upload: form, ...status } = await ask(file, options);
  options.onState?.(status);
  await send(file, form, options);
  return follow(status.id, { ...options, state: status.state });
}

/**
 * Asks for a policy: `POST /v1/uploads`. The file's size is declared, so S3 takes that size and no other.
 *
 * @param {File|Blob} file
 * @param {Connection & Intent} [options]
 * @returns {Promise<UploadStatus & {upload: {method: "POST", url: string, fields: Record<string, string>}}>}
 */
export function ask(file, { profile, filename, contentType, sha256, metadata, ...connection } = {}) {
  return call("POST", "", connection, {
    profile,
    filename: filename ?? file.name ?? "file",
    content_type: contentType || file.type || undefined,
    size: file.size,
    sha256,
    metadata,
  });
}

/**
 * Sends a file to S3 with the form of a policy. Safe to repeat: the first version that arrives is the one that counts.
 *
 * @param {File|Blob} file
 * @param {{url: string, fields: Record<string, string>}} form
 * @param {Watch & {signal?: AbortSignal}} [options]
 * @returns {Promise<void>} once S3 has stored all of it
 */
export async function send(file, form, { onProgress, signal } = {}) {
  await persist(() => post(file, form, onProgress, signal), signal);
  onProgress?.({ loaded: file.size, total: file.size, stored: true });
}

/**
 * Follows an upload until its state is terminal. Works for any upload of the owner, also after a page reload.
 *
 * @param {string} id
 * @param {Connection & Watch & {state?: State}} [options] `state`: the one that is known already
 * @returns {Promise<UploadStatus>}
 */
export async function follow(id, { state, onState, ...connection } = {}) {
  for (;;) {
    const askedAt = performance.now();
    const known = state ? `&state=${state}` : "";
    const status = await call("GET", `/${encodeURIComponent(id)}?wait=${HOLD_SECONDS}${known}`, connection);
    const news = status.state !== state;
    if (news) onState?.(status);
    if (TERMINAL.has(status.state)) return status;
    state = status.state;
    // A service that cannot hold the answer gives it at once; do not ask it in a tight loop.
    if (!news && performance.now() - askedAt < QUICK_ANSWER_MS) await pause(QUICK_ANSWER_MS, connection.signal);
  }
}

/**
 * Withdraws an upload wherever it is: `DELETE /v1/uploads/{id}`.
 *
 * @param {string} id
 * @param {Connection} [connection]
 * @returns {Promise<UploadStatus>}
 */
export function withdraw(id, connection = {}) {
  return call("DELETE", `/${encodeURIComponent(id)}`, connection);
}

/**
 * Where the bytes of an accepted upload can be had (a redirect to a short-lived S3 URL).
 *
 * @param {string} id
 * @param {Connection} [connection]
 */
export function contentUrl(id, { service = "" } = {}) {
  return `${service.replace(/\/+$/, "")}/v1/uploads/${encodeURIComponent(id)}/content`;
}

function call(method, path, { service = "", token, signal }, body) {
  const url = `${service.replace(/\/+$/, "")}/v1/uploads${path}`;
  const headers = { Accept: "application/json" };
  if (token) headers.Authorization = `Bearer ${token}`;
  if (body) headers["Content-Type"] = "application/json";
  const request = { method, headers, signal, cache: "no-store", body: body && JSON.stringify(body) };
  return persist(() => answer(url, request), signal);
}

async function answer(url, request) {
  try {
    const response = await fetch(url, request);
    const text = await response.text();
    if (!response.ok) throw refusal(response, text);
    return parsed(text) ?? unexpected(response);
  } catch (error) {
    if (error instanceof AirlockError || request.signal?.aborted) throw error;
    throw new AirlockError({ code: "network", detail: "The service could not be reached.", cause: error });
  }
}

function refusal(response, text) {
  const problem = parsed(text);
  const retryAfter = milliseconds(response.headers.get("Retry-After"));
  const detail = problem?.detail ?? problem?.title ?? `The service answered ${response.status}.`;
  return new AirlockError({ code: "unexpected_answer", ...problem, detail, status: response.status, retryAfter });
}

function unexpected({ status }) {
  throw new AirlockError({ code: "unexpected_answer", detail: "The service did not answer with JSON.", status });
}

function parsed(text) {
  try {
    const value = JSON.parse(text);
    return value !== null && typeof value === "object" ? value : undefined;
  } catch {
    return undefined;
  }
}

// XMLHttpRequest, because fetch cannot tell how much of a body has been sent.
function post(file, { url, fields }, onProgress, signal) {
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted();
    const request = new XMLHttpRequest();
    const abort = () => request.abort();
    request.upload.onprogress = ({ loaded, total }) => onProgress?.(ofTheFile(file.size, loaded, total));
    request.onload = () => (request.status >= 200 && request.status < 300 ? resolve() : reject(storageRefusal(request)));
    request.onerror = () => reject(new AirlockError({ code: "network", detail: "The storage could not be reached." }));
    request.onabort = () => reject(signal.reason);
    request.onloadend = () => signal?.removeEventListener("abort", abort);
    signal?.addEventListener("abort", abort, { once: true });
    request.open("POST", url);
    request.send(formOf(file, fields));
  });
}

// The file comes last, for S3 ignores what follows it; its name is neutral, for the true one is in the policy.
function formOf(file, fields) {
  const form = new FormData();
  for (const [name, value] of Object.entries(fields)) form.append(name, value);
  form.append("file", file, "file");
  return form;
}

// The browser counts the form's other fields too; they are sent first.
function ofTheFile(size, loaded, total) {
  return { loaded: Math.min(size, Math.max(0, loaded - (total - size))), total: size, stored: false };
}

// https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
function storageRefusal({ status, responseText }) {
  const [, code = String(status)] = /<Code>([^<]*)<\/Code>/.exec(responseText) ?? [];
  const [, message = ""] = /<Message>([^<]*)<\/Message>/.exec(responseText) ?? [];
  const detail = `The storage refused the file (${code})${message && `: ${message}`}`;
  return new AirlockError({ code: "storage_refused", detail, status });
}

async function persist(attempt, signal) {
  for (let failures = 1; ; failures += 1) {
    try {
      return await attempt();
    } catch (error) {
      if (!RETRYABLE.has(error.status) || failures === ATTEMPTS || isForLong(error)) throw error;
      await pause(Math.min(LONGEST_PAUSE_MS, error.retryAfter ?? backoff(failures)), signal);
    }
  }
}

// A quota of the day is used up: nobody would sit through that.
function isForLong({ status, retryAfter = 0 }) {
  return status === 429 && retryAfter > LONGEST_PAUSE_MS;
}

function backoff(failures) {
  return BACKOFF_MS * 2 ** (failures - 1) * (0.5 + Math.random() / 2);
}

// Retry-After is a number of seconds or an HTTP date: https://www.rfc-editor.org/rfc/rfc9110#section-10.2.3
function milliseconds(retryAfter) {
  if (retryAfter === null) return undefined;
  const wait = /^\d+$/.test(retryAfter) ? Number(retryAfter) * 1000 : Date.parse(retryAfter) - Date.now();
  return Number.isNaN(wait) ? undefined : Math.max(0, wait);
}

function pause(ms, signal) {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    const abort = () => { clearTimeout(timer); reject(signal.reason); };
    const timer = setTimeout(() => { signal?.removeEventListener("abort", abort); resolve(); }, ms);
    signal?.addEventListener("abort", abort, { once: true });
  });
}
