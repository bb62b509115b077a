-- The two database roles and the database, for a server you run yourself (PostgreSQL 15 or newer).
-- Run once as a superuser:  psql -f config/sql/roles.sql
-- then give both roles a password:  \password hurdle_owner  and  \password hurdle_app
-- The owner migrates (DATABASE_OWNER_URL); the application (DATABASE_URL) can neither create nor alter tables.
-- `manage.py migrate` grants the application its rights on the tables.
CREATE ROLE hurdle_owner LOGIN NOSUPERUSER NOCREATEROLE NOCREATEDB;
CREATE ROLE hurdle_app LOGIN NOSUPERUSER NOCREATEROLE NOCREATEDB;
CREATE DATABASE hurdle OWNER hurdle_owner ENCODING 'UTF8' TEMPLATE template0;
REVOKE ALL ON DATABASE hurdle FROM PUBLIC;
GRANT CONNECT, TEMPORARY ON DATABASE hurdle TO hurdle_app;
