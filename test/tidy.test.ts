// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the snippets are source text.
/** Keeps the sources to the rules: first that the rules can fail, then that nothing breaks them. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { projectRoot } from './support/project-root.js';
import { lineAt, readSource } from './support/source-text.js';
import { checkDependencies, checkFile, type Finding } from './support/tidy.js';

const ROOT = projectRoot();

interface SourceFile {
  readonly path: string;
  readonly text: string;
}

function sourcesUnder(...folders: readonly string[]): SourceFile[] {
  return folders.flatMap((folder) => {
    const names = readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' });
    const paths = names
      .map((name) => `${folder}/${name.replaceAll('\\', '/')}`)
      .filter((path) => path.endsWith('.ts'));
    return paths.sort().map((path) => ({ path, text: readFileSync(join(ROOT, path), 'utf8') }));
  });
}

const shown = (findings: readonly Finding[]) =>
  findings.map(({ path, line, message }) => `${path}:${line} ${message}`);

/** What is found in a file at `path` with one line, by its message. */
const found = (path: string, line: string) =>
  checkFile(path, `\n${line}\n`).map((finding) => finding.message);

const importOf = (specifier: string) => `import { x } from '${specifier}';`;

t.test('imports that go down are fine', async (t) => {
  const fine: [path: string, specifier: string][] = [
    ['src/ports/network.ts', '../base/errors.js'],
    ['src/wire/frame.ts', './outbox.js'],
    ['src/wire/frame.ts', '../version/version.js'],
    ['src/wire/frame.ts', '../ports/clock.js'],
    ['src/storage/engine.ts', '../ring/slot.js'],
    ['src/node/node.ts', '../gateway/client-session.js'],
    ['src/server/main.ts', '../os/tcp-network.js'],
    ['src/os/system-clock.ts', '../ports/clock.js'],
    ['src/client/index.ts', '../os/tcp-network.js'],
    ['src/client/pool.ts', '../membership/cluster-config.js'],
    ['src/client/deep/pool.ts', '../../wire/body.js'],
    ['cli/kvcli.ts', '../src/client/index.js'],
    ['cli/node/run.ts', '../../src/server/main.js'],
    ['bench/main.ts', '../src/os/system-clock.js'],
    ['test/wire/a.test.ts', '../../src/node/node.js'],
    ['src/os/disk.ts', 'node:fs'],
    ['src/base/crc32.ts', 'node:zlib'],
    ['cli/kvcli.ts', 'node:net'],
    ['src/storage/level-engine.ts', 'classic-level'],
  ];
  for (const [path, specifier] of fine)
    t.same(found(path, importOf(specifier)), [], `${path} ← ${specifier}`);
});

t.test('imports that go up, aside or outside are found', async (t) => {
  const wrong: [path: string, specifier: string, message: RegExp][] = [
    ['src/base/bytes.ts', '../ports/clock.js', /floor 0.*floor 1/],
    ['src/wire/frame.ts', '../membership/cluster-config.js', /floor 2.*floor 3/],
    ['src/replication/replica.ts', '../node/node.js', /floor 4.*floor 6/],
    ['src/gateway/session.ts', '../node/node.js', /floor 5.*floor 6/],
    ['src/version/record.ts', '../wire/frame.js', /sibling/],
    ['src/wire/frame.ts', '../ring/hash.js', /sibling/],
    ['src/ring/hash.ts', '../version/version.js', /sibling/],
    ['src/membership/x.ts', '../storage/keyspace.js', /sibling/],
    ['src/node/node.ts', '../os/tcp-network.js', /take a port/],
    ['src/wire/frame.ts', '../os/system-clock.js', /take a port/],
    ['src/os/x.ts', '../wire/frame.js', /sibling/],
    ['src/client/pool.ts', '../os/tcp-network.js', /client/],
    ['src/client/index.ts', '../replication/coordinator.js', /client/],
    ['src/client/pool.ts', '../storage/keyspace.js', /client/],
    ['src/server/main.ts', '../client/index.js', /client/],
    ['src/wire/frame.ts', '../../test/support/wire.js', /src\/ may not import test/],
    ['src/wire/frame.ts', '../../cli/kvcli.js', /src\/ may not import cli/],
    ['src/misc/x.ts', '../base/bytes.js', /without a floor/],
    ['src/wire/x.ts', '../misc/bytes.js', /without a floor/],
    ['cli/kvcli.ts', '../bench/main.js', /cli\/ may not import bench/],
    ['cli/kvcli.ts', '../test/support/wire.js', /cli\/ may not import test/],
    ['bench/main.ts', '../test/support/wire.js', /bench\/ may not import test/],
    ['src/node/node.ts', 'node:fs', /input and output/],
    ['src/wire/x.ts', 'node:net', /input and output/],
    ['src/server/x.ts', 'node:child_process', /input and output/],
    ['src/ring/x.ts', 'node:crypto', /input and output/],
  ];
  for (const [path, specifier, message] of wrong) {
    const messages = found(path, importOf(specifier));
    t.equal(messages.length, 1, `${path} ← ${specifier}`);
    t.match(messages[0], message);
  }
});

