import fc from 'fast-check';
import t from 'tap';
import { globMatches, matchesAll } from '../../../src/gateway/redis/glob.js';

const bytes = (text: string): Uint8Array => Buffer.from(text, 'latin1');
const matches = (pattern: string, text: string): boolean => globMatches(bytes(pattern), bytes(text));

/** What each pattern matches, and what it does not, as Redis 7.0.15 says. */
const TABLE: readonly (readonly [pattern: string, yes: readonly string[], no: readonly string[]])[] = [
  ['abc', ['abc'], ['ab', 'abcd', 'ABC', '']],
  ['a?c', ['abc', 'a?c', 'a\xffc'], ['ac', 'abbc']],
  ['*', ['a', 'anything', '\x00\r\n'], []],
  ['**', ['a', 'ab'], []],
  ['a*', ['a', 'ab', 'a*'], ['ba']],
  ['*a', ['a', 'ba', 'aaa'], ['ab']],
  ['a*b*c', ['abc', 'aXbYc', 'abbbc', 'abcbc'], ['ab', 'acb', 'abcd']],
  ['*?', ['a', 'ab'], ['']],
  ['?*?', ['ab', 'abc'], ['a']],
  ['h[ae]llo', ['hello', 'hallo'], ['hillo', 'h[ae]llo']],
  ['h[^e]llo', ['hallo', 'h^llo'], ['hello', 'hllo']],
  ['h[a-c]llo', ['hallo', 'hbllo', 'hcllo'], ['hdllo', 'h-llo']],
  ['h[c-a]llo', ['hbllo'], ['hdllo']],
  ['[^a-c]', ['d', '^'], ['a', 'c']],
  ['[a-]', ['a', '_', ']', '^'], ['b', '-']],
  ['[-a]', ['-', 'a'], ['b']],
  ['[a\\-c]', ['a', '-', 'c'], ['b']],
  ['[\\]]', [']'], ['\\']],
  ['[]', [], ['a', ']', '[]']],
  ['[^]', ['a', ']'], ['', 'ab']],
  ['[abc', ['a', 'c'], ['d', '[abc']],
  ['[a-', ['a', '-'], ['b']],
  ['[', [], ['[', 'a']],
  ['a[', [], ['a', 'a[']],
  ['[^', ['a'], ['']],
  ['\\*', ['*'], ['a', '\\*']],
  ['\\?', ['?'], ['a']],
  ['\\[a]', ['[a]'], ['a']],
  ['\\a', ['a'], ['\\a']],
  ['\\\\', ['\\'], ['\\\\']],
  ['a\\', ['a\\'], ['a']],
  ['user:*:name', ['user:7:name', 'user::name'], ['user:7:age', 'user:name']],
  ['\xff*', ['\xff\xfe'], ['\xfe']],
];

t.test('patterns match what they match in Redis', async (t) => {
  for (const [pattern, yes, no] of TABLE) {
    for (const text of yes) t.ok(matches(pattern, text), `${pattern} matches ${JSON.stringify(text)}`);
    for (const text of no)
      t.notOk(matches(pattern, text), `${pattern} does not match ${JSON.stringify(text)}`);
  }
});

/** The recursion of Redis, word by word, for texts that are not empty. */
function naive(pattern: string, text: string): boolean {
  if (pattern === '') return text === '';
  const [first] = pattern;
  if (first === '*') {
    for (let i = 0; i <= text.length; i++) if (naive(pattern.slice(1), text.slice(i))) return true;
    return false;
  }
  if (text === '') return false;
  if (first === '?') return naive(pattern.slice(1), text.slice(1));
  if (first === '\\' && pattern.length > 1) {
    return pattern[1] === text[0] && naive(pattern.slice(2), text.slice(1));
  }
  if (first !== '[') return first === text[0] && naive(pattern.slice(1), text.slice(1));
  const isNegated = pattern[1] === '^';
  let rest = pattern.slice(isNegated ? 2 : 1);
  let isMember = false;
  for (;;) {
    if (rest.length >= 2 && rest[0] === '\\') {
      if (rest[1] === text[0]) isMember = true;
      rest = rest.slice(2);
    } else if (rest === '' || rest[0] === ']') {
      break;
    } else if (rest.length >= 3 && rest[1] === '-') {
      const [low, high] = [rest[0]!, rest[2]!].sort();
      if (text[0]! >= low! && text[0]! <= high!) isMember = true;
      rest = rest.slice(3);
    } else {
      if (rest[0] === text[0]) isMember = true;
      rest = rest.slice(1);
    }
  }
  return isMember !== isNegated && naive(rest.slice(1), text.slice(1));
}

t.test('any pattern matches any text as the plain recursion does', async (t) => {
  const from = (characters: string, maxLength: number) =>
    fc.string({ unit: fc.constantFrom(...characters), maxLength });
  const property = fc.property(from('ab*?[]^-\\', 10), from('ab]-^\\*', 8), (pattern, text) => {
    t.equal(matches(pattern, text), naive(pattern, text), `${pattern} on ${text}`);
  });
  const details = fc.check(property, { numRuns: 20_000 });
  t.notOk(details.failed, fc.defaultReportMessage(details) ?? '');
});

t.test('a pattern cannot take more than the product of both lengths', async (t) => {
  const text = 'a'.repeat(2000);
  const cases: readonly (readonly [string, boolean])[] = [
    [`${'a*'.repeat(200)}b`, false],
    [`${'*a'.repeat(200)}b`, false],
    [`${'*'.repeat(500)}b`, false],
    [`${'*[ab]'.repeat(200)}c`, false],
    [`${'a*'.repeat(200)}a`, true],
  ];
  const before = performance.now();
  for (const [pattern, expected] of cases) t.equal(matches(pattern, text), expected, pattern.slice(0, 20));
  // Milliseconds; the recursion would not come to an end at all.
  t.ok(performance.now() - before < 5000);
});

t.test('patterns of stars alone are known', async (t) => {
  t.ok(matchesAll(bytes('*')));
  t.ok(matchesAll(bytes('***')));
  for (const pattern of ['', '*a', 'a', '?']) t.notOk(matchesAll(bytes(pattern)), pattern);
});
