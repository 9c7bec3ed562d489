/** What is done with the audience: a file, what has come back of it, and who was told. */

import type { Campaign } from '../../api/types.ts';
import { Deliveries } from './deliveries.tsx';
import { Export } from './export.tsx';
import { Feedback } from './feedback.tsx';

export function Use({ campaign }: { readonly campaign: Campaign }) {
  return (
    <div class="stack">
      <Export campaign={campaign} />
      <Feedback campaign={campaign} />
      <Deliveries campaign={campaign} />
    </div>
  );
}
