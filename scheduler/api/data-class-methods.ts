/** The methods of ResidencyService that are about data classes. */
import type { CreateDataClassRequest__Output } from '../../proto/gen/secovia/v1/CreateDataClassRequest.js';
import type { DeleteDataClassRequest__Output } from '../../proto/gen/secovia/v1/DeleteDataClassRequest.js';
import type { ListDataClassesRequest__Output } from '../../proto/gen/secovia/v1/ListDataClassesRequest.js';
import { notFound } from '../core/refusal.js';
import { dataClassMessage } from '../render/residency.js';
import { Fields, titleLimit } from './fields.js';
import { mostDataClassLevel } from './limits.js';
import { type Answer, mutation, query } from './methods.js';
import { pageById, pageOf } from './pages.js';

export const dataClassMethods = {
  CreateDataClass: mutation((request: CreateDataClassRequest__Output, { engine }) => {
    const fields = new Fields();
    const sent = request.dataClass;
    const id = fields.id('data_class_id', request.dataClassId);
    if (!fields.present('data_class', sent)) return { refusal: fields.refusal ?? notFound('data class', id) };
    const title = fields.text('data_class.title', sent.title, titleLimit);
    const level = fields.whole('data_class.level', sent.level, 0, mostDataClassLevel);
    if (fields.refusal) return { refusal: fields.refusal };
    const outcome = engine.run({ type: 'class.create', id, title, level });
    return outcome.refusal ? outcome : { response: { dataClass: dataClassMessage(outcome.reply) } };
  }),

  ListDataClasses: query((request: ListDataClassesRequest__Output, { engine }): Answer<object> => {
    const fields = new Fields();
    const page = pageOf(fields, request, 'data classes');
    if (fields.refusal) return { refusal: fields.refusal };
    const { items, nextPageToken } = pageById(page, engine.state.tenancy.classes.values(), () => true);
    return { response: { dataClasses: items.map(dataClassMessage), nextPageToken } };
  }),

  DeleteDataClass: mutation((request: DeleteDataClassRequest__Output, { engine }) => {
    const fields = new Fields();
    const id = fields.name('name', 'data class', request.name);
    if (fields.refusal) return { refusal: fields.refusal };
    const outcome = engine.run({ type: 'class.delete', id });
    return outcome.refusal ? outcome : { response: {} };
  }),
};
