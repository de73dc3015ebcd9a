/** The one table of commands. */
import type { Command } from '../command.js';
import { CommandTable } from '../command-table.js';
import { CLIENT_COMMANDS } from './client.js';
import { CLUSTER_COMMANDS } from './cluster.js';
import { CONFIG_COMMANDS } from './config.js';
import { CONNECTION_COMMANDS } from './connection.js';
import { introspectionCommands } from './introspection.js';
import { KEY_COMMANDS } from './keys.js';
import { QUORAL_COMMANDS } from './quoral.js';
import { SCAN_COMMANDS } from './scan.js';
import { SERVER_COMMANDS } from './server.js';
import { STRING_COMMANDS } from './strings.js';

const commands: readonly Command[] = [
  ...STRING_COMMANDS,
  ...KEY_COMMANDS,
  ...SCAN_COMMANDS,
  ...CONNECTION_COMMANDS,
  ...CLIENT_COMMANDS,
  ...SERVER_COMMANDS,
  ...CONFIG_COMMANDS,
  ...CLUSTER_COMMANDS,
  ...QUORAL_COMMANDS,
  ...introspectionCommands(() => commands),
];

export const COMMANDS = new CommandTable(commands);
