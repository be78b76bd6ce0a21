// A browser that goes through a proxy: what its pages are told by the destination.
//
// Argument: the facts, in JSON. Prints one line of JSON: by the name of a page, what it was told.
// The browser is driven over a pipe, as its makers offer it, so that it can be given a login: on its
// command line a proxy has none.

import { spawn } from "node:child_process";

const facts = JSON.parse(process.argv[2]);
const browser = spawn(
  facts.browser,
  [
    "--headless=new",
    "--remote-debugging-pipe",
    `--user-data-dir=${facts.folder}`,
    `--proxy-server=${facts.proxy}`,
    // Loopback goes through the proxy too: that is where the destinations are.
    "--proxy-bypass-list=<-loopback>",
    // Its own certificate is all that the destination has.
    "--ignore-certificate-errors",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
  ],
  { stdio: ["ignore", "ignore", "inherit", "pipe", "pipe"] },
);
browser.on("error", (error) => {
  console.error(`${facts.browser}: ${error.message}`);
  process.exit(1);
});
// Whatever happens, it does not outlive this.
const patience = setTimeout(() => end(new Error(`the browser takes too long: ${step}`)), 150_000);

function end(error) {
  clearTimeout(patience);
  browser.kill("SIGKILL");
  if (error) console.error(error);
  browser.on("close", () => process.exit(error ? 1 : 0));
}

const waiting = new Map();
let last = 0;
// What it does now.
let step = "to start";
let sessionId;

function call(method, params = {}) {
  step = `${method} ${JSON.stringify(params)}`;
  last += 1;
  browser.stdio[3].write(JSON.stringify({ id: last, method, params, sessionId }) + "\0");
  return new Promise((resolve, reject) => waiting.set(last, { method, resolve, reject }));
}

let loaded = () => {};
const on = {
  "Fetch.requestPaused": ({ requestId }) => call("Fetch.continueRequest", { requestId }),
  "Fetch.authRequired": ({ requestId, authChallenge }) => {
    const known = facts.login && authChallenge.source === "Proxy";
    const authChallengeResponse = known
      ? { response: "ProvideCredentials", username: facts.login, password: facts.password }
      : { response: "CancelAuth" };
    return call("Fetch.continueWithAuth", { requestId, authChallengeResponse });
  },
  "Page.loadEventFired": () => loaded(),
};

let heard = "";
browser.stdio[4].setEncoding("utf8").on("data", (data) => {
  const messages = (heard + data).split("\0");
  heard = messages.pop();
  for (const { id, method, params, result, error } of messages.map((text) => JSON.parse(text))) {
    if (id === undefined) {
      on[method]?.(params)?.catch?.(end);
      continue;
    }
    const asked = waiting.get(id);
    waiting.delete(id);
    error ? asked.reject(new Error(`${asked.method}: ${error.message}`)) : asked.resolve(result);
  }
});

async function page(url) {
  const ready = new Promise((resolve) => (loaded = resolve));
  const { errorText } = await call("Page.navigate", { url });
  if (errorText) throw new Error(`${url}: ${errorText}`);
  await ready;
  return evaluate("document.body.innerText");
}

async function evaluate(expression) {
  const options = { expression, awaitPromise: true, returnByValue: true };
  const { result, exceptionDetails } = await call("Runtime.evaluate", options);
  if (exceptionDetails) throw new Error(`${expression}: ${JSON.stringify(exceptionDetails)}`);
  return result.value;
}

async function run() {
  const { targetId } = await call("Target.createTarget", { url: "about:blank" });
  sessionId = (await call("Target.attachToTarget", { targetId, flatten: true })).sessionId;
  await call("Page.enable");
  await call("Fetch.enable", { handleAuthRequests: true });
  const told = {};
  const { http, https } = facts.targets;
  for (const [scheme, port] of [["http", http], ["https", https]]) {
    told[`Chromium, ${scheme}`] = await page(`${scheme}://127.0.0.1:${port}/`);
    const socket = `${scheme.replace("http", "ws")}://127.0.0.1:${port}/`;
    told[`Chromium, WebSocket in ${scheme}`] = await evaluate(`new Promise((resolve, reject) => {
      const socket = new WebSocket(${JSON.stringify(socket)});
      socket.onmessage = ({ data }) => resolve(data);
      socket.onerror = () => reject(new Error("the WebSocket fails"));
    })`);
  }
  console.log(JSON.stringify(told));
}

run().then(() => end(), end);
