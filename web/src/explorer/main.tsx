import './theme/fonts.css';
import './theme/tokens.css';
import './theme/base.css';

import { QueryClientProvider } from '@tanstack/react-query';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { queries } from './api/queries';
import { Frame } from './frame/frame';
import { language } from './texts';

document.documentElement.lang = language;
createRoot(document.getElementById('explorer')!).render(
  <StrictMode>
    <QueryClientProvider client={queries}>
      <Frame />
    </QueryClientProvider>
  </StrictMode>,
);
