// Shows the OpenAPI document and tries its operations. Texts are set as texts, never as markup.
"use strict";

const byId = (id) => document.getElementById(id);

/** An element with properties and children. */
function make(name, properties = {}, ...children) {
  const element = Object.assign(document.createElement(name), properties);
  element.append(...children);
  return element;
}

/** An example of a schema: its own where it has one, else one value of each field. */
function example(schema, schemas, depth = 0) {
  if (!schema || depth > 6) return null;
  if (schema.$ref) return example(schemas[schema.$ref.split("/").pop()], schemas, depth + 1);
  if (schema.example !== undefined) return schema.example;
  if (schema.enum) return schema.enum[0];
  const some = (schema.oneOf || schema.anyOf || schema.allOf || []).find((it) => it.type !== "null");
  if (some) return example(some, schemas, depth + 1);
  const type = Array.isArray(schema.type) ? schema.type.find((it) => it !== "null") : schema.type;
  if (type === "array") return [];
  if (type === "integer" || type === "number") return 0;
  if (type === "boolean") return false;
  if (type === "string") return "";
  const fields = {};
  for (const name of schema.required || []) {
    fields[name] = example((schema.properties || {})[name], schemas, depth + 1);
  }
  return fields;
}

/** The request that the inputs of an operation stand for. */
function request(method, path, inputs, body) {
  const query = new URLSearchParams();
  const headers = {};
  for (const { parameter, input } of inputs) {
    const value = input.value;
    if (parameter.in === "path") path = path.replace(`{${parameter.name}}`, encodeURIComponent(value));
    else if (value === "") continue;
    else if (parameter.in === "query") query.set(parameter.name, value);
    else headers[parameter.name] = value;
  }
  const token = byId("token").value.trim();
  if (token) headers.Authorization = `Bearer ${token}`;
  const options = { method: method.toUpperCase(), headers };
  if (body && body.value.trim() !== "") {
    headers["Content-Type"] = "application/json";
    options.body = body.value;
  }
  return [`${path}${query.size ? `?${query}` : ""}`, options];
}

/** Writes an answer as it comes; an event stream goes on until another request is sent. */
async function show(answer, output, signal) {
  output.textContent = `${answer.status} ${answer.statusText}\n`;
  for (const name of ["location", "etag", "preference-applied", "x-request-id"]) {
    const value = answer.headers.get(name);
    if (value) output.textContent += `${name}: ${value}\n`;
  }
  output.textContent += "\n";
  const kind = answer.headers.get("content-type") || "";
  if (!kind.includes("event-stream")) {
    const text = await answer.text();
    const isJson = kind.includes("json") && text !== "";
    output.textContent += isJson ? JSON.stringify(JSON.parse(text), null, 2) : text;
    return;
  }
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  for (;;) {
    const { value, done } = await reader.read();
    if (done || signal.aborted) return;
    output.textContent = (output.textContent + value).slice(-20000);
  }
}

function operation(method, path, described, schemas) {
  const inputs = [];
  const rows = [];
  const parameters = [...(described.parameters || [])];
  parameters.push({ name: "tenant", in: "query", description: "the tenant, or * for all" });
  for (const parameter of parameters) {
    const input = make("input", { type: "text", ariaLabel: parameter.name });
    inputs.push({ parameter, input });
    const about = make("span", { className: "about", textContent: parameter.description || "" });
    rows.push(make("div", { className: "parameter" }, make("code", { textContent: parameter.name }), input, about));
  }
  let body = null;
  const content = ((described.requestBody || {}).content || {})["application/json"];
  if (content) {
    const text = JSON.stringify(example(content.schema, schemas), null, 2);
    body = make("textarea", { value: text, ariaLabel: "body", spellcheck: false });
    rows.push(body);
  }
  const output = make("pre", { hidden: true });
  const send = make("button", { textContent: "Send" });
  let before = new AbortController();
  send.addEventListener("click", async () => {
    before.abort();
    before = new AbortController();
    output.hidden = false;
    output.textContent = "…";
    try {
      const [place, options] = request(method, path, inputs, body);
      await show(await fetch(place, { ...options, signal: before.signal }), output, before.signal);
    } catch (error) {
      if (error.name !== "AbortError") output.textContent = String(error);
    }
  });
  const summary = make("summary", {},
    make("span", { className: "method", textContent: method.toUpperCase() }),
    make("code", { textContent: path }), ` ${described.summary || ""}`,
    make("span", { className: "scope", textContent: described["x-scope"] || "" }));
  const about = make("p", { textContent: described.description || "" });
  const details = make("details", {}, summary, about, ...rows, send, output);
  details.dataset.words = `${method} ${path} ${described.summary || ""}`.toLowerCase();
  return details;
}

function draw(described) {
  byId("about").textContent = described.info.description || "";
  const schemas = (described.components || {}).schemas || {};
  const groups = new Map();
  for (const [path, item] of Object.entries(described.paths)) {
    for (const [method, one] of Object.entries(item)) {
      const tag = (one.tags || ["others"])[0];
      if (!groups.has(tag)) groups.set(tag, []);
      groups.get(tag).push(operation(method, path, one, schemas));
    }
  }
  const sections = [...groups].map(([tag, all]) =>
    make("section", {}, make("h2", { textContent: tag }), ...all));
  byId("operations").replaceChildren(...sections);
}

byId("filter").addEventListener("input", (event) => {
  const wanted = event.target.value.trim().toLowerCase();
  for (const details of document.querySelectorAll("details")) {
    details.hidden = !details.dataset.words.includes(wanted);
  }
});

fetch("/api/v1/openapi.json")
  .then((answer) => answer.json())
  .then(draw)
  .catch((error) => { byId("operations").textContent = `The document cannot be loaded: ${error}`; });
