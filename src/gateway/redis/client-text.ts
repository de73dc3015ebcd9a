/** What a client may call itself and its library: printable ASCII without spaces, so that each fits into one field of CLIENT LIST. */

const FIELD_TEXT = /^[!-~]*$/;

export function isFieldText(text: string): boolean {
  return FIELD_TEXT.test(text);
}

/** @param what that cannot be taken, as `Client names`. */
export function fieldTextError(what: string): string {
  return `ERR ${what} cannot contain spaces, newlines or special characters.`;
}

export const CLIENT_NAME_ERROR = fieldTextError('Client names');
