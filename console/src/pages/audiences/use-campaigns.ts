/** Polls the list slowly, and the states of its running campaigns every second. */
import { useEffect, useMemo } from 'preact/hooks';
import { usePolled } from '../../api/use-polled.ts';
import { useConsole } from '../../console.ts';
import { type Choices, type Found, loadCampaigns, loadStatuses } from './load.ts';
import { isRunning } from './words.ts';

const LIST_MS = 10_000;
const STATES_MS = 1_000;

/**
 * The first `count` campaigns. When one of them is done, the list is loaded again, because more than its state changes.
 */
export function useCampaigns(choices: Choices, count: number) {
  const { api } = useConsole();
  const list = usePolled((signal) => loadCampaigns(api, choices, count, signal), {
    key: JSON.stringify([choices, count]),
    keepsLast: true,
    everyMs: LIST_MS,
  });
  const running = list.data?.campaigns.filter(isRunning).map(({ id }) => id) ?? [];
  const { data: statuses } = usePolled((signal) => loadStatuses(api, running, signal), {
    key: running.join(),
    everyMs: () => (running.length > 0 ? STATES_MS : null),
  });
  const isDone = (id: string) => {
    const status = statuses?.get(id);
    return status === undefined || !isRunning(status);
  };
  useEffect(() => {
    if (statuses !== undefined && running.some(isDone)) list.refresh();
  }, [statuses]);
  const data = useMemo<Found | undefined>(
    () =>
      list.data && {
        ...list.data,
        campaigns: list.data.campaigns.map((each) => ({ ...each, ...(isRunning(each) && statuses?.get(each.id)) })),
      },
    [list.data, statuses],
  );
  return { data, error: list.error, refresh: list.refresh };
}
