import './theme/fonts.css';
import './theme/tokens.css';
import './theme/base.css';

import { QueryClientProvider } from '@tanstack/react-query';
import { StrictMode, startTransition } from 'react';
import { createRoot } from 'react-dom/client';
import { queries } from './api/queries';
import * as format from './format';
import { Frame } from './frame/frame';
import { language } from './texts';

document.documentElement.lang = language;
const root = createRoot(document.getElementById('explorer')!);
// Drawn bit by bit, so that a click or a key need not wait.
startTransition(() =>
  root.render(
    <StrictMode>
      <QueryClientProvider client={queries}>
        <Frame />
      </QueryClientProvider>
    </StrictMode>,
  ),
);

// The first format of numbers takes long to make: there is time for it until the first answer comes.
setTimeout(() => format.number(0));
