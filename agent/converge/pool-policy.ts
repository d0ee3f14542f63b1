/** Whether a folder, plain and absolute, may be a shared pool: it is in one of those that the settings name, or is one. */
export function isAllowedPool(path: string, poolDirectories: readonly string[]): boolean {
  return poolDirectories.some(
    (folder) => path === folder || path.startsWith(folder.endsWith('/') ? folder : `${folder}/`),
  );
}
