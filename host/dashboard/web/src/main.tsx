// The dashboard begins.
import './style/index.css';

import { render } from 'preact';

import { startLive, stopLive, tell } from './api/live';
import { askServer } from './api/server';
import { signIn } from './api/session';
import { tenant } from './api/tenant';
import { App } from './app';
import { startClock } from './parts/time';
import { startRouter } from './router';
import { startTheme } from './theme';

startTheme();
startRouter();
startClock();
startLive();
void askServer();

let wasNeeded = false;
signIn.subscribe(() => {
  const { needed } = signIn.get();
  if (needed && !wasNeeded) stopLive();
  if (!needed && wasNeeded) {
    startLive();
    tell('everything');
    void askServer();
  }
  wasNeeded = needed;
});

tenant.subscribe(() => {
  if (signIn.get().needed) return;
  startLive();
  tell('everything');
});

const root = document.getElementById('app');
if (root) render(<App />, root);
