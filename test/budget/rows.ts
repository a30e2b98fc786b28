import type { Document } from '../../src/model/change.ts';

/** Attributes with an index in the tables that have any. */
export const indexedFields = ['machine', 'recorded_at'];

/** Rows like those of `scripts/bench`: 17 fields, about 340 bytes as JSON. */
export function rows(count: number, begin = 0): Document[] {
  return Array.from({ length: count }, (_, index) => row(begin + index));
}

export function row(number: number): Document {
  const spread = (number * 7_919) % 10_000;
  return {
    id: `r-${String(number).padStart(9, '0')}`,
    recorded_at: 1_760_000_000_000 + number,
    machine: `machine-${String(number % 200).padStart(3, '0')}`,
    line: `line-${number % 9}`,
    sensor: `sensor-${number % 64}-main`,
    temperature: 40 + spread / 137,
    pressure: 1 + spread / 10_000,
    vibration: spread / 1_000,
    humidity: 30 + (spread % 40),
    current: 10 + (spread % 900) / 100,
    voltage: 390 + (spread % 200) / 10,
    speed: 1_000 + (spread % 600),
    load: spread % 100,
    state: number % 17 === 0 ? 'maintenance' : 'production',
    operator: `operator-${number % 40}`,
    batch: `batch-2025-${number % 800}`,
    note: number % 5 === 0 ? 'calibrated' : 'within limits',
  };
}
