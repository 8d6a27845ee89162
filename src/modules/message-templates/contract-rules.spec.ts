import { faultsOfContract, purposeOf } from './contract-rules.js';

const CONTRACT = { legalBasis: 'contract', purpose: 'transactional', promotional: [] } as const;

describe('what rests on a contract', () => {
  it('is transactional where the author does not say what it is for, and what rests on consent is marketing', () => {
    expect(purposeOf({ legal_basis: 'contract' })).toBe('transactional');
    expect(purposeOf({ legal_basis: 'consent' })).toBe('marketing');
    expect(purposeOf({ legal_basis: 'contract', purpose: 'orders' })).toBe('orders');
    expect(purposeOf({ legal_basis: 'contract', purpose: 'marketing' })).toBe('marketing');
  });

  it.each(['marketing', 'advertising', 'sale', 'sharing', 'targeting'])('is never for %s', (purpose) => {
    expect(faultsOfContract({ ...CONTRACT, purpose })).toEqual([
      { path: 'purpose', message: expect.stringContaining(`"${purpose}"`) as string },
    ]);
    expect(faultsOfContract({ ...CONTRACT, purpose, legalBasis: 'consent' })).toEqual([]);
  });

  it.each(['transactional', 'orders', 'service_news', 'marketing_of_nothing'])('may be for %s', (purpose) => {
    expect(faultsOfContract({ ...CONTRACT, purpose })).toEqual([]);
  });

  it('holds no promotional block, which is told by its part, beside the purpose', () => {
    const promotional = ['html', 'locales.fr.subject'];
    const ofParts = promotional.map((path) => expect.objectContaining({ path }) as object);
    expect(faultsOfContract({ ...CONTRACT, promotional })).toEqual(ofParts);
    expect(faultsOfContract({ ...CONTRACT, purpose: 'sale', promotional })).toEqual([
      expect.objectContaining({ path: 'purpose' }),
      ...ofParts,
    ]);
    expect(faultsOfContract({ ...CONTRACT, legalBasis: 'consent', promotional })).toEqual([]);
  });
});
