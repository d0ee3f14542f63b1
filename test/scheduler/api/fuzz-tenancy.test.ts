import tap from 'tap';
import { adm, Federation } from './federation.js';
import { fuzz } from './fuzzing.js';
import { tenancyBaselines } from './tenancy-baselines.js';

const { api } = await Federation.start(tap);
for (const [administrationId, parent] of [
  ['town', ''],
  ['village', ''],
  ['parish', adm],
])
  await api.call('CreateAdministration', { administrationId, administration: { country: 'HR', parent } });

fuzz(api, tenancyBaselines);
