// Where one can go.
import type { IconName } from './parts/icon';

interface NavigationLink {
  readonly href: string;
  readonly name: string;
  readonly icon: IconName;
  readonly isForAdmins?: boolean;
}

/** The pages, in groups. */
export const NAVIGATION: readonly { readonly title: string; readonly links: readonly NavigationLink[] }[] = [
  {
    title: 'Now',
    links: [
      { href: '/', name: 'Overview', icon: 'overview' },
      { href: '/runs', name: 'Runs', icon: 'runs' },
      { href: '/batches', name: 'Batches', icon: 'workflows' },
      { href: '/dead', name: 'Dead letters', icon: 'dead' },
    ],
  },
  {
    title: 'Work',
    links: [
      { href: '/jobs', name: 'Jobs', icon: 'jobs' },
      { href: '/schedules', name: 'Schedules', icon: 'schedules' },
      { href: '/queues', name: 'Queues & limits', icon: 'queues' },
    ],
  },
  {
    title: 'System',
    links: [
      { href: '/workers', name: 'Workers', icon: 'workers' },
      { href: '/plugins', name: 'Plugins', icon: 'plugins' },
      { href: '/tenants', name: 'Tenants', icon: 'tenants' },
      { href: '/webhooks', name: 'Webhooks', icon: 'out', isForAdmins: true },
      { href: '/tokens', name: 'Tokens', icon: 'key', isForAdmins: true },
      { href: '/audit', name: 'Audit', icon: 'audit', isForAdmins: true },
      { href: '/about', name: 'About', icon: 'about' },
    ],
  },
];
