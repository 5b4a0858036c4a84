// The reader of test_bi_readers.py in DuckDB's client for Node: `node reader.mjs FILE SQL`.
import { DuckDBInstance } from "@duckdb/node-api";

const [file, sql] = process.argv.slice(2);
const say = (said) => process.stdout.write(JSON.stringify(said) + "\n");
const instance = await DuckDBInstance.create(file, { access_mode: "READ_ONLY" });
const connection = await instance.connect();
let done = false;
process.stdin.on("end", () => (done = true)).resume();

let joins = 0, newest = 0, mixed = 0;
while (!done) {
  const [row] = (await connection.runAndReadAll(sql)).getRows();
  const [low, high, rows, expected] = row.map(Number);
  joins += 1;
  if (low !== high || rows !== expected) {
    say({ mixed: [low, high, rows, expected] });
    mixed += 1;
  }
  if (high < newest) say({ "went back": [newest, high] });
  if (high > newest) {
    newest = high;
    say({ run: high });
  }
}
say({ joins, mixed });
