/** Brings what just appeared into view, and screen readers to it. */
export const focus = (element: HTMLElement | null) => element?.focus();
