/** HTTP is recognized at its first line, and no request of a Redis client is taken for it. */
import t from 'tap';
import { looksLikeHttp } from '../../../src/wire/resp/http.js';
import { REQUEST_LIMITS } from '../../../src/wire/resp/limits.js';
import { RequestParser } from '../../../src/wire/resp/request-parser.js';
import { bytesOf, multibulk } from './support.js';

function judged(stream: Uint8Array): boolean[] {
  const found: boolean[] = [];
  const parser = new RequestParser(
    {
      onRequest: (args) => {
        found.push(looksLikeHttp(args));
        return true;
      },
      onProtocolError: (message) => t.fail(message),
    },
    REQUEST_LIMITS,
  );
  parser.push(stream);
  return found;
}

const HTTP = [
  'GET / HTTP/1.1',
  'get /index.html http/1.0',
  'POST /',
  'POST / HTTP/1.1',
  'post',
  'PRI * HTTP/2.0',
  'OPTIONS * HTTP/1.1',
  'CONNECT localhost:7400 HTTP/1.1',
  'GET http://localhost:7400/ HTTP/1.1',
  'FLUSHALL / HTTP/1.1',
  'DEL /a b HTTP/1.1',
  'Host: localhost',
  'host:localhost:7400',
  'User-Agent: "Mozilla"',
  'Content-Type: text/plain',
];

const REDIS = [
  'PING',
  'GET /',
  'GET HTTP/1.1',
  'GET key',
  'SET protocol HTTP/1.1',
  'SET user:1 HTTP/1.1',
  'SET / HTTP',
  'SET host: x',
  'MGET / /a',
  'POSTS x',
  ':',
  '"" x',
  'connect 1 2',
];

for (const line of HTTP) {
  t.test(`HTTP: ${line}`, async (t) => {
    t.same(judged(bytesOf(`${line}\r\n`)), [true]);
    t.same(judged(multibulk(line.split(' ').map(bytesOf))), [false], 'never as multibulk');
  });
}

for (const line of REDIS) {
  t.test(`not HTTP: ${line}`, async (t) => t.same(judged(bytesOf(`${line}\r\n`)), [false]));
}

t.test('long words are not looked at', async (t) => {
  t.same(judged(bytesOf(`${'a'.repeat(60_000)}: x\r\n`)), [false]);
  t.same(judged(bytesOf(`GET / ${'HTTP/1.1'.repeat(8000)}\r\n`)), [false]);
  t.same(judged(bytesOf(`GET /${'a'.repeat(60_000)} HTTP/1.1\r\n`)), [true], 'a long path is');
});
