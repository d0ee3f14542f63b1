/** Answers a question from the record of decisions; a generator, so that whoever hands the pieces on can wait, and can stop. */
import type { AuditPiece, AuditQuestion } from '../core/audit/questions.js';
import type { Chain } from '../store/store.js';
import { exportAudit } from './export.js';
import { list } from './listing.js';

export function answerAudit(question: AuditQuestion, chain: Chain): Generator<AuditPiece> {
  return question.kind === 'list' ? list(question, chain) : exportAudit(question, chain);
}
