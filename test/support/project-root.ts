import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Where the sources are, whichever directory the compiled tests run from. */
export function projectRoot(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, 'src', 'wire', 'FORMAT.md'))) {
    const parent = dirname(folder);
    if (parent === folder) throw new Error('the tests do not run inside the project');
    folder = parent;
  }
  return folder;
}
