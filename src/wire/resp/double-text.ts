/**
 * Floating point numbers as Redis writes them: `inf`, `-inf`, `nan`, and otherwise the layout of C's `%.17g`, with only
 * as many digits as it takes to read the same number back (Redis 7.0 writes all 17, later versions write as we do).
 */

/** From this power of ten on, and below the other, `%.17g` writes an exponent. */
const EXPONENT_FROM = 17;
const EXPONENT_BELOW = -4;

export function doubleText(x: number): string {
  if (Number.isNaN(x)) return 'nan';
  if (!Number.isFinite(x)) return x > 0 ? 'inf' : '-inf';
  const sign = x < 0 || Object.is(x, -0) ? '-' : '';
  // Without an argument, toExponential gives the fewest digits that are read back as the same number.
  const [mantissa, power] = Math.abs(x).toExponential().split('e') as [string, string];
  const digits = mantissa.replace('.', '');
  const exponent = Number(power);
  if (exponent < EXPONENT_BELOW || exponent >= EXPONENT_FROM) return sign + mantissa + exponentText(exponent);
  if (exponent < 0) return `${sign}0.${'0'.repeat(-exponent - 1)}${digits}`;
  const whole = digits.slice(0, exponent + 1).padEnd(exponent + 1, '0');
  const fraction = digits.slice(exponent + 1);
  return fraction === '' ? sign + whole : `${sign}${whole}.${fraction}`;
}

/** C writes a sign and two digits at least. */
function exponentText(exponent: number): string {
  return `e${exponent < 0 ? '-' : '+'}${String(Math.abs(exponent)).padStart(2, '0')}`;
}
