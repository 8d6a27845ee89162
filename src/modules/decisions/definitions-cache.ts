import { Injectable } from '@nestjs/common';
import { Database, type Queryable } from '../../platform/database/database.js';
import { toDefinitions, type Definitions } from './definitions.js';
import { DefinitionsRepository } from './definitions.repository.js';

/**
 * The definitions that this process decides with, parsed once. Nobody tells it of a change: whoever reads facts reads
 * the version with them, and asks for a reload when it is another one.
 */
@Injectable()
export class DefinitionsCache {
  private current: Definitions | null = null;
  /** The last ones of which a row is known to be committed. */
  private stored: Definitions | null = null;

  constructor(
    private readonly database: Database,
    private readonly repository: DefinitionsRepository,
  ) {}

  /** Whatever is held; loaded when nothing is. */
  async held(queryable: Queryable): Promise<Definitions> {
    if (this.current === null) return this.reload(queryable);
    await this.keepOutside(queryable, this.current);
    return this.current;
  }

  /** Reads them in a snapshot that is later than every statement before. */
  async reload(queryable: Queryable): Promise<Definitions> {
    const definitions = toDefinitions(await this.repository.load(queryable));
    await this.keepOutside(queryable, definitions);
    this.current = definitions;
    return definitions;
  }

  /** Makes sure that the body is stored which a record is about to name. */
  async keep(queryable: Queryable, definitions: Definitions): Promise<void> {
    if (this.stored?.hash.equals(definitions.hash) === true) return;
    await this.repository.store(queryable, definitions);
    // What a transaction wrote may be rolled back: only what stands by itself is known to stay.
    if (queryable === this.database) this.stored = definitions;
  }

  private async keepOutside(queryable: Queryable, definitions: Definitions): Promise<void> {
    if (queryable === this.database) await this.keep(queryable, definitions);
  }
}