t.test('every form of import counts', async (t) => {
  const forms = [
    `import '../node/node.js';`,
    `import type { X } from "../node/node.js";`,
    `import { type X, y } from '../node/node.js';`,
    `import * as x from '../node/node.js';`,
    `export * from '../node/node.js';`,
    `export { x } from '../node/node.js';`,
    `const x = await import('../node/node.js');`,
    `let x: import('../node/node.js').X;`,
    `import {\n  x,\n} from '../node/node.js';`,
    `import{x}from'../node/node.js';`,
  ];
  for (const form of forms) t.match(found('src/base/x.ts', form), [/floor 0.*floor 6/], form);
  const none = [
    `// import { x } from '../node/node.js';`,
    `/* import '../node/node.js'; */`,
    `const text = "import { x } from '../node/node.js'";`,
    `const text = \`import '../node/node.js'\`;`,
    `const bytes = Buffer.from('../node/node.js');`,
  ];
  for (const form of none) t.same(found('src/base/x.ts', form), [], form);
});

t.test('globals that only src/os/ may use are found elsewhere', async (t) => {
  const banned = [
    'const a = Date.now();',
    'const a = new Date();',
    'const a = new Date( );',
    'const a = new Date;',
    'const a = Date();',
    'const a = Math.random();',
    'const a = crypto.randomUUID();',
    'const a = performance.now();',
    'setTimeout(f, 1);',
    'const later = setTimeout;',
    'globalThis.setInterval(f, 1);',
    'setImmediate(f);',
    'queueMicrotask(f);',
    'process.nextTick(f);',
    'const a = process.env.HOME;',
    'console.log(1);',
    'const a = `now: ${Date.now()}`;',
  ];
  for (const line of banned) {
    t.equal(found('src/wire/x.ts', line).length, 1, line);
    t.same(found('src/os/x.ts', line), [], `${line} in os`);
    t.same(found('cli/x.ts', line), [], `${line} in cli`);
    t.same(found('test/x.ts', line), [], `${line} in test`);
  }
  t.same(found('src/server/x.ts', `process.on('SIGTERM', f);`), [], 'server knows signals');
  t.equal(found('src/server/x.ts', 'console.log(1);').length, 1);
  t.equal(found('src/server/x.ts', 'setTimeout(f, 1);').length, 1);
});

t.test('what only looks like a banned global is fine', async (t) => {
  const fine = [
    'const a = new Date(timeMs).toISOString();',
    'clock.setTimeout(f);',
    'this.#process.kill();',
    'const a = "Date.now() and console.log";',
    '// Math.random() would not repeat.',
    '/** Called by setTimeout. */',
    'const a = `console.log`;',
    'const a = /process.nextTick/;',
    'const options = { setTimeout: f };',
    'const updated = toDate(x);',
  ];
  for (const line of fine) t.same(found('src/wire/x.ts', line), [], line);
});

t.test('habits', async (t) => {
  const bad: [line: string, message: RegExp][] = [
    ['export default class {}', /default export/],
    ['export { x as default };', /default export/],
    ['let a: any;', /any/],
    ['const a = b as any;', /any/],
    ['function f(a: any[]): Promise<any> {}', /any/],
    ['type A = Record<string, any>;', /any/],
    ['enum Colour { Red }', /enum/],
    ['export const enum Colour { Red }', /enum/],
    [`// ${'TO'}${'DO'}: later`, /unfinished: TO/],
    [`/* ${'FIX'}${'ME'} */`, /unfinished: FIX/],
  ];
  for (const [line, message] of bad) {
    for (const path of ['src/wire/x.ts', 'cli/x.ts', 'bench/x.ts', 'test/x.test.ts']) {
      t.match(found(path, line)[0], message, `${path}: ${line}`);
    }
  }
  const fine = [
    '// Whether any of them has any.',
    'const a = await Promise.any(list);',
    'const many = company;',
    `const a = 'the type any';`,
    'const enumerable = 1;',
    'const a = { any: 1 };',
    'const a = x.any;',
    'import t from "tap";',
  ];
  for (const line of fine)
    t.same(
      found('src/wire/x.ts', line).filter((message) => !/tap/.test(message)),
      [],
      line,
    );
});

