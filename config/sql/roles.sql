-- The two database roles and the database, for a server you run yourself (PostgreSQL 15 or newer).
-- Run once as a superuser:  psql -f config/sql/roles.sql
-- then give both roles a password:  \password hurdle_owner  and  \password hurdle_app
-- The owner migrates (DATABASE_OWNER_URL); the application (DATABASE_URL) can neither create nor alter tables.
-- `manage.py migrate` grants the application its rights on the tables.
CREATE ROLE hurdle_owner LOGIN NOSUPERUSER NOCREATEROLE NOCREATEDB;
CREATE ROLE hurdle_app LOGIN NOSUPERUSER NOCREATEROLE NOCREATEDB;
CREATE DATABASE hurdle OWNER hurdle_owner ENCODING 'UTF8' TEMPLATE template0;
-- A worker that hangs in the middle of a transaction keeps no locks for long, and no query runs for ever.
ALTER ROLE hurdle_app SET idle_in_transaction_session_timeout = '60s';
ALTER ROLE hurdle_app SET statement_timeout = '10min';
-- A migration that cannot have its lock gives way, instead of holding up everybody who comes after it.
ALTER ROLE hurdle_owner SET lock_timeout = '5s';
REVOKE ALL ON DATABASE hurdle FROM PUBLIC;
GRANT CONNECT ON DATABASE hurdle TO hurdle_app;
