import './theme/fonts.css';
import './theme/tokens.css';
import './theme/base.css';

import { QueryClientProvider } from '@tanstack/react-query';
import { StrictMode, startTransition } from 'react';
import { createRoot } from 'react-dom/client';
import { queries } from './api/queries';
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
