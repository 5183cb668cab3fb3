// A window over the page, for a question or a form.
import type { ComponentChildren } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';

import { messageOf } from '../api/problem';
import { Icon } from './icon';
import { Notice } from './feedback';

interface DialogProps {
  readonly title: string;
  readonly onClose: () => void;
  readonly children: ComponentChildren;
  readonly foot?: ComponentChildren;
}

/** A window that keeps the focus until it is closed. */
export function Dialog({ title, onClose, children, foot }: DialogProps) {
  const box = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const dialog = box.current;
    dialog?.showModal();
    return () => dialog?.close();
  }, []);
  return (
    <dialog ref={box} aria-labelledby="dialog-title" onCancel={(event) => { event.preventDefault(); onClose(); }}>
      <div class="dialog-head">
        <h2 id="dialog-title">{title}</h2>
        <button type="button" class="button plain square" aria-label="Close" onClick={onClose}>
          <Icon name="close" />
        </button>
      </div>
      <div class="dialog-body">{children}</div>
      {foot && <div class="dialog-foot">{foot}</div>}
    </dialog>
  );
}

interface ConfirmProps {
  readonly title: string;
  readonly action: string;
  readonly isDanger?: boolean;
  readonly children: ComponentChildren;
  readonly onConfirm: () => Promise<void>;
  readonly onClose: () => void;
}

/** Asks before something is done; stays where it fails, and says why. */
export function Confirm(props: ConfirmProps) {
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<string>();
  const confirm = async (): Promise<void> => {
    setBusy(true);
    try {
      await props.onConfirm();
      props.onClose();
    } catch (error) {
      setProblem(messageOf(error));
      setBusy(false);
    }
  };
  const foot = (
    <>
      <button type="button" class="button" onClick={props.onClose}>Keep as is</button>
      <button
        type="button"
        class={`button ${props.isDanger ? 'danger' : 'primary'}`}
        disabled={busy}
        onClick={() => void confirm()}
      >
        {props.action}
      </button>
    </>
  );
  return (
    <Dialog title={props.title} onClose={props.onClose} foot={foot}>
      <div class="stack">
        <div>{props.children}</div>
        {problem && <Notice tone="bad">{problem}</Notice>}
      </div>
    </Dialog>
  );
}
