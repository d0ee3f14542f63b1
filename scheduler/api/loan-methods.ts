/** The methods of QuotaService that are about loans. */
import type { CreateLoanRequest__Output } from '../../proto/gen/secovia/v1/CreateLoanRequest.js';
import type { GetLoanRequest__Output } from '../../proto/gen/secovia/v1/GetLoanRequest.js';
import type { ListLoansRequest__Output } from '../../proto/gen/secovia/v1/ListLoansRequest.js';
import type { RecallLoanRequest__Output } from '../../proto/gen/secovia/v1/RecallLoanRequest.js';
import { notFound } from '../core/refusal.js';
import { loanMessage } from '../render/tenancy.js';
import { sightOf } from './authorization.js';
import { Fields } from './fields.js';
import { loanNoteLimit } from './limits.js';
import { type Answer, mutation, query } from './methods.js';
import { pageById, pageOf } from './pages.js';
import { limitsIn, momentIn, scopeIn } from './tenancy-fields.js';

export const loanMethods = {
  CreateLoan: mutation((request: CreateLoanRequest__Output, { engine }) => {
    const fields = new Fields();
    const { loan } = request;
    const id = fields.id('loan_id', request.loanId);
    if (!fields.present('loan', loan)) return { refusal: fields.refusal ?? notFound('loan', id) };
    const lender = fields.name('loan.lender', 'administration', loan.lender);
    const borrower = fields.name('loan.borrower', 'administration', loan.borrower);
    const scope = scopeIn(fields, 'loan.scope', loan.scope);
    const amount = limitsIn(fields, 'loan.amount', loan.amount, 1);
    if (Object.keys(amount).length === 0)
      fields.fault('loan.amount', 'is empty; say at least one amount to lend');
    const untilMs = momentIn(fields, 'loan.expire_time', loan.expireTime);
    if (loan.expireTime === null) fields.fault('loan.expire_time', 'is missing; say until when it is lent');
    const note = fields.text('loan.note', loan.note, loanNoteLimit);
    if (fields.refusal || untilMs === null) return { refusal: fields.refusal ?? notFound('loan', id) };
    const outcome = engine.run({ type: 'loan.create', id, lender, borrower, scope, amount, untilMs, note });
    return outcome.refusal ? outcome : { response: { loan: loanMessage(outcome.reply) } };
  }),

  GetLoan: query((request: GetLoanRequest__Output, { engine }): Answer<object> => {
    const fields = new Fields();
    const id = fields.name('name', 'loan', request.name);
    if (fields.refusal) return { refusal: fields.refusal };
    const loan = engine.state.tenancy.loans.get(id);
    if (loan === undefined) return { refusal: notFound('loan', request.name) };
    return { response: { loan: loanMessage(loan) } };
  }),

  ListLoans: query((request: ListLoansRequest__Output, { engine }, caller): Answer<object> => {
    const { state } = engine;
    const fields = new Fields();
    const of =
      request.administration === ''
        ? null
        : fields.name('administration', 'administration', request.administration);
    const page = pageOf(fields, request, `loans ${request.administration} ${request.showEnded}`);
    if (fields.refusal) return { refusal: fields.refusal };
    if (of !== null && !state.administrations.has(of))
      return { refusal: notFound('administration', request.administration) };
    const sight = sightOf(engine, caller);
    const { items, nextPageToken } = pageById(
      page,
      state.tenancy.loans.values(),
      (loan) =>
        (of === null || loan.lender === of || loan.borrower === of) &&
        (request.showEnded || loan.state === 'active') &&
        sight.loan(loan),
      ({ note }) => 3 * note.length,
    );
    return { response: { loans: items.map(loanMessage), nextPageToken } };
  }),

  RecallLoan: mutation((request: RecallLoanRequest__Output, { engine }) => {
    const fields = new Fields();
    const id = fields.name('name', 'loan', request.name);
    if (fields.refusal) return { refusal: fields.refusal };
    const outcome = engine.run({ type: 'loan.recall', id, etag: request.etag });
    return outcome.refusal ? outcome : { response: { loan: loanMessage(outcome.reply) } };
  }),
};
