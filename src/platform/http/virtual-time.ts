import { ForbiddenException } from '@nestjs/common';

/**
 * Virtual clocks are for trying things out: in production nothing may be written under one.
 *
 * @throws ForbiddenException VIRTUAL_TIME_REFUSED
 */
export function refuseVirtualTime(clockDomain: string, config: { readonly isProduction: boolean }): void {
  if (clockDomain === 'real' || !config.isProduction) return;
  throw new ForbiddenException({ code: 'VIRTUAL_TIME_REFUSED', detail: 'virtual time is not for production' });
}
