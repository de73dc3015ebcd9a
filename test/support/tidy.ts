/** The rules of the house that a program can check: floors of imports, banned globals, and habits. See STYLE. */
import { posix } from 'node:path';
import { lineAt, readSource, type SourceText } from './source-text.js';

export interface Finding {
  readonly path: string;
  readonly line: number;
  readonly message: string;
}

interface Import {
  readonly specifier: string;
  readonly line: number;
}

/** A folder may import from lower floors and from itself. */
const FLOORS: Readonly<Record<string, number>> = {
  base: 0,
  ports: 1,
  version: 2,
  ring: 2,
  wire: 2,
  os: 2,
  membership: 3,
  storage: 3,
  replication: 4,
  gateway: 5,
  node: 6,
  server: 7,
};

/** The one pair of folders on a floor that may meet: messages carry versions and records. */
const SIBLINGS = new Set(['wire → version']);

const CLIENT_IMPORTS = new Set(['base', 'ports', 'version', 'ring', 'wire', 'membership']);

/** The only file below the entries that may reach for the real clock and network. */
const CLIENT_ENTRY = 'src/client/index.ts';

/** Programs beside the library, and what each may import of the others. */
const PROGRAMS: Readonly<Record<string, readonly string[]>> = {
  cli: ['cli', 'src'],
  bench: ['bench', 'cli', 'src'],
  test: ['test', 'bench', 'cli', 'src'],
};

/** Node's own modules that do nothing but compute. All others are input and output. */
const PURE_NODE_MODULES = new Set(['node:buffer', 'node:path', 'node:util', 'node:zlib']);

const LINES_MAX = 500;

interface Banned {
  readonly pattern: RegExp;
  readonly message: string;
}

