// Small drawings, 16 units wide, in the colour of the text.

const PATHS = {
  overview: 'M2.5 9.5h3l1.8-5 2.6 8 1.7-4.5h1.9',
  runs: 'M2.5 4h11M2.5 8h11M2.5 12h7',
  jobs: 'M8 1.8 13.5 5v6L8 14.2 2.5 11V5zM2.8 5.2 8 8.1l5.2-2.9M8 8.1v6',
  schedules: 'M3 3.5h10v10H3zM3 6.5h10M5.5 2v2.5M10.5 2v2.5',
  queues: 'M2.5 3h11v2.6h-11zM2.5 6.9h11v2.6h-11zM2.5 10.8h7v2.4h-7z',
  dead: 'M2.5 4h11M6 4V2.5h4V4M4 4l.7 9.5h6.6L12 4M6.7 6.8v4M9.3 6.8v4',
  workers: 'M2.5 3h11v4h-11zM2.5 9h11v4h-11zM5 5h.1M5 11h.1',
  workflows: 'M2 6.2h3.6v3.6H2zM10.4 2h3.6v3.6h-3.6zM10.4 10.4h3.6V14h-3.6zM5.6 8h2.2V3.8h2.6M7.8 8v4.2h2.6',
  plugins: 'M6 2v3.5M10 2v3.5M3.8 5.5h8.4V8a4.2 4.2 0 0 1-8.4 0zM8 12.2V14.5',
  tenants: 'M5.8 7.3a2.3 2.3 0 1 0 0-4.6 2.3 2.3 0 0 0 0 4.6zM1.8 13c0-2.2 1.7-3.7 4-3.7s4 1.5 4 3.7M10.6 3a2.2 2.2 0 0 1 0 4.2M11.8 9.5c1.5.5 2.4 1.8 2.4 3.5',
  audit: 'M4 2h5.5L13 5.5V14H4zM9.3 2v3.7H13M6 8.2h4.8M6 10.8h4.8',
  key: 'M5.5 13a2.7 2.7 0 1 0 0-5.4 2.7 2.7 0 0 0 0 5.4zM7.5 8.4 13.5 2.5M10.5 5.4l2.4 2.2M9 7l1.5 1.4',
  about: 'M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12zM8 7.3V11M8 5h.1',
  limits: 'M3 12.5a6 6 0 1 1 10 0M8 9.5l2.6-3.4',
  search: 'M7 12A5 5 0 1 0 7 2a5 5 0 0 0 0 10zM10.7 10.7 14 14',
  close: 'm4 4 8 8M12 4l-8 8',
  check: 'm3.5 8.5 3 3 6-7',
  retry: 'M13 8a5 5 0 1 1-1.6-3.7M13.2 2.2v3h-3',
  cancel: 'M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12zM4 12l8-8',
  play: 'M4.5 2.8v10.4L13 8z',
  pause: 'M5 3v10M11 3v10',
  edit: 'm9.8 3.2 3 3L6 13H3v-3zM8.3 4.7l3 3',
  sun: 'M8 11a3 3 0 1 0 0-6 3 3 0 0 0 0 6zM8 1.5v1.3M8 13.2v1.3M1.5 8h1.3M13.2 8h1.3M3.4 3.4l.9.9M11.7 11.7l.9.9M3.4 12.6l.9-.9M11.7 4.3l.9-.9',
  moon: 'M13.2 9.6A5.6 5.6 0 0 1 6.4 2.8a5.6 5.6 0 1 0 6.8 6.8z',
  system: 'M2 3h12v8H2zM5.5 13.5h5M8 11v2.5',
  keyboard: 'M1.8 4h12.4v8H1.8zM4.3 6.7h.1M6.8 6.7h.1M9.3 6.7h.1M11.8 6.7h.1M5 9.4h6',
  menu: 'M2.5 4.5h11M2.5 8h11M2.5 11.5h11',
  out: 'M6.5 2.5h-4v11h4M10 5l3 3-3 3M13 8H6',
  up: 'M8 13V3M4 7l4-4 4 4',
  next: 'm6 3.5 4.5 4.5L6 12.5',
  back: 'M10 3.5 5.5 8l4.5 4.5',
  copy: 'M5.5 5.5h8v8h-8zM3 10.5h-.5v-8h8V3',
  link: 'M9 3h4v4M13 3 7.5 8.5M11 9.5V13H3V5h3.5',
  plus: 'M8 3v10M3 8h10',
  warning: 'M8 2.2 14.5 13.5h-13zM8 6.5v3.3M8 11.6h.1',
  // Shapes of the statuses: told apart without colour.
  pending: 'M8 13.5a5.5 5.5 0 1 0 0-11 5.5 5.5 0 0 0 0 11z',
  scheduled: 'M8 13.5a5.5 5.5 0 1 0 0-11 5.5 5.5 0 0 0 0 11zM8 5v3.2l2 1.3',
  held: 'M3.5 7.5h9v6h-9zM5.5 7.5V5.2a2.5 2.5 0 0 1 5 0v2.3',
  running: 'M8 2.5A5.5 5.5 0 1 1 2.5 8',
  completed: 'M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12zM5.3 8.2l1.9 1.9 3.6-4.1',
  failed: 'M5.5 2h5L14 5.5v5L10.5 14h-5L2 10.5v-5zM6 6l4 4M10 6l-4 4',
  cancelled: 'M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12zM4 12l8-8',
  'awaiting-retry': 'M13 8a5 5 0 1 1-1.6-3.7M13.2 2.2v3h-3M8 5.5V8l1.5 1',
} as const;

export type IconName = keyof typeof PATHS;

/** A drawing beside words, which say the same. */
export function Icon({ name, spin = false }: { readonly name: IconName; readonly spin?: boolean }) {
  return (
    <svg
      class={spin ? 'icon spin' : 'icon'}
      viewBox="0 0 16 16"
      fill="none"
      stroke="currentColor"
      stroke-width="1.5"
      stroke-linecap="round"
      stroke-linejoin="round"
      aria-hidden="true"
    >
      <path d={PATHS[name]} />
    </svg>
  );
}
