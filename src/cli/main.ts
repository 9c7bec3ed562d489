/** The entry point of the command line: runs the program with the arguments and streams of this process. */
import { runProgram } from './program.ts';

// A closed pipe (`| head`) is not a failure: a command ends, because nobody reads its results, but a service continues
// without printing notes.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0);
  throw error;
});
process.stderr.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
});

const code = await runProgram(process.argv.slice(2), process.stdout, process.stderr);
if (code !== 0) process.exitCode = code;
