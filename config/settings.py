"""Django's settings, all derived from the environment that `config.env` has read and checked."""

import os
import sys
from pathlib import Path
from urllib.parse import urlsplit

from csp.constants import NONE, SELF, UNSAFE_EVAL, UNSAFE_INLINE

from config import env

BASE_DIR = Path(__file__).resolve().parent.parent

try:
    ENVIRONMENT = env.read(os.environ)
except env.ConfigurationError as error:
    sys.exit("Hurdle cannot start:\n" + "\n".join(f"  - {problem}" for problem in error.problems))

DEBUG = ENVIRONMENT.debug
SECRET_KEY = ENVIRONMENT.secret_key
ALLOWED_HOSTS = list(ENVIRONMENT.allowed_hosts)
PUBLIC_URL = ENVIRONMENT.public_url
IS_HTTPS = urlsplit(PUBLIC_URL).scheme == "https"

INSTALLED_APPS = [
    "config.apps.HurdleConfig",
    "reports.apps.ReportsConfig",
    "alerts.apps.AlertsConfig",
    "roi.apps.RoiConfig",
    "portfolio.apps.PortfolioConfig",
    "unfold",
    "unfold.contrib.filters",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "pgtrigger",
    "pghistory",
    "rest_framework",
    "knox",
    "django_filters",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "csp",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "csp.middleware.CSPMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "pghistory.middleware.HistoryMiddleware",
]

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

# Migrations run as the owner; everything else as the application's role, which cannot alter tables or rewrite facts.
OWNER_COMMANDS = {"migrate"}
IS_OWNER_PROCESS = os.environ.get("HURDLE_DB_ROLE") == "owner" or sys.argv[1:2] in (
    [c] for c in OWNER_COMMANDS
)
_database_url = ENVIRONMENT.database_owner_url if IS_OWNER_PROCESS and ENVIRONMENT.database_owner_url else ""
DATABASES = {"default": env.database_dict(_database_url or ENVIRONMENT.database_url)}
DATABASES["default"]["CONN_MAX_AGE"] = 60
DATABASES["default"]["CONN_HEALTH_CHECKS"] = True
DATABASE_APP_ROLE = str(env.database_dict(ENVIRONMENT.database_url)["USER"])

AUTH_USER_MODEL = "portfolio.User"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.ScryptPasswordHasher"]
LOGIN_URL = "admin:login"
LOGIN_REDIRECT_URL = "admin:index"

LANGUAGE_CODE = "en-us"
TIME_ZONE = "UTC"
USE_TZ = True
USE_I18N = True
USE_THOUSAND_SEPARATOR = False

STATIC_URL = "static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
STATICFILES_DIRS = [path for path in [BASE_DIR / "static" / "build"] if path.is_dir()]
# Compressing takes a minute, which an image spends once and a demo on the same machine at every start, for nothing.
_STATIC_FILES = {
    "debug": "django.contrib.staticfiles.storage.StaticFilesStorage",
    "demo": "django.contrib.staticfiles.storage.ManifestStaticFilesStorage",
    "served": "whitenoise.storage.CompressedManifestStaticFilesStorage",
}
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": _STATIC_FILES["debug" if DEBUG else "demo" if ENVIRONMENT.demo else "served"],
    },
}

# Cookies and transport: strict wherever the site is opened over https.
SESSION_COOKIE_NAME = "__Host-session" if IS_HTTPS else "session"
CSRF_COOKIE_NAME = "__Host-csrf" if IS_HTTPS else "csrf"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = IS_HTTPS
SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_AGE = 12 * 3600
SECURE_SSL_REDIRECT = False
SECURE_REDIRECT_EXEMPT = [r"^livez$", r"^readyz$", r"^metrics$"]
SECURE_HSTS_SECONDS = 31_536_000 if IS_HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = IS_HTTPS
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
if IS_HTTPS:
    # The proxy ends TLS and must set this header itself, overwriting what a client sent.
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    SECURE_SSL_REDIRECT = True
CSRF_TRUSTED_ORIGINS = [PUBLIC_URL]
DATA_UPLOAD_MAX_MEMORY_SIZE = 25 * 2**20
DATA_UPLOAD_MAX_NUMBER_FIELDS = 20_000
FILE_UPLOAD_MAX_MEMORY_SIZE = 5 * 2**20

