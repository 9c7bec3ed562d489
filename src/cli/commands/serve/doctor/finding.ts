/** Findings of the doctor. */
import { AppError, messageOf } from '../../../../lib/errors.ts';

export type Status = 'ok' | 'warning' | 'failed';

export interface Finding {
  /** The subject of the finding, in one to three words. */
  readonly check: string;
  /**
   * `failed`: `serve` would not start, or would not work. `warning`: `serve` would work, but not for long or not well.
   */
  readonly status: Status;
  readonly detail: string;
  /** Advice in a sentence; null if the status is ok. */
  readonly advice: string | null;
}

export function fine(check: string, detail: string): Finding {
  return { check, status: 'ok', detail, advice: null };
}

export function warning(check: string, detail: string, advice: string): Finding {
  return { check, status: 'warning', detail, advice };
}

export function failed(check: string, detail: string, advice: string): Finding {
  return { check, status: 'failed', detail, advice };
}

/**
 * Returns the findings of `action`. An error caused by input or by the environment becomes a failed finding; any other
 * error is a bug and is rethrown.
 */
export async function findings(
  check: string,
  advice: string,
  action: () => readonly Finding[] | Promise<readonly Finding[]>,
): Promise<readonly Finding[]> {
  try {
    return await action();
  } catch (error) {
    const isOfTheWorld = error instanceof AppError || (error instanceof Error && 'syscall' in error);
    if (!isOfTheWorld) throw error;
    return [failed(check, messageOf(error), advice)];
  }
}

/** The worst status among the findings. */
export function worst(all: readonly Finding[]): Status {
  if (all.some(({ status }) => status === 'failed')) return 'failed';
  return all.some(({ status }) => status === 'warning') ? 'warning' : 'ok';
}

/** Formats a number of bytes, such as `1.5 GiB` or `12 MiB`. */
export function describeBytes(bytes: number): string {
  const [unit, name] = bytes >= 2 ** 30 ? [2 ** 30, 'GiB'] : bytes >= 2 ** 20 ? [2 ** 20, 'MiB'] : [2 ** 10, 'KiB'];
  const value = bytes / unit;
  return `${value < 10 && name === 'GiB' ? value.toFixed(1) : Math.round(value)} ${name}`;
}
