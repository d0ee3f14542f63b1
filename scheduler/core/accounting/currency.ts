/**
 * How many decimals the minor unit of a currency has, by ISO 4217. Written down here and not asked of `Intl`, whose tables
 * are about how prices are usually shown (without the bani, pare and qindarka that invoices have), and change with Node.
 */
const others: Record<string, number> = {
  BIF: 0,
  CLP: 0,
  DJF: 0,
  GNF: 0,
  ISK: 0,
  JPY: 0,
  KMF: 0,
  KRW: 0,
  PYG: 0,
  RWF: 0,
  UGX: 0,
  UYI: 0,
  VND: 0,
  VUV: 0,
  XAF: 0,
  XOF: 0,
  XPF: 0,
  BHD: 3,
  IQD: 3,
  JOD: 3,
  KWD: 3,
  LYD: 3,
  OMR: 3,
  TND: 3,
  CLF: 4,
  UYW: 4,
};

/** Of all others 2. */
export function minorDecimals(currency: string): number {
  return Object.hasOwn(others, currency) ? (others[currency] as number) : 2;
}
