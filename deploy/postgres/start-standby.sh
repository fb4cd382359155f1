#!/bin/sh
# Starts a hot standby of the host `postgres`: the first time with a copy of it.
set -eu
if [ ! -s "$PGDATA/PG_VERSION" ]; then
  pg_basebackup --host postgres --username "$POSTGRES_USER" --pgdata "$PGDATA" --write-recovery-conf --wal-method stream \
    --checkpoint fast
fi
# Without the feedback, a long query is cancelled where the primary has removed rows that it reads.
exec postgres -c hot_standby_feedback=on
