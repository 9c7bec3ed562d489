// Checks a Dockerfile against the hadolint rules that matter for ours, under hadolint's codes:
// `node scripts/lint-dockerfile.mjs FILE`. hadolint is a Haskell program, and no maintained package has its rules.
import { readFileSync } from 'node:fs';
import { parseDockerfile, stagesOf } from './dockerfile.mjs';

/** Rules for one instruction: each returns the fault of its arguments, or null. */
const RULES = {
  ADD: [['DL3020', () => 'COPY copies files; ADD also unpacks and downloads']],
  MAINTAINER: [['DL4000', () => 'MAINTAINER is deprecated']],
  WORKDIR: [['DL3000', (rest) => (/^[/$]/.test(rest) ? null : 'WORKDIR must be absolute')]],
  CMD: [['DL3025', (rest) => (isJsonList(rest) ? null : 'in JSON form, or a shell swallows the signals')]],
  ENTRYPOINT: [['DL3025', (rest) => (isJsonList(rest) ? null : 'in JSON form, or a shell swallows the signals')]],
  EXPOSE: [['DL3011', (rest) => (rest.split(/\s+/).every(isPort) ? null : 'not a port')]],
  COPY: [
    [
      'DL3021',
      (rest) =>
        rest.split(/\s+/).filter((word) => !word.startsWith('--')).length < 3 || rest.endsWith('/')
          ? null
          : 'several sources need a folder that ends in /',
    ],
  ],
  RUN: [
    ['DL3003', (rest) => (/(^|[;&|]\s*)cd\s/.test(rest) ? 'WORKDIR changes the folder, not cd' : null)],
    ['DL3004', (rest) => (/\bsudo\b/.test(rest) ? 'no sudo' : null)],
    ['DL3008', unpinnedDebianPackage],
    [
      'DL3009',
      (rest) => (isAptInstall(rest) && !rest.includes('/var/lib/apt/lists') ? 'remove the lists of apt-get' : null),
    ],
    [
      'DL3014',
      (rest) => (isAptInstall(rest) && !/\s(-y|--yes|-qqy?|-yq+)\b/.test(rest) ? 'apt-get would ask: -y' : null),
    ],
    [
      'DL3015',
      (rest) => (isAptInstall(rest) && !rest.includes('--no-install-recommends') ? '--no-install-recommends' : null),
    ],
    [
      'DL3016',
      (rest) => (/\bnpm (i|install)\s+(?!-)[^@\s]+(\s|$)/.test(rest) ? 'pin the version that npm installs' : null),
    ],
    ['DL3027', (rest) => (/(^|[;&|]\s*)apt\s/.test(rest) ? 'use apt-get: apt is for interactive use' : null)],
    [
      'DL4006',
      (rest) =>
        /[^|]\|[^|]/.test(rest.replace(/'[^']*'|"[^"]*"/g, '')) ? "a pipe hides its first command's failure" : null,
    ],
  ],
};

const [file] = process.argv.slice(2);
const faults = lint(readFileSync(file, 'utf8'));
for (const { line, code, text } of faults) console.error(`${file}:${line} ${code} ${text}`);
process.exit(faults.length === 0 ? 0 : 1);

function lint(text) {
  const stages = stagesOf(parseDockerfile(text));
  const found = [];
  const seen = [];
  for (const [name, { from, line, steps }] of stages) {
    const add = (code, fault, at = line) => fault !== null && found.push({ line: at, code, text: fault });
    if (!seen.includes(from)) lintImage(from, add);
    for (const step of steps) {
      for (const [code, rule] of RULES[step.name] ?? []) add(code, rule(step.rest), step.line);
      const source = /^--from=(\S+)/.exec(step.rest)?.[1];
      if (step.name === 'COPY' && source === name) add('DL3023', 'a stage cannot copy from itself', step.line);
      else if (step.name === 'COPY' && source && !seen.includes(source))
        lintImage(source, (...fault) => add(...fault, step.line));
    }
    seen.push(name);
    // a target is a stage that is run: it has a command
    if (steps.some((step) => step.name === 'ENTRYPOINT' || step.name === 'CMD')) lintTarget(name, steps, add);
  }
  return found;
}

/** An image needs a version, and `latest` is not one. */
function lintImage(image, add) {
  const [, tag] = /^[^@]*?(?::([^:/@]+))?(?:@sha256:.*)?$/.exec(image) ?? [];
  if (image.includes('@sha256:') || image === 'scratch') return;
  if (tag === undefined) add('DL3006', `${image}: name its version`);
  else if (tag === 'latest') add('DL3007', `${image}: latest changes over time`);
}

function lintTarget(name, steps, add) {
  const of = (verb) => steps.filter((step) => step.name === verb);
  const user = of('USER').at(-1);
  if (user === undefined || /^(root|0)(:|$)/.test(user.rest)) add('DL3002', `${name} runs as root`, user?.line);
  if (of('HEALTHCHECK').length !== 1) add('DL3057', `${name} needs one HEALTHCHECK`);
  for (const verb of ['CMD', 'ENTRYPOINT']) if (of(verb).length > 1) add('DL4003', `${name} has several ${verb}`);
}

function isJsonList(text) {
  try {
    return Array.isArray(JSON.parse(text));
  } catch {
    return false;
  }
}

function isPort(text) {
  const port = Number(text.split('/')[0]);
  return Number.isInteger(port) && port > 0 && port < 65_536;
}

function isAptInstall(command) {
  return /\bapt-get\b.*\binstall\b/.test(command);
}

function unpinnedDebianPackage(command) {
  const [, words] = /\bapt-get\b[^;&|]*?\binstall\b([^;&|]*)/.exec(command) ?? [];
  const loose = words?.split(/\s+/).find((word) => word !== '' && !word.startsWith('-') && !word.includes('='));
  return loose === undefined ? null : `${loose}: pin its version`;
}
