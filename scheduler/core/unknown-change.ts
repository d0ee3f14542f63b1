/** A journal has a change that this program does not know: a newer one has written it. */
export class UnknownChange extends Error {
  override readonly name = 'UnknownChange';
  constructor(readonly type: string) {
    super(`there is no change ${type}`);
  }
}
