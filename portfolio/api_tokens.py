"""API tokens: made by a person who signs in, shown once, stored as a hash, ending by themselves."""

from datetime import timedelta
from typing import Any

from django.conf import settings
from drf_spectacular.utils import OpenApiParameter, extend_schema
from knox.models import AuthToken
from rest_framework import mixins, serializers
from rest_framework.authentication import BasicAuthentication, SessionAuthentication
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.throttling import SimpleRateThrottle
from rest_framework.viewsets import GenericViewSet

from portfolio.api_base import Filters, StrictView, refuse

_PREFIX_PATTERN = r"hurdle_[0-9a-f]{8}"


class SignInThrottle(SimpleRateThrottle):
    """Counts tries per address before anybody is known, so that passwords cannot be guessed here."""

    scope = "sign_in"
    rate = "20/min"

    def get_cache_key(self, request: Request, view: Any) -> str:
        """Return the key of the caller's address."""
        return self.cache_format % {"scope": self.scope, "ident": self.get_ident(request)}


class TokenSerializer(serializers.ModelSerializer[Any]):
    """A token as it is listed: never the token itself."""

    prefix = serializers.CharField(source="token_key", help_text="The token's first characters.")

    class Meta:
        model = AuthToken
        fields: tuple[str, ...] = ("prefix", "created", "expiry")


class NewToken(serializers.Serializer[Any]):
    """How long a token is to last."""

    expires_in_days = serializers.IntegerField(min_value=1, max_value=365, default=90)


class ShownToken(TokenSerializer):
    """A token at the one moment it is shown."""

    token = serializers.CharField()

    class Meta(TokenSerializer.Meta):
        fields = ("prefix", "created", "expiry", "token")


class TokenViewSet(StrictView, mixins.ListModelMixin, mixins.DestroyModelMixin, GenericViewSet[Any]):
    """Your own tokens. A token opens what you may see and do; it cannot make other tokens."""

    queryset = AuthToken.objects.all()
    serializer_class = TokenSerializer
    filterset_class = Filters
    authentication_classes = (BasicAuthentication, SessionAuthentication)
    orderings = ("-created", "created")
    lookup_field = "token_key"
    lookup_url_kwarg = "prefix"
    lookup_value_regex = _PREFIX_PATTERN

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Count the try before the password is looked at."""
        throttle = SignInThrottle()
        if "HTTP_AUTHORIZATION" in request.META and not throttle.allow_request(request, self):
            self.throttled(request, throttle.wait() or 60.0)
        super().initial(request, *args, **kwargs)

    def get_queryset(self) -> Any:
        """Return the user's own tokens."""
        return AuthToken.objects.filter(user=self.request.user.pk)

    @extend_schema(request=NewToken, responses={201: ShownToken})
    def create(self, request: Request) -> Response:
        """Make a token and show it, this once."""
        wanted = NewToken(data=request.data)
        wanted.is_valid(raise_exception=True)
        limit = settings.REST_KNOX["TOKEN_LIMIT_PER_USER"]
        if self.get_queryset().count() >= limit:
            refuse(f"You have {limit} tokens; delete one you no longer use.", code="too_many_tokens")
        expiry = timedelta(days=wanted.validated_data["expires_in_days"])
        row, token = AuthToken.objects.create(user=request.user, expiry=expiry)
        row.token = token
        return Response(ShownToken(row).data, status=201)

    @extend_schema(
        parameters=[
            OpenApiParameter(
                "prefix", {"type": "string", "pattern": f"^{_PREFIX_PATTERN}$"}, OpenApiParameter.PATH
            )
        ]
    )
    def destroy(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Delete a token; it opens nothing from now on."""
        return super().destroy(request, *args, **kwargs)
