import { Migration } from '@mikro-orm/migrations';

const UP = `
  alter table message_templates
    -- The parts that the channel has; of an e-mail \`text\` may be null (made from the HTML), \`mjml\` is what HTML was made of.
    add column content jsonb,
    -- The same parts in other languages, by language tag.
    add column locales jsonb not null default '{}',
    -- What becomes of a message that shows a value which the person does not have.
    add column missing text not null default 'empty' check (missing in ('refuse', 'empty'));

  update message_templates set content = case channel
    when 'sms' then jsonb_build_object('channel', channel, 'text', text)
    when 'push' then jsonb_build_object('channel', channel, 'title', subject, 'body', text, 'link', null)
    else jsonb_build_object('channel', channel, 'subject', subject, 'html', html, 'text', text, 'mjml', null) end;

  alter table message_templates
    alter column content set not null,
    -- Only what was written before knew of no other way.
    alter column missing drop default,
    add constraint message_templates_content_channel check (content ->> 'channel' = channel),
    drop column subject,
    drop column html,
    drop column text;
`;

/** Other languages, links of notifications, MJML and what to do about missing values are lost. */
const DOWN = `
  alter table message_templates
    add column subject text,
    add column html text,
    add column text text;
  update message_templates set
    subject = coalesce(content ->> 'subject', content ->> 'title', ''),
    html = coalesce(content ->> 'html', ''),
    text = coalesce(content ->> 'text', content ->> 'body', '');
  alter table message_templates
    alter column subject set not null,
    alter column html set not null,
    alter column text set not null,
    drop column content,
    drop column locales,
    drop column missing;
`;

/** Message templates for every channel and in many languages. */
export class Content20261122000300 extends Migration {
  override up(): void {
    this.addSql(UP);
  }

  override down(): void {
    this.addSql(DOWN);
  }
}
