/** Buttons, and links that look like them. */
import type { ComponentChildren, JSX } from 'preact';

type Kind = 'primary' | 'plain' | 'danger';

interface ButtonProps extends Omit<JSX.IntrinsicElements['button'], 'type'> {
  readonly kind?: Kind;
  readonly type?: 'button' | 'submit';
  /** Whether the action of the button is running. While the action is running, the button is disabled. */
  readonly isBusy?: boolean;
}

export function Button({ kind = 'plain', type = 'button', isBusy = false, children, disabled, ...rest }: ButtonProps) {
  return (
    <button {...rest} type={type} class={`button button-${kind}`} disabled={disabled || isBusy} aria-busy={isBusy}>
      {children}
    </button>
  );
}

interface LinkProps {
  readonly href: string;
  readonly kind?: Kind;
  readonly children: ComponentChildren;
}

export function ButtonLink({ href, kind = 'plain', children }: LinkProps) {
  return (
    <a href={href} class={`button button-${kind}`}>
      {children}
    </a>
  );
}
