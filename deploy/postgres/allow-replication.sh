#!/bin/sh
# Lets a standby connect: run once, by the image of Postgres, when it makes the database.
set -eu
echo "host replication $POSTGRES_USER all scram-sha-256" >> "$PGDATA/pg_hba.conf"
