// Node's http2 as a client: node node.mjs URL WINDOW TABLE FRAME
// It prints "ok NAME" or "not ok NAME: why" for each thing that it tries.
import http2 from 'node:http2';
import crypto from 'node:crypto';
import assert from 'node:assert/strict';

const [url, window, table, frame] = process.argv.slice(2);
const settings = { initialWindowSize: +window, headerTableSize: +table, maxFrameSize: +frame, enablePush: true };

function connect() {
  const session = http2.connect(url, { settings, rejectUnauthorized: false, maxSessionMemory: 1000 });
  session.on('error', (err) => { session.failure = err; });
  return new Promise((resolve, reject) => {
    session.on('connect', () => {
      // Node's window of the connection is 65535 if it is not told otherwise.
      if (+window > 65535) session.setLocalWindowSize(+window);
      resolve(session);
    });
    session.on('error', reject);
  });
}

// ask makes a request and gives status, headers, trailers and body.
function ask(session, headers, body) {
  return new Promise((resolve, reject) => {
    const stream = session.request(headers, { endStream: body === undefined });
    const answer = { chunks: [] };
    stream.on('response', (h) => { answer.headers = h; answer.status = h[':status']; });
    stream.on('trailers', (h) => { answer.trailers = h; });
    stream.on('data', (chunk) => answer.chunks.push(chunk));
    stream.on('end', () => { answer.body = Buffer.concat(answer.chunks); });
    stream.on('error', reject);
    stream.on('close', () => (answer.body ? resolve(answer) : reject(new Error(`closed with code ${stream.rstCode}`))));
    if (body !== undefined) stream.end(body);
  });
}

const tests = {
  async get(s) {
    const a = await ask(s, { ':path': '/' });
    assert.equal(a.status, 200);
    assert.equal(a.body.toString(), 'hello, world\n');
  },
  async head(s) {
    const a = await ask(s, { ':path': '/', ':method': 'HEAD' });
    assert.equal(a.headers['content-length'], '13');
    assert.equal(a.body.length, 0);
  },
  async upload(s) {
    const body = crypto.randomBytes(8 << 20);
    const a = await ask(s, { ':path': '/upload', ':method': 'POST' }, body);
    assert.equal(a.body.toString(), `${body.length} ${crypto.createHash('sha256').update(body).digest('hex')}`);
  },
  async download(s) {
    const a = await ask(s, { ':path': '/download' });
    assert.equal(a.body.length, 4 << 20);
    assert.equal(crypto.createHash('sha256').update(a.body).digest('hex'), a.headers['x-sha256']);
  },
  async trailers(s) {
    const a = await ask(s, { ':path': '/trailers' });
    assert.equal(a.trailers['x-trailer'], 'value');
  },
  async duplex(s) {
    const stream = s.request({ ':path': '/echo', ':method': 'POST' }, { endStream: false });
    stream.setEncoding('utf8');
    let got = '';
    let wake;
    stream.on('data', (chunk) => { got += chunk; wake?.(); });
    let said = '';
    for (let i = 0; i < 10; i++) {
      stream.write(`word ${i} `);
      said += `word ${i} `;
      while (got !== said) await new Promise((resolve) => { wake = resolve; });
    }
    stream.end();
    await new Promise((resolve, reject) => { stream.on('close', resolve); stream.on('error', reject); });
  },
  async many(s) {
    // Node keeps to SETTINGS_MAX_CONCURRENT_STREAMS and queues what is above.
    const answers = await Promise.all(Array.from({ length: 1000 }, (_, i) => ask(s, { ':path': `/?${i}` })));
    for (const a of answers) assert.equal(a.body.toString(), 'hello, world\n');
  },
  async cancel(s) {
    const stream = s.request({ ':path': '/wait' });
    stream.on('error', () => {});
    await new Promise((resolve) => stream.on('response', resolve));
    stream.close(http2.constants.NGHTTP2_CANCEL);
    await new Promise((resolve) => stream.on('close', resolve));
    const a = await ask(s, { ':path': '/cancelled' });
    assert.equal(a.body.toString(), 'yes');
  },
  async push(s) {
    const pushed = new Map();
    const streams = [];
    s.on('stream', (stream, headers) => {
      streams.push(new Promise((resolve, reject) => {
        const chunks = [];
        stream.on('data', (chunk) => chunks.push(chunk));
        stream.on('error', reject);
        stream.on('close', () => { pushed.set(headers[':path'], Buffer.concat(chunks).toString()); resolve(); });
      }));
    });
    const a = await ask(s, { ':path': '/page' });
    assert.equal(a.body.toString(), 'the page');
    await Promise.all(streams);
    assert.deepEqual([...pushed.entries()].sort(), [['/promised/a', 'promised /promised/a'], ['/promised/b', 'promised /promised/b']]);
  },
  async headers(s) {
    for (let i = 0; i < 20; i++) {
      const a = await ask(s, { ':path': '/headers', 'x-big': 'v'.repeat(3000), [`x-${i % 3}`]: String(i) });
      assert.equal(a.headers['x-big'].length, 3000);
      assert.equal(a.headers[`x-${i % 3}`], String(i));
    }
  },
};

let failed = false;
for (const [name, test] of Object.entries(tests)) {
  if (+window === 1 && (name === 'upload' || name === 'download')) continue;
  let session;
  try {
    session = await connect();
    await test(session);
    if (session.failure) throw session.failure;
    console.log(`ok ${name}`);
  } catch (err) {
    failed = true;
    console.log(`not ok ${name}: ${String(err.stack).replaceAll('\n', ' / ')}`);
  }
  session?.close();
}
process.exit(failed ? 1 : 0);
