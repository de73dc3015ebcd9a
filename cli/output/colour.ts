/** Colour for terminals, by picocolors. The only file that imports it. */
import pico from 'picocolors';

export interface Colour {
  bold(text: string): string;
  dim(text: string): string;
  red(text: string): string;
  green(text: string): string;
  yellow(text: string): string;
  cyan(text: string): string;
  magenta(text: string): string;
  blue(text: string): string;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** Colour functions; without `enabled` they return the text as it is. */
export function colour(enabled: boolean): Colour {
  return pico.createColors(enabled);
}

/** Colour goes to terminals only, and never against the user's NO_COLOR (https://no-color.org); FORCE_COLOR asks for it. */
export function wantsColour(isTerminal: boolean, env: Environment): boolean {
  if (env.NO_COLOR) return false;
  if (env.FORCE_COLOR && env.FORCE_COLOR !== '0') return true;
  return isTerminal && env.TERM !== 'dumb';
}
