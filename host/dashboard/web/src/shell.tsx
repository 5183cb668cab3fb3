// The frame: where one can go, how the connection stands, keys that work everywhere.
import type { ComponentChildren } from 'preact';
import { useEffect, useState } from 'preact/hooks';

import { connection } from './api/live';
import { useAccess } from './api/access';
import { session } from './api/session';
import { Keys, useKeys } from './keys';
import { NAVIGATION } from './navigation';
import { TenantChoice } from './tenant-choice';
import { Icon, type IconName } from './parts/icon';
import { Toasts } from './parts/feedback';
import { usePlace } from './router';
import { useStore } from './store';
import { nextTheme, theme } from './theme';

const CONNECTION_TEXTS = { connecting: 'Connecting', online: 'Live', offline: 'Offline, retrying' };
const THEME_ICONS: Record<string, IconName> = { system: 'system', light: 'sun', dark: 'moon' };

/** The frame around a page. */
export function Shell({ children }: { readonly children: ComponentChildren }) {
  const [isOpen, setOpen] = useState(false);
  const [keysShown, setKeysShown] = useState(false);
  const place = usePlace();
  useEffect(() => setOpen(false), [place]);
  useKeys(() => setKeysShown(true));
  return (
    <div class="shell">
      <a class="skip" href="#main">Skip to content</a>
      <div class="side" data-open={String(isOpen)}>
        <div class="side-top">
          <a class="brand" href="/"><img src="/icon.svg" alt="" />ZapJobs</a>
          <button
            type="button"
            class="button plain square menu-button"
            aria-label="Menu"
            aria-expanded={isOpen}
            onClick={() => setOpen(!isOpen)}
          >
            <Icon name="menu" />
          </button>
        </div>
        <div class="side-body">
          <TenantChoice />
          <Navigation path={place.path} />
          <Foot onKeys={() => setKeysShown(true)} />
        </div>
      </div>
      <main id="main" class="main" tabIndex={-1}>
        <div class="page">{children}</div>
      </main>
      <Toasts />
      {keysShown && <Keys onClose={() => setKeysShown(false)} />}
    </div>
  );
}

function Navigation({ path }: { readonly path: string }) {
  const { isAdmin } = useAccess();
  const isHere = (href: string): boolean =>
    href === '/' ? path === '/' : path === href || path.startsWith(`${href}/`);
  return (
    <nav aria-label="Pages">
      {NAVIGATION.map(({ title, links }) => (
        <div class="nav-group" key={title}>
          <h2>{title}</h2>
          {links.filter((link) => isAdmin || !link.isForAdmins).map(({ href, name, icon }) => (
            <a key={href} class="nav-link" href={href} aria-current={isHere(href) ? 'page' : undefined}>
              <Icon name={icon} />{name}
            </a>
          ))}
        </div>
      ))}
    </nav>
  );
}

function Foot({ onKeys }: { readonly onKeys: () => void }) {
  const state = useStore(connection);
  const chosen = useStore(theme);
  return (
    <div class="side-foot">
      <div class="connection" data-state={state} role="status">
        <span class="pulse" />{CONNECTION_TEXTS[state]}
      </div>
      {session.token() !== null && (
        <FootButton icon="out" label="Sign out" onClick={() => session.leave()} />
      )}
      <FootButton icon="keyboard" label="Keys" onClick={onKeys} />
      <FootButton icon={THEME_ICONS[chosen] ?? 'system'} label={`Theme: ${chosen}`} onClick={nextTheme} />
    </div>
  );
}

function FootButton(props: { readonly icon: IconName; readonly label: string; readonly onClick: () => void }) {
  return (
    <button
      type="button"
      class="button plain square"
      aria-label={props.label}
      title={props.label}
      onClick={props.onClick}
    >
      <Icon name={props.icon} />
    </button>
  );
}
