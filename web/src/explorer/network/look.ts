import { useEffect, useState } from 'react';
import type { Colors } from './draw';

const PAGE = { paper: '--paper', ink: '--ink', accent: '--accent' } as const;
const TIES = { RELATION: '--ink', CO_PARTICIPATION: '--soft', STATEMENT: '--supports', EVENT: '--opposes' } as const;

/** The colours of the page, which a canvas and an SVG need as such: by day or by night. */
export function useColors(): Colors {
  const [colors, set] = useState(read);
  useEffect(() => {
    const night = matchMedia('(prefers-color-scheme: dark)');
    const change = () => set(read());
    night.addEventListener('change', change);
    return () => night.removeEventListener('change', change);
  }, []);
  return colors;
}

function read(): Colors {
  const probe = document.body.appendChild(document.createElement('i'));
  const colorsOf = <Names extends Record<string, string>>(names: Names) => {
    const found = Object.entries(names).map(([key, name]) => {
      probe.style.color = `var(${name})`;
      return [key, getComputedStyle(probe).color];
    });
    return Object.fromEntries(found) as Record<keyof Names, string>;
  };
  const colors = { ...colorsOf(PAGE), ties: colorsOf(TIES) };
  probe.remove();
  return colors;
}

export const family = () => getComputedStyle(document.body).fontFamily;

/** Whether the reader wants no motion. */
export const isStill = matchMedia('(prefers-reduced-motion: reduce)');
