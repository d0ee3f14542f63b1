/** What commands that change named things by one call each have in common: the names, the call, and a line that says so. */
import type { Connection } from './client/connection.js';
import type { Method, ResponseOf, Service } from './client/services.js';
import type { Context } from './context.js';
import { present } from './output/present.js';
import { confirm, type Deed } from './prompt.js';
import { mustHaveOwnIds, sayNotTried } from './several.js';
import { type Collection, resourceName, shortName } from './values/names.js';

export interface NamedChange<S extends Service, M extends Method<S>> {
  collection: Collection;
  service: S;
  method: M;
  /** What is said before the name, e.g. `cordoned host`. */
  done: string;
  order(connection: Connection, name: string): Promise<ResponseOf<S, M>>;
  /** What a person is asked first; left out for what can be taken back, or when they have said yes. */
  question?: Question | undefined;
}

export interface Question extends Deed {
  /** `names` are those of the things, listed. */
  text(names: string): string;
}

/** Changes each of these, one after the other. */
export async function changeNamed<S extends Service, M extends Method<S>>(
  context: Context,
  words: readonly string[],
  { collection, service, method, done, order, question }: NamedChange<S, M>,
): Promise<void> {
  const names = words.map((word) => resourceName(collection, word));
  mustHaveOwnIds(context, names, 'name');
  if (question !== undefined) {
    const listed = names.map(shortName).join(', ');
    await confirm(context.world, question.text(listed), question);
  }
  const connection = await context.connection();
  for (const [index, name] of names.entries()) {
    const response = await order(connection, name).catch((error: unknown) => {
      sayNotTried(context, names.slice(index + 1).map(shortName));
      throw error;
    });
    await present(context, {
      service,
      method,
      response,
      names: [name],
      text: () => `${done} ${shortName(name)}\n`,
    });
  }
}
