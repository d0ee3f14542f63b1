/**
 * A word on the command line that means nothing to us. The parsers in this folder throw it with a sentence that
 * says what to type; the command layer turns it into a usage failure that names the flag.
 */
export class ValueError extends Error {
  override readonly name = 'ValueError';
}
