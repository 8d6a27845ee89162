// Ten actions with their messages and five rules, written through the API as an operator would. The legal overlays that
// every installation begins with are in force beside them.
const TEXT = '{{ unsubscribe_url }} {{ company.address }}';

/** Definitions that are there already stay. */
export async function definitions(origin) {
  const post = async (route, body) => {
    const response = await fetch(`${origin}${route}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    if (response.status !== 201 && response.status !== 409) throw new Error(`${route}: ${await response.text()}`);
  };
  for (let n = 1; n <= 10; n += 1) {
    const [key, template] = [`action_${n}`, `mail_${n}`];
    const content = {
      subject: `Message ${n}`,
      text: TEXT,
      html: `<p><a href="{{ unsubscribe_url }}">out</a> ${TEXT}</p>`,
    };
    await post('/api/message-templates', { key: template, channel: 'email', purpose: 'marketing', ...content });
    await post('/api/actions', {
      key,
      name: `Action ${n}`,
      template,
      tags: [n % 2 === 0 ? 'news' : 'offer'],
      propensity: n / 10,
      value: 11 - n,
      eligibility: n % 5 === 0 ? { kind: 'equals', attribute: 'attributes.plan', value: 'pro' } : null,
    });
  }
  for (const [key, definition] of Object.entries(RULES)) await post('/api/policies', { key, definition });
}

const RULES = {
  daily: { kind: 'cap', limit: 2, window: { kind: 'calendar', unit: 'day' } },
  weekly: { kind: 'cap', limit: 3, window: { kind: 'rolling', duration: 'P7D' } },
  gap: { kind: 'cap', limit: 1, window: { kind: 'min_gap', duration: 'PT4H' }, on_hit: 'defer' },
  night: { kind: 'quiet_hours', start: '21:00', end: '08:00' },
  rest: { kind: 'pause', outcomes: ['dismissed'], count: 2, within: 'P7D', scope: 'action', pause_for: 'P7D' },
};
