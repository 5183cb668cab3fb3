// The dashboard begins.
import './style/index.css';

import { render } from 'preact';

import { startLive, stopLive, tell } from './api/live';
import { signIn } from './api/session';
import { App } from './app';
import { startClock } from './parts/time';
import { startRouter } from './router';
import { startTheme } from './theme';

startTheme();
startRouter();
startClock();
startLive();

let wasNeeded = false;
signIn.subscribe(() => {
  const { needed } = signIn.get();
  if (needed && !wasNeeded) stopLive();
  if (!needed && wasNeeded) {
    startLive();
    tell('everything');
  }
  wasNeeded = needed;
});

const root = document.getElementById('app');
if (root) render(<App />, root);
