// What Khronos' validator says of glTF files: one line for each on stdout, all kinds of messages on stderr.
//
//   npm install gltf-validator
//   node validate_gltf.mjs [--modules DIR] FILE ...      exit status 1 when any file has an error or a warning
//
// --modules names the folder whose node_modules holds gltf-validator; without it, the current one and NODE_PATH.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { basename, resolve } from "node:path";

const SEVERITIES = ["errors", "warnings", "infos", "hints"];

const given = process.argv.slice(2);
const at = given.indexOf("--modules");
const modules = at >= 0 ? given.splice(at, 2)[1] : ".";
if (!given.length) {
  console.error("usage: node validate_gltf.mjs [--modules DIR] FILE ...");
  process.exit(2);
}
const validator = createRequire(resolve(modules, "package.json"))("gltf-validator");

const counts = new Map();
let bad = 0;
for (const file of given) {
  const report = await validator.validateBytes(new Uint8Array(readFileSync(file)), { maxIssues: 1000 });
  const { numErrors, numWarnings, numInfos, numHints, messages } = report.issues;
  console.log(
    `${basename(file)}: ${numErrors} errors, ${numWarnings} warnings, ${numInfos} infos, ${numHints} hints; ` +
      `${report.info.totalVertexCount ?? 0} vertices, ${report.info.animationCount ?? 0} animation(s)`,
  );
  bad += numErrors + numWarnings;
  for (const { code, severity, message, pointer } of messages) {
    const key = `${SEVERITIES[severity]} ${code}`;
    const seen = counts.get(key) ?? { times: 0, example: `${message} (${pointer ?? ""} of ${basename(file)})` };
    counts.set(key, { ...seen, times: seen.times + 1 });
  }
}
console.error(`${given.length} files, validator ${validator.version()}`);
for (const [key, { times, example }] of counts) console.error(`${key}: ${times} times, for example ${example}`);
process.exit(bad ? 1 : 0);
