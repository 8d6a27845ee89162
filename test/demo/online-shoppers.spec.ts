import { parseSessions, readSessions } from '../../tools/demo/online-shoppers.js';

const HEADER =
  'Administrative,Administrative_Duration,Informational,Informational_Duration,ProductRelated,ProductRelated_Duration,BounceRates,ExitRates,PageValues,SpecialDay,Month,OperatingSystems,Browser,Region,TrafficType,VisitorType,Weekend,Revenue';
const ROW = '1,53,0,0,12,640.5,0.02,0.05,17.5,0.4,June,2,10,3,20,New_Visitor,TRUE,TRUE';

describe('the shipped data set', () => {
  const sessions = readSessions();

  it('has the sizes that its publishers state', () => {
    expect(sessions).toHaveLength(12_330);
    expect(sessions.filter(({ isPurchase }) => isPurchase)).toHaveLength(1_908);
    expect(sessions.filter(({ isWeekend }) => isWeekend)).toHaveLength(2_868);
  });

  it('numbers every session by its row', () => {
    expect(sessions.map(({ number }) => number)).toEqual(sessions.map((_, index) => index + 1));
  });
});

describe('parseSessions', () => {
  it('reads each column into its own field', () => {
    expect(parseSessions(`${HEADER}\r\n${ROW}\r\n`)).toEqual([
      {
        number: 1,
        accountPages: 1,
        accountSeconds: 53,
        informationPages: 0,
        informationSeconds: 0,
        productPages: 12,
        productSeconds: 640.5,
        bounceRate: 0.02,
        exitRate: 0.05,
        pageValue: 17.5,
        specialDay: 0.4,
        month: 'June',
        operatingSystem: 2,
        browser: 10,
        region: 3,
        trafficType: 20,
        visitorType: 'new',
        isWeekend: true,
        isPurchase: true,
      },
    ]);
  });

  it.each([
    ['other columns', `Other,Columns\n${ROW}`, 'line 1'],
    ['a missing cell', `${HEADER}\n${ROW}\n1,2`, 'line 3: 2 columns'],
    ['an empty number', `${HEADER}\n${ROW.replace('53', '')}`, 'line 2: "" is no number'],
    ['a word for a number', `${HEADER}\n${ROW.replace('53', 'many')}`, 'line 2: "many" is no number'],
    ['an unknown visitor', `${HEADER}\n${ROW.replace('New_Visitor', 'Robot')}`, 'line 2: "Robot"'],
  ])('refuses %s and names the line', (_, csv, message) => {
    expect(() => parseSessions(csv)).toThrow(message);
  });
});
