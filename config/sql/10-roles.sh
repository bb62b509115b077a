#!/bin/sh
# Runs once in a new postgres container: the two roles and their passwords.
set -eu
psql --set ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname postgres --file /hurdle/roles.sql
psql --set ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname postgres \
    --set owner="$HURDLE_OWNER_PASSWORD" --set app="$HURDLE_APP_PASSWORD" <<'SQL'
ALTER ROLE hurdle_owner PASSWORD :'owner';
ALTER ROLE hurdle_app PASSWORD :'app';
SQL
