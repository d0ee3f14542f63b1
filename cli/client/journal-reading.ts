/**
 * Calls that the scheduler answers by reading its journal, which may take seconds: a bar on the terminal meanwhile, and of
 * the stream what is not progress.
 */
import type { UsageProgress__Output } from '../../proto/gen/secovia/v1/UsageProgress.js';
import type { Context } from '../context.js';
import { exitCodes, Failure } from '../failure.js';
import { type Progress, startProgress } from '../output/progress.js';
import { formatDuration } from '../values/durations.js';
import { interruptedFailure } from './retrying.js';
import type { RequestOf, ResponseOf } from './services.js';

type Reading = 'ReportUsage' | 'SettleMonth';

const barWidth = 30;

/**
 * The parts of the answer, in order, until the last or until nobody reads any more.
 *
 * @throws Failure when refused, when the scheduler is not there, on Ctrl-C, or when --timeout is over.
 */
export async function* readJournal<M extends Reading>(
  context: Context,
  method: M,
  request: RequestOf<'UsageService', M>,
): AsyncGenerator<ResponseOf<'UsageService', M>> {
  const { interrupted } = context.world;
  const { timeoutMs } = context.settings;
  const late = timeoutMs === undefined ? new AbortController().signal : AbortSignal.timeout(timeoutMs);
  const stop = AbortSignal.any([interrupted, context.out.closed, late]);
  const connection = await context.connection();
  let shown: Progress | undefined;
  try {
    const parts = connection.stream('UsageService', method, request, stop, { isPatient: true });
    for await (const part of parts) {
      const { progress } = part as { progress?: UsageProgress__Output | null };
      if (progress === null || progress === undefined) {
        await shown?.end();
        shown = undefined;
        yield part;
      } else if (progress.read > 0 && progress.read < progress.total) {
        // What is over at once is not worth a word.
        shown ??= startProgress(context);
        await shown.update([{ key: 'journal', text: 'reading the journal', elapsed: bar(progress) }]);
      }
    }
  } catch (error) {
    if (interrupted.aborted) throw interruptedFailure();
    if (context.out.closed.aborted) return;
    if (late.aborted) {
      const after = formatDuration(timeoutMs ?? 0);
      throw new Failure(
        `the answer is not there after ${after}. Give it more time with --timeout.`,
        exitCodes.unreachable,
      );
    }
    throw error;
  } finally {
    await shown?.end();
  }
}

function bar({ read, total }: UsageProgress__Output): string {
  const full = Math.floor((read / total) * barWidth);
  const percent = Math.floor((read / total) * 100);
  return `[${'#'.repeat(full)}${'-'.repeat(barWidth - full)}] ${String(percent).padStart(2)} %`;
}
