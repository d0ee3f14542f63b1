/** The alerts that are shipped speak of metrics that there are. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { parse } from 'yaml';
import { AgentTelemetry } from '../../agent/telemetry/agent-telemetry.js';
import { SchedulerTelemetry } from '../../scheduler/telemetry/scheduler-telemetry.js';
import { Numbers } from '../telemetry/numbers.js';
import { emptyStatus } from '../telemetry/empty-status.js';

interface Rule {
  alert: string;
  expr: string;
  labels: { severity: string };
  annotations: { summary: string };
}

const file = fileURLToPath(new URL('../../../deploy/prometheus/alerts.yaml', import.meta.url));
const { groups } = parse(readFileSync(file, 'utf8')) as { groups: { name: string; rules: Rule[] }[] };
const rules = groups.flatMap((group) => group.rules);

const scheduler = new Numbers(await new SchedulerTelemetry('0').metrics());
const agentTelemetry = new AgentTelemetry('0');
agentTelemetry.watch(() => ({ status: emptyStatus(), permits: 0 }));
const agent = new Numbers(await agentTelemetry.metrics());

t.test('there are rules, each with a name of its own and a sentence', async (t) => {
  t.ok(rules.length > 8, `${rules.length} rules`);
  t.equal(new Set(rules.map(({ alert }) => alert)).size, rules.length);
  for (const { annotations, labels } of rules) {
    t.match(annotations.summary, /\S/);
    t.match(labels.severity, /^(critical|warning|info)$/);
  }
});

for (const { alert, expr } of rules) {
  t.test(`${alert} speaks of metrics that there are`, async (t) => {
    const names = expr.match(/\b(secovia|nodejs|process)_[a-z0-9_]+/g) ?? [];
    t.ok(names.length > 0, expr);
    for (const name of names) {
      const metric = name.replace(/_(bucket|count|sum)$/, '');
      t.ok(scheduler.has(metric) || agent.has(metric), metric);
    }
  });
}

t.test('its labels are labels that the metrics have', async (t) => {
  const text = readFileSync(new URL('../../../scheduler/telemetry/state-gauges.ts', import.meta.url), 'utf8');
  for (const label of ['code', 'severity', 'administration', 'scope', 'resource'])
    t.match(text, `'${label}'`);
});
