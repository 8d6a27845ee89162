import {
  Body,
  Controller,
  Headers,
  HttpCode,
  Inject,
  Options,
  Post,
  Res,
  UnprocessableEntityException,
} from '@nestjs/common';
import { ApiExcludeEndpoint, ApiTags } from '@nestjs/swagger';
import type { Payload } from '@temporalio/common';
import type { FastifyReply } from 'fastify';
import { CONFIG } from '../../platform/config/config.module.js';
import type { Config } from '../../platform/config/config.js';
import { Answers } from '../../platform/http/openapi.js';
import { SealingCodec, UnreadablePayloadError } from '../../platform/temporal/sealing.codec.js';
import { Public, Scopes } from '../access/index.js';
import { CodecPayloads } from './codec.dto.js';

const REFUSALS = { 422: 'a payload cannot be opened: its key was destroyed, or it was changed' };

/** What Temporal calls a codec server: its UI and command line let sealed payloads be opened here. */
@ApiTags('Runs')
@Controller('api/codec')
export class CodecController {
  constructor(
    private readonly codec: SealingCodec,
    @Inject(CONFIG) private readonly config: Pick<Config, 'temporal'>,
  ) {}

  @Post('decode')
  @Scopes('runs:read')
  @Answers({
    status: 200,
    summary: 'Opens payloads of the Temporal server that were sealed',
    description: 'The protocol of codec servers: set `<address>/api/codec` as codec endpoint of the Temporal UI.',
    body: CodecPayloads,
    refusals: REFUSALS,
  })
  async decode(
    @Body({ schema: CodecPayloads }) { payloads }: CodecPayloads,
    @Headers('origin') origin: string | undefined,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<CodecPayloads> {
    this.allow(origin, reply);
    try {
      return {
        payloads: (await Promise.all(payloads.map((payload) => this.codec.open(toPayload(payload))))).map(toView),
      };
    } catch (error) {
      if (!(error instanceof UnreadablePayloadError)) throw error;
      const detail = error.message;
      throw new UnprocessableEntityException({ code: 'PAYLOAD_UNREADABLE', detail }, { cause: error });
    }
  }

  @Post('encode')
  @Scopes('runs:operate')
  @Answers({
    status: 200,
    summary: 'Seals payloads for the Temporal server',
    description: 'With the key of the installation: nothing tells whose they are.',
    body: CodecPayloads,
  })
  async encode(
    @Body({ schema: CodecPayloads }) { payloads }: CodecPayloads,
    @Headers('origin') origin: string | undefined,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<CodecPayloads> {
    this.allow(origin, reply);
    return { payloads: (await this.codec.encode(payloads.map(toPayload))).map(toView) };
  }

  /** Browsers ask before they let a page of another origin send JSON. */
  @Options(':call')
  @Public()
  @HttpCode(204)
  @ApiExcludeEndpoint()
  preflight(@Headers('origin') origin: string | undefined, @Res({ passthrough: true }) reply: FastifyReply): void {
    this.allow(origin, reply);
  }

  /** The pages of the Temporal UI, and no others, may read the answer. */
  private allow(origin: string | undefined, reply: FastifyReply): void {
    if (origin === undefined || origin !== new URL(this.config.temporal.uiUrl).origin) return;
    void reply.headers({
      'access-control-allow-origin': origin,
      'access-control-allow-methods': 'POST',
      'access-control-allow-headers': 'authorization, content-type, x-namespace',
      'access-control-max-age': '600',
      vary: 'origin',
    });
  }
}

type View = CodecPayloads['payloads'][number];

const toPayload = ({ metadata = {}, data }: View): Payload => ({
  metadata: Object.fromEntries(Object.entries(metadata).map(([key, text]) => [key, Buffer.from(text, 'base64')])),
  data: data === undefined ? null : Buffer.from(data, 'base64'),
});

const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64');

const toView = ({ metadata, data }: Payload): View => ({
  metadata: Object.fromEntries(Object.entries(metadata ?? {}).map(([key, bytes]) => [key, base64(bytes)])),
  ...(data === undefined || data === null ? {} : { data: base64(data) }),
});
