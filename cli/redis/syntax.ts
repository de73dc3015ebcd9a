/** How a Redis command is written, from its entry in the table of commands: as Redis' own documentation writes it. */
import type { ArgumentDoc, Command } from '../../src/gateway/redis/command.js';

/**
 * `SET key value [EX seconds | PX milliseconds]`: words to type in upper case, `[…]` for what can be left out, `<… | …>`
 * for a choice, `…` behind what can be repeated.
 */
export function syntaxOf(command: Command, container?: Command): string {
  const words = container === undefined ? [command] : [container, command];
  const name = words.map((word) => word.name.toUpperCase()).join(' ');
  return [name, ...argumentsOf(command, words.length)].join(' ');
}

function argumentsOf(command: Command, words: number): string[] {
  const { arguments: docs, subcommands, arity } = command;
  if (docs !== undefined) return docs.map((doc) => written(doc));
  if (subcommands !== undefined) {
    const names = subcommands.map((subcommand) => subcommand.name.toUpperCase()).join(' | ');
    return [arity === -words ? `[${names}]` : `<${names}>`];
  }
  // Nothing is told but how many there are.
  const least = new Array<string>(Math.max(0, Math.abs(arity) - words)).fill('arg');
  return arity < 0 ? [...least, '[arg …]'] : least;
}

function written(doc: ArgumentDoc): string {
  const { type, token, optional = false, multiple = false } = doc;
  const choices = (doc.arguments ?? []).map((choice) => written({ ...choice, optional: false })).join(' | ');
  // The brackets of what is optional hold a choice together as well.
  const isBracketed = type !== 'oneof' || (optional && !multiple && token === undefined);
  const content = type === 'oneof' ? (isBracketed ? choices : `<${choices}>`) : contentOf(doc);
  const repeated = multiple ? `${content} ${type === 'oneof' ? '…' : `[${content} …]`}` : content;
  const whole = token === undefined || type === 'pure-token' ? repeated : `${token} ${repeated}`;
  return optional ? `[${whole}]` : whole;
}

function contentOf(doc: ArgumentDoc): string {
  if (doc.type === 'pure-token') return doc.token ?? doc.name.toUpperCase();
  if (doc.type === 'block') return (doc.arguments ?? []).map((part) => written(part)).join(' ');
  return doc.name;
}
