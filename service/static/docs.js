/** Shows the API's own OpenAPI document. Only textContent is written. */

const at = (id) => document.getElementById(id);

function element(name, text = "", attributes = {}, ...children) {
  const made = document.createElement(name);
  if (text) made.textContent = text;
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children.filter(Boolean));
  return made;
}

function show(api) {
  at("title").textContent = `${api.info.title} ${api.info.version}`;
  at("about").textContent = api.info.description;
  for (const [path, methods] of Object.entries(api.paths)) {
    for (const [method, call] of Object.entries(methods)) {
      const name = `${method.toUpperCase()} ${path}`;
      at("index").append(element("a", name, { href: `#${call.operationId}` }));
      at("calls").append(section(name, call));
    }
  }
  for (const [name, schema] of Object.entries(api.components.schemas)) at("models").append(model(name, schema));
  // The browser looked for the fragment before there was anything to find.
  document.getElementById(location.hash.slice(1))?.scrollIntoView();
}

function section(name, call) {
  const body = call.requestBody?.content["application/json"].schema;
  const sessions = call.security.some((scheme) => "session" in scheme) ? ", which may be an upload session's" : "";
  const access = call.security.length ? `Needs Authorization: Bearer <token>${sessions}.` : "Open to everybody.";
  return element("section", "", { id: call.operationId },
    element("h2", name),
    element("p", call.description),
    element("p", access, { class: "quiet" }),
    body && element("p", "Body: ", {}, type(body)),
    call.parameters && table(["Parameter", "Type", "About"], call.parameters.map(parameter)),
    table(["Status", "Answer", "About"], Object.entries(call.responses).map(answer)));
}

function parameter({ name, in: place, required, schema, description = "" }) {
  return [element("code", name), type(schema), `${description || `In the ${place}`}${required ? " (required)" : ""}`];
}

function answer([status, { description, content = {} }]) {
  const [kind] = Object.values(content);
  const schema = kind?.schema.allOf?.[0] ?? kind?.schema;
  return [element("code", status), schema ? type(schema) : "", lines(description)];
}

function lines(text) {
  return element("div", "", {}, ...text.split("\n").map((line) => element("div", line.replace(/^- /, "").replaceAll("`", ""))));
}

function model(name, schema) {
  const rows = Object.entries(schema.properties ?? {}).map(([field, inner]) => [
    element("code", field), type(inner),
    `${inner.description ?? ""}${schema.required?.includes(field) ? " (required)" : ""}`,
  ]);
  const values = schema.enum && element("p", schema.enum.join(", "));
  return element("section", "", { id: `model-${name}` }, element("h3", name),
    element("p", schema.description ?? ""), values, rows.length && table(["Field", "Type", "About"], rows));
}

function type(schema) {
  if (schema.$ref) {
    const name = schema.$ref.split("/").pop();
    return element("a", name, { href: `#model-${name}` });
  }
  if (schema.anyOf) return joined(schema.anyOf.map(type));
  if (schema.type === "array") return element("span", "list of ", {}, type(schema.items));
  if (schema.type === "object" && schema.additionalProperties) {
    return element("span", "map of ", {}, type(schema.additionalProperties));
  }
  return element("span", named(schema));
}

function joined(parts) {
  return element("span", "", {}, ...parts.flatMap((part, place) => (place ? [" or ", part] : [part])));
}

function named({ type: kind = "any", format, enum: values, const: only, minimum, maximum }) {
  if (only !== undefined) return JSON.stringify(only);
  if (values) return values.join(" | ");
  const limits = minimum === undefined ? "" : ` ${minimum} to ${maximum}`;
  return `${kind}${format ? ` (${format})` : ""}${limits}`;
}

function table(heads, rows) {
  const head = element("tr", "", {}, ...heads.map((text) => element("th", text, { scope: "col" })));
  const cells = rows.map((row) => element("tr", "", {}, ...row.map((cell) => element("td", "", {}, cell))));
  return element("div", "", { class: "table" }, element("table", "", {}, element("thead", "", {}, head), element("tbody", "", {}, ...cells)));
}

const response = await fetch("openapi.json");
show(await response.json());
