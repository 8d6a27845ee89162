import { Access20261121000400 } from './20261121000400-access.js';
import { Consents20261121000700 } from './20261121000700-consents.js';
import { Contacts20261121000300 } from './20261121000300-contacts.js';
import { Entries20261121001300 } from './20261121001300-entries.js';
import { Facts20261121000900 } from './20261121000900-facts.js';
import { Gates20261121000500 } from './20261121000500-gates.js';
import { Journeys20261121000200 } from './20261121000200-journeys.js';
import { Mended20261121001100 } from './20261121001100-mended.js';
import { PayloadKeys20261121001800 } from './20261121001800-payload-keys.js';
import { People20261121000100 } from './20261121000100-people.js';
import { Policies20261121000600 } from './20261121000600-policies.js';
import { Simulations20261121001200 } from './20261121001200-simulations.js';
import { Steps20261121001000 } from './20261121001000-steps.js';
import { Suppressions20261121000800 } from './20261121000800-suppressions.js';

export const migrations = [
  { name: '20261121000100-people', class: People20261121000100 },
  { name: '20261121000200-journeys', class: Journeys20261121000200 },
  { name: '20261121000300-contacts', class: Contacts20261121000300 },
  { name: '20261121000400-access', class: Access20261121000400 },
  { name: '20261121000500-gates', class: Gates20261121000500 },
  { name: '20261121000600-policies', class: Policies20261121000600 },
  { name: '20261121000700-consents', class: Consents20261121000700 },
  { name: '20261121000800-suppressions', class: Suppressions20261121000800 },
  { name: '20261121000900-facts', class: Facts20261121000900 },
  { name: '20261121001000-steps', class: Steps20261121001000 },
  { name: '20261121001100-mended', class: Mended20261121001100 },
  { name: '20261121001200-simulations', class: Simulations20261121001200 },
  { name: '20261121001300-entries', class: Entries20261121001300 },
  { name: '20261121001800-payload-keys', class: PayloadKeys20261121001800 },
];