/** What only src/os/ may use; the ports have it for everybody else. */
const BANNED: readonly Banned[] = [
  { pattern: /\bDate\.now\b/g, message: 'Date.now: take the time from a Clock' },
  { pattern: /\bnew Date(?:\(\s*\)|(?!\s*\())(?![\w$])/g, message: 'new Date(): take the time from a Clock' },
  { pattern: /(?<![.\w$])(?<!new )Date\(/g, message: 'Date(): take the time from a Clock' },
  { pattern: /\bMath\.random\b/g, message: 'Math.random: take a Random' },
  { pattern: /(?<![.\w$])crypto\./g, message: 'crypto: take a Random' },
  { pattern: /(?<![.\w$])performance\./g, message: 'performance: take the time from a Clock' },
  {
    pattern: /(?<![.\w$#])(?:globalThis\.)?(setTimeout|setInterval|setImmediate|queueMicrotask)\b(?!\s*:)/g,
    message: '$1: use the Clock',
  },
  { pattern: /(?<![.\w$#])console\./g, message: 'console: take a Log' },
];

const BANNED_PROCESS: Banned = {
  pattern: /(?<![.\w$#])process\./g,
  message: 'process: only the os and server folders know it',
};

/** What no file may hold. */
const HABITS: readonly Banned[] = [
  { pattern: /^\s*export\s+default\b/gm, message: 'a default export' },
  { pattern: /\bexport\s*\{[^}]*\bas\s+default\b/g, message: 'a default export' },
  { pattern: /(?<![.\w$'"#])any\b(?!\s*[(:?.=])/g, message: 'the type any' },
  { pattern: /^\s*(?:export\s+)?(?:declare\s+)?(?:const\s+)?enum\s+\w/gm, message: 'an enum' },
];

/** Spelled in parts, so that this file does not hold them. */
const UNFINISHED = new RegExp(`\\b(${['TO' + 'DO', 'FIX' + 'ME', 'XX' + 'X'].join('|')})\\b`, 'g');

const LEFT_OUT: readonly Banned[] = [
  {
    pattern: /\b(?:t|tt|tap|test|child)\.(?:skip|todo|only)\b/g,
    message: 'a test that is left out, or leaves out others',
  },
  {
    pattern: /\b(?:it|describe|suite)\.(?:skip|todo|only)\b/g,
    message: 'a test that is left out, or leaves out others',
  },
  { pattern: /\{[^{}]*\b(?:skip|todo|only)\s*:/g, message: 'a test that is left out, or leaves out others' },
];

/** Everything that is wrong with one file. */
export function checkFile(path: string, text: string): Finding[] {
  const source = readSource(path, text);
  return [
    ...checkImports(source),
    ...checkBanned(source),
    ...search(source, source.bare, HABITS),
    ...search(source, source.raw, [{ pattern: UNFINISHED, message: 'unfinished: $1' }]),
    ...(path.endsWith('.test.ts') ? search(source, source.bare, LEFT_OUT) : []),
    ...checkLength(source),
  ];
}

/** What package.json says that others need to run the package, and only its developers need. */
export interface Manifest {
  readonly dependencies: Readonly<Record<string, string>>;
  readonly devDependencies: Readonly<Record<string, string>>;
}

/**
 * Every package is imported by one file, which shields the others from it; what is published imports runtime
 * dependencies only, and every one of them is imported.
 */
export function checkDependencies(
  files: readonly { readonly path: string; readonly text: string }[],
  manifest: Manifest,
): Finding[] {
  const runtime = new Set(Object.keys(manifest.dependencies));
  const users = new Map<string, Finding[]>([...runtime].map((name) => [name, []]));
  const findings: Finding[] = [];
  for (const { path, text } of files) {
    const packages = importsOf(readSource(path, text)).filter(({ specifier }) => isPackage(specifier));
    for (const { specifier, line } of packages) {
      const name = packageOf(specifier);
      const isDeclared = runtime.has(name) || (path.startsWith('bench/') && name in manifest.devDependencies);
      if (!isDeclared) findings.push({ path, line, message: `${name} is not a runtime dependency` });
      const uses = users.get(name) ?? [];
      if (!uses.some((use) => use.path === path)) users.set(name, [...uses, { path, line, message: '' }]);
    }
  }
  for (const [name, uses] of users) {
    if (uses.length === 0)
      findings.push({ path: 'package.json', line: 1, message: `${name} is imported by no file` });
    const [first, ...others] = uses;
    for (const { path, line } of others) {
      findings.push({ path, line, message: `${name} is imported by ${first!.path} already` });
    }
  }
  return findings;
}

function checkImports(source: SourceText): Finding[] {
  const findings: Finding[] = [];
  for (const { specifier, line } of importsOf(source)) {
    const message = importProblem(source.path, specifier);
    if (message !== undefined) findings.push({ path: source.path, line, message });
  }
  return findings;
}

function importProblem(path: string, specifier: string): string | undefined {
  if (specifier.startsWith('node:')) return nodeModuleProblem(path, specifier);
  if (isPackage(specifier)) return undefined;
  const target = posix.join(posix.dirname(path), specifier);
  const [fromTop, fromFolder] = placeOf(path);
  const [toTop, toFolder] = placeOf(target);
  if (fromTop !== 'src') {
    const isAllowed = PROGRAMS[fromTop]?.includes(toTop) ?? true;
    return isAllowed ? undefined : `${fromTop}/ may not import ${toTop}/`;
  }
  if (toTop !== 'src') return `src/ may not import ${target}`;
  return folderProblem(path, fromFolder, toFolder);
}

function folderProblem(path: string, from: string, to: string): string | undefined {
  if (from === to) return undefined;
  if (from === 'client') return clientProblem(path, to);
  const fromFloor = FLOORS[from];
  const toFloor = FLOORS[to];
  if (to === 'client') return `src/${from}/ may not import src/client/`;
  if (fromFloor === undefined || toFloor === undefined)
    return `src/${from}/ → src/${to}/: a folder without a floor`;
  if (to === 'os') return from === 'server' ? undefined : `src/${from}/ may not import src/os/: take a port`;
  if (toFloor > fromFloor)
    return `src/${from}/ (floor ${fromFloor}) may not import src/${to}/ (floor ${toFloor})`;
  if (toFloor < fromFloor || SIBLINGS.has(`${from} → ${to}`)) return undefined;
  return `src/${from}/ may not import src/${to}/, its sibling on floor ${fromFloor}`;
}

function clientProblem(path: string, to: string): string | undefined {
  if (CLIENT_IMPORTS.has(to) || (to === 'os' && path === CLIENT_ENTRY)) return undefined;
  return `src/client/ may not import src/${to}/`;
}

function nodeModuleProblem(path: string, specifier: string): string | undefined {
  if (!path.startsWith('src/') || path.startsWith('src/os/') || PURE_NODE_MODULES.has(specifier))
    return undefined;
  return `${specifier}: only src/os/ does input and output`;
}

function checkBanned(source: SourceText): Finding[] {
  const { path } = source;
  if (!path.startsWith('src/') || path.startsWith('src/os/')) return [];
  const rules = path.startsWith('src/server/') ? BANNED : [...BANNED, BANNED_PROCESS];
  return search(source, source.bare, rules);
}

function checkLength(source: SourceText): Finding[] {
  const lines = source.raw.replace(/\n$/, '').split('\n').length;
  if (lines <= LINES_MAX) return [];
  return [
    { path: source.path, line: lines, message: `${lines} lines; split files of more than ${LINES_MAX}` },
  ];
}

function search(source: SourceText, text: string, rules: readonly Banned[]): Finding[] {
  const findings: Finding[] = [];
  for (const { pattern, message } of rules) {
    for (const match of text.matchAll(pattern)) {
      const at = match.index + match[0].search(/\S/);
      findings.push({
        path: source.path,
        line: lineAt(text, at),
        message: message.replace('$1', match[1] ?? ''),
      });
    }
  }
  return findings;
}

/** All imports and re-exports: static, dynamic and type-only. */
function importsOf(source: SourceText): Import[] {
  const imports: Import[] = [];
  for (const match of source.code.matchAll(/\b(?:from|import|import\s*\()\s*(["'])([^"'\n]+)\1/g)) {
    // Within a string the word is blanked out in the bare text.
    if (source.bare.startsWith(match[0].slice(0, 4), match.index)) {
      imports.push({ specifier: match[2]!, line: lineAt(source.code, match.index) });
    }
  }
  return imports;
}

function isPackage(specifier: string): boolean {
  return !specifier.startsWith('.') && !specifier.startsWith('node:');
}

function packageOf(specifier: string): string {
  return specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/');
}

/** `['src', 'wire']` for a file in src/wire/. */
function placeOf(path: string): [top: string, folder: string] {
  const parts = path.split('/');
  return [parts[0]!, parts.length > 2 ? parts[1]! : ''];
}
