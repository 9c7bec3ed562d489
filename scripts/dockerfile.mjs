// Reads a Dockerfile: its instructions and stages.

/** Returns the instructions of the Dockerfile in order, without comments and with continued lines joined. */
export function parseDockerfile(text) {
  const instructions = [];
  let open = null;
  text.split('\n').forEach((line, i) => {
    if (/^\s*(#|$)/.test(line)) return;
    const isContinued = line.endsWith('\\');
    const part = isContinued ? line.slice(0, -1) : line;
    if (open === null) {
      const [, name, rest] = /^\s*(\w+)\s+(.*)$/.exec(part) ?? [];
      if (name === undefined) throw new Error(`line ${i + 1} is not an instruction: ${line}`);
      open = { name: name.toUpperCase(), rest, line: i + 1 };
      instructions.push(open);
    } else open.rest += ` ${part.trim()}`;
    if (!isContinued) open = null;
  });
  return instructions;
}

/** Returns the stages in order, by name (or number, if it has no name): the base image of each, and its steps. */
export function stagesOf(instructions) {
  const stages = new Map();
  let steps = null;
  for (const instruction of instructions) {
    if (instruction.name === 'FROM') {
      const [, from, name = String(stages.size)] = /^(\S+)(?: AS (\S+))?$/i.exec(instruction.rest) ?? [];
      if (stages.has(name)) throw new Error(`line ${instruction.line}: a second stage ${name}`);
      steps = [];
      stages.set(name, { from, line: instruction.line, steps });
    } else if (steps !== null) steps.push(instruction);
    else if (instruction.name !== 'ARG') throw new Error(`line ${instruction.line}: ${instruction.name} before FROM`);
  }
  return stages;
}
