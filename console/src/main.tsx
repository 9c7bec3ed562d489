/** The console's entry point. */
import { render } from 'preact';
import { App } from './app.tsx';
import { ConsoleContext, createConsole } from './console.ts';
import './ui/tokens.css';
import './ui/base.css';
import './ui/components.css';
import './ui/table.css';
import './shell.css';

const root = document.getElementById('app');
if (root !== null)
  render(
    <ConsoleContext.Provider value={createConsole(window)}>
      <App />
    </ConsoleContext.Provider>,
    root,
  );
