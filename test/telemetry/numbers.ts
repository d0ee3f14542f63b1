/** What is at /metrics, read as Prometheus reads it. */

type Labels = Record<string, string>;

interface Sample {
  name: string;
  labels: Labels;
  value: number;
}

const sampleForm = /^([a-z_][a-z0-9_]*)(?:\{(.*)\})? (-?[0-9.eE+-]+|Na[nN]|[+-]Inf)$/;
const labelForm = /([a-z_][a-z0-9_]*)="((?:[^"\\]|\\.)*)"(?:,|$)/gy;

export class Numbers {
  readonly #samples: Sample[] = [];

  constructor(readonly text: string) {
    for (const line of text.split('\n')) {
      if (line === '' || line.startsWith('# ')) continue;
      const [, name = '', labels = '', value] = sampleForm.exec(line) ?? [];
      if (name === '') throw new Error(`this is no sample: ${line}`);
      this.#samples.push({ name, labels: labelsIn(labels), value: Number(value) });
    }
  }

  static async of(port: number): Promise<Numbers> {
    const response = await fetch(`http://127.0.0.1:${port}/metrics`);
    if (response.status !== 200) throw new Error(`${response.status}: ${await response.text()}`);
    return new Numbers(await response.text());
  }

  /** Of the sample with exactly these labels; undefined when there is none. */
  value(name: string, labels: Labels = {}): number | undefined {
    const wanted = JSON.stringify(Object.entries(labels).sort());
    return this.#samples.find(
      (sample) => sample.name === name && JSON.stringify(Object.entries(sample.labels).sort()) === wanted,
    )?.value;
  }

  sum(name: string): number {
    return this.#samples.reduce((sum, sample) => sum + (sample.name === name ? sample.value : 0), 0);
  }

  /** Whether there is such a metric, with or without samples. */
  has(name: string): boolean {
    return this.text.includes(`# TYPE ${name} `);
  }
}

function labelsIn(text: string): Labels {
  const labels: Labels = {};
  labelForm.lastIndex = 0;
  while (labelForm.lastIndex < text.length) {
    const match = labelForm.exec(text);
    if (match === null) throw new Error(`these are no labels: ${text}`);
    labels[match[1] as string] = match[2] as string;
  }
  return labels;
}

/** The port that a line of the log names. */
export function portOf(line: { [field: string]: unknown } | undefined): number {
  const port = line?.['port'];
  if (typeof port !== 'number') throw new Error(`no port in ${JSON.stringify(line)}`);
  return port;
}
