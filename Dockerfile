# One image for web, worker, beat, relay and migrate; docker-compose.yml says which is which.
FROM python:3.11-slim-bookworm AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
RUN python -m venv /opt/venv
COPY requirements/runtime.lock /tmp/runtime.lock
RUN /opt/venv/bin/pip install --require-hashes -r /tmp/runtime.lock
WORKDIR /app
COPY manage.py pyproject.toml LICENSE ./
COPY config ./config
COPY portfolio ./portfolio
COPY roi ./roi
COPY alerts ./alerts
COPY reports ./reports
# Static files need settings but no server: these addresses are never contacted and stay in this stage.
RUN export DATABASE_URL="postgresql:///hurdle?host=/nonexistent" REDIS_URL="redis://127.0.0.1:1/0" \
        SECRET_KEY="$(/opt/venv/bin/python -c 'import secrets; print(secrets.token_urlsafe(48))')" \
        ALLOWED_HOSTS=localhost HURDLE_PUBLIC_URL=https://localhost; \
    if find . -name build_static.py | grep -q .; then /opt/venv/bin/python manage.py build_static; fi \
    && /opt/venv/bin/python manage.py collectstatic --noinput --verbosity 0

FROM python:3.11-slim-bookworm
ENV PATH=/opt/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 REMAP_SIGTERM=SIGQUIT
RUN groupadd --gid 10001 hurdle \
    && useradd --uid 10001 --gid 10001 --no-create-home --shell /usr/sbin/nologin hurdle \
    && install -d -o hurdle -g hurdle /var/lib/hurdle
COPY --from=build /opt/venv /opt/venv
COPY --from=build /app /app
WORKDIR /app
USER 10001:10001
EXPOSE 8000
CMD ["granian", "--interface", "wsgi", "--host", "0.0.0.0", "--port", "8000", "--workers", "2", "--blocking-threads", "4", "config.wsgi:application"]
