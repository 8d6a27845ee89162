import { Body, Controller, Delete, Get, Param, Patch, Post, Query } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { definitionKey } from '../../platform/http/fields.js';
import { Answers } from '../../platform/http/openapi.js';
import { toPageRequest, type Page } from '../../platform/http/paging.js';
import { PrincipalName } from '../../platform/http/principal.js';
import { Scopes } from '../access/index.js';
import {
  EventAttemptPage,
  EventAttemptQuery,
  EventAttemptView,
  EventReplayPage,
  EventReplayView,
  EventSubscriptionChange,
  EventSubscriptionFilter,
  EventSubscriptionPage,
  EventSubscriptionView,
  NewEventReplay,
  NewEventSubscription,
  SubscribedEventPage,
  SubscribedEventQuery,
  type SubscribedEventView,
} from './subscriptions.dto.js';
import { SubscriptionsService } from './subscriptions.service.js';

const refusals = { 404: 'no such subscription' };
const unknownEndpoint = { 422: 'no such endpoint' };
const keySchema = { schema: definitionKey };

@ApiTags('Event subscriptions')
@Controller('api/event-subscriptions')
export class SubscriptionsController {
  constructor(private readonly subscriptions: SubscriptionsService) {}

  @Post()
  @Scopes('webhooks:write')
  @Answers({
    status: 201,
    summary: 'Tells a webhook endpoint of decisions, deliveries or consents from now on',
    body: EventSubscriptionView,
    refusals: { 409: 'the key is taken, or there are too many', ...unknownEndpoint },
  })
  create(
    @Body({ schema: NewEventSubscription }) body: NewEventSubscription,
    @PrincipalName() principal: string,
  ): Promise<EventSubscriptionView> {
    return this.subscriptions.create(body, principal);
  }

  @Get()
  @Scopes('webhooks:read')
  @Answers({ status: 200, summary: 'Lists subscriptions, newest first', body: EventSubscriptionPage })
  list(
    @Query({ schema: EventSubscriptionFilter }) query: EventSubscriptionFilter,
  ): Promise<Page<EventSubscriptionView>> {
    return this.subscriptions.list(toPageRequest(query));
  }

  @Get(':key')
  @Scopes('webhooks:read')
  @Answers({ status: 200, summary: 'Shows a subscription', body: EventSubscriptionView, refusals })
  find(@Param('key', keySchema) key: string): Promise<EventSubscriptionView> {
    return this.subscriptions.find(key);
  }

  @Patch(':key')
  @Scopes('webhooks:write')
  @Answers({
    status: 200,
    summary: 'Changes parts of a subscription, pauses it, or makes it active again',
    body: EventSubscriptionView,
    refusals: { ...refusals, ...unknownEndpoint },
  })
  change(
    @Param('key', keySchema) key: string,
    @Body({ schema: EventSubscriptionChange }) body: EventSubscriptionChange,
    @PrincipalName() principal: string,
  ): Promise<EventSubscriptionView> {
    return this.subscriptions.change(key, body, principal);
  }

  @Delete(':key')
  @Scopes('webhooks:write')
  @Answers({ status: 204, summary: 'Removes a subscription; what it was owed is not sent any more', refusals })
  remove(@Param('key', keySchema) key: string, @PrincipalName() principal: string): Promise<void> {
    return this.subscriptions.remove(key, principal);
  }

  @Get(':key/events')
  @Scopes('webhooks:read')
  @Answers({
    status: 200,
    summary: 'Lists what the subscription was owed, newest first',
    body: SubscribedEventPage,
    refusals,
  })
  events(
    @Param('key', keySchema) key: string,
    @Query({ schema: SubscribedEventQuery }) query: SubscribedEventQuery,
  ): Promise<Page<SubscribedEventView>> {
    return this.subscriptions.events(key, filterOf(query), toPageRequest(query));
  }

  @Get(':key/attempts')
  @Scopes('webhooks:read')
  @Answers({
    status: 200,
    summary: 'Lists attempts and what the receiver answered, newest first',
    body: EventAttemptPage,
    refusals,
  })
  attempts(
    @Param('key', keySchema) key: string,
    @Query({ schema: EventAttemptQuery }) query: EventAttemptQuery,
  ): Promise<Page<EventAttemptView>> {
    return this.subscriptions.attempts(key, filterOf(query), toPageRequest(query));
  }

  @Post(':key/replay')
  @Scopes('webhooks:write')
  @Answers({
    status: 202,
    summary: 'Sends again what was sent, or failed for good, with the same ids',
    body: EventReplayView,
    refusals: { ...refusals, 409: 'another replay is under way' },
  })
  replay(
    @Param('key', keySchema) key: string,
    @Body({ schema: NewEventReplay }) body: NewEventReplay,
    @PrincipalName() principal: string,
  ): Promise<EventReplayView> {
    return this.subscriptions.replay(key, body, principal);
  }

  @Get(':key/replays')
  @Scopes('webhooks:read')
  @Answers({
    status: 200,
    summary: 'Lists replays and how far each is, newest first',
    body: EventReplayPage,
    refusals,
  })
  replays(
    @Param('key', keySchema) key: string,
    @Query({ schema: EventSubscriptionFilter }) query: EventSubscriptionFilter,
  ): Promise<Page<EventReplayView>> {
    return this.subscriptions.listReplays(key, toPageRequest(query));
  }

  @Post(':key/test')
  @Scopes('webhooks:write')
  @Answers({
    status: 200,
    summary: 'Sends an event of the type test at once, and tells what came of it',
    body: EventAttemptView,
    refusals,
  })
  test(@Param('key', keySchema) key: string, @PrincipalName() principal: string): Promise<EventAttemptView> {
    return this.subscriptions.test(key, principal);
  }
}

const filterOf = (query: SubscribedEventQuery | EventAttemptQuery) => ({
  state: query.state ?? null,
  type: query.type ?? null,
  since: query.since ?? null,
  until: query.until ?? null,
});
