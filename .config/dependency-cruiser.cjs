// The import table of the architecture, one rule per row. `$1` is the folder captured in `from`.
const spec = '\\.spec\\.ts$';
const error = (name, comment, from, to) => ({ name, severity: 'error', comment, from, to });

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    error(
      'kernel-imports-nothing',
      'src/core/kernel stands alone: no library, no Node, no other folder.',
      { path: '^src/core/kernel/', pathNot: spec },
      { pathNot: '^src/core/kernel/' },
    ),
    error(
      'core-is-pure',
      'A subject of the core imports the kernel and itself.',
      { path: '^src/core/([^/]+)/', pathNot: [spec, '^src/core/(kernel|journeys|decisions)/'] },
      { pathNot: ['^src/core/kernel/', '^src/core/$1/'] },
    ),
    error(
      'core-journeys',
      'Journeys may also use audiences.',
      { path: '^src/core/journeys/', pathNot: spec },
      { pathNot: '^src/core/(kernel|journeys|audiences)/' },
    ),
    error(
      'core-decisions',
      'Decisions may also use the gates and scores that they combine.',
      { path: '^src/core/decisions/', pathNot: spec },
      {
        pathNot: '^src/core/(kernel|decisions|audiences|consent|suppression|fatigue|quiet-hours|scoring|experiments)/',
      },
    ),
    error(
      'workflows-are-deterministic',
      'The bundle holds the workflow SDK and a few pure folders; every other import costs heap per run or breaks replay.',
      { path: '^workflows/', pathNot: spec },
      {
        pathNot: [
          '^workflows/',
          '^src/core/(kernel|journeys|audiences)/',
          '^activities/contract\\.ts$',
          '^node_modules/@temporalio/(workflow|common)/',
        ],
      },
    ),
    error(
      'workflows-know-activities-by-type',
      'Workflows import the contract with `import type` only.',
      { path: '^workflows/', pathNot: spec },
      { path: '^activities/', dependencyTypesNot: ['type-only'] },
    ),
    error(
      'contract-holds-types',
      'The contract is read by workflow code: types of the core, nothing else.',
      { path: '^activities/contract\\.ts$' },
      { dependencyTypesNot: ['type-only'] },
    ),
    error(
      'activities',
      'Activities adapt modules: contract, core, platform, the public face of modules, the activity SDK.',
      { path: '^activities/', pathNot: spec },
      {
        pathNot: [
          '^activities/',
          '^src/core/',
          '^src/platform/',
          '^src/modules/[^/]+/index\\.ts$',
          '^node_modules/@temporalio/(activity|common)/',
        ],
      },
    ),
    error(
      'modules-use-public-faces',
      'A module reaches another module through its index.ts only.',
      { path: '^src/modules/([^/]+)/', pathNot: spec },
      { path: '^src/modules/', pathNot: ['^src/modules/$1/', '^src/modules/[^/]+/index\\.ts$'] },
    ),
    error(
      'modules',
      'Modules import the core, the platform, module faces, the message names of workflows, and libraries.',
      { path: '^src/modules/', pathNot: spec },
      {
        path: '^(src|workflows|activities|test|tools)/',
        pathNot: ['^src/(core|platform|modules)/', '^workflows/messages\\.ts$'],
      },
    ),
    error(
      'controllers-touch-no-entity',
      'A controller parses, authorises, calls once, maps; rows stay behind the service. Types count too.',
      { path: '\\.controller\\.ts$' },
      { path: '\\.(entity|repository)\\.ts$|^node_modules/@mikro-orm/|^node_modules/pg/' },
    ),
    error(
      'platform-knows-no-feature',
      'Platform imports the kernel and libraries.',
      { path: '^src/platform/', pathNot: spec },
      { path: '^(src|workflows|activities|test|tools)/', pathNot: ['^src/platform/', '^src/core/kernel/'] },
    ),
    error(
      'sdk',
      'The browser SDK holds itself and pure code.',
      { path: '^src/sdk/', pathNot: spec },
      { pathNot: ['^src/sdk/', '^src/core/(kernel|experiments)/'] },
    ),
    error(
      'console',
      'The console speaks to the API and the SDK, never to server code.',
      { path: '^src/console/', pathNot: spec },
      { path: '^(src|workflows|activities|test|tools)/', pathNot: '^src/(console|sdk)/' },
    ),
    error(
      'command-line',
      'The command line is a client too.',
      { path: '^src/cli/', pathNot: spec },
      { path: '^(src|workflows|activities|test|tools)/', pathNot: '^src/(cli|sdk|core)/' },
    ),
    error(
      'sandbox-stands-alone',
      'The provider sandbox is the other side: with code of ours in it, both sides would share their mistakes.',
      { path: '^src/sandbox/', pathNot: spec },
      { path: '^(src|workflows|activities|test|tools)/', pathNot: ['^src/sandbox/', '^src/platform/clock/'] },
    ),
    error(
      'nobody-imports-the-sandbox',
      'Only tests and tools speak to the provider sandbox, and nothing that runs in production knows it.',
      { path: '^(src|workflows|activities)/', pathNot: ['^src/sandbox/', spec] },
      { path: '^src/sandbox/' },
    ),
    error(
      'entry-points-are-ends',
      'Nothing imports a process entry or the list of modules, except an entry.',
      { pathNot: ['^src/(main|worker)\\.ts$', '^test/', spec] },
      { path: '^src/(main|worker|app\\.module)\\.ts$' },
    ),
    error(
      'no-test-code-in-production',
      'Only specs import specs, test support and development packages.',
      { path: '^(src|workflows|activities)/', pathNot: spec },
      { path: '^(test|tools)/|\\.spec\\.ts$' },
    ),
    error(
      'no-development-packages',
      'What runs in production is a production dependency.',
      { path: '^(src|workflows|activities)/', pathNot: [spec, '^src/(sdk|console)/'] },
      { dependencyTypes: ['npm-dev'] },
    ),
    error('no-cycles', 'Cycles hide who depends on whom; type-only ones too.', {}, { circular: true }),
    error('no-unresolvable', 'Every import leads somewhere.', {}, { couldNotResolve: true }),
  ],
  options: {
    doNotFollow: { path: '^node_modules/' },
    tsPreCompilationDeps: 'specify',
    tsConfig: { fileName: '.config/tsconfig.server.json' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'node', 'default', 'types'] },
  },
};