# Unfold's Alpine.js evaluates expressions; without unsafe-eval its pages are dead.
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "script-src": [SELF, UNSAFE_EVAL],
        "style-src": [SELF, UNSAFE_INLINE],
        "img-src": [SELF, "data:"],
        "object-src": [NONE],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
        "form-action": [SELF],
    }
}

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "config.api.TokenAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_PAGINATION_CLASS": "config.api.CursorPages",
    "DEFAULT_FILTER_BACKENDS": ["django_filters.rest_framework.DjangoFilterBackend"],
    "DEFAULT_SCHEMA_CLASS": "config.api_schema.Schema",
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["portfolio.api_parsers.Json"],
    "DEFAULT_THROTTLE_CLASSES": [
        "rest_framework.throttling.AnonRateThrottle",
        "rest_framework.throttling.UserRateThrottle",
    ],
    "DEFAULT_THROTTLE_RATES": {"anon": "60/min", "user": "1200/min"},
    # Behind the proxy that ends TLS the last address it wrote counts; elsewhere the header is the client's own.
    "NUM_PROXIES": 1 if IS_HTTPS else 0,
    "EXCEPTION_HANDLER": "config.api_problems.problem",
    "COERCE_DECIMAL_TO_STRING": True,
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}
REST_KNOX = {"TOKEN_PREFIX": "hurdle_", "AUTH_HEADER_PREFIX": "Bearer", "TOKEN_LIMIT_PER_USER": 20}
SPECTACULAR_SETTINGS = {
    "TITLE": "Hurdle API",
    "VERSION": "1",
    "OAS_VERSION": "3.1.0",
    "DESCRIPTION": "Actuals in, ROI out: investments, ledger, figures and alerts of the portfolios you belong to.",
    "SERVE_INCLUDE_SCHEMA": False,
    "SCHEMA_PATH_PREFIX": r"/api/v1",
    "ENUM_NAME_OVERRIDES": {
        "BookEnum": "portfolio.api_base.BOOKS",
        "AccountKindEnum": "portfolio.api_base.ACCOUNT_KINDS",
        "EntryKindEnum": "portfolio.api_base.ENTRY_KINDS",
        "StudyKindEnum": "roi.models.CaseStudy.KINDS",
        "StudyStateEnum": "roi.models.CaseStudy.STATES",
        "ReviewKindEnum": "reports.api_reviews.REVIEW_KINDS",
        "ReviewStateEnum": "reports.api_reviews.REVIEW_STATES",
        "DecisionKindEnum": "reports.api_reviews.DECISION_KINDS",
        "BaselineMeasureEnum": "portfolio.api_governance.BASELINE_MEASURES",
        "StrategicKindEnum": "portfolio.api_governance.STRATEGIC_KINDS",
        "StageEnum": "portfolio.api_stages.STAGES",
        "ScenarioKindEnum": "roi.api_case_fields.KINDS_OF_SCENARIO",
    },
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
}

EMAIL_FROM = ENVIRONMENT.email_from or "Hurdle <hurdle@localhost>"
DEFAULT_FROM_EMAIL = SERVER_EMAIL = EMAIL_FROM
EMAIL_TIMEOUT = 20
if ENVIRONMENT.email:
    EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    EMAIL_HOST, EMAIL_PORT = ENVIRONMENT.email.host, ENVIRONMENT.email.port
    EMAIL_HOST_USER, EMAIL_HOST_PASSWORD = ENVIRONMENT.email.user, ENVIRONMENT.email.password
    EMAIL_USE_TLS = ENVIRONMENT.email.tls == "starttls"
    EMAIL_USE_SSL = ENVIRONMENT.email.tls == "ssl"
# Where a channel is not configured its messages are rendered and marked as logged, never as sent.
HAS_EMAIL = ENVIRONMENT.email is not None
SLACK_WEBHOOK_URL = ENVIRONMENT.slack_webhook_url
SLACK_BOT_TOKEN = ENVIRONMENT.slack_bot_token
SLACK_CHANNEL = ENVIRONMENT.slack_channel
SLACK_SIGNING_SECRET = ENVIRONMENT.slack_signing_secret
SLACK_API_URL = ENVIRONMENT.slack_api_url
# Keys of the secrets kept in rows; without any, one is derived from SECRET_KEY.
SECRET_KEYS = list(ENVIRONMENT.secret_keys)
OUTGOING_ALLOWED = ENVIRONMENT.outgoing_allowed
DEADMAN_URL = ENVIRONMENT.deadman_url
METRICS_TOKEN = ENVIRONMENT.metrics_token
# Retry steps, leases and sweeps in seconds are all multiplied by this.
TIME_SCALE = ENVIRONMENT.time_scale
IS_DEMO = ENVIRONMENT.demo

BROKER_URL = env.broker_url(ENVIRONMENT.redis_url)
REDIS_CLIENT_URL = env.client_url(ENVIRONMENT.redis_url)

CACHES = {"default": {"BACKEND": "config.caches.RateLimitCache"}}

UNFOLD = {
    "SITE_TITLE": "Hurdle",
    "SITE_HEADER": "Hurdle",
    "SITE_SUBHEADER": "AI investments on actuals",
    "SITE_SYMBOL": "finance_mode",
    "SITE_FAVICONS": [{"rel": "icon", "type": "image/svg+xml", "href": "reports.console.assets.icon"}],
    "SHOW_HISTORY": True,
    "SHOW_VIEW_ON_SITE": False,
    "ENVIRONMENT": "config.navigation.environment",
    "DASHBOARD_CALLBACK": "reports.console.dashboard.dashboard",
    "STYLES": ["reports.console.assets.stylesheet"],
    "SIDEBAR": {"show_search": True, "navigation": "config.navigation.sidebar"},
    "COMMAND": {"search_models": True},
}

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": "INFO"},
    "loggers": {"django.request": {"level": "ERROR"}, "httpx": {"level": "WARNING"}},
}
