/** Of a measured time, one decimal is more than anybody reads. */
export function oneDecimal(value: number): number {
  return Math.round(value * 10) / 10;
}
