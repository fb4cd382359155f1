// Browsers have WebSocket; this version of Node may not.
import WebSocket from 'ws';

globalThis.WebSocket ??= WebSocket;
