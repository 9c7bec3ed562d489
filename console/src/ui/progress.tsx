/** A progress bar from 0 to 1. */
interface ProgressProps {
  readonly label: string;
  readonly value: number;
}

export function Progress({ label, value }: ProgressProps) {
  return <progress class="progress" aria-label={label} value={value} max={1} />;
}
