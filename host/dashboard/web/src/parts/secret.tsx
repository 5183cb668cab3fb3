// A secret that the server has made, shown this once.
import { Dialog } from './dialog';
import { Notice } from './feedback';
import { Copy } from './json';

export function ShownOnce({ title, what, secret, onClose }: {
  readonly title: string;
  readonly what: string;
  readonly secret: string;
  readonly onClose: () => void;
}) {
  return (
    <Dialog title={title} onClose={onClose} foot={<button type="button" class="button primary" onClick={onClose}>I have kept it</button>}>
      <div class="stack">
        <Notice tone="warn">It is shown this once: nobody can look it up later.</Notice>
        <p class="row"><code class="wrap" data-testid={what}>{secret}</code><Copy text={secret} what={what} /></p>
      </div>
    </Dialog>
  );
}
