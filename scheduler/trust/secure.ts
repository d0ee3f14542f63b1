/**
 * What a scheduler with TLS needs. The X.509 library takes half a second of a processor to load, so this is loaded by
 * those alone that use it.
 */
export { noAuthority, openAuthority } from './authority-folder.js';
export { listenSecurely } from './listener.js';
export { ServerCertificate } from './server-certificate.js';
