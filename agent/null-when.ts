/** What a file call that fails with one of these codes gives: nothing. To be given to its `catch`. */
export const nullWhen =
  (...codes: string[]) =>
  (error: NodeJS.ErrnoException): null => {
    if (codes.includes(error.code ?? '')) return null;
    throw error;
  };
