/** Answers a question from the record of decisions; a generator, so that whoever hands the pieces on can wait, and can stop. */
import type { AuditPiece, AuditQuestion } from '../core/audit/questions.js';
import type { Chain } from '../store/store.js';
import { events } from './events.js';
import { exportAudit } from './export.js';
import { list } from './listing.js';

export function answerAudit(question: AuditQuestion, chain: Chain): Generator<AuditPiece> {
  switch (question.kind) {
    case 'list':
      return list(question, chain);
    case 'events':
      return events(question, chain);
    case 'export':
      return exportAudit(question, chain);
  }
}
