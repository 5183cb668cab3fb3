// Which page is at which place.
import type { ComponentChild } from 'preact';

import { signIn } from './api/session';
import { Empty } from './parts/feedback';
import { PageHead } from './parts/layout';
import { AboutPage } from './pages/about/page';
import { AuditPage } from './pages/about/audit';
import { TenantsPage } from './pages/about/tenants';
import { BatchPage } from './pages/batches/batch';
import { BatchesPage } from './pages/batches/list';
import { DeadPage } from './pages/dead/page';
import { JobPage } from './pages/jobs/job';
import { JobsPage } from './pages/jobs/list';
import { OverviewPage } from './pages/overview/page';
import { PluginsPage } from './pages/plugins/list';
import { PluginPage } from './pages/plugins/plugin';
import { QueuesPage } from './pages/queues/page';
import { RunPage } from './pages/run/page';
import { RunsPage } from './pages/runs/page';
import { SchedulesPage } from './pages/schedules/list';
import { SchedulePage } from './pages/schedules/schedule';
import { SignIn } from './pages/sign-in';
import { WorkflowPage } from './pages/workflow/page';
import { TokensPage } from './pages/tokens/page';
import { WebhooksPage } from './pages/webhooks/list';
import { WebhookPage } from './pages/webhooks/webhook';
import { WorkersPage } from './pages/workers/page';
import { match, usePlace } from './router';
import { Shell } from './shell';
import { useStore } from './store';

type Route = readonly [string, (parts: Record<string, string>) => ComponentChild];

const ROUTES: readonly Route[] = [
  ['/', () => <OverviewPage />],
  ['/batches', () => <BatchesPage />],
  ['/batches/:id', ({ id = '' }) => <BatchPage key={id} id={id} />],
  ['/dead', () => <DeadPage />],
  ['/jobs', () => <JobsPage />],
  ['/jobs/:type', ({ type = '' }) => <JobPage key={type} jobType={type} />],
  ['/plugins', () => <PluginsPage />],
  ['/plugins/:name', ({ name = '' }) => <PluginPage key={name} name={name} />],
  ['/queues', () => <QueuesPage />],
  ['/schedules', () => <SchedulesPage />],
  ['/schedules/:name', ({ name = '' }) => <SchedulePage key={name} name={name} />],
  ['/workflows/:id', ({ id = '' }) => <WorkflowPage key={id} id={id} />],
  ['/tenants', () => <TenantsPage />],
  ['/tokens', () => <TokensPage />],
  ['/audit', () => <AuditPage />],
  ['/about', () => <AboutPage />],
  ['/webhooks', () => <WebhooksPage />],
  ['/webhooks/:name', ({ name = '' }) => <WebhookPage key={name} name={name} />],
  ['/workers', () => <WorkersPage />],
  ['/runs', () => <RunsPage />],
  ['/runs/:id', ({ id = '' }) => <RunPage key={id} id={id} />],
];

export function App() {
  const { needed } = useStore(signIn);
  const { path } = usePlace();
  if (needed) return <SignIn />;
  return <Shell>{pageAt(path)}</Shell>;
}

function pageAt(path: string): ComponentChild {
  for (const [pattern, page] of ROUTES) {
    const parts = match(pattern, path);
    if (parts) return page(parts);
  }
  return (
    <>
      <PageHead title="No such page" />
      <div class="card"><Empty>There is nothing at this address. <a href="/">Overview</a></Empty></div>
    </>
  );
}
