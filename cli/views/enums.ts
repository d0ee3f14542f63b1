/**
 * Enum values of the contract as short words: `VM_STATE_RUNNING` → `RUNNING`. A value that a newer scheduler sends
 * and this version has no name for arrives as its number, and is shown as that.
 */
export function stateWord(value: string): string {
  return String(value).replace(/^[A-Z_]*_(?:STATE|KIND|FORMAT|POLICY|PRIORITY|SEVERITY)_/, '');
}
