// Two workers on one port, as every system here has.
import cluster from 'node:cluster';

export function withTwoWorkers(serve) {
  if (!cluster.isPrimary) return serve(Number(process.argv[2]));
  const workers = [cluster.fork(), cluster.fork()];
  process.on('SIGTERM', () => {
    workers.forEach((worker) => worker.kill());
    process.exit();
  });
}
