/** Healthy and busy in one of several ways; prints `busy` when it is. Handles SIGTERM, as a good PID 1 does. */
import { closeSync, fstatSync, openSync, readSync, unlinkSync, writeSync } from 'node:fs';
import { createServer, get } from 'node:http';
import { createRequire, stripTypeScriptTypes } from 'node:module';
import { setTimeout as sleep } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';

process.on('SIGTERM', () => process.exit(0));
const [way = '', directory = '/tmp'] = process.argv.slice(2);

/** A server with 20 clients that never rest. */
async function serve(): Promise<void> {
  const server = createServer((_, response) => response.end('hello'.repeat(1000)));
  await new Promise<void>(resolve => server.listen(8080, '127.0.0.1', resolve));
  const ask = (): void => {
    get('http://127.0.0.1:8080', response => response.resume().on('end', ask)).on('error', ask);
  };
  for (let client = 0; client < 20; client += 1) ask();
}

/** A database that writes transactions and keeps temporary files without a name, as databases do. */
async function store(): Promise<void> {
  const { DatabaseSync } = createRequire(import.meta.url)('node:sqlite') as typeof import('node:sqlite');
  const database = new DatabaseSync(`${directory}/data.sqlite`);
  database.exec('pragma journal_mode = wal; create table if not exists t (k integer primary key, v text)');
  const scratch = openSync(`${directory}/scratch`, 'w+');
  unlinkSync(`${directory}/scratch`);
  writeSync(scratch, Buffer.alloc(4 * 1024 * 1024));
  const insert = database.prepare('insert into t (v) values (?)');
  for (;;) {
    database.exec('begin');
    for (let row = 0; row < 100; row += 1) insert.run('x'.repeat(200));
    database.exec('commit');
    await sleep(5);
  }
}

/** Reads a file of 100 MiB over and over, which is more than the container's limit. */
async function read(): Promise<void> {
  const path = `${directory}/big`;
  const file = openSync(path, 'w+');
  const block = Buffer.alloc(1024 * 1024, 1);
  for (let mebibyte = 0; mebibyte < 100; mebibyte += 1) writeSync(file, block);
  for (;;) {
    for (let position = 0; position < fstatSync(file).size; position += block.length)
      readSync(file, block, 0, block.length, position);
    closeSync(openSync(path, 'r'));
    await sleep(20);
  }
}

/** Compiles a source of 2,000 lines all the time. */
async function compile(): Promise<void> {
  const source = Array.from(
    { length: 2000 },
    (_, line) => `export const f${line} = (x: number): number => x * ${line};`,
  );
  for (;;) {
    stripTypeScriptTypes(source.join('\n'));
    await sleep(0);
  }
}

/** Three threads that want a CPU each: they wait for one another. */
async function threads(): Promise<void> {
  const forever = 'for (;;);';
  for (let count = 0; count < 3; count += 1) new Worker(forever, { eval: true });
}

const ways: Readonly<Record<string, () => Promise<void>>> = { serve, store, read, compile, threads };
const work = ways[way];
if (work === undefined) throw new Error(`no such way to be busy: ${way}`);
setTimeout(() => console.log('busy'), way === 'read' ? 1500 : 500);
await work();
