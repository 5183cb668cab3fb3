// The plugins of this host's directory, and which of them wait for somebody.
import { api } from '../../api/client';
import { useFetched } from '../../api/query';
import { Empty, Failure, Loading } from '../../parts/feedback';
import { PageHead, Table } from '../../parts/layout';
import { count } from '../../text/number';
import { PluginStatus } from './state';
import { shortDigest, type Plugin } from './types';

/** The least time between two looks: 3 seconds. */
const LOOK_MS_MIN = 3_000;
/** Plugins on the page at most. */
const PAGE_SIZE = 1_000;

export function PluginsPage() {
  const found = useFetched<{ readonly plugins: readonly Plugin[]; readonly next: string | null }>(
    'plugins',
    (signal) => api.get('/plugins', { limit: PAGE_SIZE }, signal),
    () => true,
    LOOK_MS_MIN,
  );
  const plugins = found.data?.plugins ?? [];
  return (
    <>
      <PageHead title="Plugins" sub={<span>components in this host’s directory</span>} />
      {found.error && <Failure of={found.error} retry={found.refetch} />}
      <section class="card">
        {!found.data && found.isLoading && <Loading />}
        {found.data && plugins.length === 0 && <Empty>No plugins. Put a component into the plugins directory: <code>zapjobs new</code> begins one.</Empty>}
        {plugins.length > 0 && (
          <Table label="Plugins" head={<><th>Plugin</th><th>State</th><th class="wide">Jobs</th><th class="optional">Wants</th><th class="optional">Code</th><th class="right optional">Versions</th></>}>
            {plugins.map((plugin) => (
              <tr key={`${plugin.tenant}/${plugin.name}`}>
                <td><a class="title-link nowrap" href={`/plugins/${encodeURIComponent(plugin.name)}`}>{plugin.name}</a></td>
                <td class="nowrap"><PluginStatus of={plugin.state} /></td>
                <td class="wide">
                  <span class="tags">
                    {plugin.jobs.map((job) => <a key={job} class="tag" href={`/jobs/${encodeURIComponent(job)}`}>{job}</a>)}
                    {plugin.reason && <span class="muted">{plugin.reason}</span>}
                  </span>
                </td>
                <td class="muted optional">{plugin.wants.join(', ') || 'nothing'}</td>
                <td class="mono faint optional nowrap">{plugin.serving ? shortDigest(plugin.serving) : '–'}</td>
                <td class="right num optional">{count(plugin.versions_count)}</td>
              </tr>
            ))}
          </Table>
        )}
        {found.data?.next && <p class="card-body muted">There are more: <code>zapjobs plugins list</code> shows all.</p>}
      </section>
    </>
  );
}
