import { Injectable, NotFoundException } from '@nestjs/common';
import { toPage, type Page, type PageRequest } from '../../../platform/http/paging.js';
import { JourneysRepository } from '../definitions/journeys.repository.js';
import type { ExposureView, SplitView } from './splits.dto.js';
import { toExposureView, toSplitView } from './splits.mapper.js';
import { SplitsRepository, type ExposureFilter, type SplitVersion } from './splits.repository.js';

/** Who came to which arm of a split, and who met it. */
@Injectable()
export class SplitsService {
  constructor(
    private readonly journeys: JourneysRepository,
    private readonly splits: SplitsRepository,
  ) {}

  /** @throws NotFoundException JOURNEY_UNKNOWN, SPLIT_UNKNOWN */
  async find(idOrKey: string, stepId: string): Promise<SplitView> {
    const { journeyId, versions } = await this.get(idOrKey, stepId);
    return toSplitView(stepId, versions, await this.splits.counts(journeyId, stepId));
  }

  /**
   * Runs that came through the split, newest first.
   *
   * @throws NotFoundException JOURNEY_UNKNOWN, SPLIT_UNKNOWN
   */
  async exposures(
    idOrKey: string,
    stepId: string,
    filter: ExposureFilter,
    page: PageRequest,
  ): Promise<Page<ExposureView>> {
    const { journeyId } = await this.get(idOrKey, stepId);
    const rows = await this.splits.list(journeyId, stepId, filter, { ...page, limit: page.limit + 1 });
    return toPage(rows, page, ({ id }) => id, toExposureView);
  }

  private async get(
    idOrKey: string,
    stepId: string,
  ): Promise<{ readonly journeyId: string; readonly versions: readonly SplitVersion[] }> {
    const journey = await this.journeys.find(idOrKey);
    if (journey === null) throw new NotFoundException({ code: 'JOURNEY_UNKNOWN', detail: 'there is no such journey' });
    const versions = await this.splits.versions(journey.id, stepId);
    if (versions.length === 0) {
      throw new NotFoundException({ code: 'SPLIT_UNKNOWN', detail: 'no published version has such a split' });
    }
    return { journeyId: journey.id, versions };
  }
}
