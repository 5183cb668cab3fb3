// What this server is, and who one is to it.
import { server } from '../../api/server';
import { Loading } from '../../parts/feedback';
import { Card, Facts, PageHead } from '../../parts/layout';
import { Exact } from '../../parts/time';
import { useStore } from '../../store';
import { nextTheme, theme } from '../../theme';

const SCOPES = {
  read: 'look',
  enqueue: 'look, and enqueue runs',
  operate: 'look, enqueue and change runs, schedules and limits',
  admin: 'everything',
};

export function AboutPage() {
  const known = useStore(server);
  const chosen = useStore(theme);
  return (
    <>
      <PageHead title="About" />
      {!known && <Loading />}
      {known && (
        <div class="grid">
          <Card title="Server">
            <Facts
              of={[
                ['Version', known.version],
                ['Its time', <Exact at={known.now} />],
                ...Object.entries(known.storage ?? {}).map(([name, value]) =>
                  [`Storage ${name.replace(/[_-]/g, ' ')}`, typeof value === 'string' ? value : JSON.stringify(value)] as const),
                ['API', <a href="/api/v1/openapi.json">OpenAPI document</a>],
              ]}
            />
          </Card>
          <Card title="You">
            <Facts
              of={[
                ['Signed in as', known.auth === 'off' ? 'nobody: this server asks no one' : known.caller.name || known.caller.id],
                ['May', SCOPES[known.caller.scope]],
                ['Tenant', known.caller.bound_to ?? 'all'],
                ['Time zone', Intl.DateTimeFormat().resolvedOptions().timeZone],
                ['Theme', <button type="button" class="button small" onClick={nextTheme}>{chosen}</button>],
              ]}
            />
          </Card>
        </div>
      )}
      <p class="muted"><a href="/licences.txt" target="_blank" rel="noreferrer">Licences</a> of what this page is made with.</p>
    </>
  );
}
