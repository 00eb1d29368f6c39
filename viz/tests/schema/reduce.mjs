// Reduces Plotly's own schema to what the figures may use: node reduce.mjs PACKAGE_FOLDER > plot-schema.json
// PACKAGE_FOLDER is the unpacked npm package `plotly.js`, whose dist/plot-schema.json describes every attribute.
import { readFileSync } from "node:fs";
import { join } from "node:path";

const folder = process.argv[2];
const schema = JSON.parse(readFileSync(join(folder, "dist/plot-schema.json"), "utf8"));
const { version, license } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));

// What says which values are valid; descriptions and the like are left out.
const KEPT = ["valType", "values", "min", "max", "flags", "extras", "arrayOk", "items", "dimensions", "freeLength", "noBlank", "strict", "regex", "dflt", "role"];
const isAttribute = (node) => typeof node.valType === "string";

const reduced = (node) => {
  if (Array.isArray(node)) return node.map(reduced);
  if (node === null || typeof node !== "object") return node;
  if (isAttribute(node)) {
    const kept = Object.fromEntries(Object.entries(node).filter(([key]) => KEPT.includes(key)));
    if (kept.valType !== "subplotid") delete kept.dflt;
    if (kept.items) kept.items = reduced(kept.items);
    return kept;
  }
  return Object.fromEntries(
    Object.entries(node)
      .filter(([key, child]) => child && typeof child === "object" && key !== "_deprecated" && key !== "metaKeys")
      .map(([key, child]) => [key, reduced(child)])
  );
};

const LAYOUT = [
  "annotations", "autosize", "dragmode", "font", "height", "hoverdistance", "hoverlabel", "hovermode", "legend", "margin", "paper_bgcolor",
  "plot_bgcolor", "shapes", "showlegend", "xaxis", "yaxis",
];
const pick = (from, names) => Object.fromEntries(names.filter((name) => name in from).map((name) => [name, from[name]]));
const trace = (name) => reduced(schema.traces[name].attributes);
// A trace type adds attributes to the layout, such as `barmode`.
const ofTraces = { ...schema.traces.bar.layoutAttributes, ...schema.traces.scatter.layoutAttributes };

const result = {
  about: `Reduced from dist/plot-schema.json of the npm package plotly.js ${version}, licence ${license}, Copyright (c) 2016-2024 Plotly Technologies Inc.`,
  traces: { bar: trace("bar"), scatter: trace("scatter") },
  layout: reduced({ ...pick(schema.layout.layoutAttributes, LAYOUT), ...ofTraces }),
  config: reduced(schema.config),
};
process.stdout.write(JSON.stringify(result) + "\n");
