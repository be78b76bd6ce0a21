// Destinations on loopback, which say who has come: HTTP, HTTPS with HTTP/2, WebSockets on both, and
// a DNS server of which every name has the address of the asker.
//
// Arguments: the files with the key and the certificate. Prints one line of JSON with the ports.

import { createHash } from "node:crypto";
import { createSocket } from "node:dgram";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { createSecureServer } from "node:http2";

const [key, cert] = process.argv.slice(2).map((file) => readFileSync(file));

function answer(request, response) {
  response.writeHead(200, { "Content-Type": "text/plain" });
  response.end(`${request.socket.remoteAddress} HTTP/${request.httpVersion}`);
}

// A text frame of less than 126 bytes.
function frame(text) {
  return Buffer.concat([Buffer.from([0x81, text.length]), Buffer.from(text)]);
}

// Says who has come, and then sends short text frames back.
function upgrade(request, socket) {
  const accept = createHash("sha1")
    .update(request.headers["sec-websocket-key"] + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11")
    .digest("base64");
  socket.write(
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
      `Sec-WebSocket-Accept: ${accept}\r\n\r\n`,
  );
  socket.write(frame(`${socket.remoteAddress} WebSocket`));
  socket.on("error", () => {});
  socket.on("data", (data) => {
    if ((data[0] & 0x0f) !== 1) {
      socket.end();
      return;
    }
    const mask = data.subarray(2, 6);
    const text = data.subarray(6, 6 + (data[1] & 0x7f)).map((byte, at) => byte ^ mask[at % 4]);
    socket.write(frame(Buffer.from(text).toString()));
  });
}

const plain = createServer(answer).on("upgrade", upgrade);
const secure = createSecureServer({ key, cert, allowHTTP1: true }, answer).on("upgrade", upgrade);

// Every name has one address: that of the asker.
const dns = createSocket("udp4").on("message", (query, asker) => {
  const end = query.indexOf(0, 12) + 5;
  const head = Buffer.from([query[0], query[1], 0x81, 0x80, 0, 1, 0, 1, 0, 0, 0, 0]);
  const record = [0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4, ...asker.address.split(".").map(Number)];
  dns.send(Buffer.concat([head, query.subarray(12, end), Buffer.from(record)]), asker.port, asker.address);
});

const opened = (server) =>
  new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(server.address().port)));
const bound = new Promise((resolve) => dns.bind(0, "127.0.0.1", () => resolve(dns.address().port)));
console.log(JSON.stringify({ http: await opened(plain), https: await opened(secure), dns: await bound }));
