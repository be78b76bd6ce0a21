// Programs for Node as customers write them: what each of them is told by the destination.
//
// Argument: the facts, in JSON. Prints one line of JSON: by the name of a program, what it was told.

import { readFileSync } from "node:fs";
import { request } from "node:http";
import { createRequire } from "node:module";
import { strict as assert } from "node:assert";

const facts = JSON.parse(process.argv[2]);
const { ProxyAgent, WebSocket, fetch } = createRequire(facts.modules + "/")("undici");
const ca = readFileSync(facts.ca);
const proxy = `http://${facts.host}:${facts.http}`;
const token = "Basic " + Buffer.from(`${facts.login}:${facts.password}`).toString("base64");
const plain = `127.0.0.1:${facts.targets.http}/`;
const secure = `127.0.0.1:${facts.targets.https}/`;
const told = {};

for (const [words, options] of [
  ["undici", {}],
  ["undici with HTTP/2", { allowH2: true }],
]) {
  const dispatcher = new ProxyAgent({ uri: proxy, token, ...options, requestTls: { ca, ...options } });
  for (const url of ["http://" + plain, "https://" + secure]) {
    for (let time = 0; time < 2; time += 1) {
      const answer = await fetch(url, { dispatcher });
      assert.equal(answer.status, 200);
      told[`${words}, ${url.split(":")[0]}`] = await answer.text();
    }
  }
  await dispatcher.close();
}

const agent = new ProxyAgent({ uri: proxy, token, requestTls: { ca } });
for (const url of ["ws://" + plain, "wss://" + secure]) {
  told[`undici, WebSocket in ${url.split(":")[0]}`] = await new Promise((resolve, reject) => {
    const socket = new WebSocket(url, { dispatcher: agent });
    let first;
    socket.onerror = (event) => reject(event.error ?? new Error("the WebSocket fails"));
    socket.onmessage = ({ data }) => {
      if (first === undefined) {
        first = data;
        socket.send("ping");
      } else {
        assert.equal(data, "ping");
        socket.close();
        resolve(first);
      }
    };
  });
}

// Without any library: the absolute URI as the path.
told["node:http"] = await new Promise((resolve, reject) => {
  const headers = { Host: plain.slice(0, -1), "Proxy-Authorization": token };
  const options = { host: facts.host, port: facts.http, path: "http://" + plain, headers };
  const asked = request(options, (answer) => {
    let text = "";
    answer.on("data", (data) => (text += data)).on("end", () => resolve(text));
  });
  asked.on("error", reject).end();
});

// A wrong password is told as what it is.
const wrong = new ProxyAgent({ uri: proxy, token: "Basic bm9ib2R5Ondyb25n", requestTls: { ca } });
await assert.rejects(fetch("https://" + secure, { dispatcher: wrong }), ({ cause }) =>
  /407/.test(`${cause.message} ${cause.cause?.message}`),
);

console.log(JSON.stringify(told));
process.exit(0);
