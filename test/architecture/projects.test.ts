/** What `projects.ts` names exists, and a file with long sizes also runs in `slow`. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { allTestFiles, projectsOf, ROOT, SERVICE, SLOW } from '../fixture/projects.ts';

describe('the projects of vitest', () => {
  it('name files and folders that exist', () => {
    expect(SLOW.filter((path) => !allTestFiles().includes(path))).toEqual([]);
    expect(SERVICE.filter((path) => !existsSync(join(ROOT, path)))).toEqual([]);
  });

  it.each([
    ['of its own', 'test/onnx-grad/fuzz.test.ts', ['unit', 'slow']],
    ['by what it imports', 'test/storage/sqlite/contract.test.ts', ['unit', 'slow']],
    ['of a service', 'test/http/fuzz.test.ts', ['service', 'slow']],
    ['of nothing', 'test/onnx-grad/write-bytes.test.ts', ['unit']],
    ['and is slow altogether', 'test/engine/hung.test.ts', ['slow']],
  ])('run a file with long sizes %s in slow too', (_, path, projects) => {
    expect(projectsOf(path)).toEqual(projects);
  });
});