t.test('tests that are left out', async (t) => {
  const bad = [
    `t.skip('later', async () => {});`,
    `t.todo('later');`,
    `test.only('this', f);`,
    `t.test('x', { skip: true }, f);`,
    `t.test('x', { todo: 'later' }, f);`,
    `t.test('x', { only: true }, f);`,
  ];
  for (const line of bad) {
    t.equal(found('test/x.test.ts', line).length, 1, line);
    t.same(found('test/support/x.ts', line), [], 'only in tests');
  }
  for (const line of [
    `t.test('skip: none', f);`,
    'reader.skip(4);',
    '// t.skip would be bad',
    `f({ versionOnly: true });`,
  ]) {
    t.same(found('test/x.test.ts', line), [], line);
  }
});

t.test('long files', async (t) => {
  t.same(checkFile('src/wire/x.ts', 'x;\n'.repeat(500)), []);
  t.match(checkFile('src/wire/x.ts', 'x;\n'.repeat(501)), [{ line: 501, message: /501 lines/ }]);
});

t.test('findings name the line', async (t) => {
  const text = `/*\n${' * any words\n'.repeat(3)} */\nconst a = \`\n\${1}\n\`;\nlet b: any;\n`;
  t.match(checkFile('src/wire/x.ts', text), [{ path: 'src/wire/x.ts', line: 9 }]);
  t.equal(lineAt('a\nb\nc', 4), 3);
});

t.test('dependencies', async (t) => {
  const file = (path: string, ...specifiers: string[]) => ({
    path,
    text: specifiers.map(importOf).join('\n'),
  });
  const manifest = {
    dependencies: { commander: '1', '@msgpack/msgpack': '1' },
    devDependencies: { tap: '1' },
  };
  const check = (...files: SourceFile[]) => checkDependencies(files, manifest);
  const one = file('cli/a.ts', 'commander', 'node:fs', './b.js');
  const two = file('src/wire/body.ts', '@msgpack/msgpack/deep', '@msgpack/msgpack');
  t.same(check(one, two), []);
  t.match(check(one, two, file('cli/b.ts', './x.js', 'commander')), [
    { path: 'cli/b.ts', line: 2, message: /imported by cli\/a.ts already/ },
  ]);
  t.match(check(one), [{ path: 'package.json', message: /msgpack is imported by no/ }]);
  t.match(check(one, two, file('bench/a.ts', 'left-pad')), [{ message: /left-pad is not a runtime/ }]);
  t.match(check(one, two, file('cli/c.ts', 'tap')), [{ path: 'cli/c.ts', message: /tap is not a runtime/ }]);
  t.same(check(one, two, file('bench/a.ts', 'tap')), [], 'the benchmark is not published');
  t.equal(check(one, two, file('bench/a.ts', 'tap'), file('bench/b.ts', 'tap')).length, 1);
  const typeOnly = { path: 'cli/c.ts', text: `import type { Command } from 'commander';` };
  t.equal(check(one, two, typeOnly).length, 1);
});

t.test('what is code, and what is not', async (t) => {
  const cases: [raw: string, code: string, bare: string][] = [
    [`a // b\nc`, 'a     \nc', 'a     \nc'],
    [`a /* b */ c`, 'a         c', 'a         c'],
    [`'a' + "b"`, `'a' + "b"`, `' ' + " "`],
    [`'it\\'s' x`, `'it\\'s' x`, `'     ' x`],
    [`'// a' x`, `'// a' x`, `'    ' x`],
    ['`a${b}c`', '`a${b}c`', '` ${b} `'],
    ['`a${`b${c}`}d`', '`a${`b${c}`}d`', '` ${` ${c}`} `'],
    ['`${{ a: 1 }}` x', '`${{ a: 1 }}` x', '`${{ a: 1 }}` x'],
    [`x = /a'/; 'b'`, `x = /a'/; 'b'`, `x = /  /; ' '`],
    [`x = /[/"]/g.test(y)`, `x = /[/"]/g.test(y)`, `x = /    /g.test(y)`],
    [`a / b / c`, `a / b / c`, `a / b / c`],
    [`(a) / b // c`, `(a) / b     `, `(a) / b     `],
    [`return /"/.test(a)`, `return /"/.test(a)`, `return / /.test(a)`],
  ];
  for (const [raw, code, bare] of cases) {
    const source = readSource('x.ts', raw);
    t.equal(source.code, code, raw);
    t.equal(source.bare, bare, raw);
  }
});

t.test('the sources are tidy', async (t) => {
  const files = sourcesUnder('src', 'cli', 'bench', 'test');
  t.ok(files.length > 50, `${files.length} files`);
  t.same(shown(files.flatMap(({ path, text }) => checkFile(path, text))), []);
});

t.test('each dependency is imported by exactly one file', async (t) => {
  const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
  const files = sourcesUnder('src', 'cli', 'bench');
  t.same(shown(checkDependencies(files, manifest)), []);
});
