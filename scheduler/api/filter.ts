/** Filters of listings; the core has them, since those of the journal are answered on another thread. */
export * from '../core/filter.js';
